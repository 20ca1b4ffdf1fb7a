"""What a storage says when a disk or S3 refuses: all that can be refused, tried once, and how it has to be said."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from openlib_assets.storage import StorageError, open_storage


def everything(root: str, *, bucket_is_there: bool = True) -> list[StorageError]:
    """Try all that touches the storage; each must fail."""
    storage = open_storage(root)
    attempts: list[Callable[[], object]] = [
        lambda: storage.write("a", b"x"),
        lambda: storage.read("a"),
        lambda: list(storage.paths("a")),
        lambda: storage.folders("a"),
        lambda: storage.delete("a"),
        lambda: storage.local_copy("a").__enter__(),
        lambda: storage.lock("a", error_message="x").__enter__(),
    ]
    if bucket_is_there:
        # Its answer has no room for a reason: a bucket that is not there is taken for a file that is not.
        attempts.append(lambda: storage.digest("a"))
    errors = []
    for attempt in attempts:
        with pytest.raises(StorageError) as caught:
            attempt()
        errors.append(caught.value)
    with pytest.raises(StorageError) as caught, storage.writing("a") as file:
        file.write_bytes(b"x")
    return [*errors, caught.value]


def assert_one_line(error: Exception) -> None:
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 400


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Return up the rights of root, to whom no file is read-only."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
