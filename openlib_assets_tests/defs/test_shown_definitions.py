"""What Dagster's UI shows of the assets before any is made: their purpose, SQL, lineage, and where their files lie."""

import re
from pathlib import Path

import dagster as dg
import dagster_webserver
import pytest

from openlib_assets.definitions import build_defs
from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.ui_metadata import markdown
from openlib_assets.lake.contract import ALL_TABLES, CATALOGUE_TABLES, DERIVED_TABLES, STORE_TABLES, WAREHOUSE_TABLES
from openlib_assets.lake.transform import sql_text
from openlib_assets.settings import Settings
from openlib_assets_tests.tools.deployment import PROJECT_ROOT

TABLES = {table.name: table for table in ALL_TABLES}
# What no input holds: when and where the snapshot was fetched, and its names.
OF_THE_SNAPSHOT = {
    ("subject_summary", "works_reported"),
    ("subject_summary", "fetched_at"),
    ("subject_summary", "source"),
    ("subject_summary", "proven_by"),
    ("subject_summary", "window_seconds"),
    ("subject_changes", "previous_snapshot"),
    ("subject_changes", "current_snapshot"),
    # What Open Library says of editions.
    *(("order_list", name) for name in ("edition_key", "isbn13", "publisher", "publish_date", "language")),
}


def specs(root: str = "s3://bucket/prefix", repository: str | None = None) -> dict[str, dg.AssetSpec]:
    graph = build_defs(Settings(storage=root, repository_url=repository)).resolve_asset_graph()
    return {key.to_user_string(): graph.get(key).to_asset_spec() for key in graph.get_all_asset_keys()}


def test_every_column_names_the_columns_of_inputs_that_it_is_computed_from() -> None:
    for table in DERIVED_TABLES:
        columns = {column.name for column in table.columns}
        assert {(table.name, name) for name in columns - table.lineage.keys()} <= OF_THE_SNAPSHOT
        assert table.lineage.keys() <= columns
        for source in {name for made_from in table.lineage.values() for name in made_from}:
            parent, _, column = source.partition(".")
            assert parent in table.made_from
            assert column in TABLES[parent].schema.names, source


def test_the_lineage_of_the_contract_is_that_of_the_assets() -> None:
    for name, spec in specs().items():
        if name in TABLES and TABLES[name].lineage:
            shown: dg.TableColumnLineage = spec.metadata["dagster/column_lineage"]
            assert {
                column: {f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps}
                for column, deps in shown.deps_by_column.items()
            } == {column: set(made_from) for column, made_from in TABLES[name].lineage.items()}


def test_tables_say_what_a_row_is_and_what_for_and_show_their_sql() -> None:
    for name, spec in specs().items():
        assert spec.description
        if name in TABLES:
            row, purpose = f"One row is {TABLES[name].grain}.", TABLES[name].purpose
            assert spec.description.startswith(f"{row} {purpose} Terms are defined in `docs/definitions.md`.")
        if name in {table.name for table in DERIVED_TABLES}:
            assert f"```sql\n{sql_text(TABLES[name].sql).strip()}\n```" in spec.description


def references(spec: dg.AssetSpec) -> list[dg.LocalFileCodeReference | dg.UrlCodeReference]:
    shown: dg.CodeReferencesMetadataValue = spec.metadata["dagster/code_references"]
    return shown.code_references


def test_every_asset_names_the_function_that_makes_it_and_a_table_its_sql_first() -> None:
    for name, spec in specs().items():
        *sql, function = references(spec)
        assert isinstance(function, dg.LocalFileCodeReference)
        lines = Path(function.file_path).read_text(encoding="utf-8").splitlines()
        assert function.line_number
        # Where a decorator begins, as Dagster has it.
        assert lines[function.line_number - 1].lstrip().startswith("@"), name
        texts = [
            Path(file.file_path).read_text(encoding="utf-8")
            for file in sql
            if isinstance(file, dg.LocalFileCodeReference)
        ]
        tables = (*DERIVED_TABLES, *STORE_TABLES, *WAREHOUSE_TABLES, *CATALOGUE_TABLES)
        assert texts == [sql_text(table.sql) for table in tables if asset_key(table).to_user_string() == name]


def test_where_a_repository_is_named_code_and_definitions_link_to_it() -> None:
    branch = "https://example.org/somebody/books/tree/main"
    found = specs(repository=branch)
    for name, spec in found.items():
        for reference in references(spec):
            assert isinstance(reference, dg.UrlCodeReference), name
            file, _, line = reference.url.removeprefix(f"{branch}/").partition("#L")
            assert (PROJECT_ROOT / file).is_file()
            assert int(line) <= (PROJECT_ROOT / file).read_text(encoding="utf-8").count("\n")
    link = f"[docs/definitions.md]({branch}/docs/definitions.md)"
    assert (PROJECT_ROOT / "docs/definitions.md").is_file()
    assert all(link in (spec.description or "") for spec in found.values())


@pytest.fixture(scope="module")
def pictures() -> str:
    """The program of the UI that has the pictures of kinds."""
    chunks = Path(dagster_webserver.__file__).parent.joinpath("webapp/build/_next/static/chunks").glob("*.js")
    (text,) = (text for text in (chunk.read_text(encoding="utf-8") for chunk in chunks) if "duckdb:{icon" in text)
    return text


@pytest.mark.parametrize(("root", "place"), [("s3://bucket/prefix", "s3"), ("data", "file")])
def test_every_kind_has_a_picture_in_the_ui(root: str, place: str, pictures: str) -> None:
    kinds = {name: spec.kinds for name, spec in specs(root).items()}
    assert [name for name, some in kinds.items() if place not in some] == []
    shown = set().union(*kinds.values())
    assert [kind for kind in shown if not re.search(f'[{{,]"?{kind}"?:{{icon:', pictures)] == []


@pytest.mark.parametrize(("root", "shown"), [("s3://bucket/prefix", "s3://bucket/prefix"), ("/lake/", "/lake")])
def test_every_asset_tells_where_its_files_lie(root: str, shown: str) -> None:
    addresses = {name: spec.metadata["dagster/uri"] for name, spec in specs(root).items()}
    assert addresses["raw_works"] == (
        f"{shown}/bronze/raw_works/subject=SUBJECT/snapshot=YYYYMMDDTHHMMSSZ/part-0.parquet"
    )
    assert addresses["authors"] == f"{shown}/silver/authors/subject=SUBJECT/part-0.parquet"
    assert addresses["subject_csv"] == f"{shown}/exports/SUBJECT"
    assert addresses["subject_report"] == f"{shown}/reports/SUBJECT/index.html"
    assert addresses["catalog"] == f"{shown}/catalog.duckdb"
    assert addresses["comparison"] == f"{shown}/reports/index.html"


def test_nothing_is_shown_that_only_the_program_reads() -> None:
    names = {name for spec in specs().values() for name in spec.metadata}
    assert names == {"dagster/uri", "dagster/code_references", "dagster/column_schema", "dagster/column_lineage", "key"}


@pytest.mark.parametrize("offset", range(8))
def test_a_preview_is_not_cut_within_an_escape(offset: int) -> None:
    text = "x" * offset + r"\u00e9" * 20
    shown = markdown(["payload"], [[text]]).splitlines()[-1].replace("\\\\", "\\").strip("| …")
    assert text.startswith(shown)
    assert shown.lstrip("x") == r"\u00e9" * shown.count("u")
    assert len(shown) > 70


@pytest.mark.parametrize(("columns", "longest"), [(1, 80), (3, 80), (9, 32)])
def test_a_preview_of_many_columns_has_short_cells(columns: int, longest: int) -> None:
    cells = markdown(["column"] * columns, [["x" * 100] * columns]).splitlines()[-1].strip("| ").split(" | ")
    assert cells == ["x" * (longest - 1) + "…"] * columns
