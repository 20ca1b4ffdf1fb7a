"""Each fault is what it is called, and comes when it is planned."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from openlib_assets.sandbox import FAULTS, PERMANENT, TRANSIENT, FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.sandbox.asking import SUBJECTS, Answer, answer, ask

PAGE = "/subjects/love.json?sort=key&limit=50&offset=100"


@pytest.fixture
def faulty() -> Iterator[Any]:
    """Makes sandboxes with a plan of faults."""
    started: list[Sandbox] = []

    def start(plan: FaultPlan) -> Sandbox:
        started.append(Sandbox(SandboxConfig(SUBJECTS, faults=plan)))
        return started[-1].__enter__()

    yield start
    for sandbox in started:
        sandbox.stop()


def first_answer(faulty: Any, fault: str) -> tuple[requests.Response, Answer]:
    """The answer with a fault in it, and the right one that follows."""
    sandbox = faulty(FaultPlan(planned=(Planned(fault, request=1),)))
    response = ask(sandbox, PAGE)
    right = answer(sandbox, PAGE)
    assert [request.fault for request in sandbox.requests] == [fault, None]
    assert right["work_count"] == 300
    assert len(right["works"]) == 50
    return response, right


def test_null_count(faulty: Any) -> None:
    response, right = first_answer(faulty, "null_count")
    assert response.json() == {**right, "work_count": None, "works": []}


def test_short_page(faulty: Any) -> None:
    found = first_answer(faulty, "short_page")[0].json()
    assert (found["work_count"], len(found["works"])) == (300, 25)


def test_cut_index(faulty: Any) -> None:
    found = first_answer(faulty, "cut_index")[0].json()
    assert found["work_count"] == 100 + len(found["works"]) < 150


def test_cut_index_when_only_counting(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(permanent={"love": "cut_index"}))
    counts = {answer(sandbox, "/subjects/love.json?limit=0")["work_count"] for _ in range(9)}
    assert max(counts) < 300
    assert len(counts) > 1  # it does not give up at the same place twice


def test_duplicate_work(faulty: Any) -> None:
    response, right = first_answer(faulty, "duplicate_work")
    keys, right_keys = ([work["key"] for work in page["works"]] for page in (response.json(), right))
    assert len(keys) == 50
    assert set(keys) < set(right_keys)
    assert keys == sorted(keys)


def test_unordered(faulty: Any) -> None:
    response, right = first_answer(faulty, "unordered")
    keys, right_keys = ([work["key"] for work in page["works"]] for page in (response.json(), right))
    assert sorted(keys) == right_keys != keys


def test_missing_years(faulty: Any) -> None:
    works = first_answer(faulty, "missing_years")[0].json()["works"]
    assert {work["first_publish_year"] for work in works} == {None}


@pytest.mark.parametrize("status", [403, 404, 422, 429, 500, 502, 503])
def test_http_errors(faulty: Any, status: int) -> None:
    response, _ = first_answer(faulty, f"http_{status}")
    assert response.status_code == status
    assert "Retry-After" not in response.headers


def test_html(faulty: Any) -> None:
    response, _ = first_answer(faulty, "html")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html")


def test_garbage_json(faulty: Any) -> None:
    response, _ = first_answer(faulty, "garbage_json")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_redirect(faulty: Any) -> None:
    response, _ = first_answer(faulty, "redirect")
    assert (response.status_code, response.headers["Location"]) == (301, PAGE)


@pytest.mark.parametrize("fault", ["cut_body", "reset"])
def test_broken_connections(faulty: Any, fault: str) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned(fault, request=1),)))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(sandbox, PAGE)
    assert answer(sandbox, PAGE)["work_count"] == 300
    assert sandbox.requests[0].fault == fault


def test_stall(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("stall", times=2),), stall_seconds=0.3))
    with pytest.raises(requests.ReadTimeout):
        requests.get(sandbox.url + PAGE, timeout=0.1)
    with pytest.raises(requests.ConnectionError):
        ask(sandbox, PAGE)
    assert answer(sandbox, PAGE)["work_count"] == 300


def test_stopping_does_not_wait_for_stalled_answers(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("stall"),)))
    with ThreadPoolExecutor(1) as pool:
        stalled = pool.submit(ask, sandbox, PAGE)
        while not sandbox.requests:
            time.sleep(0.01)
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 30, "not as long as the answer stalls"
        assert isinstance(stalled.exception(timeout=60), requests.ConnectionError)


def test_every_fault_has_been_tried() -> None:
    tried = {"null_count", "short_page", "cut_index", "duplicate_work", "unordered", "missing_years", "html"}
    tried |= {"garbage_json", "redirect", "cut_body", "reset", "stall"}
    tried |= {f"http_{status}" for status in (403, 404, 422, 429, 500, 502, 503)}
    assert set(FAULTS) == tried
    assert set(TRANSIENT) | PERMANENT == tried


def test_invalid_requests_get_no_faults(faulty: Any) -> None:
    sandbox = faulty(FaultPlan({"http_503": 1.0}))
    assert ask(sandbox, "/subjects/love.json?limit=x").status_code == 422
    assert ask(sandbox, "/subjects/love.json?sort=x").status_code == 500
    assert ask(sandbox, "/subjects/Love.json").status_code == 301
    assert ask(sandbox, "/nowhere").status_code == 404


def test_planned_faults_meet_their_requests(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("http_502", match="offset=50", times=2), Planned("http_500", 5))))
    statuses = [ask(sandbox, f"/subjects/love.json?offset={offset}").status_code for offset in (0, 50, 50, 50, 0)]
    assert statuses == [200, 502, 502, 200, 500]


def test_permanent_faults_stay_with_their_subject(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(permanent={"love": "http_403"}, max_consecutive=1))
    assert {ask(sandbox, "/subjects/love.json").status_code for _ in range(5)} == {403}
    assert ask(sandbox, "/subjects/science_fiction.json").status_code == 200


def test_random_faults_are_repeatable_and_end(faulty: Any) -> None:
    plan = FaultPlan.parse("http_503=0.5, null_count=0.4")
    runs = []
    for _ in range(2):
        sandbox = faulty(plan)
        for number in range(60):
            ask(sandbox, f"/subjects/love.json?limit=1&offset={number % 2}")
        runs.append([(request.query, request.fault) for request in sandbox.requests])

    assert runs[0] == runs[1]
    for offset in range(2):
        faults = [fault for query, fault in runs[0] if query.endswith(f"offset={offset}")]
        assert {"http_503", "null_count", None} == set(faults)
        assert all(None in faults[start : start + 4] for start in range(len(faults) - 4))


def test_faults_that_change_nothing_are_not_logged(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("short_page", times=9),)))
    answer(sandbox, "/subjects/love.json?limit=0")
    assert sandbox.requests[0].fault is None


def test_plans_are_read_from_texts() -> None:
    assert FaultPlan.parse("null_count=0.05,http_503=0.1").probabilities == {"null_count": 0.05, "http_503": 0.1}
    assert FaultPlan.parse("").probabilities == {}
    for group, members in (("all", FAULTS), ("transient", TRANSIENT)):
        plan = FaultPlan.parse(f"{group}=0.5")
        assert set(plan.probabilities) == set(members)
        assert sum(plan.probabilities.values()) == pytest.approx(0.5)
    for text, reason in (
        ("x=0.1", "unknown faults: x"),
        ("html", "is not"),
        ("html=2", "must be"),
        ("html=-1", "must"),
    ):
        with pytest.raises(ValueError, match=reason):
            FaultPlan.parse(text)
