"""Python's values as Arrow's, without pandas.

pyarrow loads pandas when it is first given a value of Python's own, by whatever function, or asked for a time as one:
that takes longer than to make all tables of a small subject, and 35 MB. It takes buffers without. DuckDB loads it for
the parameters of a query and for an Arrow table, so `transform.py` writes values into the query.
"""

from array import array
from collections.abc import Iterable
from itertools import accumulate

import pyarrow as pa


def texts(values: Iterable[str | bytes]) -> pa.Array:
    """Return texts, also those that are UTF-8 already, as an array."""
    encoded = [value if isinstance(value, bytes) else value.encode() for value in values]
    ends = array("i", accumulate(map(len, encoded), initial=0))
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def optional_texts(values: Iterable[str | None]) -> pa.Array:
    """Return texts as an array, None as null."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def text(value: str) -> pa.StringScalar:
    """Return a text as a value for a compute function, which would load pandas to take one of Python's."""
    return texts([value])[0]


def joined(column: pa.StringArray) -> memoryview:
    """Return the texts of an array, none of which is null, one after the other, as UTF-8."""
    _, ends, text = column.buffers()
    places = memoryview(ends).cast("i")
    return memoryview(text)[places[column.offset] : places[column.offset + len(column)]]
