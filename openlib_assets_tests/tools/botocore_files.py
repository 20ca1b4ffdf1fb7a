"""Botocore's descriptions of AWS, found and read once in a process: botocore does so for each client.

Of S3 alone they are a megabyte, and to find them it looks through the folders of all of AWS. To import this module is
enough. A test opens S3 several times, and each time that took longer than what it asked of it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.hooks import EventAliaser, HierarchicalEmitter
from botocore.loaders import JSONFileLoader, Loader

_read = cache(JSONFileLoader().load_file)
_find = Loader.list_available_services
_found: dict[tuple[str, ...], list[str]] = {}
# What an event is called now, of which each client asks for some hundreds; it depends on nothing but its name.
_alias: Callable[[str], str] = cache(EventAliaser(HierarchicalEmitter())._alias_event_name)  # type: ignore[attr-defined]


def _read_once(_: JSONFileLoader, file_path: str) -> Any:
    return _read(file_path)


def _find_once(loader: Loader, type_name: str) -> list[str]:
    asked = (type_name, *loader.search_paths)
    if asked not in _found:
        _found[asked] = _find(loader, type_name)
    return _found[asked]


def _alias_once(_: EventAliaser, event_name: str) -> str:
    return _alias(event_name)


JSONFileLoader.load_file = _read_once  # type: ignore[assignment, method-assign]
Loader.list_available_services = _find_once  # type: ignore[assignment, method-assign]
EventAliaser._alias_event_name = _alias_once  # type: ignore[attr-defined]
