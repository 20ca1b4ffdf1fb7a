"""The enumeration while works come and go: what it finds is the catalogue at the moment of the proof, or it fails."""

import os
import random
import time
from collections.abc import Iterable

import pytest

from openlib_assets.openlibrary.enumeration import requests_due
from openlib_assets.openlibrary.errors import IncompleteError, SubjectNotFoundError
from openlib_assets.openlibrary.pace.pacing import Pace
from openlib_assets.openlibrary.pace.slots import Slot, Slots
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.openlibrary.fetches import (
    SEARCH,
    Drift,
    catalogue_of,
    fetch_of,
    lists_read,
    offset_of,
    some_storage,
)

# Of the 220 works, every eleventh is held back (0, 11, ...), so that 200 fill ten pages of twenty. Numbers are
# places among the 220: one that is held back comes, another one goes. Request 6 reads places 110 to 131 or so, request
# 11 the list of keys.
DRIFTS: dict[str, dict[int, Iterable[int]]] = {
    "one comes in a page already read": {6: [55]},
    "one goes in a page already read": {6: [56]},
    "one comes before all others": {6: [0]},
    "the first one goes": {6: [1]},
    "one comes in the page that is read": {6: [121]},
    "one goes in the page that is read": {6: [122]},
    "one comes in a page not yet read": {6: [209]},
    "the last one goes": {6: [219]},
    "the last one goes when it is read": {10: [219]},
    "several come in pages already read": {6: [0, 11, 44, 99]},
    "several go in pages already read": {6: [1, 2, 45, 98]},
    "two go, one of them just before the page that is read": {6: [12, 109]},
    "five go, two of them just before the page that is read": {6: [12, 31, 56, 108, 109]},
    "one goes and the last page is no longer due": {2: range(199, 207), 11: [13]},
    "as many go as a page holds": {6: [place for place in range(22) if place % 11]},
    "more go than a page holds": {6: [place for place in range(100) if place % 11]},
    "all that were held back come": {9: range(0, 220, 11)},
    "one goes before and one comes behind, so that the count stays": {6: [12, 165]},
    "one comes before and one goes behind, so that the count stays": {6: [11, 166]},
    "two go and two come within one page already read": {6: [45, 46, 44, 55]},
    "one goes, another comes some pages later, so that the count is again what it was": {4: [12], 8: [11]},
    "one comes and goes again": {4: [11], 8: [11]},
    "something goes before every other page": {number: [number * 6 + 1] for number in range(4, 11, 2)},
    "one goes as the last page is read": {10: [13]},
    "one comes as the last page is read": {10: [11]},
    "one goes as the list is read": {11: [80]},
    "one comes as the list is read": {11: [77]},
    "one goes where the pages are read again": {6: [56], 12: [57]},
    "one comes where the pages are read again": {6: [56], 12: [55]},
    "one goes far from where the pages are read again": {6: [56], 12: [164]},
    "one goes and one comes while the list is read again": {6: [56, 57, 70], 12: [58], 13: [9, 198]},
    "nearly all goes": {4: [place for place in range(6, 219) if place % 11]},
}


class FreeSlots(Slots):
    """Slots of which nothing is kept: each is now."""

    def reserve(self) -> Slot:
        return Slot(seconds=0.0, spacing=0.0, at=time.monotonic())

    def paused_beyond(self, *_: object) -> bool:
        return False

    def pause(self, *_: object) -> None:
        raise AssertionError("nobody was told to slow down")


@pytest.fixture(autouse=True)
def without_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests go as they come: thousands of slots would be kept in files, and none of them is waited for."""
    monkeypatch.setattr("openlib_assets.openlibrary.connection.open_pace", lambda _, stop: Pace(FreeSlots(), stop))


class TestDrift:
    """Works come and go while they are read."""

    @pytest.mark.parametrize("max_in_flight", [1, 3])
    @pytest.mark.parametrize("drift", DRIFTS)
    def test_the_result_is_the_catalogue_at_the_proof(
        self, drift: str, max_in_flight: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 220})) as sandbox:
            drifting = Drift(sandbox, DRIFTS[drift])
            keys = fetch_of(sandbox, storage, page_size=20, max_in_flight=max_in_flight).keys()
            assert drifting.all_happened
            assert keys == drifting.state_at(lists_read(sandbox)[-1].number)

    @pytest.mark.parametrize("page_size", [2, 4])
    def test_each_work_of_the_pages_already_read_may_go(self, page_size: int) -> None:
        for place in range(1, 8):
            with Sandbox(SandboxConfig({"love": 33})) as sandbox, some_storage() as storage:
                drifting = Drift(sandbox, {20 // page_size + 2: [place]})
                keys = fetch_of(sandbox, storage, page_size=page_size, max_in_flight=1).keys()
                assert drifting.all_happened
                assert keys == catalogue_of(sandbox)

    def test_a_subject_that_shrinks_to_nothing_is_not_found(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 44})) as sandbox:
            Drift(sandbox, {3: [place for place in range(44) if place % 11]})
            with pytest.raises(SubjectNotFoundError):
                fetch_of(sandbox, storage, page_size=10).run()

    @pytest.mark.parametrize("works", [30, 200])
    def test_a_subject_that_never_rests_fails_and_says_both_numbers(self, works: int, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": works}, search_rows=50)) as sandbox:
            sandbox.on_request(lambda *_: sandbox.add_work("love"))
            told = r"/subjects/love\.json: the subject kept changing.*OPENLIB_PROOF_WINDOW"
            with pytest.raises(IncompleteError, match=rf"{told}.*: \d+ works held, \d+ in the list") as incomplete:
                fetch_of(sandbox, storage, page_size=50).run()
            assert str(incomplete.value).isprintable()

    @pytest.mark.parametrize(("window", "lists"), [(0.0, 3), (600.0, 1)])
    def test_a_setting_accepts_works_of_a_window_of_time(
        self, window: float, lists: int, storage: LocalStorage
    ) -> None:
        """While the list is read, one goes where it was read already, and one comes where it was not yet."""
        with Sandbox(SandboxConfig({"love": 200}, search_rows=50)) as sandbox:
            first, *_, last = catalogue_of(sandbox)
            sandbox.remove_work("love", last)

            def replace(number: int, *_: str) -> None:
                if number == 13:
                    sandbox.remove_work("love", first)
                    sandbox.add_work("love", {"key": last})

            sandbox.on_request(replace)
            fetch = fetch_of(sandbox, storage, page_size=20, max_in_flight=1, proof_window=window)
            enumeration = fetch.run()
            assert len(lists_read(sandbox)) == lists
            assert (enumeration.proof.window > 0) == (lists == 1)
            assert enumeration.work_count == (200 if lists == 1 else 199)

    @pytest.mark.parametrize("comes", [True, False], ids=["comes", "goes"])
    @pytest.mark.parametrize(("request_number", "place"), [(20, 40), (60, 0), (60, 206)])
    def test_one_change_among_sixty_pages_costs_few_requests(
        self, request_number: int, place: int, comes: bool, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 60 * 8 - 1})) as sandbox:
            keys = catalogue_of(sandbox)
            sandbox.remove_work("love", keys[place if comes else -1])

            def change(number: int, *_: str) -> None:
                if number == request_number and comes:
                    sandbox.add_work("love", {"key": keys[place]})
                elif number == request_number:
                    sandbox.remove_work("love", keys[place])

            sandbox.on_request(change)
            assert requests_due(sandbox.count("love"), 8) == 61
            assert fetch_of(sandbox, storage, page_size=8, max_in_flight=1).keys() == catalogue_of(sandbox)
            # A page read again. Where a work went: a second answer with the lower count, that page, the next one, which
            # began too late, and another list.
            assert len(sandbox.requests) - 61 <= (1 if comes else 4)

    def test_what_comes_where_it_was_not_yet_read_costs_nothing(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 220})) as sandbox:
            Drift(sandbox, {5: [110, 121], 9: [132]})
            assert fetch_of(sandbox, storage, page_size=10, max_in_flight=1).keys() == catalogue_of(sandbox)
            assert len(sandbox.requests) == requests_due(203, 10)


def any_plan(chance: random.Random, requests: int) -> dict[int, list[int]]:
    """Changes in bursts and steadily, or so many that come as go at once; each work comes or goes once at most."""
    if chance.random() < 0.2:
        comes, goes = list(range(0, 88, 11)), [place for place in range(88) if place % 11]
        many = chance.choice((1, 2, 4, 8))
        return {chance.randint(2, requests): chance.sample(comes, many) + chance.sample(goes, many)}
    places = chance.sample(range(88), chance.choice((1, 2, 4, 8, 30)))
    if chance.random() < 0.3:
        return {chance.randint(2, requests): places}
    plan: dict[int, list[int]] = {}
    while places:
        burst = [places.pop() for _ in range(min(len(places), chance.choice((1, 1, 2, 4))))]
        plan.setdefault(chance.randint(2, requests + 4), []).extend(burst)
    return plan


# `make soak` takes more.
SEEDS = int(os.environ.get("DRIFT_SEEDS", "100"))
# How many documents the search gives at most, and with which fault it answers.
PROOFS = {"one list": (None, None), "lists of several answers": (9, None), "no search": (None, "http_403")}


@pytest.mark.parametrize("proof", PROOFS)
def test_whatever_comes_and_goes_the_result_is_the_catalogue_at_the_proof(proof: str) -> None:
    proven = 0
    for seed in range(SEEDS):
        proven += _is_proven(seed, *PROOFS[proof])
    assert proven > SEEDS // 4


def _is_proven(seed: int, search_rows: int | None, fault: str | None) -> bool:
    """Fetch while works come and go by a seed; tell whether that ended well, which must be right then."""
    chance = random.Random(seed)
    page_size, max_in_flight = chance.randint(6, 20), chance.choice((1, 3))
    plan = FaultPlan(planned=(Planned(fault, match=SEARCH, times=10_000),) if fault else ())
    config = SandboxConfig({"love": 88}, search_rows=search_rows, faults=plan)
    with Sandbox(config) as sandbox, some_storage() as storage:
        drifting = Drift(sandbox, any_plan(chance, 2 * requests_due(80, page_size)))
        fetch = fetch_of(sandbox, storage, page_size=page_size, max_in_flight=max_in_flight, retry_wait=0.001)
        try:
            keys = fetch.keys()
        except IncompleteError:
            return False
        if fault:
            begun = [request for request in sandbox.requests if request.path != SEARCH and offset_of(request) == 0]
        else:
            begun = lists_read(sandbox)
        assert keys == drifting.state_at(begun[-1].number), f"seed {seed}"
        return True
