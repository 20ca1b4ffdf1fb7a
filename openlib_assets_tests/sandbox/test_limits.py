"""Limits on the rate of requests, bans, latency and turning away whoever does not say who asks."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.sandbox.http.limits import LeakyBucket
from openlib_assets_tests.sandbox.asking import ask


def test_the_leaky_bucket_is_that_of_nginx() -> None:
    bucket = LeakyBucket(3, burst=25, delay=10)
    waits = [bucket.admit(100.0) for _ in range(28)]

    assert waits[:11] == [0.0] * 11
    assert waits[11:26] == pytest.approx([place / 3 for place in range(1, 16)])
    assert waits[26:] == [None, None]
    assert bucket.admit(100.4) is not None  # 1.2 requests have leaked
    assert bucket.admit(100.4) is None
    assert bucket.admit(1000.0) == 0.0


def test_too_many_requests() -> None:
    config = SandboxConfig({"love": 5}, requests_per_second=0.01, burst=2, delay=2)
    with Sandbox(config) as sandbox:
        responses = [ask(sandbox, "/subjects/love.json") for _ in range(4)]

    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    refused = responses[-1]
    assert refused.text == (
        '{"status": 429, "message": "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."}'
    )
    assert refused.headers["Content-Type"] == "application/json"
    assert not {"Retry-After", "X-Served-By"} & refused.headers.keys()


def test_queued_requests_wait() -> None:
    with Sandbox(SandboxConfig({"love": 5}, requests_per_second=10, burst=4, delay=0)) as sandbox:
        started = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            statuses = [r.status_code for r in pool.map(lambda _: ask(sandbox, "/subjects/love.json"), range(4))]

    assert statuses == [200] * 4
    assert time.monotonic() - started >= 0.25


def test_a_ban_answers_nothing_and_ends() -> None:
    config = SandboxConfig({"love": 5}, requests_per_second=0.01, burst=0, delay=0, ban_after=2, ban_seconds=2)
    with Sandbox(config) as sandbox, requests.Session() as session:

        def status() -> int | None:
            try:
                return session.get(f"{sandbox.url}/subjects/love.json", timeout=60).status_code
            except requests.ConnectionError:
                return None

        assert [status() for _ in range(4)] == [200, 429, 429, None]
        assert sandbox.requests[-1].fault == "ban"
        time.sleep(2.1)
        assert status() == 429


def test_latency_overlaps() -> None:
    with Sandbox(SandboxConfig({"love": 5}, latency=1)) as sandbox, ThreadPoolExecutor(20) as pool:
        started = time.monotonic()
        list(pool.map(lambda _: ask(sandbox, "/subjects/love.json"), range(20)))
        assert 1 <= time.monotonic() - started < 15, "one after the other takes 20 s"


def test_a_user_agent_can_be_required() -> None:
    with Sandbox(SandboxConfig({"love": 5}, require_user_agent=True)) as sandbox:
        assert ask(sandbox, "/subjects/love.json", headers={"User-Agent": ""}).status_code == 403
        assert ask(sandbox, "/subjects/love.json", headers={"User-Agent": "me/1"}).status_code == 200
