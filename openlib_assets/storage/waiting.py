"""A lock that is waited for: while its holder may be alive, or until it is known to be dead."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from openlib_assets.storage.base import LockCheck, LockTakenError, Storage

_POLL_SECONDS = 0.2


@contextmanager
def hold_lock(
    storage: Storage,
    path: str,
    *,
    error_message: str,
    patience: float = 0.0,
    given_up: threading.Event | None = None,
) -> Iterator[LockCheck]:
    """Hold the lock at `path` once it is free, and lend its check.

    Waits `patience` seconds for another holder, and beyond that only while it may be dead. Raises LockTakenError then,
    and when `given_up` is set.
    """
    deadline = time.monotonic() + patience
    with ExitStack() as stack:
        while True:
            try:
                check = stack.enter_context(storage.lock(path, error_message=error_message))
                break
            except LockTakenError as error:
                if time.monotonic() >= deadline and not error.may_be_dead:
                    raise
                if (given_up or _NEVER).wait(_POLL_SECONDS):
                    raise
        yield check


_NEVER = threading.Event()
