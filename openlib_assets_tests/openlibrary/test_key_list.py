"""The list of keys that proves an enumeration, when the search fails, is limited, cut, or says something else."""

import pytest

from openlib_assets.openlibrary.enumeration import BY_KEY_LIST, BY_SECOND_READING
from openlib_assets.openlibrary.errors import IncompleteError, PermanentError, TransientError
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.openlibrary.fetches import SEARCH, catalogue_of, fetch_of, lists_read

WORKS = 130
PAGES = 3


def sandbox_with(*faults: Planned, search_rows: int | None = None) -> Sandbox:
    return Sandbox(SandboxConfig({"love": WORKS}, faults=FaultPlan(planned=faults), search_rows=search_rows))


def of_search(fault: str, times: int = 1000, match: str = SEARCH) -> Planned:
    return Planned(fault, match=match, times=times)


def test_a_list_of_keys_is_the_proof(storage: LocalStorage) -> None:
    with sandbox_with() as sandbox:
        proof = fetch_of(sandbox, storage, page_size=50).run().proof
        assert (proof.by, proof.window, proof.requests) == (BY_KEY_LIST, 0, 1)
        assert sandbox.requests[-2].at <= proof.at.timestamp() <= sandbox.requests[-1].at


@pytest.mark.parametrize("prefix", ["", "person:", "place:", "time:"])
def test_the_list_is_of_the_subject_whatever_its_kind(prefix: str, storage: LocalStorage) -> None:
    subject = f"{prefix}o'hara_(d._1*0!)"
    with Sandbox(SandboxConfig({subject: WORKS, "love": 50})) as sandbox:
        fetch = fetch_of(sandbox, storage)
        listed = fetch.client.listed_keys(subject, after="", limit=1000)
        assert [f"/works/{key}" for key in listed.keys] == sandbox.keys(subject)
        assert listed.total == WORKS


def test_where_the_search_is_refused_the_pages_are_read_twice(storage: LocalStorage) -> None:
    with sandbox_with(of_search("http_403")) as sandbox:
        fetch = fetch_of(sandbox, storage, page_size=50)
        enumeration = fetch.run()
        assert fetch.keys() == catalogue_of(sandbox)
        assert (enumeration.proof.by, enumeration.proof.requests) == (BY_SECOND_READING, PAGES)


@pytest.mark.parametrize("rows", [1, 7, 100, 1000])
def test_a_search_of_few_rows_is_read_in_several_answers(rows: int, storage: LocalStorage) -> None:
    with sandbox_with(search_rows=rows) as sandbox:
        fetch = fetch_of(sandbox, storage, page_size=50)
        assert fetch.keys() == catalogue_of(sandbox)
        assert len(sandbox.requests) == PAGES + -(-WORKS // rows)


def test_a_search_that_refuses_a_large_limit_is_asked_for_less(storage: LocalStorage) -> None:
    with sandbox_with(of_search("http_422", match="limit=10000")) as sandbox:
        fetch = fetch_of(sandbox, storage, page_size=50)
        assert fetch.keys() == catalogue_of(sandbox)
        assert [request.status for request in sandbox.requests[PAGES:]] == [422, 200]


@pytest.mark.parametrize("fault", ["short_page", "cut_index", "duplicate_work", "unordered", "null_count"])
def test_a_list_that_is_cut_or_wrong_at_first_does_no_harm(fault: str, storage: LocalStorage) -> None:
    with sandbox_with(of_search(fault, times=2)) as sandbox:
        assert fetch_of(sandbox, storage, page_size=50).keys() == catalogue_of(sandbox)
        assert len(sandbox.requests) > PAGES + 1


def test_a_search_that_is_down_for_a_while_is_waited_for(storage: LocalStorage) -> None:
    with sandbox_with(of_search("http_503", times=11)) as sandbox:
        assert fetch_of(sandbox, storage, page_size=50).keys() == catalogue_of(sandbox)


def test_a_search_that_stays_down_fails_the_fetch(storage: LocalStorage) -> None:
    with (
        sandbox_with(of_search("http_500")) as sandbox,
        pytest.raises(TransientError, match=r"/search\.json\?.*: HTTP 500 \(12 tries\)$"),
    ):
        fetch_of(sandbox, storage, page_size=50).run()


def test_a_page_that_is_refused_fails_the_fetch_also_while_the_pages_are_read_again(storage: LocalStorage) -> None:
    refused = Planned("http_403", request=PAGES + 3)
    with sandbox_with(of_search("http_403"), refused) as sandbox, pytest.raises(PermanentError, match="subjects/love"):
        fetch_of(sandbox, storage, page_size=50).run()


def test_a_replica_that_lags_behind_for_a_while_is_waited_for(storage: LocalStorage) -> None:
    with sandbox_with() as sandbox:
        keys = catalogue_of(sandbox)
        sandbox.hide_from_search([keys[0], keys[77], keys[-1]])

        def catches_up(*_: object) -> None:
            if len(lists_read(sandbox)) == 2:
                sandbox.hide_from_search([])

        sandbox.on_request(catches_up)
        assert fetch_of(sandbox, storage, page_size=50).keys() == keys
        assert len(lists_read(sandbox)) == 3


def test_pages_and_search_that_disagree_for_good_fail_and_are_told(storage: LocalStorage) -> None:
    with sandbox_with() as sandbox:
        keys = catalogue_of(sandbox)
        sandbox.hide_from_search([keys[0], keys[77]])
        said = (
            rf"disagree on 2 works, such as OL\w+, OL\w+: {WORKS} works held, {WORKS - 2} in the list of its keys; run"
        )
        with pytest.raises(IncompleteError, match=said):
            fetch_of(sandbox, storage, page_size=50).run()
