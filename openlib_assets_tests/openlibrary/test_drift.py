"""The enumeration while works come and go: what it finds is the catalogue as it stands at the end."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openlib_assets.openlibrary.enumeration import requests_due
from openlib_assets.openlibrary.errors import IncompleteError, SubjectNotFoundError
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.openlibrary.fetches import Drift, catalogue_of, fetch_of, some_storage

# Of the 220 works, every eleventh is held back (0, 11, ...), so that 200 fill 11 pages of twenty. Numbers are
# places among the 220: one that is held back comes, another one goes. Request 6 reads places 105 to 126 or so.
DRIFTS: dict[str, dict[int, Iterable[int]]] = {
    "one comes in a page already read": {6: [55]},
    "one goes in a page already read": {6: [56]},
    "one comes before all others": {6: [0]},
    "the first one goes": {6: [1]},
    "one comes in the page that is read": {6: [110]},
    "one goes in the page that is read": {6: [112]},
    "one comes in a page not yet read": {6: [209]},
    "the last one goes": {6: [219]},
    "the last one goes when it is read": {11: [219]},
    "several come in pages already read": {6: [0, 11, 44, 99]},
    "several go in pages already read": {6: [1, 2, 45, 98]},
    "two neighbours go": {6: [56, 57]},
    "two go, one of them just before the page that is read": {6: [12, 103]},
    "five go, two of them just before the page that is read": {6: [12, 31, 56, 102, 103]},
    "one goes and the last page is no longer due": {2: range(199, 207), 12: [13]},
    "as many go as a page holds": {6: [place for place in range(22) if place % 11]},
    "more go than a page holds": {6: [place for place in range(100) if place % 11]},
    "all that were held back come": {10: range(0, 220, 11)},
    "several come and go where it was not yet read": {2: [121, 132, 150, 151, 199]},
    "one goes before and one comes behind, so that the count stays": {6: [12, 165]},
    "one comes before and one goes behind, so that the count stays": {6: [11, 166]},
    "one goes, another comes some pages later, so that the count is again what it was": {4: [12], 8: [11]},
    "one comes and goes again": {4: [11], 8: [11]},
    "something goes before every other page": {number: [number * 6 + 1] for number in range(4, 11, 2)},
    "one goes as the last page is read": {11: [13]},
    "two go as the last page is read": {11: [13, 70]},
    "one comes as the last page is read": {11: [11]},
    "one goes while the pages are repaired": {6: [56], 12: [80]},
    "one comes while the pages are repaired": {6: [56], 13: [77]},
    "one goes and one comes while the pages are repaired": {6: [56, 57, 70], 15: [9, 198]},
    "one comes and one goes, and another goes while the pages are repaired": {6: [0, 112], 14: [162]},
    "nearly all goes": {4: [place for place in range(6, 219) if place % 11]},
}


class TestDrift:
    """Works come and go while they are read."""

    @pytest.mark.parametrize("max_in_flight", [1, 3])
    @pytest.mark.parametrize("drift", DRIFTS)
    def test_the_result_is_the_catalogue_as_it_stands_at_the_end(
        self, drift: str, max_in_flight: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 220})) as sandbox:
            drifting = Drift(sandbox, DRIFTS[drift])
            keys = fetch_of(sandbox, storage, page_size=20, max_in_flight=max_in_flight).keys()
            assert drifting.all_happened
            assert keys == catalogue_of(sandbox)

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
    def test_a_subject_that_never_rests_is_red_and_says_so_with_numbers(
        self, works: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": works})) as sandbox:
            sandbox.on_request(lambda *_: sandbox.add_work("love"))
            with pytest.raises(IncompleteError, match=r"/subjects/love\.json: .*\d+.*; run again later$") as incomplete:
                fetch_of(sandbox, storage, page_size=50).run()
            assert str(incomplete.value).isprintable()

    def test_a_subject_whose_pages_never_rest_says_how_many_works_are_held_and_reported(
        self, storage: LocalStorage
    ) -> None:
        """The count stays as it is, but each answer comes after one work left the front and another came at the end."""
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:

            def shift(*_: object) -> None:
                sandbox.remove_work("love", catalogue_of(sandbox)[0])
                sandbox.add_work("love")

            sandbox.on_request(shift)
            with pytest.raises(IncompleteError, match=r"kept changing.*: (\d+) works held, 200 reported; run again"):
                fetch_of(sandbox, storage, page_size=20, max_in_flight=1).run()

    @pytest.mark.parametrize("comes", [True, False], ids=["comes", "goes"])
    @pytest.mark.parametrize(("request_number", "place"), [(20, 40), (60, 0), (60, 206)])
    def test_one_change_among_sixty_pages_costs_few_requests(
        self, request_number: int, place: int, comes: bool, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 60 * 7 + 2})) as sandbox:
            keys = catalogue_of(sandbox)
            sandbox.remove_work("love", keys[place if comes else -1])

            def change(number: int, *_: str) -> None:
                if number == request_number and comes:
                    sandbox.add_work("love", {"key": keys[place]})
                elif number == request_number:
                    sandbox.remove_work("love", keys[place])

            sandbox.on_request(change)
            assert requests_due(sandbox.count("love"), 8) == 60
            assert fetch_of(sandbox, storage, page_size=8, max_in_flight=1).keys() == catalogue_of(sandbox)
            assert 0 < len(sandbox.requests) - 60 <= math.ceil(math.log2(60)) + 3

    def test_what_comes_where_it_was_not_yet_read_costs_nothing(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 220})) as sandbox:
            Drift(sandbox, {5: [110, 121], 9: [132]})
            assert fetch_of(sandbox, storage, page_size=10, max_in_flight=1).keys() == catalogue_of(sandbox)
            assert len(sandbox.requests) == requests_due(203, 10)


PLANS = st.lists(st.tuples(st.floats(0, 1.2), st.integers(0, 87)), min_size=1, max_size=6)


def _drifted(
    plan: list[tuple[float, int]], page_size: int, *, allowed: str, max_in_flight: int
) -> tuple[list[str], list[str], Drift, list[tuple[int, list[str]]]] | None:
    """Fetch 80 of 88 works while a plan of moments (1 is the last page) and places happens.

    Gives the keys found, those of the catalogue, what happened, and the pages answered after the last change; or
    nothing if the fetch ended in red.
    """
    with Sandbox(SandboxConfig({"love": 88})) as sandbox, some_storage() as storage:
        timed: dict[int, list[int]] = {}
        for moment, place in plan:
            timed.setdefault(2 + int(moment * requests_due(80, page_size)), []).append(place)
        drifting = Drift(sandbox, timed, allowed)
        fetch = fetch_of(sandbox, storage, page_size=page_size, max_in_flight=max_in_flight, retry_wait=0.001)
        try:
            keys = fetch.keys()
        except IncompleteError:
            return None
        settled = [page for page in fetch.staging.pages() if page.serial > drifting.last_change]
        answers = [(page.offset, [f"/works/{key}" for key in page.keys]) for page in settled]
        return keys, catalogue_of(sandbox), drifting, answers


class TestAnyDrift:
    """Whatever the plan of changes."""

    @pytest.mark.parametrize(("allowed", "max_in_flight"), [("+", 1), ("-", 1), ("+", 3), ("-", 3)])
    @settings(max_examples=8)
    @given(plan=PLANS, page_size=st.integers(6, 20))
    def test_where_works_only_come_or_only_go_the_result_is_the_catalogue(
        self, allowed: str, max_in_flight: int, plan: list[tuple[float, int]], page_size: int
    ) -> None:
        drifted = _drifted(plan, page_size, allowed=allowed, max_in_flight=max_in_flight)
        if drifted is not None:
            keys, catalogue, *_ = drifted
            assert keys == catalogue

    @pytest.mark.parametrize("max_in_flight", [1, 3])
    @settings(max_examples=10)
    @given(plan=PLANS, page_size=st.integers(6, 20))
    def test_where_works_come_and_go_only_pairs_that_no_answer_could_show_stay_unseen(
        self, max_in_flight: int, plan: list[tuple[float, int]], page_size: int
    ) -> None:
        """A removal and an addition between two boundaries already read leave count and boundaries as they were."""
        drifted = _drifted(plan, page_size, allowed="+-", max_in_flight=max_in_flight)
        if drifted is None:
            return
        keys, catalogue, drifting, answers = drifted
        assert len(keys) == len(catalogue)
        assert keys == sorted(set(keys))
        assert drifting.always <= set(keys) <= drifting.ever
        if max_in_flight == 1:  # or an answer dated after the last change may be from before it
            for offset, page in answers:
                assert keys[offset : offset + len(page)] == page
        if len(drifting.signs) == 1:
            assert keys == catalogue
