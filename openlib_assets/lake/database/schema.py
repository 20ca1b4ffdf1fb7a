"""What a database defines: the tables of the warehouse with keys, indexes and comments, a view, and what it holds."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from openlib_assets.lake.catalog.views import WORKS_MERGED
from openlib_assets.lake.contract import SQL_TYPES, WAREHOUSE_TABLES, Table
from openlib_assets.lake.transform import quoted, sql_text

# Which version of the warehouse a database holds, in one row.
LOAD = "openlib_load"
TABLE_NAMES = tuple(table.name for table in WAREHOUSE_TABLES)
ALL_NAMES = (*TABLE_NAMES, WORKS_MERGED, LOAD)
_LOAD_COMMENT = "Which version of the warehouse these tables are, and of which release; one row."
_MERGED_COMMENT = "One row is a work into which those are merged that are likely the same book; most are alone."

# What people look for, besides keys and what refers to them.
_LOOKED_FOR = {
    "works": ("title", "isbn13", "first_publish_year"),
    "authors": ("author_name",),
    "work_isbns": ("isbn13",),
    "author_yearly_counts": ("year",),
    "order_list": ("isbn13",),
}
# A B-tree refuses texts beyond 2,704 bytes, which titles and names may be.
_MAY_BE_LONG = ("title", "author_name")


@dataclass(frozen=True)
class Dialect:
    """How a database spells the types of columns, and an index of one column or several."""

    types: Mapping[pa.DataType, str]
    index: Callable[[str], str]


POSTGRES = Dialect(
    {
        pa.string(): "text",
        pa.int64(): "bigint",
        pa.float64(): "double precision",
        pa.bool_(): "boolean",
        pa.timestamp("us", "UTC"): "timestamptz",
        pa.list_(pa.string()): "text[]",
    },
    lambda columns: f"USING hash ({columns})" if columns in _MAY_BE_LONG else f"({columns})",
)
DUCKDB = Dialect(SQL_TYPES, lambda columns: f"({columns})")


def typed_columns(dialect: Dialect, table: Table) -> str:
    """Return the columns of a table with their types."""
    return ", ".join(
        f"{column.name} {dialect.types[column.type]}{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    )


def primary_key(table: Table) -> str:
    """Return the constraint of a table's key."""
    return f"PRIMARY KEY ({', '.join(table.key)})"


def foreign_keys(table: Table) -> Iterator[str]:
    """Yield the constraints of what a table refers to."""
    for reference in table.references:
        referring, key = ", ".join(reference.columns), ", ".join(reference.table.key)
        yield f"FOREIGN KEY ({referring}) REFERENCES {reference.table.name} ({key})"


def indexes(dialect: Dialect, table: Table) -> Iterator[str]:
    """Yield the statements that index what rows refer by, and what people look for."""
    referring = [
        columns for columns in (reference.columns for reference in table.references) if not _leads(columns, table)
    ]
    for columns in dict.fromkeys([*(", ".join(names) for names in referring), *_LOOKED_FOR.get(table.name, ())]):
        name = f"{table.name}_{columns.replace(', ', '_')}_idx"
        yield f"CREATE INDEX IF NOT EXISTS {name} ON {table.name} {dialect.index(columns)}"


def merged_view() -> str:
    """Return the statement that makes the view in which works that are likely the same book are merged."""
    return f"CREATE OR REPLACE VIEW {WORKS_MERGED} AS {sql_text(f'warehouse/{WORKS_MERGED}')}"


def comments() -> Iterator[str]:
    """Yield the statements that say of each table, of its columns and of the view what it is."""
    for table in WAREHOUSE_TABLES:
        yield f"COMMENT ON TABLE {table.name} IS {quoted(table.description)}"
        for column in table.columns:
            yield f"COMMENT ON COLUMN {table.name}.{column.name} IS {quoted(column.description)}"
    yield f"COMMENT ON VIEW {WORKS_MERGED} IS {quoted(_MERGED_COMMENT)}"
    yield f"COMMENT ON TABLE {LOAD} IS {quoted(_LOAD_COMMENT)}"


def fingerprint(statements: Iterable[str]) -> str:
    """Return what differs where statements do."""
    return hashlib.sha256("; ".join(statements).encode()).hexdigest()[:16]


def _leads(columns: tuple[str, ...], table: Table) -> bool:
    """Tell whether the index of a table's key serves some columns, too."""
    return table.key[: len(columns)] == columns
