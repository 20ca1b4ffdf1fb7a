"""The client and wrong answers: what it recovers from, what it gives up at once, where it lets itself be sent."""

import json
import re
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.dumps import Archive
from openlib_assets.openlibrary.errors import PermanentError, RateLimitedError, SourceError, TransientError
from openlib_assets.openlibrary.retries import TRIES
from openlib_assets.sandbox import TRANSIENT
from openlib_assets.settings import Settings
from openlib_assets_tests.conftest import settings_for
from openlib_assets_tests.openlibrary.served import (
    WORKS,
    always,
    at_first,
    keys_of,
    page_of,
    sandbox_of,
    scripted,
    send,
)
from openlib_assets_tests.tools.ports import free_port

# A redirect is not tried again but followed, and that an index was cut only the list of keys shows.
RETRIED = [fault for fault in TRANSIENT if fault not in ("redirect", "cut_index")]


class TestTransientFaults:
    """What asking again may overcome."""

    @pytest.mark.parametrize("fault", RETRIED)
    def test_one_of_any_kind_is_overcome_by_asking_again(self, fault: str) -> None:
        with sandbox_of(faults=at_first(fault, times=3)) as sandbox:
            client = Client(settings_for(sandbox, timeout=0.2 if fault == "stall" else 60))
            page = page_of(client)
            assert page.keys == keys_of(sandbox)[:20]
            assert page.work_count == WORKS
            assert [request.fault for request in sandbox.requests] == [fault, fault, fault, None]
            assert (client.traffic.requests, client.traffic.retries) == (4, 3)

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("null_count", "work_count is None: the index did not answer"),
            ("short_page", "10 works instead of 20"),
            ("duplicate_work", "works are not in the order of their keys, or repeated"),
            ("unordered", "works are not in the order of their keys, or repeated"),
            ("html", "HTTP 200 with HTML in {bytes} bytes"),
            ("garbage_json", "HTTP 200 with not JSON in {bytes} bytes"),
            ("http_429", "HTTP 429, too many requests"),
            ("http_500", "HTTP 500"),
            ("http_502", "HTTP 502"),
            ("http_503", "HTTP 503"),
            ("cut_body", "the answer was cut short"),
            ("reset", "the connection failed (ConnectionError)"),
            ("stall", "no answer in time"),
            ("redirect", "more than 3 redirects"),
        ],
    )
    def test_one_that_stays_is_given_up_in_a_line_with_url_reason_and_tries(self, fault: str, reason: str) -> None:
        tries = 1 if fault == "redirect" else TRIES
        with sandbox_of(faults=always(fault)) as sandbox:
            # Only who never answers is to be given up soon: on a busy machine any answer may take a while.
            client = Client(settings_for(sandbox, timeout=0.05 if fault == "stall" else 60, retry_wait=0.005))
            with pytest.raises(SourceError) as given_up:
                page_of(client)
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
            ([], "the answer is not a JSON object"),
            ({}, "work_count is None: the index did not answer"),
            ({"work_count": -1, "works": []}, "work_count is -1: the index did not answer"),
            ({"work_count": True, "works": []}, "work_count is True: the index did not answer"),
            ({"work_count": "2", "works": []}, "work_count is '2': the index did not answer"),
            ({"work_count": 2.0, "works": []}, "work_count is 2.0: the index did not answer"),
            ({"work_count": 2}, "the answer has no works"),
            ({"work_count": 2, "works": {}}, "the answer has no works"),
            ({"work_count": 2, "works": []}, "0 works instead of 2"),
            ({"work_count": 1, "works": [{"key": "/works/OL1W"}] * 2}, "2 works instead of 1"),
            ({"work_count": 1, "works": [None]}, "a work is null"),
            ({"work_count": 1, "works": [{"key": "/books/OL1M"}]}, "a work has the key '/books/OL1M'"),
            (
                {"work_count": 2, "works": [{"key": "/works/OL2W"}, {"key": "/works/OL1W"}]},
                "works are not in the order",
            ),
        ],
    )
    def test_an_answer_of_the_wrong_shape_is_asked_for_again_then_given_up(self, answer: Any, reason: str) -> None:
        with scripted(lambda handler: send(handler, json.dumps(answer).encode())) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=0.001))
            with pytest.raises(TransientError, match=rf": {re.escape(reason)}.* \({TRIES} tries\)$"):
                page_of(client)
            assert client.traffic.requests == TRIES

    def test_a_refused_connection_is_given_up_after_the_last_try(self) -> None:
        client = Client(Settings(api_url=f"http://127.0.0.1:{free_port()}", requests_per_second=1e6, retry_wait=0.01))
        with pytest.raises(TransientError, match=r"love\.json\?.*: connection refused \(12 tries\)$"):
            page_of(client)
        assert client.traffic.requests == TRIES

    def test_an_unknown_host_is_named_as_such(self) -> None:
        client = Client(Settings(api_url="http://host.invalid", requests_per_second=1e6, retry_wait=0.001))
        with pytest.raises(TransientError, match=r": the host name cannot be resolved \(12 tries\)$"):
            page_of(client)

    def test_a_work_that_is_nested_too_deeply_to_be_kept_is_given_up_in_a_line(self) -> None:
        # More than Python 3.11 can write; later versions keep it.
        deep = b"[" * 1000 + b"]" * 1000
        text = b'{"work_count": 1, "works": [{"key": "/works/OL1W", "deep": %b}]}' % deep
        with scripted(lambda handler: send(handler, text)) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=0.001))
            if sys.version_info >= (3, 12):
                assert deep in page_of(client).payloads[0]
                return
            with pytest.raises(TransientError, match=r"love\.json\?.*: a work is nested too deeply \(12 tries\)$"):
                page_of(client)

    def test_an_answer_that_never_ends_is_cut_off(self) -> None:
        answer = b'{"work_count": 5, "works": []}'
        asked = []

        def drip_at_first(handler: BaseHTTPRequestHandler) -> None:
            asked.append(handler.path)
            if len(asked) > 1:
                send(handler, answer)
                return
            handler.send_response(200)
            handler.send_header("Content-Length", str(1 << 23))
            handler.end_headers()
            with suppress(ConnectionError):
                for _ in range(4096):
                    handler.wfile.write(b" " * 2048)
                    time.sleep(0.02)

        with scripted(drip_at_first) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=0.05, timeout=0.1))
            started = time.monotonic()
            assert client.work_count("love") == 5
            assert 1 <= time.monotonic() - started < 60, "the drip would go on for 80 s"
            assert client.traffic.retries == 1


class TestPermanentFaults:
    """What asking again does not help against."""

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (
                "http_403",
                "HTTP 403, refused: set OPENLIB_CONTACT, since Open Library refuses clients without a contact",
            ),
            ("http_404", "HTTP 404, not found: check OPENLIB_API_URL"),
            ("http_422", "HTTP 422"),
        ],
    )
    def test_they_fail_at_once_in_a_line_with_url_and_reason(self, fault: str, reason: str) -> None:
        with sandbox_of(faults=at_first(fault)) as sandbox:
            client = Client(settings_for(sandbox, retry_wait=60))
            with pytest.raises(PermanentError) as failed:
                page_of(client)
            url = f"{sandbox.url}/subjects/love.json?limit=20&offset=0&sort=key"
            assert str(failed.value) == f"{url}: {reason} (1 try)"
            assert (len(sandbox.requests), client.traffic.requests, client.traffic.retries) == (1, 1, 0)

    def test_a_client_that_told_its_contact_is_not_advised_to(self) -> None:
        with (
            sandbox_of(faults=at_first("http_403")) as sandbox,
            pytest.raises(PermanentError, match=r"HTTP 403, refused although it is told your contact: wait an hour"),
        ):
            page_of(Client(settings_for(sandbox, contact="me@example.org")))

    def test_a_limit_beyond_the_maximum_is_refused_by_open_library_once(self) -> None:
        with sandbox_of() as sandbox:
            with pytest.raises(PermanentError, match=r"limit=1001.*: HTTP 422 \(1 try\)$"):
                page_of(Client(settings_for(sandbox)), limit=1001)
            assert len(sandbox.requests) == 1


class TestWrongSettings:
    """What the environment says of the way to Open Library, and cannot be."""

    @pytest.mark.parametrize(
        ("variable", "value", "reason"),
        [
            ("REQUESTS_CA_BUNDLE", "/not/there.pem", r".*/not/there\.pem; check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"),
            ("HTTPS_PROXY", "http:///", r".*; check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"),
        ],
    )
    def test_it_is_told_at_once_with_what_to_check(
        self, variable: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, value)
        url = f"https://127.0.0.1:{free_port()}"
        client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=60))
        with pytest.raises(PermanentError, match=rf"love\.json\?[^ ]*: {reason} \(1 try\)$"):
            page_of(client)
        with pytest.raises(PermanentError, match=rf"advancedsearch\.php\?[^ ]*: {reason} \(1 try\)$"):
            Archive(Settings(dumps_url=url, retry_wait=60)).days()


class TestRedirects:
    """Where requests let themselves be sent."""

    def test_one_on_the_same_host_is_followed(self) -> None:
        with sandbox_of(faults=at_first("redirect", times=3)) as sandbox:
            client = Client(settings_for(sandbox))
            assert page_of(client).keys == keys_of(sandbox)[:20]
            assert [request.status for request in sandbox.requests] == [301, 301, 301, 200]
            assert client.traffic.retries == 0

    def test_an_upper_case_path_is_followed_to_the_lower_case_one_with_its_query(self) -> None:
        with sandbox_of() as sandbox:
            assert Client(settings_for(sandbox)).page("LOVE", offset=7, limit=3).keys == keys_of(sandbox)[7:10]
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
            "http://[",
            "//[x]/subjects/love.json",
        ],
    )
    def test_one_to_another_host_is_never_followed(self, location: str) -> None:
        with sandbox_of() as elsewhere:
            target = location.format(port=elsewhere.url.rpartition(":")[2])
            with scripted(lambda handler: send(handler, b"", 302, Location=target)) as url:
                client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=60))
                with pytest.raises(PermanentError, match=r"love\.json\?.*: redirected to .* \(1 try\)$") as failed:
                    page_of(client)
            assert str(failed.value).isprintable()
            assert client.traffic.requests == 1
            assert elsewhere.requests == []

    def test_one_that_only_asks_for_tls_is_told_with_what_to_set(self) -> None:
        def to_tls(handler: BaseHTTPRequestHandler) -> None:
            send(handler, b"", 301, Location=f"https://{handler.headers['Host']}{handler.path}")

        with scripted(to_tls) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=60))
            with pytest.raises(PermanentError, match=r"asks for https; set OPENLIB_API_URL to one that begins with it"):
                page_of(client)
            assert client.traffic.requests == 1

    def test_one_to_another_port_of_the_host_leads_back_to_the_one_that_was_set(self) -> None:
        with sandbox_of() as sandbox, sandbox_of() as elsewhere:

            def redirect(handler: BaseHTTPRequestHandler) -> None:
                handler.path = handler.path.removeprefix("/api")
                moved = handler.path != "/subjects/there.json"
                send(
                    handler,
                    b'{"work_count": 5, "works": []}',
                    302 if moved else 200,
                    Location=f"{elsewhere.url}/api/subjects/there.json",
                )

            with scripted(redirect) as url:
                assert Client(Settings(api_url=f"{url}/api", requests_per_second=1e6)).work_count("love") == 5
            assert sandbox.requests == elsewhere.requests == []
