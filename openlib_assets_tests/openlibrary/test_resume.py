"""The enumeration goes on from the pages that an interrupted one set aside."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.openlibrary.enumeration import page_offsets
from openlib_assets.openlibrary.errors import IncompleteError, InterruptedFetchError
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.openlibrary.fetches import SEARCH, Drift, catalogue_of, fetch_of, offsets_asked


class TestResume:
    """What an interrupted fetch leaves behind is used by the next one."""

    def _interrupted(self, sandbox: Sandbox, storage: LocalStorage, request: int, **changes: Any) -> set[int]:
        """Run a fetch into the order to stop at a request; give the offsets of the pages it had set aside."""
        fetch = fetch_of(sandbox, storage, page_size=10, **changes)

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

    @pytest.mark.parametrize("request_number", [2, 11, 19])
    @pytest.mark.parametrize("max_in_flight", [1, 3])
    def test_a_staged_page_is_not_asked_for_again(
        self, request_number: int, max_in_flight: int, storage: LocalStorage
    ) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:
            staged = self._interrupted(sandbox, storage, request_number, max_in_flight=max_in_flight)
            assert len(staged) >= request_number - max_in_flight
            sent = len(sandbox.requests)
            assert fetch_of(sandbox, storage, page_size=10).keys() == catalogue_of(sandbox)
            asked = offsets_asked(sandbox, since=sent)
            assert sorted(asked) == sorted(set(page_offsets(200, 10)) - staged)

    def test_when_every_page_was_staged_only_the_list_is_read(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:
            assert fetch_of(sandbox, storage, page_size=10).keys() == catalogue_of(sandbox)
            sent = len(sandbox.requests)
            assert fetch_of(sandbox, storage, page_size=10).keys() == catalogue_of(sandbox)
            assert [request.path for request in sandbox.requests[sent:]] == [SEARCH]

    @pytest.mark.parametrize(
        ("request_number", "toggled"),
        [
            *((number, places) for number in (12, 20) for places in ([55], [56], [1, 2, 3], [0, 11, 22], [219])),
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
            keys = fetch_of(sandbox, storage, page_size=10, max_in_flight=1).keys()
            assert drifting.all_happened
            assert keys == catalogue_of(sandbox)

    def test_a_fetch_that_failed_on_a_moving_subject_succeeds_once_it_rests(self, storage: LocalStorage) -> None:
        moving = threading.Event()
        moving.set()
        with Sandbox(SandboxConfig({"love": 200}, search_rows=50)) as sandbox:
            sandbox.on_request(lambda *_: sandbox.add_work("love") if moving.is_set() else None)
            with pytest.raises(IncompleteError):
                fetch_of(sandbox, storage, page_size=20).run()
            moving.clear()
            assert fetch_of(sandbox, storage, page_size=20).keys() == catalogue_of(sandbox)

    @pytest.mark.parametrize("damage", ["empty", "cut", "garbage", "foreign"])
    def test_an_unreadable_staged_page_is_ignored_and_read_again(
        self, damage: str, storage: LocalStorage, tmp_path: Path
    ) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as sandbox:
            fetch = fetch_of(sandbox, storage, page_size=10)
            fetch.run()
            staged = fetch.staging.pages()
            victim = next(page for page in staged if page.offset == 90)
            file = tmp_path / victim.name
            whole = file.read_bytes()
            damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "garbage": b"\xff" * 500, "foreign": b"{}"}
            file.write_bytes(damaged[damage])
            assert len(fetch.staging.pages()) == len(staged) - 1
            sent = len(sandbox.requests)
            assert fetch_of(sandbox, storage, page_size=10).keys() == catalogue_of(sandbox)
            assert offsets_asked(sandbox, since=sent) == [90]

    def test_pages_of_another_size_or_source_are_not_taken_for_ones_own(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 200})) as other, Sandbox(SandboxConfig({"love": 200}, seed=2)) as sandbox:
            fetch_of(other, storage, page_size=10).run()
            fetch_of(sandbox, storage, page_size=7).run()
            sent = len(sandbox.requests)
            assert fetch_of(sandbox, storage, page_size=10).keys() == catalogue_of(sandbox)
            assert sorted(offsets_asked(sandbox, since=sent)) == page_offsets(200, 10)
