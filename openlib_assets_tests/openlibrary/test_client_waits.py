"""The client waits: how long, who waits with it, what ends it, and what a ban is."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import tenacity

from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.connection import Connection
from openlib_assets.openlibrary.errors import BannedError, InterruptedFetchError, RateLimitedError, TransientError
from openlib_assets.sandbox import FaultPlan, Planned
from openlib_assets_tests.conftest import settings_for
from openlib_assets_tests.openlibrary.served import WORKS, always, at_first, keys_of, page_of, sandbox_of


class TestWaits:
    """How long is waited, by whom, and what ends it."""

    @pytest.mark.parametrize(("fault", "retry_wait", "first"), [("http_429", 0.02, 0.02), ("http_503", 0.4, 0.02)])
    def test_they_double_up_to_ten_times_the_first(self, fault: str, retry_wait: float, first: float) -> None:
        with sandbox_of(faults=always(fault)) as sandbox:
            with pytest.raises(TransientError):
                page_of(client := Client(settings_for(sandbox, retry_wait=retry_wait)))
            gaps = [later.started - earlier.started for earlier, later in pairwise(sandbox.requests)]
        expected = [first * factor for factor in (1, 2, 4, 8, 10, 10, 10, 10, 10, 10, 10)]
        for gap, wait in zip(gaps, expected, strict=True):
            assert wait <= gap
        # How much longer a gap is, is the machine's business; the waits themselves are drawn again.
        for attempt, wait in enumerate(expected, 1):
            state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
            state.attempt_number = attempt
            error = RateLimitedError("429") if fault == "http_429" else TransientError("503")
            state.set_exception((type(error), error, None))
            assert wait <= client._wait(state) <= 1.25 * wait

    def test_they_are_spread_at_random(self) -> None:
        with sandbox_of(faults=always("http_503")) as sandbox:
            with pytest.raises(TransientError):
                page_of(Client(settings_for(sandbox, retry_wait=0.2)))
            gaps = [later.started - earlier.started for earlier, later in pairwise(sandbox.requests)][4:]
        assert max(gaps) - min(gaps) > 0.002

    def test_a_stalled_request_times_out(self) -> None:
        with sandbox_of(faults=at_first("stall")) as sandbox:
            client = Client(settings_for(sandbox, timeout=0.3))
            started = time.monotonic()
            assert page_of(client).work_count == WORKS
            assert time.monotonic() - started >= 0.3
            assert client.traffic.retries == 1

    def test_a_429_pauses_every_thread_and_every_other_client_of_the_host(self) -> None:
        pause = 0.6
        with sandbox_of(faults=FaultPlan(planned=(Planned("http_429", match="offset=777"),))) as sandbox:
            settings = settings_for(sandbox, retry_wait=pause)
            client, other = Client(settings), Client(settings)
            with ThreadPoolExecutor() as threads:
                limited = threads.submit(client.page, "love", offset=777, limit=5)
                while not sandbox.requests:
                    time.sleep(0.005)
                time.sleep(0.1)
                others = [threads.submit(c.work_count, "love") for c in (client, client, other, other)]
                assert [answer.result() for answer in others] == [WORKS] * 4
                assert limited.result().work_count == WORKS
            first, *rest = sandbox.requests
            assert first.status == 429
            assert len(rest) == 5
            assert min(request.started for request in rest) >= first.started + pause

    def test_other_faults_pause_nobody_else(self) -> None:
        with sandbox_of(faults=FaultPlan(planned=(Planned("http_503", match="offset=777"),))) as sandbox:
            client = Client(settings_for(sandbox, retry_wait=2000))
            with ThreadPoolExecutor() as threads:
                failed = threads.submit(client.page, "love", offset=777, limit=5)
                while not sandbox.requests:
                    time.sleep(0.005)
                started = time.monotonic()
                assert client.work_count("love") == WORKS
                assert time.monotonic() - started < 50, "not as long as the other one waits"
                client.stop.set()
                assert isinstance(failed.exception(), InterruptedFetchError)

    @pytest.mark.parametrize("fault", ["http_503", "http_429", "null_count", "reset"])
    def test_the_order_to_stop_ends_them_at_once(self, fault: str) -> None:
        with sandbox_of(faults=always(fault)) as sandbox, ThreadPoolExecutor() as threads:
            client = Client(settings_for(sandbox, retry_wait=600))
            waiting = threads.submit(page_of, client)
            while not sandbox.requests:
                time.sleep(0.005)
            time.sleep(0.05)
            started = time.monotonic()
            client.stop.set()
            assert isinstance(waiting.exception(timeout=60), InterruptedFetchError)
            assert time.monotonic() - started < 20, "not as long as a wait"
            assert len(sandbox.requests) == 1

    def test_nothing_is_sent_once_stopped(self) -> None:
        with sandbox_of() as sandbox:
            client = Client(settings_for(sandbox))
            client.stop.set()
            with pytest.raises(InterruptedFetchError):
                page_of(client)
            assert sandbox.requests == []

    def test_nothing_is_sent_or_sent_again_that_is_no_longer_wanted(self) -> None:
        with sandbox_of(faults=always("http_500")) as sandbox:
            client = Client(settings_for(sandbox))
            with pytest.raises(InterruptedFetchError):
                page_of(client, wanted=lambda: False)
            assert sandbox.requests == []
            with pytest.raises(InterruptedFetchError):
                page_of(client, wanted=lambda: len(sandbox.requests) < 3)
            assert len(sandbox.requests) == 3


class TestBan:
    """When Open Library shuts the door, and how to avoid it."""

    def test_a_refused_connection_after_a_429_ends_every_request_of_the_client(self) -> None:
        with sandbox_of(faults=always("http_429")) as sandbox, ThreadPoolExecutor() as threads:
            client = Client(settings_for(sandbox, retry_wait=0.2))
            first = threads.submit(page_of, client)
            while not sandbox.requests:
                time.sleep(0.005)
            time.sleep(0.05)
            sandbox.stop()
            banned = first.exception(timeout=60)
        assert isinstance(banned, BannedError)
        assert re.search(r"love\.json\?.*: connection refused after HTTP 429: .*wait an hour", str(banned))
        assert str(banned).isprintable()
        sent = client.traffic.requests
        assert sent == 2
        for _ in range(3):
            with pytest.raises(BannedError):
                page_of(client)
        assert client.traffic.requests == sent

    @pytest.mark.parametrize(
        ("good_answers", "seconds_later", "error"),
        [(1, 200, BannedError), (1, 400, TransientError), (30, 1, TransientError)],
    )
    def test_a_429_is_forgotten_after_some_minutes_or_good_answers(
        self, good_answers: int, seconds_later: float, error: type[Exception]
    ) -> None:
        """A server that is away for a moment, long after a 429, is no reason to give up all subjects."""
        now = [1000.0]
        with sandbox_of(faults=at_first("http_429")) as sandbox:
            settings = settings_for(sandbox)
            client = Client(settings, Connection(settings, clock=lambda: now[0]))
            with pytest.raises(RateLimitedError):
                client.probe("love")
            for _ in range(good_answers):
                client.probe("love")
            now[0] += seconds_later
            sandbox.stop()
            with pytest.raises(error, match="refused"):
                client.probe("love")

    def test_a_strict_limit_is_survived_by_pausing(self) -> None:
        """A client that asks far too fast meets 429s, waits, and gets all its answers."""
        with sandbox_of(requests_per_second=20, burst=4, delay=2) as sandbox, ThreadPoolExecutor(8) as threads:
            client = Client(settings_for(sandbox, retry_wait=0.2))
            offsets = range(0, WORKS, 5)
            # How many are asked for at a time is the machine's business: a busy one may be slow enough for the limit.
            while 429 not in {request.status for request in sandbox.requests}:
                pages = list(threads.map(lambda offset: client.page("love", offset=offset, limit=5), offsets))
                assert [key for page in pages for key in page.keys] == keys_of(sandbox)
