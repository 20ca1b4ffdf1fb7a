"""The enumeration against a sandbox, over real sockets: complete or red, whatever fails and moves meanwhile."""

import math
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.staging import SubjectStaging, sweep
from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.enumeration import (
    Enumeration,
    Progress,
    enumerate_subject,
    page_offsets,
    requests_due,
)
from openlib_assets.openlibrary.errors import (
    IncompleteError,
    InterruptedFetchError,
    PermanentError,
    SubjectNotFoundError,
    TransientError,
)
from openlib_assets.openlibrary.records import parse_json
from openlib_assets.sandbox import TRANSIENT, FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import settings_for

SIZES = [(1, 2), (2, 2), (999, 2), (1000, 2), (1001, 2), (1999, 2), (2000, 3), (2500, 3), (2998, 3), (2999, 4)]


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


@dataclass(frozen=True)
class Fetch:
    """A fetch of the subject `love` of a sandbox, with its parts at hand."""

    client: Client
    storage: LocalStorage

    @property
    def staging(self) -> SubjectStaging:
        return SubjectStaging(self.storage, "love", self.client.subject_url("love"))

    def run(self, listener: Callable[[Progress], None] | None = None) -> Enumeration:
        return enumerate_subject(self.client, "love", self.staging, listener)

    def keys(self) -> list[str]:
        """Give the keys of the works found, as a sandbox writes them."""
        enumeration = self.run()
        keys = [
            f"/works/{key}" for batch in self.staging.batches(enumeration.slices) for key in _column(batch, "work_key")
        ]
        assert len(keys) == enumeration.work_count
        return keys


def _fetch(sandbox: Sandbox, storage: LocalStorage, **changes: Any) -> Fetch:
    return Fetch(Client(settings_for(sandbox, **{"retry_wait": 0.005, "timeout": 5.0, **changes})), storage)


def _column(batch: Any, name: str) -> list[str]:
    values: list[str] = batch.column(name).to_pylist()
    return values


def _catalogue(sandbox: Sandbox) -> list[str]:
    return [work["key"] for work in sandbox.works("love")]


def _offsets(sandbox: Sandbox, since: int = 0) -> list[int]:
    """Give the offsets of the pages asked for, later requests only where `since` is a number of requests."""
    queries = [parse_qs(request.query) for request in sandbox.requests[since:]]
    return [int(query["offset"][0]) for query in queries if query["limit"] != ["0"]]


class Drift:
    """A subject of which every eleventh work is held back, and a plan of what comes and goes before which request."""

    def __init__(self, sandbox: Sandbox, plan: Mapping[int, Iterable[int]], allowed: str = "+-") -> None:
        self._sandbox = sandbox
        self._plan = {number: list(places) for number, places in plan.items()}
        self._allowed = allowed
        self._lock = threading.Lock()
        self.universe = _catalogue(sandbox)
        for key in self.universe[::11]:
            sandbox.remove_work("love", key)
        self.present = set(self.universe) - set(self.universe[::11])
        self.always = set(self.present)
        self.ever = set(self.present)
        self.signs: set[str] = set()
        self.last_change = 0
        sandbox.on_request(self._before_request)

    @property
    def all_happened(self) -> bool:
        return not self._plan

    def _before_request(self, number: int, *_: str) -> None:
        with self._lock:
            for due in sorted(due for due in self._plan if due <= number):
                for place in self._plan.pop(due):
                    self._toggle(self.universe[place])

    def _toggle(self, key: str) -> None:
        sign = "-" if key in self.present else "+"
        if sign not in self._allowed:
            return
        if sign == "-":
            self._sandbox.remove_work("love", key)
            self.present.discard(key)
            self.always.discard(key)
        else:
            self._sandbox.add_work("love", {"key": key})
            self.present.add(key)
            self.ever.add(key)
        self.signs.add(sign)
        self.last_change = time.time_ns()


@contextmanager
def _somewhere() -> Iterator[LocalStorage]:
    """Lend a storage for one example of a property."""
    with tempfile.TemporaryDirectory() as folder:
        yield LocalStorage(folder)


class TestWithoutTrouble:
    """Nothing fails and nothing moves."""

    @pytest.mark.parametrize(("works", "requests"), SIZES)
    def test_every_size_is_complete_in_exactly_the_requests_due(
        self, works: int, requests: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": works})) as sandbox:
            assert _fetch(sandbox, storage).keys() == _catalogue(sandbox)
            assert len(sandbox.requests) == requests == requests_due(works, 1000)

    @pytest.mark.parametrize("page_size", [2, 3, 7, 20])
    def test_small_pages_are_complete_in_exactly_the_requests_due(self, page_size: int) -> None:
        for works in (1, 2, 3, 4, 7, 8, 19, 20, 21, 39):
            with Sandbox(SandboxConfig({"love": works})) as sandbox, _somewhere() as storage:
                assert _fetch(sandbox, storage, page_size=page_size).keys() == _catalogue(sandbox)
                assert len(sandbox.requests) == requests_due(works, page_size)
                assert sorted(_offsets(sandbox)) == page_offsets(works, page_size)

    @given(st.integers(1, 5000), st.integers(2, 1000))
    def test_pages_cover_every_place_and_overlap_by_one(self, works: int, page_size: int) -> None:
        covered = [place for offset in page_offsets(works, page_size) for place in range(offset, offset + page_size)]
        within = [place for place in covered if place < works]
        assert set(within) == set(range(works))
        assert len(within) == works + len(page_offsets(works, page_size)) - 1

    def test_records_are_kept_as_they_were_sent(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 50})) as sandbox:
            fetch = _fetch(sandbox, storage, page_size=20)
            batches = list(fetch.staging.batches(fetch.run().slices))
            records = [parse_json(text.encode()) for batch in batches for text in _column(batch, "payload")]
            for record in records:
                record.pop("availability", None)
            assert records == list(sandbox.works("love"))
            keys = [key for batch in batches for key in _column(batch, "work_key")]
            assert [f"/works/{key}" for key in keys] == [record["key"] for record in records]

    def test_a_subject_without_works_is_not_found_after_a_second_answer(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 0})) as sandbox:
            with pytest.raises(SubjectNotFoundError, match=r"/subjects/love\.json: .*'love'.*openlib subjects search$"):
                _fetch(sandbox, storage).run()
            assert len(sandbox.requests) == 2

    def test_no_more_requests_are_under_way_at_once_than_allowed(self, storage: LocalStorage) -> None:
        latency = 0.05
        with Sandbox(SandboxConfig({"love": 100}, latency=latency)) as sandbox:
            _fetch(sandbox, storage, page_size=10, max_in_flight=3).run()
            starts = [request.started for request in sandbox.requests]
        together = [sum(start <= other < start + latency for other in starts) for start in starts]
        assert max(together) == 3

    def test_progress_only_grows_and_ends_with_everything(self, storage: LocalStorage) -> None:
        heard: list[Progress] = []
        with Sandbox(SandboxConfig({"love": 100})) as sandbox:
            _fetch(sandbox, storage, page_size=10).run(heard.append)
        assert heard[-1] == Progress(subject="love", pages=11, pages_due=11, works=100, works_due=100)
        assert [progress.works for progress in heard] == sorted(progress.works for progress in heard)


class TestFaults:
    """Answers that go wrong at random, none of them for good."""

    @pytest.mark.parametrize("fault", TRANSIENT)
    def test_a_subject_is_complete_under_every_transient_fault(self, fault: str, storage: LocalStorage) -> None:
        plan = FaultPlan({fault: 0.3}, stall_seconds=30)
        with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox:
            assert _fetch(sandbox, storage, page_size=20, timeout=0.1).keys() == _catalogue(sandbox)
            assert fault in {request.fault for request in sandbox.requests}

    @pytest.mark.parametrize("seed", range(3))
    def test_a_subject_is_complete_under_all_transient_faults_together(self, seed: int, storage: LocalStorage) -> None:
        probabilities = FaultPlan.parse("transient=0.5").probabilities
        plan = FaultPlan(probabilities, seed=seed, stall_seconds=30)
        with Sandbox(SandboxConfig({"love": 300}, faults=plan)) as sandbox:
            assert _fetch(sandbox, storage, page_size=20, timeout=0.1).keys() == _catalogue(sandbox)

    @pytest.mark.parametrize("works", [40, 300])
    @pytest.mark.parametrize("max_in_flight", [1, 3])
    def test_an_index_that_cuts_list_and_count_alike_never_gives_a_short_result(
        self, works: int, max_in_flight: int
    ) -> None:
        for seed in range(4):
            plan = FaultPlan({"cut_index": 0.4}, seed=seed)
            with Sandbox(SandboxConfig({"love": works}, faults=plan)) as sandbox, _somewhere() as storage:
                fetch = _fetch(sandbox, storage, page_size=50, max_in_flight=max_in_flight)
                assert fetch.keys() == _catalogue(sandbox)

    @pytest.mark.parametrize("cut", [(1,), (2,), (3,), (1, 2), (2, 3), (1, 2, 3), (1, 3, 4)])
    def test_an_index_that_cuts_the_first_answers_never_gives_a_short_result(
        self, cut: tuple[int, ...], storage: LocalStorage
    ) -> None:
        plan = FaultPlan(planned=tuple(Planned("cut_index", request=number) for number in cut))
        with Sandbox(SandboxConfig({"love": 130}, faults=plan)) as sandbox:
            assert _fetch(sandbox, storage, page_size=50, max_in_flight=1).keys() == _catalogue(sandbox)

    @pytest.mark.parametrize("fault", ["http_403", "http_404", "http_422"])
    def test_a_permanent_fault_of_one_page_ends_the_fetch_and_all_its_requests(
        self, fault: str, storage: LocalStorage
    ) -> None:
        busy = Planned("http_503", match="offset=81&", times=100)
        plan = FaultPlan(planned=(Planned(fault, match="offset=90&"), busy))
        with Sandbox(SandboxConfig({"love": 1000}, faults=plan, latency=0.01)) as sandbox:
            with pytest.raises(PermanentError, match=rf"offset=90&.*: HTTP {fault[-3:]}.* \(1 try\)$"):
                _fetch(sandbox, storage, page_size=10, retry_wait=1).run()
            time.sleep(0.1)
            sent = len(sandbox.requests)
            assert 81 in _offsets(sandbox)
            time.sleep(0.5)
            assert len(sandbox.requests) == sent < 40

    def test_a_fault_of_one_page_that_stays_ends_the_fetch_in_red(self, storage: LocalStorage) -> None:
        plan = FaultPlan(planned=(Planned("null_count", match="offset=90&", times=100),))
        expected = pytest.raises(TransientError, match=r"offset=90&.*: work_count is None.* \(12 tries\)$")
        with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox, expected:
            _fetch(sandbox, storage, page_size=10).run()

    def test_the_order_to_stop_ends_a_fetch_whose_requests_stall(self, storage: LocalStorage) -> None:
        plan = FaultPlan(permanent={"love": "stall"})
        with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox, ThreadPoolExecutor() as threads:
            fetch = _fetch(sandbox, storage, timeout=60)
            running = threads.submit(fetch.run)
            while not sandbox.requests:
                time.sleep(0.005)
            started = time.monotonic()
            fetch.client.stop.set()
            assert isinstance(running.exception(timeout=5), InterruptedFetchError)
            assert time.monotonic() - started < 2


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
            keys = _fetch(sandbox, storage, page_size=20, max_in_flight=max_in_flight).keys()
            assert drifting.all_happened
            assert keys == _catalogue(sandbox)

    @pytest.mark.parametrize("page_size", [2, 4])
    def test_each_work_of_the_pages_already_read_may_go(self, page_size: int) -> None:
        for place in range(1, 8):
            with Sandbox(SandboxConfig({"love": 33})) as sandbox, _somewhere() as storage:
                drifting = Drift(sandbox, {20 // page_size + 2: [place]})
                keys = _fetch(sandbox, storage, page_size=page_size, max_in_flight=1).keys()
                assert drifting.all_happened
                assert keys == _catalogue(sandbox)

    def test_a_subject_that_shrinks_to_nothing_is_not_found(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 44})) as sandbox:
            Drift(sandbox, {3: [place for place in range(44) if place % 11]})
            with pytest.raises(SubjectNotFoundError):
                _fetch(sandbox, storage, page_size=10).run()

    @pytest.mark.parametrize("works", [30, 200])
    def test_a_subject_that_never_rests_is_red_and_says_so_with_numbers(
        self, works: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": works})) as sandbox:
            sandbox.on_request(lambda *_: sandbox.add_work("love"))
            with pytest.raises(IncompleteError, match=r"/subjects/love\.json: .*\d+.*; run again later$") as incomplete:
                _fetch(sandbox, storage, page_size=50).run()
            assert str(incomplete.value).isprintable()

    def test_a_subject_whose_pages_never_rest_says_how_many_works_are_held_and_reported(
        self, storage: LocalStorage
    ) -> None:
        """The count stays as it is, but each answer comes after one work left the front and another came at the end."""
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:

            def shift(*_: object) -> None:
                sandbox.remove_work("love", _catalogue(sandbox)[0])
                sandbox.add_work("love")

            sandbox.on_request(shift)
            with pytest.raises(IncompleteError, match=r"kept changing.*: (\d+) works held, 200 reported; run again"):
                _fetch(sandbox, storage, page_size=20, max_in_flight=1).run()

    @pytest.mark.parametrize("comes", [True, False], ids=["comes", "goes"])
    @pytest.mark.parametrize(("request_number", "place"), [(20, 40), (60, 0), (60, 206)])
    def test_one_change_among_sixty_pages_costs_few_requests(
        self, request_number: int, place: int, comes: bool, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 60 * 7 + 2})) as sandbox:
            keys = _catalogue(sandbox)
            sandbox.remove_work("love", keys[place if comes else -1])

            def change(number: int, *_: str) -> None:
                if number == request_number and comes:
                    sandbox.add_work("love", {"key": keys[place]})
                elif number == request_number:
                    sandbox.remove_work("love", keys[place])

            sandbox.on_request(change)
            assert requests_due(sandbox.count("love"), 8) == 60
            assert _fetch(sandbox, storage, page_size=8, max_in_flight=1).keys() == _catalogue(sandbox)
            assert 0 < len(sandbox.requests) - 60 <= math.ceil(math.log2(60)) + 3

    def test_what_comes_where_it_was_not_yet_read_costs_nothing(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 220})) as sandbox:
            Drift(sandbox, {5: [110, 121], 9: [132]})
            assert _fetch(sandbox, storage, page_size=10, max_in_flight=1).keys() == _catalogue(sandbox)
            assert len(sandbox.requests) == requests_due(203, 10)


PLANS = st.lists(st.tuples(st.floats(0, 1.2), st.integers(0, 87)), min_size=1, max_size=6)


def _drifted(
    plan: list[tuple[float, int]], page_size: int, *, allowed: str, max_in_flight: int
) -> tuple[list[str], list[str], Drift, list[tuple[int, list[str]]]] | None:
    """Fetch 80 of 88 works while a plan of moments (1 is the last page) and places happens.

    Gives the keys found, those of the catalogue, what happened, and the pages answered after the last change; or
    nothing if the fetch ended in red.
    """
    with Sandbox(SandboxConfig({"love": 88})) as sandbox, _somewhere() as storage:
        timed: dict[int, list[int]] = {}
        for moment, place in plan:
            timed.setdefault(2 + int(moment * requests_due(80, page_size)), []).append(place)
        drifting = Drift(sandbox, timed, allowed)
        fetch = _fetch(sandbox, storage, page_size=page_size, max_in_flight=max_in_flight, retry_wait=0.001)
        try:
            keys = fetch.keys()
        except IncompleteError:
            return None
        settled = [page for page in fetch.staging.pages() if page.serial > drifting.last_change]
        answers = [(page.offset, [f"/works/{key}" for key in page.keys]) for page in settled]
        return keys, _catalogue(sandbox), drifting, answers


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


class TestResume:
    """What an interrupted fetch leaves behind is used by the next one."""

    def _interrupted(self, sandbox: Sandbox, storage: LocalStorage, request: int, **changes: Any) -> set[int]:
        """Run a fetch into the order to stop at a request; give the offsets of the pages it had set aside."""
        fetch = _fetch(sandbox, storage, page_size=10, **changes)

        def stop(number: int, *_: str) -> None:
            if number == request:
                fetch.client.stop.set()

        sandbox.on_request(stop)
        before = set(threading.enumerate())
        with pytest.raises(InterruptedFetchError):
            fetch.run()
        # Requests that were under way end on their own; what they fetch is set aside as well.
        for reader in set(threading.enumerate()) - before:
            if reader.name.endswith("(read)"):
                reader.join()
        return {page.offset for page in fetch.staging.pages()}

    @pytest.mark.parametrize("request_number", [2, 11, 20])
    @pytest.mark.parametrize("max_in_flight", [1, 3])
    def test_a_staged_page_is_not_asked_for_again(
        self, request_number: int, max_in_flight: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:
            staged = self._interrupted(sandbox, storage, request_number, max_in_flight=max_in_flight)
            assert len(staged) >= request_number - max_in_flight
            sent = len(sandbox.requests)
            assert _fetch(sandbox, storage, page_size=10).keys() == _catalogue(sandbox)
            asked = _offsets(sandbox, since=sent)
            assert len(asked) == len(set(asked)) >= 1
            assert not staged & set(asked)

    def test_when_every_page_was_staged_one_answer_confirms_the_count(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:
            assert _fetch(sandbox, storage, page_size=10).keys() == _catalogue(sandbox)
            sent = len(sandbox.requests)
            assert _fetch(sandbox, storage, page_size=10).keys() == _catalogue(sandbox)
            assert [request.query for request in sandbox.requests[sent:]] == ["limit=0&offset=0&sort=key"]

    @pytest.mark.parametrize(
        ("request_number", "toggled"),
        [
            *((number, places) for number in (12, 22) for places in ([55], [56], [1, 2, 3], [0, 11, 22], [219])),
            (12, [12, 165]),
            (12, [56, 120]),
            (12, range(1, 60, 11)),
        ],
        ids=str,
    )
    def test_drift_since_the_interruption_is_noticed(
        self, request_number: int, toggled: Iterable[int], storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 220})) as sandbox:
            plan: dict[int, Iterable[int]] = {request_number + 1: toggled}
            drifting = Drift(sandbox, plan)
            self._interrupted(sandbox, storage, request_number, max_in_flight=1)
            keys = _fetch(sandbox, storage, page_size=10, max_in_flight=1).keys()
            assert drifting.all_happened
            assert keys == _catalogue(sandbox)

    def test_a_fetch_that_failed_on_a_moving_subject_succeeds_once_it_rests(self, storage: LocalStorage) -> None:
        moving = threading.Event()
        moving.set()
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:
            sandbox.on_request(lambda *_: sandbox.add_work("love") if moving.is_set() else None)
            with pytest.raises(IncompleteError):
                _fetch(sandbox, storage, page_size=20).run()
            moving.clear()
            assert _fetch(sandbox, storage, page_size=20).keys() == _catalogue(sandbox)

    @pytest.mark.parametrize("damage", ["empty", "cut", "garbage", "foreign"])
    def test_an_unreadable_staged_page_is_ignored_and_read_again(
        self, damage: str, storage: LocalStorage, tmp_path: Path
    ) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:
            fetch = _fetch(sandbox, storage, page_size=10)
            fetch.run()
            staged = fetch.staging.pages()
            victim = next(page for page in staged if page.offset == 90)
            file = tmp_path / victim.name
            whole = file.read_bytes()
            damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "garbage": b"\xff" * 500, "foreign": b"{}"}
            file.write_bytes(damaged[damage])
            assert len(fetch.staging.pages()) == len(staged) - 1
            sent = len(sandbox.requests)
            assert _fetch(sandbox, storage, page_size=10).keys() == _catalogue(sandbox)
            assert _offsets(sandbox, since=sent) == [90]

    def test_pages_of_another_size_or_source_are_not_taken_for_ones_own(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as other, Sandbox(SandboxConfig({"love": 200}, seed=2)) as sandbox:
            _fetch(other, storage, page_size=10).run()
            _fetch(sandbox, storage, page_size=7).run()
            sent = len(sandbox.requests)
            assert _fetch(sandbox, storage, page_size=10).keys() == _catalogue(sandbox)
            assert sorted(_offsets(sandbox, since=sent)) == page_offsets(200, 10)


class TestStaging:
    """The staged pages as files."""

    def test_they_lie_in_the_staging_folder_of_their_subject_and_go_when_cleared(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 50})) as sandbox:
            fetch = _fetch(sandbox, storage, page_size=10)
            fetch.run()
            other = SubjectStaging(storage, "place:love", "x")
            page = fetch.client.page("love", offset=0, limit=5)
            kept = other.add(page, 5)
            assert all(path.startswith("_staging/love/") for path in storage.paths(layout.staging_folder("love")))
            fetch.staging.clear()
            assert list(storage.paths(layout.STAGING)) == [kept.name]
            assert other.pages() == [kept]

    def test_pages_older_than_a_day_are_swept_whatever_their_subject(
        self, storage: LocalStorage, tmp_path: Path
    ) -> None:
        hour = 3600 * 10**9
        with Sandbox(SandboxConfig({"love": 5})) as sandbox:
            page = _fetch(sandbox, storage).client.page("love", offset=0, limit=5)
        ages = {"now": 0, "yesterday": 23, "old": 25, "ancient": 24 * 400, "future": -25}
        for subject, age in ages.items():
            staged = SubjectStaging(storage, subject, "x").add(page, 5)
            folder = (tmp_path / staged.name).parent
            shutil.move(tmp_path / staged.name, folder / f"{staged.serial - age * hour}-0.arrow")
        storage.write("_staging/stray/notes.txt", b"")
        sweep(storage)
        left = {path.split("/")[1] for path in storage.paths(layout.STAGING)}
        assert left == {"now", "yesterday"}

    def test_batches_give_the_works_of_any_slices_in_their_order(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 120})) as sandbox:
            drifting = Drift(sandbox, {8: [12, 13, 70], 10: [71]})
            fetch = _fetch(sandbox, storage, page_size=10, max_in_flight=1)
            enumeration = fetch.run()
            assert drifting.all_happened
            assert len(enumeration.slices) > 10
            for batch in fetch.staging.batches(enumeration.slices):
                for key, text in zip(_column(batch, "work_key"), _column(batch, "payload"), strict=True):
                    assert parse_json(text.encode())["key"] == f"/works/{key}"
