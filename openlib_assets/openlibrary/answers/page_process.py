"""A process beside this one that reads pages of a large subject, since all threads of Python share one core.

To read a page takes longer than to receive it. The process has nothing of its own that could be lost. It ends when it
is told to, and when this one is gone, however that came: then nobody is left at the other end of its input.

`python -m openlib_assets.openlibrary.answers.page_process` is that process.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from openlib_assets.openlibrary.answers.checked import Page, PageReader, read_page
from openlib_assets.openlibrary.errors import TransientError
from openlib_assets.openlibrary.listings import Listing

# How it shows, to who writes to it or reads from it, that the process is gone.
_GONE = (OSError, EOFError, ValueError, pickle.UnpicklingError)


@contextmanager
def page_process() -> Iterator[PageReader]:
    """Lend what reads pages in another process, or in this one if that is gone.

    It may be called from several threads, which wait for each other: to read a page here meanwhile would keep them from
    Python's lock, and so from receiving pages and handing them over. The process ends with the block.
    """
    process = subprocess.Popen(  # noqa: S603 - this very module
        [sys.executable, "-P", "-m", __name__],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    turn = threading.Lock()

    def read(body: bytes, listing: Listing, *, offset: int, limit: int) -> Page:
        with turn:
            try:
                answer = _asked(process, (body, listing, offset, limit))
            except _GONE:
                process.kill()  # for good, so that no later question gets a part of this answer
                process.wait()
                return read_page(body, listing, offset=offset, limit=limit)
        if isinstance(answer, TransientError):
            raise answer
        return answer

    try:
        yield read
    finally:
        process.kill()
        with suppress(OSError), process:  # closes the pipes, and waits for its end
            pass


def _asked(process: subprocess.Popen[bytes], question: tuple[bytes, Listing, int, int]) -> Page | TransientError:
    if not process.stdin or not process.stdout:
        raise EOFError
    _send(process.stdin, question)
    answer: Page | TransientError = pickle.load(process.stdout)  # noqa: S301 - from a process of our own
    return answer


def _send(stream: IO[bytes], message: object) -> None:
    pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def _serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    while True:
        try:
            body, listing, offset, limit = pickle.load(questions)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        try:
            _send(answers, read_page(body, listing, offset=offset, limit=limit))
        except TransientError as error:
            _send(answers, error)


if __name__ == "__main__":
    # Ctrl-C reaches all processes of a terminal; the one that asks decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(sys.stdin.buffer, sys.stdout.buffer)
