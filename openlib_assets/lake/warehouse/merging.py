"""Rows of a table's file with some of them replaced: those that stay are passed on as they lie there, in their order.

To sort all rows again, of which nearly all stay, would take as long as to write them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_BATCH_ROWS = 65_536


def replaced(file: Path, key: Sequence[str], gone: tuple[str, pa.Array], coming: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file that is sorted by a key, without some, and with others in their places.

    `gone`: a column, and the values of the rows that go. `coming`: a few rows with the columns of the file, sorted by
    the key, which none of the rows that stay has.
    """
    column, values = gone
    first = 0
    with pq.ParquetFile(file) as parquet:
        for number in range(parquet.num_row_groups):
            rows = parquet.read_row_group(number, use_threads=False)
            going = pc.indices_nonzero(pc.is_in(rows[column], values)).to_pylist()
            places = _places(rows, key, coming.slice(first), going)
            for piece in _pieces(rows, going, coming.slice(first), places):
                yield from piece.to_batches(max_chunksize=_BATCH_ROWS)
            first += len(places)
    yield from coming.slice(first).to_batches()


def _places(rows: pa.Table, key: Sequence[str], coming: pa.Table, going: Sequence[int]) -> list[int]:
    """Return before which of the rows each of those that come belongs, as far as it is before any."""
    there, wanted = _keys(rows, key), _keys(coming, key)
    replaced_rows = {there(row): row for row in going}
    places: list[int] = []
    for number in range(coming.num_rows):
        place = replaced_rows.get(wanted(number))
        if place is None:
            after = places[-1] if places else 0
            place = bisect_left(range(rows.num_rows), wanted(number), after, key=there)
        if place == rows.num_rows:
            break
        places.append(place)
    return places


def _keys(rows: pa.Table, key: Sequence[str]) -> Callable[[int], tuple[Any, ...]]:
    """Return what gives the key of a row, by its number."""
    columns = [rows[name].combine_chunks() for name in key]
    return lambda row: tuple([column[row].as_py() for column in columns])


def _pieces(rows: pa.Table, going: Sequence[int], coming: pa.Table, places: Sequence[int]) -> Iterator[pa.Table]:
    """Yield the rows between those that go and those that come, and the latter."""
    start = 0
    # What comes before a row that goes, comes first.
    arrivals = [(place, number) for number, place in enumerate(places)]
    for place, number in sorted([*arrivals, *((row, len(places)) for row in going)]):
        if place > start:
            yield rows.slice(start, place - start)
            start = place
        if number < len(places):
            yield coming.slice(number, 1)
        else:
            start = place + 1
    yield rows.slice(start)
