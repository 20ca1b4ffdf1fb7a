"""Botocore's descriptions of AWS, read once in a process: botocore reads them for each client, a megabyte for S3.

To import this module is enough. A test opens S3 several times, and each time that took longer than what it asked of it.
"""

from functools import cache

from botocore.loaders import JSONFileLoader

_read = cache(JSONFileLoader()._load_file)


def _read_once(_: JSONFileLoader, *file: object) -> object:
    return _read(*file)


JSONFileLoader._load_file = _read_once
