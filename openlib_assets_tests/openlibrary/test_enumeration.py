"""The enumeration against a sandbox, over real sockets: complete or red, whatever fails meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openlib_assets.openlibrary.enumeration import Progress, page_offsets, requests_due
from openlib_assets.openlibrary.errors import (
    InterruptedFetchError,
    PermanentError,
    SubjectNotFoundError,
    TransientError,
)
from openlib_assets.openlibrary.records import parse_json
from openlib_assets.sandbox import TRANSIENT, FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.openlibrary.fetches import catalogue_of, column, fetch_of, offsets_asked, some_storage

SIZES = [(1, 2), (999, 2), (1000, 2), (1001, 3), (2000, 3), (2001, 4), (10_000, 11), (10_001, 13), (25_000, 28)]


class TestWithoutTrouble:
    """Nothing fails and nothing moves."""

    @pytest.mark.parametrize(("works", "requests"), SIZES)
    def test_every_size_is_complete_in_exactly_the_requests_due(
        self, works: int, requests: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": works})) as sandbox:
            assert fetch_of(sandbox, storage).keys() == catalogue_of(sandbox)
            assert len(sandbox.requests) == requests == requests_due(works, 1000)

    @pytest.mark.parametrize("page_size", [2, 3, 7, 20])
    def test_small_pages_are_complete_in_exactly_the_requests_due(self, page_size: int) -> None:
        for works in (1, 2, 3, 4, 7, 8, 19, 20, 21, 39):
            with Sandbox(SandboxConfig({"love": works})) as sandbox, some_storage() as storage:
                assert fetch_of(sandbox, storage, page_size=page_size).keys() == catalogue_of(sandbox)
                assert len(sandbox.requests) == requests_due(works, page_size)
                assert sorted(offsets_asked(sandbox)) == page_offsets(works, page_size)

    @given(st.integers(1, 5000), st.integers(2, 1000))
    def test_pages_cover_every_place_once(self, works: int, page_size: int) -> None:
        covered = [place for offset in page_offsets(works, page_size) for place in range(offset, offset + page_size)]
        assert [place for place in covered if place < works] == list(range(works))

    def test_a_subject_of_a_million_works_takes_a_thousand_pages_and_a_hundred_lists(self) -> None:
        assert requests_due(1_000_000, 1000) == 1100

    def test_records_are_kept_as_they_were_sent(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 50})) as sandbox:
            fetch = fetch_of(sandbox, storage, page_size=20)
            batches = list(fetch.staging.batches(fetch.run().slices))
            records = [parse_json(text.encode()) for batch in batches for text in column(batch, "payload")]
            for record in records:
                record.pop("availability", None)
            assert records == list(sandbox.works("love"))
            keys = [key for batch in batches for key in column(batch, "work_key")]
            assert [f"/works/{key}" for key in keys] == [record["key"] for record in records]

    def test_a_subject_without_works_is_not_found_after_page_and_list(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 0})) as sandbox:
            with pytest.raises(SubjectNotFoundError, match=r"/subjects/love\.json: .*'love'.*openlib subjects search$"):
                fetch_of(sandbox, storage).run()
            assert len(sandbox.requests) == 2

    def test_no_more_requests_are_under_way_at_once_than_allowed(self, storage: LocalStorage) -> None:
        latency = 0.05
        with Sandbox(SandboxConfig({"love": 100}, latency=latency)) as sandbox:
            fetch_of(sandbox, storage, page_size=10, max_in_flight=3).run()
            starts = [request.started for request in sandbox.requests]
        together = [sum(start <= other < start + latency for other in starts) for start in starts]
        assert max(together) == 3

    def test_progress_only_grows_and_ends_with_everything(self, storage: LocalStorage) -> None:
        heard: list[Progress] = []
        with Sandbox(SandboxConfig({"love": 100})) as sandbox:
            fetch_of(sandbox, storage, page_size=10).run(heard.append)
        assert heard[-1] == Progress(subject="love", noun="works", pages=10, pages_due=10, works=100, works_due=100)
        assert [progress.works for progress in heard] == sorted(progress.works for progress in heard)


class TestFaults:
    """Answers that go wrong at random, none of them for good."""

    @pytest.mark.parametrize("fault", TRANSIENT)
    def test_a_subject_is_complete_under_every_transient_fault(self, fault: str, storage: LocalStorage) -> None:
        plan = FaultPlan({fault: 0.3}, stall_seconds=30)
        with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox:
            assert fetch_of(sandbox, storage, page_size=20, timeout=0.1).keys() == catalogue_of(sandbox)
            assert fault in {request.fault for request in sandbox.requests}

    @pytest.mark.parametrize("seed", range(3))
    def test_a_subject_is_complete_under_all_transient_faults_together(self, seed: int, storage: LocalStorage) -> None:
        probabilities = FaultPlan.parse("transient=0.5").probabilities
        plan = FaultPlan(probabilities, seed=seed, stall_seconds=30)
        with Sandbox(SandboxConfig({"love": 300}, faults=plan)) as sandbox:
            assert fetch_of(sandbox, storage, page_size=20, timeout=0.1).keys() == catalogue_of(sandbox)

    @pytest.mark.parametrize("works", [40, 300])
    @pytest.mark.parametrize("max_in_flight", [1, 3])
    def test_an_index_that_cuts_list_and_count_alike_never_gives_a_short_result(
        self, works: int, max_in_flight: int
    ) -> None:
        for seed in range(4):
            plan = FaultPlan({"cut_index": 0.4}, seed=seed)
            with Sandbox(SandboxConfig({"love": works}, faults=plan)) as sandbox, some_storage() as storage:
                fetch = fetch_of(sandbox, storage, page_size=50, max_in_flight=max_in_flight)
                assert fetch.keys() == catalogue_of(sandbox)

    @pytest.mark.parametrize("cut", [(1,), (2,), (3,), (1, 2), (2, 3), (1, 2, 3), (1, 3, 4)])
    def test_an_index_that_cuts_the_first_answers_never_gives_a_short_result(
        self, cut: tuple[int, ...], storage: LocalStorage
    ) -> None:
        plan = FaultPlan(planned=tuple(Planned("cut_index", request=number) for number in cut))
        with Sandbox(SandboxConfig({"love": 130}, faults=plan)) as sandbox:
            assert fetch_of(sandbox, storage, page_size=50, max_in_flight=1).keys() == catalogue_of(sandbox)

    @pytest.mark.parametrize("fault", ["http_403", "http_404", "http_422"])
    def test_a_permanent_fault_of_one_page_ends_the_fetch_and_all_its_requests(
        self, fault: str, storage: LocalStorage
    ) -> None:
        busy = Planned("http_503", match="offset=80&", times=100)
        plan = FaultPlan(planned=(Planned(fault, match="offset=90&"), busy))
        with Sandbox(SandboxConfig({"love": 1000}, faults=plan, latency=0.01)) as sandbox:
            with pytest.raises(PermanentError, match=rf"offset=90&.*: HTTP {fault[-3:]}.* \(1 try\)$"):
                fetch_of(sandbox, storage, page_size=10, retry_wait=1).run()
            time.sleep(0.1)
            sent = len(sandbox.requests)
            assert 80 in offsets_asked(sandbox)
            time.sleep(0.5)
            assert len(sandbox.requests) == sent < 40

    def test_a_fault_of_one_page_that_stays_ends_the_fetch_in_red(self, storage: LocalStorage) -> None:
        plan = FaultPlan(planned=(Planned("null_count", match="offset=90&", times=100),))
        expected = pytest.raises(TransientError, match=r"offset=90&.*: work_count is None.* \(12 tries\)$")
        with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox, expected:
            fetch_of(sandbox, storage, page_size=10).run()

    def test_the_order_to_stop_ends_a_fetch_whose_requests_stall(self, storage: LocalStorage) -> None:
        plan = FaultPlan(permanent={"love": "stall"})
        with Sandbox(SandboxConfig({"love": 200}, faults=plan)) as sandbox, ThreadPoolExecutor() as threads:
            fetch = fetch_of(sandbox, storage, timeout=60)
            running = threads.submit(fetch.run)
            while not sandbox.requests:
                time.sleep(0.005)
            started = time.monotonic()
            fetch.client.stop.set()
            assert isinstance(running.exception(timeout=50), InterruptedFetchError)
            assert time.monotonic() - started < 50, "not until the request times out"
