"""The contract of a storage's locks: one holder at a time, until it lets go or dies."""

import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from moto.s3.responses import S3Response

from openlib_assets.storage import LockTakenError, Storage, StorageError, open_storage, s3
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
from openlib_assets.storage import open_storage, s3
s3._LEASE_SECONDS = float(sys.argv[2])
with open_storage(sys.argv[1]).lock("lock", error_message="x"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def killed_holder(root: str, *, lease_seconds: float = 60) -> Iterator[None]:
    """Let another process take the lock, check that it has it, and kill it the hard way."""
    command = [sys.executable, "-c", HOLDER, root, str(lease_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StorageError), open_storage(root).lock("lock", error_message="x"):
                pass
        finally:
            holder.kill()
    yield


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


def test_on_s3_the_lock_of_a_dead_holder_runs_out(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(s3_root)
    # Long enough that a holder on a busy machine renews it in time.
    monkeypatch.setattr(s3, "_LEASE_SECONDS", 4.0)
    with killed_holder(s3_root, lease_seconds=4.0):
        for _ in range(1200):
            with suppress(LockTakenError), storage.lock("lock", error_message="x"):
                return
            time.sleep(0.05)
    pytest.fail("the lock did not run out")


def test_on_s3_a_lease_taken_over_by_another_just_before_is_left_to_them(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, quick, slow = (open_storage(s3_root) for _ in range(3))
    with monkeypatch.context() as patch:
        patch.setattr(s3, "_LEASE_SECONDS", -1.0)
        patch.setattr(s3.S3Storage, "_renew", lambda *_: None)
        abandoned = dead.lock("lock", error_message="x")
        abandoned.__enter__()
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


def test_on_s3_who_lost_a_lease_leaves_the_next_one_alone(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(s3, "_LEASE_SECONDS", -1.0)
        patch.setattr(s3.S3Storage, "_renew", lambda *_: None)
        lost = open_storage(s3_root).lock("lock", error_message="x")
        lost.__enter__()
    other = open_storage(s3_root)
    with other.lock("lock", error_message="x"):
        lost.__exit__(None, None, None)
        assert other.exists("lock")
    assert not other.exists("lock")


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


def test_on_s3_a_lock_that_is_held_does_not_run_out(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(s3_root)
    # Long enough that a busy machine renews it in time.
    monkeypatch.setattr(s3, "_LEASE_SECONDS", 3.0)
    seen: set[bytes] = set()
    with storage.lock("lock", error_message="x"):
        # It is renewed four times within what it would last by itself.
        while len(seen) < 6:
            seen.add(storage.read("lock"))
            with pytest.raises(LockTakenError), storage.lock("lock", error_message="x"):
                pass
            time.sleep(0.1)
    with storage.lock("lock", error_message="x"):
        pass
