"""The client against a sandbox, over real sockets: what it recovers from, what it gives up at once, how it waits."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import pytest

from openlib_assets.openlibrary.client import TRIES, Client, Page
from openlib_assets.openlibrary.errors import (
    BannedError,
    InterruptedFetchError,
    PermanentError,
    RateLimitedError,
    SourceError,
    TransientError,
)
from openlib_assets.sandbox import TRANSIENT, FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets_tests.conftest import settings_for

# A redirect is not tried again but followed.
RETRIED = [fault for fault in TRANSIENT if fault != "redirect"]
WORKS = 60

Script = Callable[[BaseHTTPRequestHandler], None]


def _sandbox(*, works: int = WORKS, faults: FaultPlan | None = None, **config: Any) -> Sandbox:
    return Sandbox(SandboxConfig({"love": works}, faults=faults or FaultPlan(), **config))


def _at_first(fault: str, times: int = 1, **plan: Any) -> FaultPlan:
    return FaultPlan(planned=(Planned(fault, times=times),), **plan)


def _always(fault: str, **plan: Any) -> FaultPlan:
    return FaultPlan(permanent={"love": fault}, **plan)


def _keys(sandbox: Sandbox, subject: str = "love") -> list[str]:
    return [work["key"].removeprefix("/works/") for work in sandbox.works(subject)]


def _closed_port() -> int:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


@contextmanager
def _scripted(script: Script) -> Iterator[str]:
    """Serve whatever `script` sends to each GET; give the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script(self)

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _page(client: Client, *, limit: int = 20, **asked: Any) -> Page:
    return client.page("love", offset=0, limit=limit, **asked)


class TestAnswers:
    """What a good answer becomes."""

    def test_a_page_holds_the_works_asked_for_in_the_order_of_their_keys(self) -> None:
        with _sandbox() as sandbox:
            page = Client(settings_for(sandbox)).page("love", offset=50, limit=20)
            assert page.keys == _keys(sandbox)[50:]
            assert [record["key"] for record in page.records] == [f"/works/{key}" for key in page.keys]
            assert (page.offset, page.work_count) == (50, WORKS)

    def test_a_page_past_the_end_is_empty(self) -> None:
        with _sandbox() as sandbox:
            page = Client(settings_for(sandbox)).page("love", offset=WORKS, limit=20)
            assert (page.keys, page.work_count) == ([], WORKS)

    def test_counting_fetches_no_works(self) -> None:
        with _sandbox() as sandbox:
            assert Client(settings_for(sandbox)).work_count("love") == WORKS
            assert "limit=0" in sandbox.requests[0].query

    @pytest.mark.parametrize(
        "key",
        [
            "children's_stories_english",
            "person:sherlock_holmes",
            "théâtre",
            "科学小说",
            "a-b.c!~",
            "place:new_york_(n.y.)",
        ],
    )
    def test_every_subject_key_is_reached_at_its_address(self, key: str) -> None:
        with Sandbox(SandboxConfig({key: 3, "other": 5})) as sandbox:
            assert Client(settings_for(sandbox)).page(key, offset=0, limit=5).keys == _keys(sandbox, key)
            assert len(sandbox.requests) == 1

    def test_the_subject_search_gives_keys_and_sizes(self) -> None:
        with Sandbox(SandboxConfig({"love": 7, "person:love": 3, "war": 2})) as sandbox:
            hits = Client(settings_for(sandbox)).search_subjects("Love", limit=10)
            assert [(hit["key"], hit["work_count"]) for hit in hits] == [
                ("/subjects/love", 7),
                ("/subjects/person:love", 3),
            ]


class TestIntroduction:
    """How requests present themselves, and which way they take."""

    def test_the_user_agent_names_program_and_version(self) -> None:
        with _sandbox() as sandbox:
            Client(settings_for(sandbox)).work_count("love")
            assert sandbox.requests[0].user_agent == f"openlib_assets/{version('openlib-assets')}"

    def test_the_user_agent_names_the_contact_where_there_is_one(self) -> None:
        with _sandbox() as sandbox:
            Client(settings_for(sandbox, contact="me@example.org")).work_count("love")
            assert sandbox.requests[0].user_agent == f"openlib_assets/{version('openlib-assets')} (me@example.org)"

    def test_a_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def proxy(handler: BaseHTTPRequestHandler) -> None:
            asked.append(handler.path)
            _send(handler, b'{"work_count": 5, "works": []}')

        with _scripted(proxy) as url:
            monkeypatch.setenv("HTTP_PROXY", url)
            settings = Settings(api_url="http://openlibrary.invalid", requests_per_second=1e6)
            assert Client(settings).work_count("love") == 5
        assert asked[0].startswith("http://openlibrary.invalid/subjects/love.json?")


class TestTransientFaults:
    """What asking again may overcome."""

    @pytest.mark.parametrize("fault", RETRIED)
    def test_one_of_any_kind_is_overcome_by_asking_again(self, fault: str) -> None:
        with _sandbox(faults=_at_first(fault, times=3)) as sandbox:
            client = Client(settings_for(sandbox, timeout=0.2))
            page = _page(client, not_below=WORKS)
            assert page.keys == _keys(sandbox)[:20]
            assert page.work_count == WORKS
            assert [request.fault for request in sandbox.requests] == [fault, fault, fault, None]
            assert (client.traffic.requests, client.traffic.retries) == (4, 3)

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("null_count", "work_count is None: the index did not answer"),
            ("short_page", "10 works where 20 were due"),
            ("duplicate_work", "works out of the order of their keys, or twice"),
            ("unordered", "works out of the order of their keys, or twice"),
            ("html", "HTTP 200 with HTML in {bytes} bytes"),
            ("garbage_json", "HTTP 200 with not JSON in {bytes} bytes"),
            ("http_429", "HTTP 429, too many requests"),
            ("http_500", "HTTP 500"),
            ("http_502", "HTTP 502"),
            ("http_503", "HTTP 503"),
            ("cut_body", "the answer was cut short"),
            ("reset", "the connection broke (ConnectionError)"),
            ("stall", "no answer in time"),
            ("redirect", "more than 3 redirects"),
        ],
    )
    def test_one_that_stays_is_given_up_in_a_line_with_url_reason_and_tries(self, fault: str, reason: str) -> None:
        tries = 1 if fault == "redirect" else TRIES
        with _sandbox(faults=_always(fault)) as sandbox:
            client = Client(settings_for(sandbox, timeout=0.05, retry_wait=0.005))
            with pytest.raises(SourceError) as given_up:
                _page(client)
            url = f"{sandbox.url}/subjects/love.json?limit=20&offset=0&sort=key"
            reason = reason.format(bytes=sandbox.requests[0].bytes)
            assert str(given_up.value) == f"{url}: {reason} ({tries} {'try' if tries == 1 else 'tries'})"
            assert isinstance(given_up.value, PermanentError if fault == "redirect" else TransientError)
            assert isinstance(given_up.value, RateLimitedError) == (fault == "http_429")
            assert client.traffic.requests == len(sandbox.requests) == (4 if fault == "redirect" else TRIES)
            assert client.traffic.retries == tries - 1

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ([], "an answer that is not an object"),
            ({}, "work_count is None: the index did not answer"),
            ({"work_count": -1, "works": []}, "work_count is -1: the index did not answer"),
            ({"work_count": True, "works": []}, "work_count is True: the index did not answer"),
            ({"work_count": "2", "works": []}, "work_count is '2': the index did not answer"),
            ({"work_count": 2.0, "works": []}, "work_count is 2.0: the index did not answer"),
            ({"work_count": 2}, "an answer without works"),
            ({"work_count": 2, "works": {}}, "an answer without works"),
            ({"work_count": 2, "works": []}, "0 works where 2 were due"),
            ({"work_count": 1, "works": [{"key": "/works/OL1W"}] * 2}, "2 works where 1 were due"),
            ({"work_count": 1, "works": [None]}, "a work that is null"),
            ({"work_count": 1, "works": [{"key": "/works/OL1W", "title": 1}]}, "OL1W: title is of type int"),
            ({"work_count": 2, "works": [{"key": "/works/OL2W"}, {"key": "/works/OL1W"}]}, "works out of the order"),
        ],
    )
    def test_an_answer_of_the_wrong_shape_is_asked_for_again_then_given_up(self, answer: Any, reason: str) -> None:
        with _scripted(lambda handler: _send(handler, json.dumps(answer).encode())) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=0.001))
            with pytest.raises(TransientError, match=rf": {re.escape(reason)}.* \({TRIES} tries\)$"):
                _page(client)
            assert client.traffic.requests == TRIES

    def test_a_refused_connection_is_given_up_after_the_last_try(self) -> None:
        client = Client(
            Settings(api_url=f"http://127.0.0.1:{_closed_port()}", requests_per_second=1e6, retry_wait=0.01)
        )
        with pytest.raises(TransientError, match=r"love\.json\?.*: connection refused \(12 tries\)$"):
            _page(client)
        assert client.traffic.requests == TRIES

    def test_an_unknown_host_is_named_as_such(self) -> None:
        client = Client(Settings(api_url="http://host.invalid", requests_per_second=1e6, retry_wait=0.001))
        with pytest.raises(TransientError, match=r": the host name cannot be resolved \(12 tries\)$"):
            _page(client)

    def test_an_answer_that_never_ends_is_cut_off(self) -> None:
        answer = b'{"work_count": 5, "works": []}'
        asked = []

        def drip_at_first(handler: BaseHTTPRequestHandler) -> None:
            asked.append(handler.path)
            if len(asked) > 1:
                _send(handler, answer)
                return
            handler.send_response(200)
            handler.send_header("Content-Length", str(1 << 20))
            handler.end_headers()
            with suppress(ConnectionError):
                for _ in range(512):
                    handler.wfile.write(b" " * 2048)
                    time.sleep(0.02)

        with _scripted(drip_at_first) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=0.05, timeout=0.1))
            started = time.monotonic()
            assert client.work_count("love") == 5
            assert 1 <= time.monotonic() - started < 2.5
            assert client.traffic.retries == 1


class TestPermanentFaults:
    """What asking again does not help against."""

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("http_403", "HTTP 403, refused: set OPENLIB_CONTACT, Open Library turns unidentified clients away"),
            ("http_404", "HTTP 404, not found: check OPENLIB_API_URL"),
            ("http_422", "HTTP 422"),
        ],
    )
    def test_they_fail_at_once_in_a_line_with_url_and_reason(self, fault: str, reason: str) -> None:
        with _sandbox(faults=_at_first(fault)) as sandbox:
            client = Client(settings_for(sandbox, retry_wait=60))
            with pytest.raises(PermanentError) as failed:
                _page(client)
            url = f"{sandbox.url}/subjects/love.json?limit=20&offset=0&sort=key"
            assert str(failed.value) == f"{url}: {reason} (1 try)"
            assert (len(sandbox.requests), client.traffic.requests, client.traffic.retries) == (1, 1, 0)

    def test_a_limit_beyond_the_maximum_is_refused_by_open_library_once(self) -> None:
        with _sandbox() as sandbox:
            with pytest.raises(PermanentError, match=r"limit=1001.*: HTTP 422 \(1 try\)$"):
                _page(Client(settings_for(sandbox)), limit=1001)
            assert len(sandbox.requests) == 1


class TestRedirects:
    """Where requests let themselves be sent."""

    def test_one_on_the_same_host_is_followed(self) -> None:
        with _sandbox(faults=_at_first("redirect", times=3)) as sandbox:
            client = Client(settings_for(sandbox))
            assert _page(client).keys == _keys(sandbox)[:20]
            assert [request.status for request in sandbox.requests] == [301, 301, 301, 200]
            assert client.traffic.retries == 0

    def test_an_upper_case_path_is_followed_to_the_lower_case_one_with_its_query(self) -> None:
        with _sandbox() as sandbox:
            assert Client(settings_for(sandbox)).page("LOVE", offset=7, limit=3).keys == _keys(sandbox)[7:10]
            assert [request.path for request in sandbox.requests] == ["/subjects/LOVE.json", "/subjects/love.json"]

    @pytest.mark.parametrize(
        "location",
        [
            "http://localhost:{port}/subjects/love.json",
            "//localhost:{port}/subjects/love.json",
            "https://openlibrary.invalid/subjects/love.json",
            "http://127.0.0.1.openlibrary.invalid/subjects/love.json",
            "http://127.0.0.1@localhost:{port}/subjects/love.json",
            "file:///etc/hostname",
        ],
    )
    def test_one_to_another_host_is_never_followed(self, location: str) -> None:
        with _sandbox() as elsewhere:
            target = location.format(port=elsewhere.url.rpartition(":")[2])
            with _scripted(lambda handler: _send(handler, b"", 302, Location=target)) as url:
                client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=60))
                with pytest.raises(PermanentError, match=r"love\.json\?.*: redirected to .* \(1 try\)$") as failed:
                    _page(client)
            assert str(failed.value).isprintable()
            assert client.traffic.requests == 1
            assert elsewhere.requests == []

    def test_one_to_another_port_of_the_host_leads_back_to_the_one_that_was_set(self) -> None:
        with _sandbox() as sandbox, _sandbox() as elsewhere:

            def redirect(handler: BaseHTTPRequestHandler) -> None:
                handler.path = handler.path.removeprefix("/api")
                moved = handler.path != "/subjects/there.json"
                _send(
                    handler,
                    b'{"work_count": 5, "works": []}',
                    302 if moved else 200,
                    Location=f"{elsewhere.url}/api/subjects/there.json",
                )

            with _scripted(redirect) as url:
                assert Client(Settings(api_url=f"{url}/api", requests_per_second=1e6)).work_count("love") == 5
            assert sandbox.requests == elsewhere.requests == []


class TestFallenCount:
    """A `work_count` below one already heard."""

    def test_a_count_that_fell_is_believed_when_a_second_answer_repeats_it(self) -> None:
        with _sandbox() as sandbox:
            sandbox.remove_work("love", f"/works/{_keys(sandbox)[0]}")
            client = Client(settings_for(sandbox))
            assert _page(client, not_below=WORKS).work_count == WORKS - 1
            assert client.work_count("love", not_below=WORKS) == WORKS - 1
            assert len(sandbox.requests) == 4

    def test_a_count_that_did_not_fall_is_believed_at_once(self) -> None:
        with _sandbox() as sandbox:
            assert _page(Client(settings_for(sandbox)), not_below=WORKS).work_count == WORKS
            assert len(sandbox.requests) == 1

    def test_counts_that_fall_each_time_to_another_number_are_not_believed(self) -> None:
        with _sandbox() as sandbox:
            sandbox.on_request(lambda *_: sandbox.remove_work("love", f"/works/{_keys(sandbox)[-1]}"))
            client = Client(settings_for(sandbox, retry_wait=0.001))
            with pytest.raises(TransientError, match=r"work_count fell from 60 to 48 \(12 tries\)$"):
                client.work_count("love", not_below=WORKS)


class TestWaits:
    """How long is waited, by whom, and what ends it."""

    @pytest.mark.parametrize(("fault", "retry_wait", "first"), [("http_429", 0.02, 0.02), ("http_503", 0.4, 0.02)])
    def test_they_double_up_to_ten_times_the_first(self, fault: str, retry_wait: float, first: float) -> None:
        with _sandbox(faults=_always(fault)) as sandbox:
            with pytest.raises(TransientError):
                _page(Client(settings_for(sandbox, retry_wait=retry_wait)))
            gaps = [later.started - earlier.started for earlier, later in pairwise(sandbox.requests)]
        expected = [first * factor for factor in (1, 2, 4, 8, 10, 10, 10, 10, 10, 10, 10)]
        for gap, wait in zip(gaps, expected, strict=True):
            assert wait <= gap < 1.25 * wait + 0.1

    def test_they_are_spread_at_random(self) -> None:
        with _sandbox(faults=_always("http_503")) as sandbox:
            with pytest.raises(TransientError):
                _page(Client(settings_for(sandbox, retry_wait=0.2)))
            gaps = [later.started - earlier.started for earlier, later in pairwise(sandbox.requests)][4:]
        assert max(gaps) - min(gaps) > 0.002

    def test_a_stalled_request_times_out(self) -> None:
        with _sandbox(faults=_at_first("stall")) as sandbox:
            client = Client(settings_for(sandbox, timeout=0.3))
            started = time.monotonic()
            assert _page(client).work_count == WORKS
            assert 0.3 <= time.monotonic() - started < 1
            assert client.traffic.retries == 1

    def test_a_429_pauses_every_thread_and_every_other_client_of_the_host(self) -> None:
        pause = 0.6
        with _sandbox(faults=FaultPlan(planned=(Planned("http_429", match="offset=777"),))) as sandbox:
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
        with _sandbox(faults=FaultPlan(planned=(Planned("http_503", match="offset=777"),))) as sandbox:
            client = Client(settings_for(sandbox, retry_wait=20))
            with ThreadPoolExecutor() as threads:
                failed = threads.submit(client.page, "love", offset=777, limit=5)
                while not sandbox.requests:
                    time.sleep(0.005)
                started = time.monotonic()
                assert client.work_count("love") == WORKS
                assert time.monotonic() - started < 0.5
                client.stop.set()
                assert isinstance(failed.exception(), InterruptedFetchError)

    @pytest.mark.parametrize("fault", ["http_503", "http_429", "null_count", "reset"])
    def test_the_order_to_stop_ends_them_at_once(self, fault: str) -> None:
        with _sandbox(faults=_always(fault)) as sandbox, ThreadPoolExecutor() as threads:
            client = Client(settings_for(sandbox, retry_wait=600))
            waiting = threads.submit(_page, client)
            while not sandbox.requests:
                time.sleep(0.005)
            time.sleep(0.05)
            started = time.monotonic()
            client.stop.set()
            assert isinstance(waiting.exception(timeout=5), InterruptedFetchError)
            assert time.monotonic() - started < 0.5
            assert len(sandbox.requests) == 1

    def test_nothing_is_sent_once_stopped(self) -> None:
        with _sandbox() as sandbox:
            client = Client(settings_for(sandbox))
            client.stop.set()
            with pytest.raises(InterruptedFetchError):
                _page(client)
            assert sandbox.requests == []

    def test_nothing_is_sent_or_sent_again_that_is_no_longer_wanted(self) -> None:
        with _sandbox(faults=_always("http_500")) as sandbox:
            client = Client(settings_for(sandbox))
            with pytest.raises(InterruptedFetchError):
                _page(client, wanted=lambda: False)
            assert sandbox.requests == []
            with pytest.raises(InterruptedFetchError):
                _page(client, wanted=lambda: len(sandbox.requests) < 3)
            assert len(sandbox.requests) == 3


class TestBan:
    """When Open Library shuts the door, and how to avoid it."""

    def test_a_refused_connection_after_a_429_ends_every_request_of_the_client(self) -> None:
        with _sandbox(faults=_always("http_429")) as sandbox, ThreadPoolExecutor() as threads:
            client = Client(settings_for(sandbox, retry_wait=0.2))
            first = threads.submit(_page, client)
            while not sandbox.requests:
                time.sleep(0.005)
            time.sleep(0.05)
            sandbox.stop()
            banned = first.exception(timeout=5)
        assert isinstance(banned, BannedError)
        assert re.search(r"love\.json\?.*: connection refused after HTTP 429: .*wait an hour", str(banned))
        assert str(banned).isprintable()
        sent = client.traffic.requests
        assert sent == 2
        for _ in range(3):
            with pytest.raises(BannedError):
                _page(client)
        assert client.traffic.requests == sent

    def test_a_strict_limit_is_survived_by_pausing(self) -> None:
        """A client that asks far too fast meets 429s, waits, and gets all its answers."""
        with _sandbox(requests_per_second=20, burst=4, delay=2) as sandbox, ThreadPoolExecutor(8) as threads:
            client = Client(settings_for(sandbox, retry_wait=0.2))
            offsets = range(0, WORKS, 5)
            pages = list(threads.map(lambda offset: client.page("love", offset=offset, limit=5), offsets))
            assert [key for page in pages for key in page.keys] == _keys(sandbox)
            assert 429 in {request.status for request in sandbox.requests}


def test_threads_share_a_client_without_mixing_their_answers() -> None:
    with _sandbox(works=400, latency=0.002) as sandbox, ThreadPoolExecutor(8) as threads:
        client = Client(settings_for(sandbox))
        keys = _keys(sandbox)
        pages = threads.map(lambda offset: client.page("love", offset=offset, limit=4), range(0, 400, 4))
        assert [page.keys for page in pages] == [keys[offset : offset + 4] for offset in range(0, 400, 4)]
        assert client.traffic.requests == len(sandbox.requests) == 100


def test_the_address_of_a_subject_is_percent_encoded() -> None:
    client = Client(Settings(api_url="http://127.0.0.1:9"))
    url = client.subject_url("person:a'b_(c)é", limit=0)
    assert url == "http://127.0.0.1:9/subjects/person:a%27b_%28c%29%C3%A9.json?limit=0"
