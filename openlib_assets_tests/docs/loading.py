"""Statements with which Snowflake, Redshift and BigQuery load the warehouse's tables, made from the contract.

`VERSION` stands for the version that is current, wherever it stands.
"""

from collections.abc import Callable, Mapping

import pyarrow as pa
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from openlib_assets.lake import layout
from openlib_assets.lake.contract import WAREHOUSE_TABLES, Column, Table
from openlib_assets_tests.tools.dialects import SCHEMA

FILE = "warehouse.sql"
VERSION = "VERSION"
S3_ROOT, GCS_ROOT = "s3://bucket/prefix", "gs://bucket/prefix"

_TEXT, _LIST, _TIME = pa.string(), pa.list_(pa.string()), pa.timestamp("us", "UTC")
_TYPES: Mapping[str, Mapping[pa.DataType, str]] = {
    "snowflake": {
        _TEXT: "VARCHAR",
        pa.int64(): "NUMBER(38, 0)",
        pa.float64(): "FLOAT",
        pa.bool_(): "BOOLEAN",
        _TIME: "TIMESTAMP_TZ",
        _LIST: "ARRAY",
    },
    "redshift": {
        _TEXT: "VARCHAR(65535)",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE PRECISION",
        pa.bool_(): "BOOLEAN",
        _TIME: "TIMESTAMP",
        _LIST: "SUPER",
    },
    "bigquery": {
        _TEXT: "STRING",
        pa.int64(): "INT64",
        pa.float64(): "FLOAT64",
        pa.bool_(): "BOOL",
        _TIME: "TIMESTAMP",
        _LIST: "ARRAY<STRING>",
    },
}


def loading_sql(dialect: str) -> str:
    """Return the file for a warehouse: once the schema and the tables, after each refresh what loads them."""
    statements = _STATEMENTS[dialect]()
    head = [
        "-- Made from openlib_assets/lake/contract/warehouse.py by `make docs`; docs/warehouses.md says how to run it.",
        f"-- Change {VERSION} to the version that is current, and {_PLACES[dialect]}.",
    ]
    return "\n".join([*head, *(f"\n{statement};" for statement in statements), ""])


def _snowflake() -> list[str]:
    stage = f"{SCHEMA}.files"
    return [
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"CREATE STAGE IF NOT EXISTS {stage}\n    URL = '{S3_ROOT}/'\n    STORAGE_INTEGRATION = openlib",
        *(_created("snowflake", table) for table in WAREHOUSE_TABLES),
        "BEGIN",
        *(
            statement
            for table in WAREHOUSE_TABLES
            for statement in (
                _emptied(table),
                _copied_into_snowflake(table, stage),
            )
        ),
        "COMMIT",
    ]


def _redshift() -> list[str]:
    return [
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        *(_created("redshift", table) for table in WAREHOUSE_TABLES),
        "BEGIN",
        *(
            statement
            for table in WAREHOUSE_TABLES
            for statement in (
                _emptied(table),
                _copied_into_redshift(table),
            )
        ),
        "COMMIT",
    ]


def _bigquery() -> list[str]:
    return [
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        *(
            f"LOAD DATA OVERWRITE {SCHEMA}.{table.name} (\n{_columns('bigquery', table)}\n)\n"
            f"FROM FILES (\n    format = 'PARQUET',\n    enable_list_inference = TRUE,\n"
            f"    uris = ['{GCS_ROOT}/{_file(table)}']\n)"
            for table in WAREHOUSE_TABLES
        ),
        *(
            f"ALTER TABLE {SCHEMA}.{table.name}\nSET OPTIONS (description = {_quoted('bigquery', table.description)})"
            for table in WAREHOUSE_TABLES
        ),
    ]


_STATEMENTS: Mapping[str, Callable[[], list[str]]] = {
    "snowflake": _snowflake,
    "redshift": _redshift,
    "bigquery": _bigquery,
}
LOADED_BY = tuple(_STATEMENTS)
_PLACES = {
    "snowflake": f"{S3_ROOT} and the storage integration to yours",
    "redshift": f"{S3_ROOT} and the role to yours",
    "bigquery": f"{GCS_ROOT} to yours",
}


def _created(dialect: str, table: Table) -> str:
    columns = f"{_columns(dialect, table)},\n    PRIMARY KEY ({', '.join(_named(dialect, name) for name in table.key)})"
    comment = f"\nCOMMENT = {_quoted(dialect, table.description)}" if dialect == "snowflake" else ""
    return f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{table.name} (\n{columns}\n){comment}"


def _columns(dialect: str, table: Table) -> str:
    return ",\n".join(f"    {_column(dialect, column)}" for column in table.columns)


def _column(dialect: str, column: Column) -> str:
    """Return a column with its type; a list in BigQuery is never null, and there must not say so."""
    kind = _TYPES[dialect][column.type]
    required = "" if column.nullable or (dialect == "bigquery" and column.type == _LIST) else " NOT NULL"
    about = {
        "snowflake": f" COMMENT {_quoted(dialect, column.description)}",
        "bigquery": f" OPTIONS (description = {_quoted(dialect, column.description)})",
    }
    return f"{_named(dialect, column.name)} {kind}{required}{about.get(dialect, '')}"


def _copied_into_snowflake(table: Table, stage: str) -> str:
    return (
        f"COPY INTO {SCHEMA}.{table.name}\nFROM @{stage}/{_file(table)}\n"
        "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)\n"
        "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE\nFORCE = TRUE"
    )


def _copied_into_redshift(table: Table) -> str:
    lists = any(column.type == _LIST for column in table.columns)
    return (
        f"COPY {SCHEMA}.{table.name}\nFROM '{S3_ROOT}/{_file(table)}'\n"
        f"IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'\nFORMAT AS PARQUET{' SERIALIZETOJSON' if lists else ''}"
    )


def _named(dialect: str, column: str) -> str:
    """Return the name of a column, in quotes where the dialect keeps the word for itself."""
    is_reserved = column in Dialect.get_or_raise(dialect).generator_class.RESERVED_KEYWORDS
    return exp.to_identifier(column, quoted=is_reserved).sql(dialect)


def _emptied(table: Table) -> str:
    # TRUNCATE would end the transaction.
    return f"DELETE FROM {SCHEMA}.{table.name}"  # noqa: S608 - of the contract


def _file(table: Table) -> str:
    return layout.warehouse_file(VERSION, table.name)


def _quoted(dialect: str, text: str) -> str:
    if dialect == "bigquery":
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
