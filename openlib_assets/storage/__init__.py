"""Where bytes go: a folder on disk or a prefix on S3, behind one small interface.

A storage knows paths below its root and files that appear as a whole or not at all. It knows nothing of tables.
"""

from collections.abc import Callable

from openlib_assets.storage.base import (
    LockCheck,
    LockLostError,
    LockTakenError,
    MissingFileError,
    Storage,
    StorageError,
    read_if_there,
)
from openlib_assets.storage.local import LocalStorage, absolute_path
from openlib_assets.storage.waiting import hold_lock

__all__ = [
    "ROOT_FORMS",
    "LocalStorage",
    "LockCheck",
    "LockLostError",
    "LockTakenError",
    "MissingFileError",
    "Storage",
    "StorageError",
    "absolute_path",
    "hold_lock",
    "open_storage",
    "read_if_there",
    "split_address",
    "storage_kind",
    "storage_uri",
]


def _open_s3(root: str) -> Storage:
    # boto3 is slow to import; only those who chose S3 should pay.
    from openlib_assets.storage.s3 import S3Storage  # noqa: PLC0415

    return S3Storage.at(root)


# The schemes of addresses (before ://), and how a root of that kind is opened; anything else is a folder.
_OPENERS: dict[str, Callable[[str], Storage]] = {"s3": _open_s3}

# The same, for people.
ROOT_FORMS = " or ".join(["a folder", *(f"{scheme}://bucket/prefix" for scheme in _OPENERS)])


def storage_kind(root: str) -> str:
    """Return the kind of storage that a root is on: `local`, or what stands before `://`.

    Raises StorageError for an address that is neither a folder nor of a kind that can be opened.
    """
    scheme, separator, rest = root.partition("://")
    if not separator and not root.lower().startswith(tuple(f"{known}:" for known in _OPENERS)):
        return LocalStorage.kind
    if scheme not in _OPENERS or not rest.partition("/")[0]:
        raise StorageError(f"{root!r}: give {ROOT_FORMS}")
    return scheme


def storage_uri(root: str, path: str) -> str:
    """Return the address of a path below a root, as the storage there tells it, without opening that."""
    return LocalStorage(root).uri(path) if storage_kind(root) == LocalStorage.kind else f"{root.rstrip('/')}/{path}"


def open_storage(root: str) -> Storage:
    """Return the storage at `root`: a folder, or `s3://bucket/prefix` with AWS's standard variables and chain."""
    kind = storage_kind(root)
    return LocalStorage(root) if kind == LocalStorage.kind else _OPENERS[kind](root)


def split_address(address: str) -> tuple[str, str]:
    """Return the root, which can be opened, and the path below it, of the address of a file."""
    if storage_kind(address) == LocalStorage.kind:
        path = absolute_path(address)
        return str(path.parent), path.name
    root, _, name = address.rpartition("/")
    return root, name
