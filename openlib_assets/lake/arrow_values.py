"""Python's values as Arrow's, without pandas.

pyarrow loads pandas when it is first given a value of Python's own, by whatever function, or asked for a time as one:
that takes longer than to make all tables of a small subject, and 35 MB. Its builders do not. DuckDB loads it for the
parameters of a query and for an Arrow table, so `transform.py` writes values into the query.
"""

from collections.abc import Iterable

import pyarrow as pa


def texts(values: Iterable[str]) -> pa.Array:
    """Return texts as an array."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def text(value: str) -> pa.StringScalar:
    """Return a text as a value for a compute function, which would load pandas to take one of Python's."""
    return texts([value])[0]
