"""Which views there are, by name, and the SQL of each.

The tables of the warehouse have the plain names. Those of the subjects, `subject` first, lie in the schema
`by_subject`; where the warehouse has no table of that name, they have their plain name, too. Those of the whole
catalogue are of one dump.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

import duckdb

from openlib_assets.lake.catalog.files import Known, address, in_path, in_version
from openlib_assets.lake.contract import (
    CATALOGUE_TABLES,
    SQL_TYPES,
    STORE_TABLES,
    SUBJECT_TABLES,
    WAREHOUSE_TABLES,
    Layer,
    Table,
)
from openlib_assets.lake.dumps.lakes import complete_lakes, table_of
from openlib_assets.lake.dumps.relations import rows_of as rows_of_dump
from openlib_assets.lake.transform import quoted
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage

BY_SUBJECT = "by_subject"
WORKS_MERGED = "works_merged"
MERGED_FROM = {"works", "stocking_list"}


def by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """Return views of tables under their plain names, whatever the warehouse has."""
    return {table.name: table for table in tables}


_WAREHOUSE = by_name(WAREHOUSE_TABLES)
_OF_SUBJECTS = by_name(SUBJECT_TABLES)
PUBLISHED: dict[str, Table] = {
    **_WAREHOUSE,
    **{table.name: table for table in (*SUBJECT_TABLES, *STORE_TABLES) if table.name not in _WAREHOUSE},
    **{f"{BY_SUBJECT}.{name}": table for name, table in _OF_SUBJECTS.items()},
}
# Of the latest dump that is built.
OF_DUMPS: dict[str, Table] = by_name(CATALOGUE_TABLES)
# Tables of subjects whose plain names are those of the warehouse, which have no column `subject`, or another meaning.
CLASHING = tuple(name for name in _OF_SUBJECTS if name in _WAREHOUSE)


# What tells which views there are.
_ASKS_WHICH = re.compile(r"\b(show|information_schema|duckdb_\w+|pragma\w*)\b")
_UNKNOWN = re.compile(r'with name "?([\w.]+)"? does not exist')


def named_in(query: str) -> dict[str, Table]:
    """Return the views that a query may name: each looks for its files when it is made, which takes time on S3."""
    text = query.lower()
    if _ASKS_WHICH.search(text):
        return PUBLISHED | OF_DUMPS
    merged = MERGED_FROM if WORKS_MERGED in text else ()
    unnamed = () if BY_SUBJECT in text else (f"{BY_SUBJECT}.",)
    return {
        name: table
        for name, table in (PUBLISHED | OF_DUMPS).items()
        if (table.name in text and not name.startswith(unnamed)) or name in merged
    }


def hint(query: str, error: duckdb.Error) -> str:
    """Return what to say to who meant another table, as one of the subjects whose plain name the warehouse has."""
    unknown = _UNKNOWN.search(str(error)) if isinstance(error, duckdb.CatalogException) else None
    if unknown:
        near = get_close_matches(unknown[1], {*PUBLISHED, *OF_DUMPS, WORKS_MERGED}, n=1)
        return f"; {f'did you mean {near[0]}? ' if near else ''}openlib sql 'SHOW ALL TABLES' lists all"
    if not isinstance(error, duckdb.BinderException) or "subject" not in str(error):
        return ""
    meant = [name for name in CLASHING if name in query.lower() and f"{BY_SUBJECT}.{name}" not in query.lower()]
    if not meant:
        return ""
    tables = ", ".join(f"{BY_SUBJECT}.{name}" for name in meant)
    return f" (a table of all subjects has no column of one: did you mean {tables}?)"


def rows_of(table: Table, files: str, known: Known) -> str:
    """Return the query of the view of a table; `files` is the SQL for its files, empty if there are none."""
    if not files:
        return _no_rows(table)
    told = [f"{text} AS {column}" for column, text in in_path(table, known.keys).items()]
    columns = ", ".join((*told, *(column.name for column in table.columns)))
    return f"SELECT {columns} FROM {files}"  # noqa: S608 - of the contract


def files_of(
    connection: duckdb.DuckDBPyConnection, storage: Storage, table: Table, known: Known, version: Version | None
) -> str:
    """Return the SQL for the files of a table, of all subjects each with its name; empty if there are none."""
    if table.layer is Layer.WAREHOUSE:
        return in_version(storage, version, table) if version else ""
    if table.by_dump:
        lakes = complete_lakes(storage)
        return rows_of_dump(storage, table_of(storage, table.name, lakes[-1])) if lakes else ""
    files = quoted(address(storage, table))
    if known.left_out():
        found = connection.execute(f"SELECT file FROM glob({files}) ORDER BY ALL").fetchall()  # noqa: S608 - quoted
        kept = known.kept([file for (file,) in found])
        if not kept:
            return ""
        if len(kept) < len(found):
            files = f"[{', '.join(quoted(file) for file in kept)}]"
    return f"read_parquet({files}, hive_partitioning = false, filename = true)"


def comments(names: Mapping[str, Table]) -> Iterator[str]:
    """Yield the statements that say of each view and column what it is."""
    for name, table in names.items():
        yield f"COMMENT ON VIEW {name} IS {quoted(table.description)}"
        for column in table.columns:
            yield f"COMMENT ON COLUMN {name}.{column.name} IS {quoted(column.description)}"


def _no_rows(table: Table) -> str:
    typed = [f"NULL::VARCHAR AS {name}" for name in in_path(table, {})]
    typed += [f"NULL::{SQL_TYPES[column.type]} AS {column.name}" for column in table.columns]
    return f"SELECT {', '.join(typed)} WHERE false"
