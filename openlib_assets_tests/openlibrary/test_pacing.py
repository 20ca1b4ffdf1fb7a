"""The pace: how requests are spaced over threads and processes, and what holds for everybody."""

import multiprocessing
import shutil
import sqlite3
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from openlib_assets.openlibrary.errors import InterruptedFetchError, SourceError
from openlib_assets.openlibrary.pace.host import HostSlots, pace_file
from openlib_assets.openlibrary.pace.pacing import Pace, open_pace
from openlib_assets.openlibrary.pace.slots import Slot, spacing
from openlib_assets.settings import Settings

Sent = tuple[int, float]
"""Who sent a request, and when."""

# Of the requests that a rate allows. On a busy machine who waits is woken late, and each time that is lost to the rate;
# that no slot is, is another test's business.
LEAST_USED = 0.5


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pace" / "host_443.sqlite"


def _pace(file: Path, rate: float, stop: threading.Event | None = None) -> Pace:
    return Pace(HostSlots(file, rate), stop or threading.Event())


def send_until(pace: Pace, sender: int, end: float) -> list[Sent]:
    """Send what the pace allows until the clock shows `end`."""
    sent: list[Sent] = []
    while True:
        pace.wait_for_slot()
        now = time.monotonic()
        if now > end:
            return sent
        sent.append((sender, now))


def _process(pace: tuple[Path, float], sender: int, barrier: "threading.Barrier", seconds: float) -> None:
    """Be one of several processes; leaves the times of its requests in a file beside the pace's, one a line."""
    file, rate = pace
    mine = _pace(file, rate)
    barrier.wait(timeout=30)
    sent = send_until(mine, sender, time.monotonic() + seconds)
    file.with_name(f"{sender}.txt").write_text("\n".join(repr(at) for _, at in sent))


def _sent_by_processes(file: Path, rates: Sequence[float], seconds: float) -> list[Sent]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(rates))
    processes = [
        context.Process(target=_process, args=((file, rate), sender, barrier, seconds))
        for sender, rate in enumerate(rates)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    return [
        (sender, float(line))
        for sender in range(len(rates))
        for line in file.with_name(f"{sender}.txt").read_text().splitlines()
    ]


def most_within(sent: Sequence[Sent], seconds: float) -> int:
    """Count the requests in the fullest window of a length."""
    times = sorted(at for _, at in sent)
    return max(bisect_left(times, at + seconds) - place for place, at in enumerate(times))


def late(senders: int) -> int:
    """Return how many more requests may leave together on a busy machine: each other sender may be late with one."""
    return senders - 1


def _shares(sent: Sequence[Sent]) -> list[int]:
    senders = [sender for sender, _ in sent]
    return [senders.count(sender) for sender in sorted(set(senders))]


def _next_slot(file: Path, seconds_from_now: float, column: str = "next_slot") -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(f"UPDATE pace SET {column} = ?", (time.monotonic() + seconds_from_now,))  # noqa: S608 - our own names


class TestSpacing:
    """How many requests leave in how much time."""

    def test_one_thread_is_held_to_its_rate(self, file: Path) -> None:
        sent = send_until(_pace(file, 20), 0, time.monotonic() + 1.5)
        times = [at for _, at in sent]
        assert LEAST_USED * 20 * 1.5 <= len(sent) <= 31
        assert min(later - earlier for earlier, later in zip(times, times[2:], strict=False)) >= 0.05

    def test_slots_follow_each_other_without_a_gap_whoever_reserves_them(self, file: Path) -> None:
        slots = [HostSlots(file, 0.5) for _ in range(2)]
        with ThreadPoolExecutor(4) as threads:
            reserved = threads.map(lambda place: slots[place % 2].reserve().at, range(40))
        at = sorted(reserved)
        assert [later - earlier for earlier, later in pairwise(at)] == pytest.approx([spacing(0.5)] * 39)

    def test_threads_share_one_rate_fairly(self, file: Path) -> None:
        pace, seconds = _pace(file, 40), 2.0
        with ThreadPoolExecutor(4) as threads:
            end = time.monotonic() + seconds
            senders = threads.map(lambda sender: send_until(pace, sender, end), range(4))
            sent = [one for each in senders for one in each]
        assert most_within(sent, 1.0) <= 40 + 1 + late(4)
        assert len(sent) >= LEAST_USED * 40 * seconds
        assert min(_shares(sent)) >= 0.7 * len(sent) / 4

    def test_processes_share_one_rate_fairly(self, file: Path) -> None:
        rate, seconds = 20.0, 4.0
        sent = _sent_by_processes(file, [rate] * 3, seconds)
        for window in (0.5, 1.0, 2.0, 3.0):
            assert most_within(sent, window) <= rate * window + 1 + late(3)
        assert len(sent) >= LEAST_USED * rate * seconds
        assert len(_shares(sent)) == 3
        assert min(_shares(sent)) >= 0.7 * len(sent) / 3

    def test_where_processes_disagree_the_lowest_rate_holds_for_all(self, file: Path) -> None:
        sent = _sent_by_processes(file, [10.0, 1000.0, 50.0], 2.0)
        # The first requests of the faster ones may come before the slowest was heard of.
        settled = [(sender, at) for sender, at in sent if at > min(at for _, at in sent) + 0.5]
        assert most_within(settled, 1.0) <= 10 + 1 + late(3)
        assert len(_shares(settled)) == 3

    def test_hosts_and_ports_have_paces_of_their_own(self, isolated_environment: Path) -> None:
        urls = [
            "https://openlibrary.org",
            "http://openlibrary.org",
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8081",
            "http://[::1]:8080",
        ]
        files = [pace_file(url) for url in urls]
        assert len(set(files)) == len(urls)
        assert all(file.is_relative_to(isolated_environment) for file in files)

    def test_addresses_of_the_same_host_and_port_share_a_pace(self) -> None:
        same = ["https://openlibrary.org", "https://OpenLibrary.org:443/", "https://openlibrary.org/mirror"]
        assert len({pace_file(url) for url in same}) == 1

    def test_a_slow_process_of_long_ago_slows_nobody_down(self, file: Path) -> None:
        pace = _pace(file, 1000)
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("INSERT INTO rates VALUES (0, 0.01, ?)", (time.monotonic() - 31,))
        started = time.monotonic()
        for _ in range(3):
            pace.wait_for_slot()
        assert time.monotonic() - started < 60, "not at that pace, of which a request takes 100 s"

    def test_a_slow_process_seen_lately_slows_everybody_down(self, file: Path) -> None:
        pace = _pace(file, 1000)
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("INSERT INTO rates VALUES (0, 5, ?)", (time.monotonic() - 20,))
        started = time.monotonic()
        for _ in range(3):
            pace.wait_for_slot()
        assert time.monotonic() - started >= 0.4


class TestPause:
    """A 429 holds everybody back."""

    def test_it_holds_for_every_thread_and_every_other_pace_of_the_host(self, file: Path) -> None:
        paces = [_pace(file, 1000), _pace(file, 1000)]
        started = time.monotonic()
        paces[0].pause(0.5)
        with ThreadPoolExecutor(6) as threads:
            waits = [threads.submit(send_until, pace, 0, 0) for pace in paces * 3]
            assert [wait.result() for wait in waits] == [[]] * 6
        assert time.monotonic() - started >= 0.5

    def test_it_holds_for_those_who_wait_for_their_turn_already(self, file: Path) -> None:
        pace = _pace(file, 1)
        pace.wait_for_slot()
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(pace.wait_for_slot)
            time.sleep(0.05)
            paused = time.monotonic()
            pace.pause(1.5)
            waiting.result()
        assert time.monotonic() - paused >= 1.5

    def test_a_shorter_one_does_not_end_a_longer_one(self, file: Path) -> None:
        pace = _pace(file, 1000)
        started = time.monotonic()
        pace.pause(0.5)
        pace.pause(0.1)
        pace.wait_for_slot()
        assert time.monotonic() - started >= 0.5

    def test_after_it_requests_are_spaced_as_before(self, file: Path) -> None:
        pace = _pace(file, 20)
        pace.pause(0.3)
        with ThreadPoolExecutor(8) as threads:
            end = time.monotonic() + 1.3
            senders = threads.map(lambda sender: send_until(pace, sender, end), range(8))
            sent = [one for each in senders for one in each]
        assert most_within(sent, 0.5) <= 20 * 0.5 + 1 + late(8)


class TestRecovery:
    """What a dead process or a restart of the machine leaves in the file."""

    @pytest.mark.parametrize("column", ["next_slot", "paused_until"])
    def test_a_slot_or_pause_implausibly_far_ahead_is_forgotten(self, file: Path, column: str) -> None:
        pace = _pace(file, 10)
        _next_slot(file, 90_000, column)
        started = time.monotonic()
        pace.wait_for_slot()
        assert time.monotonic() - started < 60, "not as long as was reserved"

    @pytest.mark.parametrize("column", ["next_slot", "paused_until"])
    def test_a_slot_or_pause_within_the_day_is_kept(self, file: Path, column: str) -> None:
        stop = threading.Event()
        pace = _pace(file, 10, stop)
        _next_slot(file, 80_000, column)
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(pace.wait_for_slot)
            time.sleep(0.3)
            assert not waiting.done()
            stop.set()
            assert isinstance(waiting.exception(), InterruptedFetchError)

    @pytest.mark.parametrize("column", ["next_slot", "paused_until"])
    def test_what_was_reserved_before_a_restart_of_the_machine_is_forgotten(self, file: Path, column: str) -> None:
        _pace(file, 10)
        _next_slot(file, 600, column)
        with closing(sqlite3.connect(file)) as db, db:
            db.execute("UPDATE pace SET boot = 'the start before'")
        started = time.monotonic()
        _pace(file, 10).wait_for_slot()
        assert time.monotonic() - started < 60, "not as long as was reserved"

    def test_a_folder_that_cannot_be_written_is_told_in_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SourceError, match=r"^\S+/pace.sqlite: .* set XDG_CACHE_HOME [^\n]+$"):
            _pace(tmp_path / "file" / "pace.sqlite", 10)

    def test_it_goes_on_after_somebody_has_emptied_the_cache(self, file: Path) -> None:
        slots = HostSlots(file, 1000)
        slot = slots.reserve()
        shutil.rmtree(file.parent)
        assert not slots.paused_beyond(slot)
        file.unlink()
        slots.pause(60)
        assert slots.reserve().seconds > 50

    def test_a_file_that_cannot_be_read_any_more_is_told_in_one_line(self, file: Path) -> None:
        slots = HostSlots(file, 1000)
        slot = slots.reserve()
        file.write_bytes(b"no database" * 100)
        for ask in (slots.reserve, lambda: slots.paused_beyond(slot), lambda: slots.pause(1)):
            with pytest.raises(SourceError, match=r"^\S+: the pace of requests cannot be stored there [^\n]+$"):
                ask()

    def test_the_order_to_stop_ends_a_wait_at_once(self, file: Path) -> None:
        stop = threading.Event()
        pace = _pace(file, 10, stop)
        pace.pause(600)
        with ThreadPoolExecutor() as threads:
            waiting = [threads.submit(pace.wait_for_slot) for _ in range(3)]
            time.sleep(0.1)
            stopped = time.monotonic()
            stop.set()
            assert all(isinstance(wait.exception(timeout=60), InterruptedFetchError) for wait in waiting)
            assert time.monotonic() - stopped < 60, "not until the pause ends"

    def test_a_pace_in_postgres_without_its_driver_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg2", None)
        monkeypatch.delitem(sys.modules, "openlib_assets.openlibrary.pace.postgres", raising=False)
        with pytest.raises(SourceError, match=r"^OPENLIB_PACE=postgres needs psycopg2, .*: pip install .*deploy"):
            open_pace(Settings(pace="postgres"), threading.Event())

    def test_many_can_open_the_same_new_file_at_once(self, file: Path) -> None:
        with ThreadPoolExecutor(8) as threads:
            paces = list(threads.map(lambda _: _pace(file, 500), range(16)))
            list(threads.map(Pace.wait_for_slot, paces))


@pytest.mark.parametrize("seconds", [-0.1, 0.0, 0.01])
def test_only_who_slept_looks_whether_a_pause_began_meanwhile(seconds: float) -> None:
    """Who is served at once has just seen it: for each request that would be a second look into the file."""
    looks: list[Slot] = []

    class Free:
        """Slots of which each is free after so many seconds."""

        def reserve(self) -> Slot:
            return Slot(seconds=seconds, spacing=0.001, at=1.0)

        def paused_beyond(self, slot: Slot) -> bool:
            looks.append(slot)
            return False

        def pause(self, seconds: float) -> None:
            raise AssertionError(seconds)

    Pace(Free(), threading.Event()).wait_for_slot()
    assert len(looks) == (seconds > 0)
