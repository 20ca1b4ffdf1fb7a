"""Several subjects at once: threads do the work, while the asset records what is done, one subject after the other."""

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Generic, NamedTuple, TypeVar

from openlib_assets.storage.errors import OpenlibError

Result = TypeVar("Result")

_POLL_SECONDS = 0.1
_LONGEST_GOODBYE_SECONDS = 2.0


class _Finished(NamedTuple, Generic[Result]):
    """What became of a subject; `seen` is to be set once that was dealt with."""

    subject: str
    result: Result | BaseException
    seen: threading.Event


class _AbandonedError(Exception):
    """Nobody waits for the result any more."""


def each_done(
    subjects: Sequence[str],
    do: Callable[[str], AbstractContextManager[Result]],
    at_once: int,
    stop: Callable[[], object],
) -> Generator[tuple[str, Result | OpenlibError], None, None]:
    """Do the work for subjects, so many at once, and give each as it is done: its result, or why it failed.

    The block that gave a result ends well when the next one is asked for. Where none is, for whatever reason, `stop`
    is called, and all blocks end with an error. Errors other than OpenlibError are raised.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    finished: queue.SimpleQueue[_Finished[Result]] = queue.SimpleQueue()
    over = threading.Event()
    for subject in subjects:
        waiting.put(subject)

    def work() -> None:
        while not over.is_set():
            try:
                subject = waiting.get_nowait()
            except queue.Empty:
                return
            seen = threading.Event()
            try:
                with do(subject) as result:
                    finished.put(_Finished(subject, result, seen))
                    _wait_until(seen, over)
            except _AbandonedError:
                return
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                finished.put(_Finished(subject, error, seen))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(at_once, len(subjects)))]
    for thread in threads:
        thread.start()
    try:
        for _ in subjects:
            subject, result, seen = finished.get()
            if isinstance(result, BaseException) and not isinstance(result, OpenlibError):
                raise result
            yield subject, result
            seen.set()
        for thread in threads:
            thread.join()
    finally:
        over.set()
        stop()
        goodbye = time.monotonic() + _LONGEST_GOODBYE_SECONDS
        for thread in threads:
            thread.join(max(0.0, goodbye - time.monotonic()))


def _wait_until(seen: threading.Event, over: threading.Event) -> None:
    while not seen.wait(_POLL_SECONDS):
        if over.is_set():
            raise _AbandonedError
