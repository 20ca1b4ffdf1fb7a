"""What an asset shows of itself in the Dagster UI: purpose, row count, preview, columns, address."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from openlib_assets.lake.contract import Table
from openlib_assets.lake.transform import sql_text

# What tells the meaning of every number; `addresses.py` makes a link of its name in descriptions.
DEFINITIONS = "docs/definitions.md"
DEFINED = f"Terms are defined in `{DEFINITIONS}`."

# Where the files lie.
URI_METADATA = "dagster/uri"
# A line for each file or subject that is not in what was made across all subjects.
LEFT_OUT = "left out"

# So many characters does a cell of a preview have, fewer where columns are many: the UI wraps them, and rows get tall.
_LONGEST_CELL = 80
_SHORTEST_CELL = 32
_LONGEST_ROW = 240
# What is left of `\u00e9` in JSON text where a cell is cut within it.
_HALF_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{0,3})?$")


def column_schema(table: Table) -> dg.TableSchema:
    """Return the columns with their types and descriptions."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table.columns
        ]
    )


def column_lineage(table: Table) -> dg.TableColumnLineage:
    """Return the columns of other tables that each column is computed from."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey(asset), column) for asset, column in map(_split, made_from)]
            for name, made_from in table.lineage.items()
        }
    )


def table_description(table: Table) -> str:
    """Return what one row is, what the table is for and, of a table that SQL makes, its SQL, as Markdown."""
    about = f"{table.description} {DEFINED}"
    return f"{about}\n\n```sql\n{sql_text(table.sql).strip()}\n```" if table.made_from else about


def table_metadata(rows: int, preview: str, uri: str) -> dict[str, Any]:
    """Return the metadata of a table just written for one subject; `preview` shows its first rows as Markdown."""
    return {
        "dagster/partition_row_count": rows,
        URI_METADATA: uri,
        "preview": dg.MetadataValue.md(preview),
    }


def markdown(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a small table as Markdown, long cells cut; text from outside cannot break out of its cell."""
    longest = max(_SHORTEST_CELL, min(_LONGEST_CELL, _LONGEST_ROW // len(columns)))
    header = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
    return header + "\n".join(f"| {' | '.join(_cell(value, longest) for value in row)} |" for row in rows)


def table_markdown(table: pa.Table) -> str:
    """Return a small Arrow table as Markdown."""
    return markdown(table.column_names, (row.values() for row in table.to_pylist()))


def _split(column: str) -> list[str]:
    return column.split(".")


def _cell(value: Any, longest: int) -> str:
    if value is None:
        return ""
    text = " ".join(str(value).split())
    return escaped(text if len(text) <= longest else _HALF_ESCAPE.sub("", text[: longest - 1]) + "…")


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is."""
    for character in "\\`*_[]|":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
