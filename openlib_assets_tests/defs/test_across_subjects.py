"""The catalog and the comparison of all subjects: on disk and on S3, against the tables themselves."""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openlib_assets.lake.catalog import CatalogError, ask, catalog, write_catalog
from openlib_assets.lake.contract import ALL_TABLES, BOOKS, DERIVED_TABLES
from openlib_assets.lake.transform import sql_text
from openlib_assets.report.comparison import comparison_html, comparison_numbers
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import GOLD, SILVER, Pipeline, Place, PlaceMaker, environment

Row = dict[str, Any]
# Text that would be a number or a date to those who guess; what must be escaped in paths, addresses and pages.
SIZES = {"1984": 60, "place:são_paulo_(brazil)": 40, "o'neil's_*_!": 30, "tea": 120}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def pipeline(instance: dg.DagsterInstance, module_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Every subject made, and what is made across them."""
    with Sandbox(SandboxConfig(SIZES)) as sandbox:
        cache = str(tmp_path_factory.mktemp("cache"))
        pipeline = Pipeline(module_place, instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run(*SIZES).success
    assert run_across(pipeline).success
    return pipeline


def run_across(pipeline: Pipeline) -> dg.ExecuteInProcessResult:
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("across_subjects")
        return job.execute_in_process(instance=pipeline.instance, raise_on_error=False)


@contextmanager
def opened(pipeline: Pipeline, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the catalog's file as another program would; on S3 that program brings its own extension and credentials."""
    file = tmp_path / "catalog.duckdb"
    file.write_bytes(pipeline.storage.read("catalog.duckdb"))
    with environment(pipeline.variables), catalog(pipeline.storage, []), duckdb.connect(file, read_only=True) as own:
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
    return list(pipeline.table(f"{layer}/{name}/subject={quote(subject, safe='')}/part-0.parquet").to_pylist())


def test_the_catalog_has_a_view_of_every_table_over_all_subjects(pipeline: Pipeline, tmp_path: Path) -> None:
    with opened(pipeline, tmp_path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in (*SILVER, *GOLD):
            shown = connection.sql(f"FROM {name} ORDER BY ALL").to_arrow_table().to_pylist()
            wanted = [{"subject": subject, **row} for subject in SIZES for row in rows(pipeline, name, subject)]
            assert sorted(map(repr, shown)) == sorted(map(repr, wanted)), name
        kept = connection.sql("SELECT subject, count(*), count(DISTINCT snapshot) FROM raw_works GROUP BY 1").fetchall()
        assert {subject: (works, snapshots) for subject, works, snapshots in kept} == {
            subject: (size, 1) for subject, size in SIZES.items()
        }
        columns = connection.sql("SELECT column_name FROM duckdb_columns() WHERE table_name = 'books'").fetchall()
        assert [name for (name,) in columns] == ["subject", *(column.name for column in BOOKS.columns)]


def test_every_view_says_what_a_row_is(pipeline: Pipeline, tmp_path: Path) -> None:
    with opened(pipeline, tmp_path) as connection:
        comments = connection.sql("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall()
    assert dict(comments) == {table.name: table.description for table in ALL_TABLES}


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
        for table in ALL_TABLES:
            assert connection.sql(f"FROM {table.name}").fetchall() == []
            types = {column[0]: str(column[1]) for column in connection.sql(f"DESCRIBE {table.name}").fetchall()}
            assert list(types)[-len(table.columns) :] == [column.name for column in table.columns]
    assert "0 subjects" in Path(pipeline.place.root, "reports/index.html").read_text()


def test_a_root_may_have_any_name(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path / "it's [a] *root*?"))
    storage.write("gold/subject_changes/subject=tea/part-0.parquet", b"")
    with pytest.raises(CatalogError, match=r"part-0\.parquet"), catalog(storage, DERIVED_TABLES):
        pass
    storage.clear("gold")
    write_catalog(storage)
    assert storage.exists("catalog.duckdb")


def test_a_broken_table_fails_what_is_made_of_all_with_a_line_that_names_it(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with Sandbox(SandboxConfig({"broken": 5})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        assert pipeline.run("broken").success
    Path(pipeline.place.root, "silver/books/subject=broken/part-0.parquet").write_bytes(b"not a table at all")
    result = run_across(pipeline)
    assert not result.success
    lines = [
        event.step_failure_data.user_failure_data.description or ""
        for event in result.get_step_failure_events()
        if event.step_failure_data.user_failure_data
    ]
    assert len(lines) == 2
    assert all("silver/books/subject=broken/part-0.parquet" in line and "\n" not in line for line in lines)
    assert not pipeline.storage.exists("catalog.duckdb")


def page_data(pipeline: Pipeline) -> tuple[str, dict[str, list[Row]]]:
    text = pipeline.storage.read("reports/index.html").decode()
    return text, read_data(text)


def read_data(text: str) -> dict[str, list[Row]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, list[Row]] = json.loads(found[1])
    return data


def test_subjects_stand_side_by_side_with_the_numbers_of_their_tables(pipeline: Pipeline) -> None:
    text, data = page_data(pipeline)
    assert [row["subject"] for row in data["subjects"]] == sorted(SIZES, key=lambda key: (-SIZES[key], key))
    for row in data["subjects"]:
        (summary,) = rows(pipeline, "subject_summary", row["subject"])
        assert {name: row[name] for name in row if name in summary} == {
            name: summary[name] for name in row if name in summary
        }
        year = summary["fetched_at"].year
        dated = [b["first_publish_year"] for b in rows(pipeline, "books", row["subject"]) if b["year_status"] == "ok"]
        assert row["books_recent"] == sum(year - 9 <= found <= year for found in dated)
        assert row["books_before"] == sum(year - 19 <= found <= year - 10 for found in dated)
        ranked = sorted(dated)
        assert row["middle_years"] == [ranked[-(-percent * len(ranked) // 100) - 1] for percent in (5, 95)]
    assert "All subjects hold as many works as Open Library reported." in text


@pytest.mark.parametrize("works", [1, 20, 21, 60, 140, 1001])
def test_a_stray_year_does_not_spoil_the_years_of_a_subject(works: int) -> None:
    with made_up_catalog({"tea": range(works)}) as connection:
        connection.execute("UPDATE books SET first_publish_year = 1001 + work_key::INT")
        (row,) = comparison_numbers(connection)["subjects"]
    assert row["middle_years"] == [1000 + -(-percent * works // 100) for percent in (5, 95)]


def test_growth_is_told_where_both_decades_have_books_enough() -> None:
    def growth(recent: int, before: int) -> float | None:
        with made_up_catalog({"tea": range(recent + before)}) as connection:
            connection.execute("UPDATE books SET first_publish_year = 2010 WHERE work_key::INT >= ?", [recent])
            found: float | None = read_data(comparison_html(comparison_numbers(connection)))["subjects"][0]["growth"]
            return found

    assert growth(30, 20) == 50
    assert growth(20, 40) == -50
    assert growth(300, 19) is None
    assert growth(19, 300) is None


def test_pairs_of_the_largest_subjects_are_drawn_however_many_share_more() -> None:
    large: dict[str, Iterable[int]] = {
        f"large_{place}": [0, *range(100 * place, 100 * place + 50)] for place in range(1, 16)
    }
    small = {f"small_{place}": range(9000, 9005) for place in range(12)}
    with made_up_catalog({**large, **small}) as connection:
        numbers = comparison_numbers(connection)
    pairs = {(row["subject"], row["other_subject"]): row["works"] for row in numbers["overlaps"]}
    assert len(pairs) == 50 + 15 * 14 / 2
    assert all(pairs[one, other] == 1 for one in large for other in large if one < other)
    page = comparison_html(numbers)
    # The diagonal is left out; the least share is all but invisible.
    opacities = [float(found) for found in re.findall(r'<rect [^>]*opacity="([\d.]+)"', page)]
    assert len(opacities) == 15 * 14
    assert 0.1 < min(opacities) == max(opacities) < 0.3
    assert "the table 50 pairs" in page


def test_hundreds_of_subjects_that_share_nothing_are_said_to() -> None:
    with made_up_catalog({f"subject_{place}": [place] for place in range(300)}) as connection:
        page = comparison_html(comparison_numbers(connection))
    assert len(read_data(page)["subjects"]) == 300
    assert "No two of the 15 largest subjects have a work in common." in page


def test_one_subject_has_none_to_be_compared_with() -> None:
    with made_up_catalog({"tea": [1]}) as connection:
        assert "It takes two subjects to compare." in comparison_html(comparison_numbers(connection))


def test_an_author_with_several_names_always_has_the_same_one() -> None:
    with made_up_catalog({"a": [1], "b": [2], "c": [3]}) as connection:
        connection.execute("UPDATE authors SET author_key = 'OL1A', author_name = nullif(subject, 'c')")
        connection.execute("UPDATE author_books SET author_key = 'OL1A'")
        (bridge,) = comparison_numbers(connection)["bridging_authors"]
    assert (bridge["author_name"], bridge["subject_count"], bridge["works"]) == ("b", 3, 3)


@contextmanager
def made_up_catalog(subjects: Mapping[str, Iterable[int]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a catalog of subjects with these works, all of 2020, each by an author of its own; fetched in 2026."""
    with duckdb.connect() as connection:
        connection.execute(sql_text("helpers/subject_keys"))
        works = [(subject, str(work)) for subject, keys in subjects.items() for work in keys]
        connection.execute("CREATE TABLE works (subject VARCHAR, work_key VARCHAR)")
        connection.executemany("INSERT INTO works VALUES (?, ?)", works)
        connection.execute(
            """
            CREATE TABLE books AS
                SELECT *, 2020 AS first_publish_year, 'ok' AS year_status, false AS has_fulltext,
                       []::VARCHAR[] AS subjects
                FROM works;
            CREATE TABLE author_books AS SELECT *, subject || work_key AS author_key FROM works;
            CREATE TABLE authors AS
                SELECT subject, author_key, NULL::VARCHAR AS author_name, 1 AS book_count FROM author_books;
            CREATE TABLE subject_changes (subject VARCHAR, work_key VARCHAR, change VARCHAR);
            CREATE TABLE subject_summary AS
                SELECT subject, count(*) AS works, 0 AS works_rejected, count(*) AS works_reported, count(*) AS authors,
                       count(*) AS works_dated, 2020 AS first_year, 2020 AS last_year,
                       TIMESTAMP '2026-01-01' AS fetched_at
                FROM works GROUP BY subject;
            """
        )
        yield connection


def test_each_subject_links_to_its_report(pipeline: Pipeline) -> None:
    _, data = page_data(pipeline)
    for row in data["subjects"]:
        assert pipeline.storage.exists(f"reports/{unquote(row['report'])}"), row["report"]


def test_works_and_authors_in_common_are_those_of_the_tables(pipeline: Pipeline) -> None:
    text, _ = page_data(pipeline)
    works = {subject: {row["work_key"] for row in rows(pipeline, "books", subject)} for subject in SIZES}
    authors = {subject: {row["author_key"] for row in rows(pipeline, "authors", subject)} for subject in SIZES}
    pairs = {(one, other) for one in SIZES for other in SIZES if one < other}
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


def test_authors_who_bridge_subjects_are_those_with_works_in_several(pipeline: Pipeline) -> None:
    _, data = page_data(pipeline)
    where: dict[str, set[str]] = {}
    works: dict[str, set[str]] = {}
    for subject in SIZES:
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


@pytest.mark.parametrize("outdated", ["first", "second"])
def test_a_table_of_an_older_schema_is_left_out_and_named_and_the_others_work(
    outdated: str, place: Place, instance: dg.DagsterInstance
) -> None:
    """DuckDB takes the columns from the first file: an older one fails there, or where it is come to."""
    with Sandbox(SandboxConfig({"first": 5, "second": 6})) as sandbox:
        pipeline = Pipeline(place, instance, sandbox.url)
        assert pipeline.run("first", "second").success
    path = f"silver/books/subject={outdated}/part-0.parquet"
    older = pipeline.table(path).drop_columns(["work_key"])
    with pipeline.storage.writing(path) as file, pq.ParquetWriter(file, older.schema) as writer:
        writer.write_table(older)
        writer.add_key_value_metadata({"openlib_schema_version": "0"})
    other = {"first": "second", "second": "first"}[outdated]
    line = (
        f"{pipeline.storage.uri(path)}: written with schema version 0, this release reads 1 to 2; "
        f"left out: make it with: openlib run '{outdated}'"
    )
    with pipeline.environment():
        query = "SELECT subject, count(work_key) FROM books JOIN subject_summary USING (subject) GROUP BY 1"
        found, said = ask(pipeline.storage, DERIVED_TABLES, lambda connection: connection.sql(query).fetchall())
        assert (found, said) == ([(other, {"first": 5, "second": 6}[other])], [line])
    result = run_across(pipeline)
    assert result.success
    page = pipeline.storage.read("reports/index.html").decode()
    assert f"{other}/index.html" in page
    assert f"{outdated}/index.html" not in page
    if place.root.startswith("/"):
        with duckdb.connect(f"{place.root}/catalog.duckdb", read_only=True) as connection:
            assert connection.sql(query).fetchall() == found
    warned = [entry.user_message for entry in instance.all_logs(result.run_id) if entry.level == logging.WARNING]
    assert line in warned


def test_where_all_tables_are_of_an_older_schema_there_are_no_rows(new_place: PlaceMaker) -> None:
    place = new_place("local")
    with place.open().writing("silver/books/subject=tea/part-0.parquet") as file:
        pq.write_table(pa.table({"was": [1]}), file)
    found, said = ask(place.open(), [BOOKS], lambda connection: connection.sql("FROM books").fetchall())
    assert found == []
    assert len(said) == 1
    assert "written with schema version none" in said[0]
