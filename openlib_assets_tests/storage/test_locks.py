"""The contract of a storage's locks: one holder at a time, until it lets go or dies."""

import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.s3.responses import S3Response

from openlib_assets.defs.steps.outputs import Done, SubjectOutput
from openlib_assets.defs.steps.writing import put_in_place
from openlib_assets.storage import (
    LockCheck,
    LockLostError,
    LockTakenError,
    Storage,
    StorageError,
    hold_lock,
    open_storage,
    s3,
    s3_lease,
)
from openlib_assets_tests.conftest import Place
from openlib_assets_tests.tools.refusals import assert_one_line


def test_a_lock_keeps_everybody_else_out_until_it_is_let_go(storage: Storage, place: Place) -> None:
    other = place.open()
    with (
        storage.lock("_locks/love", error_message="love is taken"),
        storage.lock("_locks/hate", error_message="hate is taken"),
    ):
        with (
            pytest.raises(StorageError, match=r"^love is taken") as caught,
            other.lock("_locks/love", error_message="love is taken"),
        ):
            pass
        assert_one_line(caught.value)
    with other.lock("_locks/love", error_message="love is taken"):
        pass
    assert list(place.states()) == []


def test_a_lock_is_let_go_when_its_block_raises(storage: Storage, place: Place) -> None:
    with pytest.raises(ZeroDivisionError), storage.lock("lock", error_message="x"):
        raise ZeroDivisionError
    with place.open().lock("lock", error_message="x"):
        pass


def test_of_many_that_want_a_lock_at_once_one_has_it_at_a_time(place: Place) -> None:
    holders: list[int] = []
    most = 0
    start = threading.Barrier(4)

    def want(number: int, storage: Storage) -> None:
        nonlocal most
        start.wait()
        for _ in range(5):
            with suppress(StorageError), storage.lock("lock", error_message="x"):
                holders.append(number)
                most = max(most, len(holders))
                time.sleep(0.002)
                holders.remove(number)

    threads = [threading.Thread(target=want, args=(number, place.open())) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


HOLDER = """
import sys, time
from openlib_assets.storage import open_storage
with open_storage(sys.argv[1]).lock("lock", error_message="x"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def killed_holder(root: str) -> Iterator[None]:
    """Let another process take the lock, check that it has it, and kill it the hard way."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, root], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StorageError), open_storage(root).lock("lock", error_message="x"):
                pass
        finally:
            holder.kill()
    yield


def abandoned(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> tuple[AbstractContextManager[LockCheck], LockCheck]:
    """Hold the lock without ever renewing it, as a process does that is stopped."""
    with monkeypatch.context() as patch:
        patch.setattr(s3_lease._HeldLease, "_keep", lambda _: None)
        lock = storage.lock("lock", error_message="x")
        return lock, lock.__enter__()


def watched(storage: Storage) -> None:
    """Let a storage find a lock taken, and have watched it for as long as it takes."""
    with pytest.raises(LockTakenError), storage.lock("lock", error_message="x"):
        pass
    assert isinstance(storage, s3.S3Storage)
    seen = storage._leases._seen
    for key, one in seen.items():
        seen[key] = replace(one, since=one.since - s3_lease.LEASE_SECONDS)


def test_on_disk_a_lock_goes_at_once_with_the_death_of_its_holder(tmp_path: Path) -> None:
    with killed_holder(str(tmp_path)), open_storage(str(tmp_path)).lock("lock", error_message="x"):
        assert (tmp_path / "lock").exists()


def test_on_disk_a_lock_whose_file_was_removed_just_before_is_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, flock = str(tmp_path), fcntl.flock
    held = [open_storage(root).lock("lock", error_message="x")]
    held[0].__enter__()

    def late(handle: int, how: int) -> None:
        """Lock a file that is open by now, and that its holder removes before."""
        if held:
            held.pop().__exit__(None, None, None)
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with (
        suppress(LockTakenError),
        open_storage(root).lock("lock", error_message="x"),
        pytest.raises(LockTakenError),
        open_storage(root).lock("lock", error_message="x"),
    ):
        pass
    assert held == []
    with open_storage(root).lock("lock", error_message="x"):
        assert (tmp_path / "lock").exists()
    assert list(tmp_path.iterdir()) == []


def test_on_s3_the_lock_of_a_dead_holder_is_taken_once_it_was_watched(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_lease, "LEASE_SECONDS", 1.0)
    with killed_holder(s3_root):
        begun = time.monotonic()
        with hold_lock(open_storage(s3_root), "lock", error_message="x"):
            assert time.monotonic() - begun >= 1.0


@pytest.mark.parametrize("hours", [1, -1])
def test_on_s3_no_clock_tells_whether_a_lock_is_held(s3_root: str, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    first, second = open_storage(s3_root), open_storage(s3_root)
    with first.lock("lock", error_message="x"):
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
        for _ in range(2):
            with pytest.raises(LockTakenError), second.lock("lock", error_message="x"):
                pass
    with second.lock("lock", error_message="x"):
        pass


def test_on_s3_who_was_stopped_and_lost_the_lock_is_told_before_it_writes_and_leaves_the_next_holder_alone(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_storage(s3_root), open_storage(s3_root)
    monkeypatch.setattr(s3_lease, "_SURE_SECONDS", -1.0)
    lost, check_of_lost = abandoned(first, monkeypatch)
    watched(second)
    with second.lock("lock", error_message="x") as check:
        output = SubjectOutput({"table": lambda file: file.write_text("x")}, lambda _: Done({}, ""))
        with pytest.raises(LockLostError, match="another run took this lock") as caught:
            put_in_place(first, output, check_of_lost)
        assert_one_line(caught.value)
        lost.__exit__(None, None, None)
        check()
        put_in_place(second, output, check)
        assert list(second.paths("")) == ["lock", "table"]
    assert list(second.paths("")) == ["table"]


def test_on_s3_a_lease_taken_over_by_another_just_before_is_left_to_them(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, quick, slow = (open_storage(s3_root) for _ in range(3))
    _kept = abandoned(dead, monkeypatch)
    watched(quick)
    watched(slow)
    held = quick.lock("lock", error_message="x")
    while_next_read(monkeypatch, after=held.__enter__)
    with pytest.raises(StorageError), slow.lock("lock", error_message="x"):
        pass
    assert quick.exists("lock")
    held.__exit__(None, None, None)


def test_on_s3_a_lock_let_go_and_taken_by_another_just_before_is_left_to_them(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, quick, slow = (open_storage(s3_root) for _ in range(3))
    before, held = first.lock("lock", error_message="x"), quick.lock("lock", error_message="x")
    before.__enter__()
    while_next_read(monkeypatch, before=lambda: before.__exit__(None, None, None), after=held.__enter__)
    with pytest.raises(StorageError), slow.lock("lock", error_message="x"):
        pass
    assert quick.exists("lock")
    held.__exit__(None, None, None)


def while_next_read(
    monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], object] = int, after: Callable[[], object]
) -> None:
    """Let something happen right before and after the server looks up the object that it is asked for next."""
    get, due = S3Response._key_response_get, [True]

    def late(*args: Any, **kwargs: Any) -> Any:
        if not due:
            return get(*args, **kwargs)
        due.clear()
        before()
        try:
            return get(*args, **kwargs)
        finally:
            after()

    monkeypatch.setattr(S3Response, "_key_response_get", late)


def test_on_s3_a_lock_that_is_held_is_renewed_and_who_waits_sees_that(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(s3_root)
    # Long enough that a busy machine renews it in time.
    monkeypatch.setattr(s3_lease, "LEASE_SECONDS", 12.0)
    with storage.lock("lock", error_message="x") as check:
        for _ in range(3):
            with pytest.raises(LockTakenError) as caught, hold_lock(storage, "lock", error_message="taken"):
                pass
            assert str(caught.value) == "taken"
        check()
    with storage.lock("lock", error_message="x"):
        pass


def test_who_is_told_to_give_up_waits_no_longer(storage: Storage) -> None:
    given_up = threading.Event()
    given_up.set()
    with (
        storage.lock("lock", error_message="x"),
        pytest.raises(LockTakenError),
        hold_lock(storage, "lock", error_message="x", patience=3600, given_up=given_up),
    ):
        pass
