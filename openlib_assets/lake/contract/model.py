"""What a table of the contract is: its layer, grain, key, columns and checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

SCHEMA_VERSION = 2


class Layer(StrEnum):
    """How processed data is: as received, cleaned, aggregated, made for people, over all subjects together."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    SERVING = "serving"
    WAREHOUSE = "warehouse"


@dataclass(frozen=True)
class Column:
    """A column; `description` says its meaning and, where it has one, its unit."""

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False


@dataclass(frozen=True)
class Check:
    """A check of a table.

    `numbers` is a query for one row, the numbers to look at; it sees the new table under its own name and all that
    the table was made from. `passes` is what must hold of them. A failure of a `blocking` check keeps the table from
    being written; others warn. Dagster shows a check that is `apart` under its own name, and all others of a table
    together as one, `contract_holds`: an event for each would cost more than the checks themselves.
    """

    name: str
    description: str
    numbers: str
    passes: str
    blocking: bool = True
    apart: bool = False


@dataclass(frozen=True)
class Reference:
    """Columns that are the key of a row of another table, unless one of them is null."""

    columns: tuple[str, ...]
    table: "Table"


@dataclass(frozen=True)
class Table:
    """A table; `grain` says what one row is, `purpose` what it is for.

    `key`: the columns that identify and sort the rows. `made_from`: the inputs.

    `optional`: those of the inputs that a subject may lack; its SQL then sees them without rows.

    `lineage`: the columns of the inputs that a column's values are computed from, as `table.column`. Columns that only
    choose or join rows are not among them; a column that no input has, such as the time of the snapshot, is left out.
    `columns_since`: the schema version from which on its files have these columns; older ones cannot be read.
    `looks_back`: its SQL also sees `previous_books`, `previous_author_lists` and `previous_snapshot`, made from the
    snapshot before; they are empty without one. `code_version` goes up with every change of the table's SQL or columns
    that changes its content. `by_subject`: each subject has one; otherwise there is one for all.
    `by_dump`: there is one for each monthly dump. `in_order`: its key is checked by the order of its rows, since the
    keys of a whole catalogue cannot be counted within its memory.
    `references`: what its rows refer to, of a table of the warehouse. `same_sql_as`: the table by whose SQL it is made,
    too, from other inputs of the same names.
    """

    name: str
    layer: Layer
    grain: str
    purpose: str = field(kw_only=True)
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    made_from: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    lineage: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    looks_back: bool = False
    columns_since: int = 1
    code_version: str = "1"
    by_subject: bool = True
    by_dump: bool = False
    in_order: bool = False
    references: tuple[Reference, ...] = ()
    same_sql_as: "Table | None" = None

    @property
    def description(self) -> str:
        """What one row is, and what the table is for."""
        return f"One row is {self.grain}. {self.purpose}"

    @property
    def sql(self) -> str:
        """The name of the table's SQL file below `sql/`, without its ending."""
        return self.same_sql_as.sql if self.same_sql_as else f"{self.layer}/{self.name}"

    @property
    def readable_versions(self) -> range:
        """The schema versions whose files can be read."""
        return range(self.columns_since, SCHEMA_VERSION + 1)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table's files."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """The checks that every table has, then the table's own."""
        resolved = (_references_resolve(self, _dangling),) if self.references else ()
        key = _rows_are_in_order(self) if self.in_order else _key_is_unique(self, self.name)
        return (key, _required_columns_are_filled(self, self.name), *resolved, *self.checks)

    @property
    def checks_of_change(self) -> tuple[Check, ...]:
        """The same, for a table that has passed them all before some of its rows were replaced.

        `changed_<table>` has the rows that came; no row that stays has a key of theirs. `gone_<table>` has the keys
        that a table no longer has. Only checks of its own look at all rows.
        """
        name = f"changed_{self.name}"
        resolved = (_references_resolve(self, _dangling_of_change),) if self.references else ()
        return (_key_is_unique(self, name), _required_columns_are_filled(self, name), *resolved, *self.checks)


def _key_is_unique(table: Table, rows: str) -> Check:
    key = ", ".join(table.key)
    return Check(
        "key_is_unique",
        f"No two rows share the same {key}.",
        f"SELECT count(*) AS rows, count(DISTINCT ({key})) AS distinct_keys FROM {rows}",  # noqa: S608 - names from this module
        "rows = distinct_keys",
    )


def _rows_are_in_order(table: Table) -> Check:
    key = ", ".join(table.key)
    row, before = (f"({', '.join(columns)})" for columns in (table.key, [f"{name}_before" for name in table.key]))
    lagged = ", ".join(f"lag({name}) OVER () AS {name}_before" for name in table.key)
    is_out = f"{table.key[0]}_before IS NOT NULL AND {row} <= {before}"
    return Check(
        "rows_are_in_order",
        f"The rows are sorted by {key}, and no two share the same.",
        f"""
        SELECT count(*) AS rows,
               count(*) FILTER (WHERE {is_out}) AS out_of_order,
               min(CASE WHEN {is_out} THEN concat_ws(' ', {key}) END) AS first_of_these
        FROM (SELECT {key}, {lagged} FROM {table.name})
        """,  # noqa: S608 - as above
        "out_of_order = 0",
    )


def _required_columns_are_filled(table: Table, rows: str) -> Check:
    nulls = " + ".join(f"count(*) FILTER (WHERE {c.name} IS NULL)" for c in table.columns if not c.nullable)
    return Check(
        "required_columns_are_filled",
        "No column that must have a value contains null.",
        f"SELECT count(*) AS rows, {nulls} AS nulls FROM {rows}",  # noqa: S608 - as above
        "nulls = 0",
    )


def _references_resolve(table: Table, dangling: Callable[[Table, Reference], str]) -> Check:
    names = [f"{'_and_'.join(reference.columns)}_unknown" for reference in table.references]
    counted = [
        f"({dangling(table, reference)}) AS {name}" for name, reference in zip(names, table.references, strict=True)
    ]
    return Check(
        "references_resolve",
        "What a row refers to is there.",
        f"SELECT {', '.join(counted)}",
        " AND ".join(f"{name} = 0" for name in names),
    )


def _dangling(table: Table, reference: Reference) -> str:
    """Return the query for the number of rows that refer to what is not there."""
    return _referring(table.name, "ANTI", reference, reference.table.name)


def _dangling_of_change(table: Table, reference: Reference) -> str:
    """Return the same, where only a row that came, or one that refers to a key that is gone, can be such a row."""
    came = _referring(f"changed_{table.name}", "ANTI", reference, reference.table.name)
    left = _referring(table.name, "SEMI", reference, f"gone_{reference.table.name}")
    return f"SELECT ({came}) + ({left})"


def _referring(rows: str, join: str, reference: Reference, target: str) -> str:
    """Return the query for the number of rows whose reference is not in a target (`ANTI`), or is (`SEMI`)."""
    pairs = zip(reference.columns, reference.table.key, strict=True)
    fits = " AND ".join(f"referring.{column} = target.{key}" for column, key in pairs)
    is_filled = " AND ".join(f"referring.{column} IS NOT NULL" for column in reference.columns)
    return f"SELECT count(*) FROM {rows} AS referring {join} JOIN {target} AS target ON {fits} WHERE {is_filled}"  # noqa: S608 - as above
