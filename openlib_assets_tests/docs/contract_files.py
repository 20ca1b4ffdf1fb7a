"""The contract as other programs read it: Open Data Contract Standard, JSON Schema, dbt sources."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import sqlglot
import yaml
from sqlglot import exp

from openlib_assets.lake.catalog.views import BY_SUBJECT
from openlib_assets.lake.contract import (
    CATALOGUE_TABLES,
    SCHEMA_VERSION,
    SNAPSHOT_TABLES,
    SQL_TYPES,
    STORE_TABLES,
    SUBJECT_TABLES,
    WAREHOUSE_TABLES,
    Check,
    Column,
    Table,
)
from openlib_assets.lake.contract.warehouse import SUBJECT

FOLDER = "contract"
ODCS = "openlib.odcs.yaml"
DBT_SOURCES = "dbt/models/sources.yml"
JSON_SCHEMAS = "json_schema"
# Those that have their plain names in SQL whatever they are made of.
PLAIN_TABLES = (*WAREHOUSE_TABLES, *STORE_TABLES, *CATALOGUE_TABLES)
SOURCE, SOURCE_BY_SUBJECT, SOURCE_CATALOGUE = "openlib", f"openlib_{BY_SUBJECT}", "openlib_catalogue"

_API_VERSION = "v3.1.0"
_JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_GENERATED = "Generated from openlib_assets/lake/contract/ by `make docs`."
_SNAPSHOT = Column("snapshot", pa.string(), "Name of the snapshot: the end of its fetch, in UTC (`YYYYMMDDTHHMMSSZ`).")
_LIST = pa.list_(pa.string())
# What each type of column is in the standard, and in JSON.
_LOGICAL_TYPES = {
    pa.string(): "string",
    pa.int64(): "integer",
    pa.float64(): "number",
    pa.bool_(): "boolean",
    pa.timestamp("us", "UTC"): "timestamp",
    _LIST: "array",
}
_JSON_TYPES: Mapping[pa.DataType, Mapping[str, Any]] = {
    pa.string(): {"type": "string"},
    pa.int64(): {"type": "integer"},
    pa.float64(): {"type": "number"},
    pa.bool_(): {"type": "boolean"},
    pa.timestamp("us", "UTC"): {"type": "string", "format": "date-time"},
    _LIST: {"type": "array", "items": {"type": "string"}},
}


def contract_files() -> dict[str, str]:
    """Return the generated files by their paths below `docs/contract`."""
    schemas = {f"{JSON_SCHEMAS}/{table.name}.json": json_schema(table) for table in PLAIN_TABLES}
    schemas |= {f"{JSON_SCHEMAS}/{BY_SUBJECT}/{table.name}.json": json_schema(table) for table in SUBJECT_TABLES}
    texts = {path: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for path, schema in schemas.items()}
    return texts | {ODCS: _yaml(odcs()), DBT_SOURCES: _yaml(dbt_sources())}


def columns_of(table: Table) -> tuple[Column, ...]:
    """Return the columns of a table as `openlib sql` shows it: of a subject's, first what stands in its path."""
    if not table.by_subject:
        return table.columns
    return (SUBJECT, *((_SNAPSHOT,) if table in SNAPSHOT_TABLES else ()), *table.columns)


def key_of(table: Table) -> tuple[str, ...]:
    """Return the key of a table over all subjects."""
    in_path = [column.name for column in columns_of(table)[: len(columns_of(table)) - len(table.columns)]]
    return (*in_path, *table.key)


def json_schema(table: Table) -> dict[str, Any]:
    """Return the JSON Schema of a row as an object with every column; null stands where there is nothing."""
    columns = columns_of(table)
    return {
        "$schema": _JSON_SCHEMA,
        "title": table.name,
        "description": table.description,
        "type": "object",
        "properties": {column.name: _json_type(column) for column in columns},
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }


def _json_type(column: Column) -> dict[str, Any]:
    kind = dict(_JSON_TYPES[column.type])
    if column.nullable:
        kind["type"] = [kind["type"], "null"]
    return {**kind, "description": column.description}


def odcs() -> dict[str, Any]:
    """Return the contract as the Open Data Contract Standard has it."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "DataContract",
        "id": "openlib",
        "name": "Open Library's subjects",
        "version": f"{SCHEMA_VERSION}.0.0",
        "status": "active",
        "description": {
            "purpose": "Every work that Open Library lists under the subjects that are fetched, its authors, ISBNs and "
            "readers, what to stock and what to order.",
            "usage": "Tables without a prefix are the warehouse, one star schema over all subjects, and what the store "
            "sells. Those that begin "
            f"with {BY_SUBJECT}_ are the tables of each subject, `subject` first; in SQL they lie in the schema "
            f"{BY_SUBJECT}. Those that begin with catalogue_ are of all of Open Library, from the latest monthly dump "
            f"that is built, and are there where one is. {_GENERATED}",
            "limitations": "As complete and as right as Open Library's records: docs/definitions.md says what is known "
            "to be wrong in them.",
        },
        "servers": [
            {
                "server": "catalog",
                "type": "duckdb",
                "description": "The views over all tables, below the root of the storage.",
                "database": "data/catalog.duckdb",
                "schema": "main",
            }
        ],
        "schema": [
            *(_object(table, table.name, table.name) for table in PLAIN_TABLES),
            *(_object(table, f"{BY_SUBJECT}_{table.name}", f"{BY_SUBJECT}.{table.name}") for table in SUBJECT_TABLES),
        ],
    }


def _object(table: Table, name: str, physical_name: str) -> dict[str, Any]:
    relationships = [_relationship(name, reference.columns, reference.table) for reference in table.references]
    return {
        "name": name,
        "physicalName": physical_name,
        "logicalType": "object",
        "physicalType": "view",
        "description": table.description,
        "dataGranularityDescription": f"One row is {table.grain}.",
        "tags": [str(table.layer)],
        "properties": [_property(column, key_of(table)) for column in columns_of(table)],
        **({"relationships": relationships} if relationships else {}),
        "quality": [_quality(table, check) for check in table.all_checks],
    }


def _property(column: Column, key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": column.name,
        "description": column.description,
        "logicalType": _LOGICAL_TYPES[column.type],
        "physicalType": SQL_TYPES[column.type],
        "required": not column.nullable,
        **({"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1} if column.name in key else {}),
        **({"unique": True} if key == (column.name,) else {}),
        **({"items": {"logicalType": "string"}} if column.type == _LIST else {}),
    }


def _relationship(name: str, columns: tuple[str, ...], target: Table) -> dict[str, Any]:
    ends = [f"{name}.{column}" for column in columns], [f"{target.name}.{key}" for key in target.key]
    start, end = ends if len(columns) > 1 else (ends[0][0], ends[1][0])
    return {"type": "foreignKey", "from": start, "to": end}


def _quality(table: Table, check: Check) -> dict[str, Any]:
    about = {"name": check.name, "description": check.description, "severity": "error" if check.blocking else "warning"}
    if not _is_over_the_warehouse(table, check):
        return {**about, "type": "text"}
    numbers = " ".join(check.numbers.split())
    return {
        **about,
        "type": "sql",
        "query": f"SELECT count(*) FROM ({numbers}) AS numbers WHERE ({check.passes}) IS NOT TRUE",  # noqa: S608
        "mustBe": 0,
    }


def _is_over_the_warehouse(table: Table, check: Check) -> bool:
    """Tell whether a check can be asked of the warehouse as it is published; others see what a table is made from."""
    query = sqlglot.parse_one(check.numbers, read="duckdb")
    read = {part.name for part in query.find_all(exp.Table)}
    return not table.by_subject and read <= {table.name for table in WAREHOUSE_TABLES}


def dbt_sources() -> dict[str, Any]:
    """Return the tables as sources of dbt, with their tests."""
    return {
        "version": 2,
        "sources": [
            {
                "name": SOURCE,
                "description": f"One star schema over all subjects. {_GENERATED}",
                "schema": "{{ var('openlib_schema', 'openlib') }}",
                "tables": [_dbt_table(table) for table in WAREHOUSE_TABLES],
            },
            {
                "name": SOURCE_BY_SUBJECT,
                "description": f"The tables of each subject, `subject` first. {_GENERATED}",
                "schema": f"{{{{ var('openlib_by_subject_schema', '{BY_SUBJECT}') }}}}",
                "tables": [_dbt_table(table) for table in SUBJECT_TABLES],
            },
            {
                "name": SOURCE_CATALOGUE,
                "description": f"All of Open Library, from a monthly dump. {_GENERATED}",
                "schema": "{{ var('openlib_catalogue_schema', 'openlib') }}",
                "tables": [_dbt_table(table) for table in CATALOGUE_TABLES],
            },
        ],
    }


def _dbt_table(table: Table) -> dict[str, Any]:
    key = key_of(table)
    tests = [_dbt_test("unique_together", columns=list(key))] if len(key) > 1 else []
    tests += [
        _dbt_test(
            "refers_to",
            columns=list(reference.columns),
            to=_source(reference.table),
            fields=list(reference.table.key),
        )
        for reference in table.references
        if len(reference.columns) > 1
    ]
    return {
        "name": table.name,
        "description": table.description,
        **({"data_tests": tests} if tests else {}),
        "columns": [_dbt_column(table, column) for column in columns_of(table)],
    }


def _dbt_column(table: Table, column: Column) -> dict[str, Any]:
    tests: list[Any] = [] if column.nullable else ["not_null"]
    tests += ["unique"] if key_of(table) == (column.name,) else []
    tests += [
        _dbt_test("relationships", to=_source(reference.table), field=reference.table.key[0])
        for reference in table.references
        if reference.columns == (column.name,)
    ]
    return {
        "name": column.name,
        "description": column.description,
        "data_type": SQL_TYPES[column.type],
        **({"data_tests": tests} if tests else {}),
    }


def _dbt_test(name: str, **arguments: Any) -> dict[str, Any]:
    return {name: {"arguments": arguments}}


def _source(table: Table) -> str:
    return f"source('{SOURCE}', '{table.name}')"


def _yaml(value: Mapping[str, Any] | Iterable[Any]) -> str:
    return f"# {_GENERATED}\n" + yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
