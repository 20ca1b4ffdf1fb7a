"""Python's values as Arrow's, without pandas.

pyarrow loads pandas when it is first given a value of Python's own, by whatever function, or asked for a time as one:
that takes longer than to make all tables of a small subject, and 35 MB. Its builders do not. DuckDB loads it for the
parameters of a query and for an Arrow table, so `transform.py` writes values into the query.
"""

from collections.abc import Iterable

import pyarrow as pa


def texts(values: Iterable[str | None]) -> pa.Array:
    """Return texts as an array, None as null."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()
