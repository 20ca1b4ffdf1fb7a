"""Botocore's descriptions of AWS, looked up and read once in a process: botocore does so for each client.

To import this module is enough. A test opens S3 several times, and each time that took longer than what it asked of it.
"""

from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

_read = cache(JSONFileLoader().load_file)
_list_services = Loader.list_available_services
_listed: dict[tuple[str, ...], list[str]] = {}


def _read_once(_: JSONFileLoader, file_path: str) -> Any:
    return _read(file_path)


def _list_services_once(loader: Loader, type_name: str) -> list[str]:
    place = (type_name, *loader.search_paths)
    if place not in _listed:
        _listed[place] = _list_services(loader, type_name)
    return _listed[place]


JSONFileLoader.load_file = _read_once  # type: ignore[assignment, method-assign]
Loader.list_available_services = _list_services_once  # type: ignore[assignment, method-assign]
