"""Files put in their places, a subject at a time: under the subject's lock, whole or not at all, and digested."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, suppress
from itertools import islice

import duckdb
import pyarrow as pa

from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs
from openlib_assets.lake import layout
from openlib_assets.lake.table_files import file_digest
from openlib_assets.lake.transform import is_of_files
from openlib_assets.openlibrary.subject_keys import InvalidSubjectError, as_argument, subject_key
from openlib_assets.storage import LockCheck, Storage, hold_lock
from openlib_assets.storage.errors import OpenlibError, first_line

# How long a subject is waited for that another run fetches or makes.
_LOCK_SECONDS = 600.0
# How long those still at work are waited for, once no more is wanted.
_GOODBYE_SECONDS = 2.0


class _AbandonedError(OpenlibError):
    """Nobody wants the output any more, so it is not recorded."""


class _NotMadeError(OpenlibError):
    """What a subject's files are made of cannot be read, or there is no room to make them."""

    def __init__(self, subject: str, error: Exception) -> None:
        line = first_line(error)
        super().__init__(
            f"{line}; make room where the disk or the memory is full, else fetch the subject anew with: "
            f"openlib run --force {as_argument(subject)}"
        )
        self.__cause__ = error


def written_each(
    storage: Storage, outputs: SubjectOutputs, subjects: Sequence[str]
) -> Iterator[tuple[str, Done | OpenlibError]]:
    """Put the files of each subject in their places, and yield what became of it while its block is open still.

    Whoever asks for the next one says with it that this one is recorded. Errors that are neither foreseen nor of a
    file, a disk or the memory are raised; then, and where no more are asked for, all blocks end with an error.
    """
    try:
        for subject, future in _opened_each(storage, outputs, subjects):
            try:
                stack, output, check = future.result()
                with stack:
                    yield subject, put_in_place(storage, output, check)
            except OpenlibError as error:
                yield subject, error
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                if not is_of_files(error):
                    raise
                yield subject, _NotMadeError(subject, error)
    finally:
        outputs.stop()


def put_in_place(storage: Storage, output: SubjectOutput, check: LockCheck = lambda: None) -> Done:
    """Write the files of a subject, each of which appears in its place when it is whole, and tell what became of it.

    `check` is that of the subject's lock: raises LockLostError, and no more files appear, once that is lost.
    """
    digests = {}
    for path, write in output.files.items():
        with storage.writing(path) as file:
            write(file)
            digests[path] = file_digest(file)
            check()
    return output.done(digests)


_Opened = tuple[ExitStack, SubjectOutput, LockCheck]


def _opened_each(
    storage: Storage, outputs: SubjectOutputs, subjects: Sequence[str]
) -> Iterator[tuple[str, "Future[_Opened]"]]:
    """Open the blocks of subjects, so many at once, and yield each as it is open; the caller closes it."""

    def opened(subject: str) -> _Opened:
        _require_key(subject)
        with ExitStack() as stack:
            check = stack.enter_context(locked(storage, subject, waits=outputs.waits, given_up=over))
            output = stack.enter_context(outputs.make(subject))
            return stack.pop_all(), output, check

    over = threading.Event()
    pool = ThreadPoolExecutor(outputs.at_once)
    waiting = iter(subjects)
    running = {pool.submit(opened, subject): subject for subject in islice(waiting, outputs.at_once)}
    try:
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future
                running |= {pool.submit(opened, subject): subject for subject in islice(waiting, 1)}
    finally:
        over.set()
        outputs.stop()
        pool.shutdown(wait=False, cancel_futures=True)
        for future in wait(running, _GOODBYE_SECONDS).done:
            if not future.cancelled() and future.exception() is None:
                with suppress(_AbandonedError), future.result()[0]:
                    raise _AbandonedError


def _require_key(subject: str) -> None:
    """Refuse a partition that is no subject's key before anything of it lies in the storage, a lock included."""
    normal = subject_key(subject)
    if subject != normal:
        raise InvalidSubjectError(
            f"{subject!r} is not a subject key; the key is {normal!r}. Remove the partition with: "
            f"openlib subjects remove {as_argument(subject)}"
        )


def locked(
    storage: Storage, subject: str, *, waits: bool, given_up: threading.Event | None = None
) -> AbstractContextManager[LockCheck]:
    """Hold the lock of a subject while it is fetched or a table of it is made, so that no two runs leave a mix.

    Where it `waits`, it does so for ten minutes, or until `given_up` is set: the tables of one run may be made side by
    side, in processes of their own. Lends the lock's check. Raises LockTakenError.
    """
    doing = "fetched or made" if waits else "fetched"
    busy = f"{subject!r} is being {doing} by another run; wait for it to end, then try again"
    return hold_lock(
        storage,
        layout.lock_file(subject),
        error_message=busy,
        patience=_LOCK_SECONDS if waits else 0.0,
        given_up=given_up,
    )
