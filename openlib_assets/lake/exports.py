"""CSV files for people: UTF-8, RFC 4180 quoting, LF, null as nothing, lists joined with ` | `."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Table
from openlib_assets.lake.table_files import file_digest
from openlib_assets.lake.transform import connected
from openlib_assets.storage import Storage

LIST_SEPARATOR = " | "

_BATCH_ROWS = 65_536

# Spreadsheets take a cell that begins so for a formula (OWASP, "CSV Injection").
_FORMULA_STARTS = "=+-@\t\r"


def write_csv(storage: Storage, subject: str, table: Table, rows: ds.Dataset) -> str:
    """Write a table of a subject as CSV into the storage; return the SHA-256 of the file."""
    with storage.writing(layout.csv_file(subject, table.name)) as file:
        write_csv_file(file, table, rows)
        return file_digest(file)


def write_csv_file(file: Path, table: Table, rows: ds.Dataset, *, excel_safe: bool = False) -> None:
    """Write a table as one CSV file.

    `excel_safe` puts an apostrophe before each text that a spreadsheet would run as a formula; the values are then no
    longer exact.
    """
    fields = " || ',' || ".join(_field(column.name, column.type, excel_safe=excel_safe) for column in table.columns)
    with connected({"rows": rows}) as connection, file.open("w", encoding="utf-8", newline="") as opened:
        opened.write(",".join(column.name for column in table.columns) + "\n")
        # DuckDB's own CSV writer quotes more than it must, and what it quotes is its release's business.
        lines = connection.sql(f"SELECT {fields} || chr(10) AS line FROM rows")  # noqa: S608 - names from the contract
        for batch in lines.to_arrow_reader(_BATCH_ROWS):
            opened.writelines(batch.column("line").to_pylist())


def _field(name: str, kind: pa.DataType, *, excel_safe: bool) -> str:
    """Return the SQL for the text of one field; an empty text is quoted, so that it differs from null."""
    if not (pa.types.is_list(kind) or pa.types.is_string(kind)):
        return f"coalesce(CAST({name} AS VARCHAR), '')"
    text = f"array_to_string({name}, '{LIST_SEPARATOR}')" if pa.types.is_list(kind) else name
    if excel_safe:
        starts = " || ".join(f"chr({ord(character)})" for character in _FORMULA_STARTS)
        text = f"CASE WHEN {text} <> '' AND contains({starts}, left({text}, 1)) THEN '''' || {text} ELSE {text} END"
    quoted = f"""'"' || replace({text}, '"', '""') || '"'"""
    return (
        f"""CASE WHEN {text} = '' OR regexp_matches({text}, '[",\\r\\n]') THEN {quoted} ELSE coalesce({text}, '') END"""
    )
