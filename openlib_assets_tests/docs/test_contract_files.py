"""The contract for other programs: by the rules of each format, and true of tables that were made."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import open_data_contract_standard
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from openlib_assets.lake.catalog import catalog
from openlib_assets.lake.catalog.views import BY_SUBJECT, OF_DUMPS, PUBLISHED
from openlib_assets.lake.contract import (
    CATALOGUE_TABLES,
    SQL_TYPES,
    STORE_TABLES,
    SUBJECT_TABLES,
    WAREHOUSE_TABLES,
    Table,
)
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline
from openlib_assets_tests.docs import contract_files, generated
from openlib_assets_tests.docs.contract_files import ODCS, columns_of, key_of
from openlib_assets_tests.tools.deployment import PROJECT_ROOT
from openlib_assets_tests.tools.dump_lakes import build_lake

FOLDER = PROJECT_ROOT / generated.DOCS / contract_files.FOLDER
VIEWS = {
    **{table.name: table for table in (*WAREHOUSE_TABLES, *STORE_TABLES, *CATALOGUE_TABLES)},
    **{f"{BY_SUBJECT}.{table.name}": table for table in SUBJECT_TABLES},
}
JULY, AUGUST = date(2026, 7, 31), date(2026, 8, 31)
for_each_view = pytest.mark.parametrize(("view", "table"), VIEWS.items(), ids=VIEWS)


@pytest.fixture(scope="module")
def published(made: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every view, over a made root in which two dumps are built."""
    dumps = tmp_path_factory.mktemp("dumps")
    with Sandbox(SandboxConfig({"love": 40}, settled=True)) as sandbox:
        sandbox.write_dumps(dumps, JULY)
        sandbox.add_work("love")
        sandbox.write_dumps(dumps, AUGUST, mess=0.01)
    for day in (JULY, AUGUST):
        build_lake(made.storage, dumps, str(day))
    with catalog(made.storage, PUBLISHED | OF_DUMPS) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, view: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = connection.execute(f"FROM {view}").to_arrow_table().to_pylist()
    return found


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: value.isoformat() for name, value in row.items() if isinstance(value, datetime)}
    return json.loads(json.dumps(row | times))  # type: ignore[no-any-return]


def validator(view: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((FOLDER / "json_schema" / f"{view.replace('.', '/')}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_the_files_are_current() -> None:
    parts = [*FOLDER.glob("*.yaml"), *FOLDER.glob("json_schema/**/*.json"), FOLDER / contract_files.DBT_SOURCES]
    kept = {file.relative_to(FOLDER).as_posix(): file.read_text(encoding="utf-8") for file in parts}
    assert kept == contract_files.contract_files()


@for_each_view
def test_rows_of_a_made_table_fit_its_json_schema(
    published: duckdb.DuckDBPyConnection, view: str, table: Table
) -> None:
    schema, found = validator(view), rows(published, view)
    assert found or table.name in ("rejected_works", "subject_changes")
    for row in found:
        schema.validate(as_json(row))


@for_each_view
def test_what_the_contract_forbids_its_json_schema_refuses(
    published: duckdb.DuckDBPyConnection, view: str, table: Table
) -> None:
    schema = validator(view)
    example: dict[str, Any] = as_json(
        next(iter(rows(published, view)), dict.fromkeys(c.name for c in columns_of(table)))
    )
    for column in columns_of(table):
        problems = [error.json_path for error in schema.iter_errors(example | {column.name: None})]
        assert (f"$.{column.name}" in problems) is not column.nullable, column.name
        assert not schema.is_valid({name: value for name, value in example.items() if name != column.name})
        assert f"$.{column.name}" in [error.json_path for error in schema.iter_errors(example | {column.name: {}})]
    assert not schema.is_valid(example | {"another": 1})


def test_the_open_data_contract_is_by_the_standards_own_schema() -> None:
    contract = yaml.safe_load((FOLDER / ODCS).read_text(encoding="utf-8"))
    schema = json.loads(files(open_data_contract_standard).joinpath("schema.json").read_text(encoding="utf-8"))
    check = jsonschema.Draft201909Validator(schema, format_checker=jsonschema.Draft201909Validator.FORMAT_CHECKER)
    assert [f"{error.json_path}: {error.message}" for error in check.iter_errors(contract)] == []
    assert not check.is_valid({**contract, "kind": "Table"})
    read = OpenDataContractStandard(**contract)
    assert read.schema_ is not None
    assert [part.physicalName for part in read.schema_] == list(VIEWS)


def test_the_open_data_contract_has_the_columns_that_the_views_have(published: duckdb.DuckDBPyConnection) -> None:
    for part in contract_files.odcs()["schema"]:
        described = published.execute(f"DESCRIBE {part['physicalName']}").fetchall()
        found = {name: "TIMESTAMPTZ" if kind == "TIMESTAMP WITH TIME ZONE" else kind for name, kind, *_ in described}
        assert {column["name"]: column["physicalType"] for column in part["properties"]} == found, part["name"]
        assert set(found.values()) <= set(SQL_TYPES.values())


def test_the_open_data_contracts_queries_find_nothing_wrong_in_a_made_warehouse(
    published: duckdb.DuckDBPyConnection,
) -> None:
    checks = [check for part in contract_files.odcs()["schema"] for check in part["quality"] if check["type"] == "sql"]
    for check in checks:
        assert published.execute(check["query"]).fetchall() == [(check["mustBe"],)], check["name"]
    assert len(checks) > 30


def test_the_open_data_contracts_queries_find_what_is_wrong(published: duckdb.DuckDBPyConnection) -> None:
    parts = {part["name"]: part for part in contract_files.odcs()["schema"]}
    published.execute("CREATE TEMP TABLE one_twice AS FROM works UNION ALL (FROM works LIMIT 1)")
    published.execute("CREATE TEMP VIEW works AS FROM one_twice")  # found before the view of that name
    try:
        wrong = {
            (name, check["name"])
            for name in ("works", "work_subjects", "work_isbns")
            for check in parts[name]["quality"]
            if check["type"] == "sql" and published.execute(check["query"]).fetchall() != [(0,)]
        }
    finally:
        published.execute("DROP VIEW temp.works; DROP TABLE one_twice")
    assert wrong == {("works", "key_is_unique"), ("work_subjects", "every_work_has_a_subject")}


@for_each_view
def test_a_key_is_one_over_all_subjects(published: duckdb.DuckDBPyConnection, view: str, table: Table) -> None:
    key = ", ".join(key_of(table))
    ((count, distinct),) = published.execute(f"SELECT count(*), count(DISTINCT ({key})) FROM {view}").fetchall()  # noqa: S608
    assert count == distinct


def test_dbts_sources_are_the_tables_with_their_columns() -> None:
    read = yaml.safe_load((FOLDER / contract_files.DBT_SOURCES).read_text(encoding="utf-8"))
    assert read["version"] == 2
    of_sources = (WAREHOUSE_TABLES, SUBJECT_TABLES, CATALOGUE_TABLES)
    for source, tables in zip(read["sources"], of_sources, strict=True):
        assert [table["name"] for table in source["tables"]] == [table.name for table in tables]
        for listed, table in zip(source["tables"], tables, strict=True):
            assert [column["name"] for column in listed["columns"]] == [column.name for column in columns_of(table)]
            assert all(column["description"] for column in listed["columns"])


def test_dbts_tests_are_of_the_contract_and_each_is_one_that_there_is() -> None:
    sources = {source["name"]: source for source in contract_files.dbt_sources()["sources"]}
    tables = {table["name"]: table for table in sources["openlib"]["tables"]}
    columns = {column["name"]: column for column in tables["work_subjects"]["columns"]}
    assert columns["work_key"]["data_tests"] == [
        "not_null",
        {"relationships": {"arguments": {"to": "source('openlib', 'works')", "field": "work_key"}}},
    ]
    assert tables["work_subjects"]["data_tests"] == [
        {"unique_together": {"arguments": {"columns": ["subject", "work_key"]}}}
    ]
    own = {file.stem for file in Path(FOLDER, "dbt/tests/generic").glob("*.sql")}
    used = {
        name
        for source in sources.values()
        for table in source["tables"]
        for tested in (table, *table["columns"])
        for test in tested.get("data_tests", ())
        for name in ([test] if isinstance(test, str) else test)
    }
    assert used == own | {"not_null", "unique", "relationships"}
