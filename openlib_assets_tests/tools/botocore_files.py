"""Botocore's descriptions of AWS, read once in a process: botocore reads them for each client, a megabyte for S3.

To import this module is enough. A test opens S3 several times, and each time that took longer than what it asked of it.
"""

from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader

_read = cache(JSONFileLoader().load_file)


def _read_once(_: JSONFileLoader, file_path: str) -> Any:
    return _read(file_path)


JSONFileLoader.load_file = _read_once  # type: ignore[assignment, method-assign]
