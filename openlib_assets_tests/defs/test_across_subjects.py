"""The catalog and the comparison of all subjects: on disk and on S3, against the tables themselves."""

import dataclasses
import json
import logging
import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openlib_assets.cli.commands.storage import storage
from openlib_assets.cli.commands.subjects import subjects
from openlib_assets.defs.assets import across_subjects
from openlib_assets.lake import layout
from openlib_assets.lake.catalog import CatalogError, ask, by_name, catalog, write_catalog
from openlib_assets.lake.catalog.views import PUBLISHED
from openlib_assets.lake.contract import BOOKS, DERIVED_TABLES, SNAPSHOT_TABLES
from openlib_assets.lake.subject_files import data_files, subjects_with_data
from openlib_assets.lake.warehouse.refreshing import refresh
from openlib_assets.report.comparison import comparison_numbers
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import CSV, GOLD, SERVING, SILVER, Pipeline, Place, PlaceMaker, environment
from openlib_assets_tests.docs.markdown import DATA_MODEL, Block, blocks
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.odd_keys import LONG_KEYS, ODD_KEYS
from openlib_assets_tests.tools.pages import read_data

Row = dict[str, Any]
SIZES = {**dict.fromkeys(ODD_KEYS, 3), "tea": 40}
# Each costs some two hundred requests there. What tells one odd key from another is the same on disk, save how a path
# of it is spelled in an address: a number as it is, what is escaped, and a name that is shortened.
ON_S3 = ("1984", "*", LONG_KEYS[-1], "tea")
# Readers make columns of such folders, and let them win over those of the files.
BELOW = "lake/source=openlibrary/year=2026/subject=books/data"


@pytest.fixture(scope="module")
def sizes(module_place: Place) -> dict[str, int]:
    """The subjects, and how many works each has."""
    return {key: SIZES[key] for key in ON_S3} if module_place.root.startswith("s3://") else SIZES


@pytest.fixture(scope="module")
def pipeline(
    sizes: dict[str, int], module_place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    """Every subject made, and what is made across them."""
    with temporary_instance() as instance:
        with Sandbox(SandboxConfig(sizes)) as sandbox:
            cache = str(tmp_path_factory.mktemp("cache"))
            place = dataclasses.replace(module_place, root=f"{module_place.root}/{BELOW}")
            pipeline = Pipeline(place, instance, sandbox.url, XDG_CACHE_HOME=cache)
            assert pipeline.run(*sizes).success
        assert run_across(pipeline).success
        yield pipeline


def run_across(pipeline: Pipeline) -> dg.ExecuteInProcessResult:
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("across_subjects")
        return job.execute_in_process(instance=pipeline.instance, raise_on_error=False)


@contextmanager
def opened(pipeline: Pipeline, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the catalog's file as another program would; on S3 that program brings its own extension and credentials."""
    file = tmp_path / "catalog.duckdb"
    file.write_bytes(pipeline.storage.read("catalog.duckdb"))
    with environment(pipeline.variables), catalog(pipeline.storage, {}), duckdb.connect(file, read_only=True) as own:
        if pipeline.place.root.startswith("s3://"):
            endpoint = pipeline.place.variables["AWS_ENDPOINT_URL"].removeprefix("http://")
            key, secret = (pipeline.place.variables[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
            extension = next(Path(duckdb_httpfs()).glob(f"extensions/v{duckdb.__version__}/*"))
            own.execute(f"LOAD '{extension}'")
            own.execute(
                f"CREATE SECRET (TYPE s3, KEY_ID '{key}', SECRET '{secret}', REGION 'us-east-1', "
                f"ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false)"
            )
        yield own


def duckdb_httpfs() -> str:
    import duckdb_extension_httpfs  # noqa: PLC0415 - only S3 needs it

    return str(Path(str(duckdb_extension_httpfs.__file__)).parent)


def rows(pipeline: Pipeline, name: str, subject: str) -> list[Row]:
    layer = "silver" if name in SILVER else "gold"
    return list(pipeline.table(layout.table_file(layer, name, subject)).to_pylist())


def test_the_catalog_has_a_view_of_every_table_over_all_subjects(
    pipeline: Pipeline, sizes: dict[str, int], tmp_path: Path
) -> None:
    with opened(pipeline, tmp_path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in (*SILVER, *GOLD):
            shown = connection.sql(f"FROM by_subject.{name} ORDER BY ALL").to_arrow_table().to_pylist()
            wanted = [{"subject": subject, **row} for subject in sizes for row in rows(pipeline, name, subject)]
            assert sorted(map(repr, shown)) == sorted(map(repr, wanted)), name
        kept = connection.sql("SELECT subject, count(*), count(DISTINCT snapshot) FROM raw_works GROUP BY 1").fetchall()
        assert {subject: (works, snapshots) for subject, works, snapshots in kept} == {
            subject: (size, 1) for subject, size in sizes.items()
        }
        columns = connection.sql("DESCRIBE books").fetchall()
        assert [name for name, *_ in columns] == ["subject", *(column.name for column in BOOKS.columns)]


def published(schema: str, name: str) -> str:
    """Return the name of a view as people write it."""
    return name if schema == "main" else f"{schema}.{name}"


def test_every_view_says_what_a_row_is(pipeline: Pipeline, tmp_path: Path) -> None:
    with opened(pipeline, tmp_path) as connection:
        told = "SELECT schema_name, view_name, comment FROM duckdb_views() WHERE NOT internal"
        comments = {published(schema, name): comment for schema, name, comment in connection.sql(told).fetchall()}
    assert comments == {name: table.description for name, table in PUBLISHED.items()} | {"works_merged": None}


def test_every_column_says_what_it_is(pipeline: Pipeline, tmp_path: Path) -> None:
    told = "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL"
    with opened(pipeline, tmp_path) as connection:
        comments = [(published(schema, name), *rest) for schema, name, *rest in connection.sql(told).fetchall()]
    wanted = [(name, column.name, column.description) for name, table in PUBLISHED.items() for column in table.columns]
    assert sorted(comments) == sorted(wanted)


def test_the_catalog_holds_nothing_secret(pipeline: Pipeline) -> None:
    content = pipeline.storage.read("catalog.duckdb")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert pipeline.place.variables.get(name, "not set").encode() not in content


def test_what_says_the_same_stays_as_it_is(pipeline: Pipeline) -> None:
    before = pipeline.place.states()
    assert run_across(pipeline).success
    assert pipeline.place.states() == before


def test_before_anything_is_fetched_the_views_are_empty(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    pipeline = Pipeline(new_place("local"), instance, "http://127.0.0.1:9")
    assert run_across(pipeline).success
    with duckdb.connect(Path(pipeline.place.root, "catalog.duckdb"), read_only=True) as connection:
        for name, table in PUBLISHED.items():
            assert connection.sql(f"FROM {name}").fetchall() == []
            types = {column[0]: str(column[1]) for column in connection.sql(f"DESCRIBE {name}").fetchall()}
            assert list(types)[-len(table.columns) :] == [column.name for column in table.columns]
    assert "0 subjects" in Path(pipeline.place.root, "reports/index.html").read_text()


def test_a_root_may_have_any_name(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path / "it's [a] *root*?"))
    storage.write("gold/subject_changes/subject=tea/part-0.parquet", b"")
    with pytest.raises(CatalogError, match=r"part-0\.parquet"), catalog(storage, by_name(DERIVED_TABLES)):
        pass
    storage.clear("gold")
    write_catalog(storage)
    assert storage.exists("catalog.duckdb")


def test_a_broken_table_fails_the_catalog_with_a_line_that_names_it(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    pipeline = Pipeline(new_place("local"), instance, "http://127.0.0.1:9")
    pipeline.storage.write("silver/books/subject=broken/part-0.parquet", b"not a table at all")
    result = run_across(pipeline)
    assert not result.success
    lines = [
        event.step_failure_data.user_failure_data.description or ""
        for event in result.get_step_failure_events()
        if event.step_failure_data.user_failure_data
    ]
    assert len(lines) == 1
    assert "silver/books/subject=broken/part-0.parquet" in lines[0]
    assert "\n" not in lines[0]
    assert not pipeline.storage.exists("catalog.duckdb")


def test_the_comparison_is_of_the_version_that_was_published_while_it_was_made(
    instance: dg.DagsterInstance, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    with Sandbox(SandboxConfig({"one": 20})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, OPENLIB_DETAILS="off")
        assert pipeline.run("one").success
        assert run_across(pipeline).success

        def slowly(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
            numbers = comparison_numbers(connection)
            if not published:
                sandbox.add_work("one")
                assert pipeline.run("one").success
                published.append(refresh(pipeline.storage, lambda: {"one": "again"}).version.folder)
            return numbers

        monkeypatch.setattr(across_subjects, "comparison_numbers", slowly)
        assert pipeline.run(job="across_subjects", only=["comparison"]).success
    assert published
    assert [row["works"] for row in page_data(pipeline)[1]["subjects"]] == [21]


def page_data(pipeline: Pipeline) -> tuple[str, dict[str, list[Row]]]:
    text = pipeline.storage.read("reports/index.html").decode()
    return text, read_data(text)


def test_subjects_stand_side_by_side_with_the_numbers_of_their_tables(
    pipeline: Pipeline, sizes: dict[str, int]
) -> None:
    text, data = page_data(pipeline)
    assert [row["subject"] for row in data["subjects"]] == sorted(sizes, key=lambda key: (-sizes[key], key))
    for row in data["subjects"]:
        (summary,) = rows(pipeline, "subject_summary", row["subject"])
        shared = (row.keys() & summary.keys()) - {"source"}
        assert {name: row[name] for name in shared} == {name: summary[name] for name in shared}
        assert row["source"] == f"API, {summary['fetched_at']:%Y-%m-%d}"
        year = summary["fetched_at"].year
        dated = [b["first_publish_year"] for b in rows(pipeline, "books", row["subject"]) if b["year_status"] == "ok"]
        assert row["books_recent"] == sum(year - 9 <= found <= year for found in dated)
        assert row["books_before"] == sum(year - 19 <= found <= year - 10 for found in dated)
        ranked = sorted(dated)
        assert row["middle_years"] == [ranked[-(-percent * len(ranked) // 100) - 1] for percent in (5, 95)]
    assert "All subjects hold as many works as Open Library reported." in text


def test_each_subject_links_to_its_report(pipeline: Pipeline, sizes: dict[str, int]) -> None:
    _, data = page_data(pipeline)
    for row in data["subjects"]:
        page = pipeline.storage.read(f"reports/{unquote(row['report'])}").decode()
        for address in re.findall(r'href="([^"]*\.csv)"', page):
            path = posixpath.normpath(f"reports/{unquote(row['report'])}/../{unquote(address)}")
            assert pipeline.storage.exists(path), path
    assert len({row["report"] for row in data["subjects"]}) == len(sizes)


def test_works_and_authors_in_common_are_those_of_the_tables(pipeline: Pipeline, sizes: dict[str, int]) -> None:
    text, _ = page_data(pipeline)
    works = {subject: {row["work_key"] for row in rows(pipeline, "books", subject)} for subject in sizes}
    authors = {subject: {row["author_key"] for row in rows(pipeline, "authors", subject)} for subject in sizes}
    pairs = {(one, other) for one in sizes for other in sizes if one < other}
    wanted = Counter(
        {
            (len(works[one] & works[other]), len(authors[one] & authors[other]))
            for one, other in pairs
            if works[one] & works[other] or authors[one] & authors[other]
        }
    )
    found = re.findall(r'<td class="number">(\d+)</td><td class="number">(\d+)</td></tr>', text)
    assert {(int(w), int(a)) for w, a in found} == set(wanted)
    assert any(work for work, _ in wanted), "the sandbox's subjects share works"


def test_authors_who_bridge_subjects_are_those_with_works_in_several(pipeline: Pipeline, sizes: dict[str, int]) -> None:
    _, data = page_data(pipeline)
    where: dict[str, set[str]] = {}
    works: dict[str, set[str]] = {}
    for subject in sizes:
        for row in rows(pipeline, "author_books", subject):
            where.setdefault(row["author_key"], set()).add(subject)
            works.setdefault(row["author_key"], set()).add(row["work_key"])
    bridging = {key: found for key, found in where.items() if len(found) > 1}
    assert {row["author_key"] for row in data["bridges"]} == set(bridging)
    for row in data["bridges"]:
        assert row["subject_count"] == len(bridging[row["author_key"]])
        assert row["works"] == len(works[row["author_key"]])


def test_the_job_of_a_subject_makes_nothing_across_subjects(pipeline: Pipeline) -> None:
    graph = pipeline.definitions.resolve_job_def("all_assets").asset_layer
    names = {key.to_user_string() for key in graph.selected_asset_keys}
    assert {"subject_csv", "subject_report"} <= names
    assert not {"catalog", "comparison"} & names


@pytest.fixture(scope="module")
def two_subjects(module_place: Place, pipeline: Pipeline) -> Pipeline:
    """The files of two of them elsewhere, to be changed."""
    place = dataclasses.replace(module_place, root=f"{module_place.root}/two")
    two = Pipeline(place, pipeline.instance, pipeline.variables["OPENLIB_API_URL"])
    for subject in ("1984", "tea"):
        for path in data_files(pipeline.storage, subject):
            two.storage.write(path, pipeline.storage.read(path))
    return two


@pytest.mark.parametrize("outdated", ["1984", "tea"])
def test_a_table_of_an_older_schema_is_left_out_and_named_and_the_others_work(
    outdated: str, two_subjects: Pipeline
) -> None:
    """DuckDB takes the columns from the first file: an older one fails there, or where it is come to."""
    pipeline = two_subjects
    pipeline.storage.clear("warehouse")
    path = f"silver/books/subject={outdated}/part-0.parquet"
    current = pipeline.storage.read(path)
    older = pipeline.table(path).drop_columns(["work_key"])
    with pipeline.storage.writing(path) as file, pq.ParquetWriter(file, older.schema) as writer:
        writer.write_table(older)
        writer.add_key_value_metadata({"openlib_schema_version": "0"})
    other = {"1984": "tea", "tea": "1984"}[outdated]
    line = (
        f"{pipeline.storage.uri(path)}: written with schema version 0, this release reads 1 to 2; "
        f"left out: make it with: openlib run {outdated}"
    )
    with pipeline.environment():
        query = "SELECT subject, count(work_key) FROM books JOIN subject_summary USING (subject) GROUP BY 1"
        found, said = ask(
            pipeline.storage, by_name(DERIVED_TABLES), lambda connection: connection.sql(query).fetchall()
        )
        assert (found, said) == ([(other, SIZES[other])], [line])
    result = run_across(pipeline)
    assert result.success
    page = pipeline.storage.read("reports/index.html").decode()
    assert f"{other}/index.html" in page
    assert f"{outdated}/index.html" not in page
    if pipeline.place.root.startswith("/"):
        with duckdb.connect(f"{pipeline.place.root}/catalog.duckdb", read_only=True) as connection:
            assert connection.sql(query).fetchall() == found
    warned = [
        entry.user_message for entry in pipeline.instance.all_logs(result.run_id) if entry.level == logging.WARNING
    ]
    assert line in warned
    pipeline.storage.write(path, current)


def test_where_all_tables_are_of_an_older_schema_there_are_no_rows(new_place: PlaceMaker) -> None:
    place = new_place("local")
    with place.open().writing("silver/books/subject=tea/part-0.parquet") as file:
        pq.write_table(pa.table({"was": [1]}), file)
    found, said = ask(place.open(), by_name([BOOKS]), lambda connection: connection.sql("FROM books").fetchall())
    assert found == []
    assert len(said) == 1
    assert "written with schema version none" in said[0]


def test_every_subject_is_listed_copied_and_removed_by_its_key(
    pipeline: Pipeline, sizes: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert subjects_with_data(pipeline.storage) == sorted(sizes)
    # All at once on disk; from S3, where each file costs requests, those whose names are not their keys.
    some = [] if pipeline.place.root.startswith("/") else ["*", LONG_KEYS[-1]]
    target = LocalStorage(tmp_path / "copy")
    there = {**pipeline.variables, "OPENLIB_STORAGE": target.uri(), "DAGSTER_HOME": str(tmp_path)}
    named = [argument for key in some for argument in ("--subject", key)]
    with environment(there):
        storage.main(["copy", "--from", pipeline.place.root, "--to", target.uri(), *named], standalone_mode=False)
        subjects.main(["list", "--json"], standalone_mode=False)
        listed = [one["subject"] for one in json.loads(capsys.readouterr().out.partition("with a catalog")[2])]
        assert listed == sorted(some or sizes)
        for subject in listed:
            paths = list(data_files(pipeline.storage, subject))
            assert list(data_files(target, subject)) == paths
            assert len(paths) == len(SNAPSHOT_TABLES) + len(DERIVED_TABLES) + len(CSV) + 2 * len(SERVING) + 1
        subjects.main(["remove", "--delete-data", *listed], standalone_mode=False)
    assert list(target.paths("bronze")) == list(target.paths("silver")) == list(target.paths("exports")) == []
    assert set(target.paths("reports")) <= {"reports/index.html"}


READERS = [
    block
    for language in ("python", "sql")
    for block in blocks(DATA_MODEL, language)
    if "data/silver/books" in block.text
]


@pytest.mark.parametrize("block", READERS, ids=str)
def test_other_readers_get_every_key_and_the_columns_of_the_files(
    pipeline: Pipeline, sizes: dict[str, int], block: Block
) -> None:
    root = pipeline.place.root
    on_s3 = root.startswith("s3://")
    table = f"{root}/gold/author_yearly_counts"
    wanted = [
        {"subject": subject, **row} for subject in sizes for row in rows(pipeline, "author_yearly_counts", subject)
    ]
    with environment(pipeline.variables), catalog(pipeline.storage, {}) as connection:
        if block.language == "sql":
            found = connection.sql(block.text.replace("data/silver/books", table)).to_arrow_table()
        else:
            names: dict[str, Any] = {}
            address = quote(table, safe=":/=") if on_s3 else table  # the root's name has a space
            exec(block.text.replace("data/silver/books", address), names)  # noqa: S102 - our own documents
            found = as_arrow(names["books"])
    assert found.column_names == list(wanted[0])
    assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, wanted))


def as_arrow(table: Any) -> pa.Table:
    """Return a table of some library as one of Arrow's."""
    if hasattr(table, "to_arrow"):
        return table.to_arrow()
    return table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
