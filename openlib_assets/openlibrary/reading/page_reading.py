"""Pages of a subject read into the staging, several at once, in threads that end with the fetch."""

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from openlib_assets.openlibrary.answers.checked import PageReader, read_page
from openlib_assets.openlibrary.answers.page_process import page_process
from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.errors import InterruptedFetchError
from openlib_assets.openlibrary.listings import Listing
from openlib_assets.openlibrary.reading.staged_pages import StagedPage, Staging

_STOP_POLL_SECONDS = 0.5
# So many works take longer to read than a process to start.
_WORKS_WORTH_A_PROCESS = 20_000


def read_pages(
    client: Client,
    key: str,
    staging: Staging,
    due: Callable[[], Sequence[int]],
    work_count: Callable[[], int],
    *,
    listing: Listing,
) -> Iterator[StagedPage]:
    """Read the pages of a listing at the offsets that are `due` and yield each as it comes.

    `work_count` is how many works the subject is known to have. Both are asked anew after each page, which may tell of
    more works. Once the caller takes no more, nothing more is sent. Raises what the client raises.
    """
    limit = client.settings.page_size
    answers: queue.SimpleQueue[StagedPage | BaseException] = queue.SimpleQueue()
    asked: set[int] = set()
    came = 0
    wanted = threading.Event()
    wanted.set()
    reads: PageReader = read_page

    def read(offset: int, not_below: int) -> None:
        try:
            page = client.page(
                key,
                offset=offset,
                limit=limit,
                listing=listing,
                not_below=not_below,
                wanted=wanted.is_set,
                read=reads,
            )
            answers.put(staging.add(page, limit))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            answers.put(error)

    with ExitStack() as stack:
        stack.callback(wanted.clear)
        while True:
            missing = [offset for offset in due() if offset not in asked]
            if reads is read_page and _is_worth_a_process(len(missing) * limit):
                reads = stack.enter_context(page_process())
            for offset in missing[: client.settings.max_in_flight - (len(asked) - came)]:
                asked.add(offset)
                threading.Thread(target=read, args=(offset, work_count()), daemon=True).start()
            if came == len(asked):
                return
            answer = _next(answers, client.stop)
            if isinstance(answer, BaseException):
                raise answer
            came += 1
            yield answer


def _is_worth_a_process(works: int) -> bool:
    return works >= _WORKS_WORTH_A_PROCESS and (os.cpu_count() or 1) > 1


def _next(
    answers: "queue.SimpleQueue[StagedPage | BaseException]", stop: threading.Event
) -> StagedPage | BaseException:
    """Wait for an answer, but not past the order to stop: a request under way may take a minute to give up."""
    while True:
        try:
            return answers.get(timeout=_STOP_POLL_SECONDS)
        except queue.Empty:
            if stop.is_set():
                raise InterruptedFetchError("interrupted") from None
