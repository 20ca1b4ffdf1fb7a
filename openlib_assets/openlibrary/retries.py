"""When a request that failed is sent again: how often, after how long, and what is said in the end."""

import random
from collections.abc import Callable
from typing import TypeVar

import tenacity

from openlib_assets.openlibrary.errors import BannedError, InterruptedFetchError, SourceError, TransientError

Answer = TypeVar("Answer")
Heard = Callable[[str], None]

TRIES = 12
_LONGEST_WAIT_FACTOR = 10
_OTHER_WAITS_START_AT = 1 / 20
# Of a URL in a message; that of a request for editions names forty works.
_LONGEST_SHOWN = 200
_END_SHOWN = 50


def ask(
    send: Callable[[int], Answer],
    url: str,
    *,
    wait: Callable[[tenacity.RetryCallState], float],
    sleep: Callable[[float], None],
    heard: Heard | None = None,
) -> Answer:
    """Return what `send`, given the number of the try, returns: it is called again after a TransientError.

    `heard` is told, before each wait, what failed and how long that is. What is raised in the end names the URL and
    the tries.
    """

    def tell(state: tenacity.RetryCallState) -> None:
        if heard and state.outcome and state.next_action:
            heard(f"{_shown(url)}: {state.outcome.exception()}; trying again in {state.next_action.sleep:.0f} s")

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(TRIES),
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=wait,
        sleep=sleep,
        before_sleep=tell,
        reraise=True,
    )
    tries = 0
    try:
        for attempt in retrying:
            with attempt:
                tries = attempt.retry_state.attempt_number
                return send(tries)
    except (BannedError, InterruptedFetchError):
        raise
    except SourceError as error:
        raise type(error)(f"{_shown(url)}: {error} ({tries} {'try' if tries == 1 else 'tries'})") from error
    raise AssertionError("tenacity returns or raises")


def seconds_to_wait(state: tenacity.RetryCallState, retry_wait: float, *, limited: bool) -> float:
    """Return the seconds until the next try: doubling up to ten times the first, and up to a quarter more.

    The first wait is `retry_wait` after a 429 (`limited`), and a twentieth of it otherwise.
    """
    first = retry_wait * (1 if limited else _OTHER_WAITS_START_AT)
    doubled = first * min(2.0 ** (state.attempt_number - 1), _LONGEST_WAIT_FACTOR)
    return doubled * random.uniform(1, 1.25)  # noqa: S311 - spreads retries, keeps no secret


def _shown(url: str) -> str:
    """Return an address for a message; the end says which page it is of."""
    return url if len(url) <= _LONGEST_SHOWN else f"{url[: _LONGEST_SHOWN - _END_SHOWN]}...{url[-_END_SHOWN:]}"
