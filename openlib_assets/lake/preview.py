"""The first rows of a table, kept while it is written: to ask for them afterwards takes as long as to write few."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

_ROWS = 5


class Preview:
    """The first rows of the batches that went through `noticed`; times are texts."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}

    def noticed(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches, and keep the first rows of the first one that has any."""
        for batch in batches:
            if batch.num_rows and not self._columns:
                first = batch.slice(0, _ROWS)
                self._columns = {name: _shown(first[name]).to_pylist() for name in batch.schema.names}
            yield batch

    def rows(self, columns: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Return the rows, with all columns or some; none before such a batch has come."""
        values = [self._columns[name] for name in columns or self._columns] if self._columns else []
        return list(zip(*values, strict=True))


def _shown(column: pa.Array) -> pa.Array:
    """Return a column to show: asked for a time as Python's, pyarrow would load pandas (arrow_values.py)."""
    return column.cast(pa.string()) if pa.types.is_timestamp(column.type) else column
