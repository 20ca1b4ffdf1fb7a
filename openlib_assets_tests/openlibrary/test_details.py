"""What the search says of works, read like the works themselves: every document as sent, or an error that says why."""

from urllib.parse import parse_qs

import pytest

from openlib_assets.openlibrary.enumeration import page_offsets, requests_due, requests_of_run
from openlib_assets.openlibrary.errors import InterruptedFetchError, PermanentError, TransientError
from openlib_assets.openlibrary.listings import DETAILS, DOCUMENT_FIELDS
from openlib_assets.openlibrary.records import parse_json
from openlib_assets.sandbox import TRANSIENT, FaultPlan, LoggedRequest, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import settings_for
from openlib_assets_tests.openlibrary.fetches import Drift, Fetch, catalogue_of, column, fetch_of, some_storage


def records(fetch: Fetch) -> list[object]:
    """Fetch, and return the records in the order of their keys."""
    batches = fetch.staging.batches(fetch.run().slices)
    return [parse_json(text.encode()) for batch in batches for text in column(batch, "payload")]


def documents_of(sandbox: Sandbox) -> list[object]:
    return list(sandbox.documents("love", DOCUMENT_FIELDS))


def offset(request: LoggedRequest) -> int | None:
    """The offset of the page that was asked for; None where it was the list of keys."""
    asked = parse_qs(request.query).get("offset")
    return int(asked[0]) if asked else None


@pytest.mark.parametrize("works", [1, 20, 21, 110])
def test_every_document_arrives_as_it_was_sent_in_exactly_the_requests_due(works: int, storage: LocalStorage) -> None:
    with Sandbox(SandboxConfig({"love": works})) as sandbox:
        assert records(fetch_of(sandbox, storage, DETAILS, page_size=20)) == documents_of(sandbox)
        assert len(sandbox.requests) == requests_due(works, 20)
        assert {request.path for request in sandbox.requests} == {"/search.json"}


@pytest.mark.parametrize("fault", TRANSIENT)
def test_details_are_complete_under_every_transient_fault(fault: str, storage: LocalStorage) -> None:
    plan = FaultPlan({fault: 0.3}, stall_seconds=30)
    with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox:
        assert records(fetch_of(sandbox, storage, DETAILS, page_size=20, timeout=0.1)) == documents_of(sandbox)
        assert fault in {request.fault for request in sandbox.requests}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("null_count", "HTTP 500"),  # the search says it openly
        ("short_page", "10 docs instead of 20"),
        ("unordered", "works are not in the order of their keys, or repeated"),
        ("html", "HTTP 200 with HTML in"),
        ("cut_body", "the answer was cut short"),
    ],
)
def test_a_fault_that_stays_ends_in_red_with_address_reason_and_tries(
    fault: str, reason: str, storage: LocalStorage
) -> None:
    plan = FaultPlan(planned=(Planned(fault, match="offset=40&", times=100),))
    red = pytest.raises(TransientError, match=rf"/search.json\?q=.*offset=40&.*: {reason}.* \(12 tries\)$")
    with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox, red:
        records(fetch_of(sandbox, storage, DETAILS, page_size=20))


@pytest.mark.parametrize("fault", ["http_403", "http_404", "http_422"])
def test_a_search_that_refuses_is_asked_once(fault: str, storage: LocalStorage) -> None:
    plan = FaultPlan(permanent={"love": fault})
    with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox:
        with pytest.raises(PermanentError, match=rf"HTTP {fault[-3:]}.* \(1 try\)$"):
            records(fetch_of(sandbox, storage, DETAILS))
        assert len(sandbox.requests) == 1


@pytest.mark.parametrize("toggled", [[55], [0, 11, 22], [219], range(1, 60, 11)], ids=str)
def test_works_that_come_and_go_meanwhile_are_noticed(toggled: list[int]) -> None:
    for number in (3, 10, 11):
        with Sandbox(SandboxConfig({"love": 220})) as sandbox, some_storage() as storage:
            drifting = Drift(sandbox, {number: toggled})
            found = records(fetch_of(sandbox, storage, DETAILS, page_size=20, max_in_flight=1))
            assert drifting.all_happened
            assert found == documents_of(sandbox)


def test_pages_of_works_and_of_details_do_not_mix_and_none_is_asked_for_twice(storage: LocalStorage) -> None:
    with Sandbox(SandboxConfig({"love": 200})) as sandbox:
        works = fetch_of(sandbox, storage, page_size=20)
        works.run()
        details = fetch_of(sandbox, storage, DETAILS, page_size=20, max_in_flight=1)
        since = len(sandbox.requests)

        def stop(number: int, *_: str) -> None:
            if number == since + 5:
                details.client.stop.set()

        sandbox.on_request(stop)
        with pytest.raises(InterruptedFetchError):
            details.run()
        staged = {page.offset for page in details.staging.pages()}
        assert len(staged) >= 4
        assert records(fetch_of(sandbox, storage, DETAILS, page_size=20)) == documents_of(sandbox)
        asked = [place for request in sandbox.requests[since:] if (place := offset(request)) is not None]
        assert sorted(set(asked)) == page_offsets(200, 20)
        assert not [place for place in staged if asked.count(place) > 1]
        # Of the works, too, nothing but the list is read again.
        sent = len(sandbox.requests)
        assert fetch_of(sandbox, storage, page_size=20).keys() == catalogue_of(sandbox)
        assert [offset(request) for request in sandbox.requests[sent:]] == [None]


def test_a_run_takes_twice_the_requests_and_those_for_editions() -> None:
    with Sandbox(SandboxConfig({})) as sandbox:
        on, off = settings_for(sandbox), settings_for(sandbox, details="off")
    assert [requests_of_run(works, on) for works in (1, 40, 41, 25_000)] == [5, 5, 6, 61]
    assert [requests_of_run(works, off) for works in (1, 25_000)] == [2, 28]
