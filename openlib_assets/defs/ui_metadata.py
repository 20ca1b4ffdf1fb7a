"""What an asset shows of itself in the Dagster UI: row count, preview, columns, address."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from openlib_assets.lake.contract import Table

_LONGEST_CELL = 80


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


def table_metadata(rows: int, preview: str, uri: str) -> dict[str, Any]:
    """Return the metadata of a table just written for one subject; `preview` shows its first rows as Markdown."""
    return {
        "dagster/partition_row_count": rows,
        "dagster/uri": uri,
        "preview": dg.MetadataValue.md(preview),
    }


def markdown(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a small table as Markdown, long cells cut; text from outside cannot break out of its cell."""
    header = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
    return header + "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def table_markdown(table: pa.Table) -> str:
    """Return a small Arrow table as Markdown."""
    return markdown(table.column_names, (row.values() for row in table.to_pylist()))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = " ".join(str(value).split())
    return escaped(text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…")


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is."""
    for character in "\\`*_[]|":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
