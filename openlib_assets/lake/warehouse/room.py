"""A disk or a memory that is full: no fault of any subject's, and told in one line."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from openlib_assets.lake.contract import Layer
from openlib_assets.lake.warehouse.versions import WarehouseError
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import first_line

_DISK_IS_FULL = os.strerror(errno.ENOSPC)


def is_full(error: Exception) -> bool:
    """Tell whether an error is that of a disk, or of the memory, in which there is no more room."""
    return isinstance(error, duckdb.OutOfMemoryException) or _DISK_IS_FULL in str(error)


@contextmanager
def passed_over() -> Iterator[None]:
    """End the block without an error where DuckDB cannot read a file, unless it is for want of room."""
    try:
        yield
    except duckdb.Error as error:
        if is_full(error):
            raise


@contextmanager
def said_in_one_line(storage: Storage) -> Iterator[None]:
    """Raise WarehouseError for what DuckDB raises where there is no more room."""
    try:
        yield
    except duckdb.Error as error:
        if not is_full(error):
            raise
        raise WarehouseError(
            f"{storage.uri(Layer.WAREHOUSE)}: {first_line(error)}; "
            "make room where the disk or the memory is full, then run: openlib warehouse"
        ) from error
