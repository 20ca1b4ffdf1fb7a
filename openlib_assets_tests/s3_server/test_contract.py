"""The contract of a storage: what holds on disk and on moto, and what only a real server can tell."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from inspect import signature

import pytest

from openlib_assets.storage import LockTakenError, Storage, StorageError
from openlib_assets_tests.conftest import Place
from openlib_assets_tests.storage import test_errors, test_files, test_locks, test_s3_options
from openlib_assets_tests.storage.conftest import s3_root, storage

__all__ = ["s3_root", "storage"]

pytestmark = pytest.mark.s3_server

# Those that look into moto, or ask it for what it alone can do.
_OF_MOTO = {
    "test_a_listing_goes_past_the_first_page_of_s3",
    "test_on_s3_a_lease_taken_over_by_another_just_before_is_left_to_them",
    "test_on_s3_a_lock_let_go_and_taken_by_another_just_before_is_left_to_them",
    "test_credentials_that_s3_refuses_are_an_error_of_one_line_without_the_secret",
    "test_on_s3_every_object_is_encrypted_with_the_key_that_is_asked_for",
    "test_on_s3_every_call_names_the_owner_that_the_bucket_must_have",
}
# Collected here once more, with this folder's fixtures.
globals().update(
    (name, test)
    for module in (test_files, test_locks, test_errors, test_s3_options)
    for name, test in vars(module).items()
    if name.startswith("test_")
    and name not in _OF_MOTO
    and {"storage", "place", "s3_root"} & set(signature(test).parameters)
)

RACERS = 16
AWKWARD = [
    "subject=place%3Asão_paulo_%28brazil%29/part-0.parquet",
    "subject=100%25/part-0.parquet",
    "a b/c  d.txt",
    "a+b&c=d;e,f.txt",
    "it's/[a]/*star*?.txt",
    "%2F/%00.txt",
    "日本/\U0001f680.txt",
    "e\u0301 and \u00e9/ﬁ.txt",
    "<&>'.txt",
]


def test_any_name_is_written_listed_read_and_deleted_as_it_is(storage: Storage, place: Place) -> None:
    for path in AWKWARD:
        with storage.writing(path) as file:
            file.write_bytes(path.encode())
    assert set(storage.paths("")) == set(place.states()) == set(AWKWARD)
    assert set(storage.folders("")) == {path.partition("/")[0] for path in AWKWARD if "/" in path}
    for path in AWKWARD:
        assert storage.exists(path)
        assert storage.read(path) == path.encode()
        with storage.local_copy(path) as file:
            assert file.read_bytes() == path.encode()
        folder = path.rpartition("/")[0]
        assert path in storage.paths(folder)
    storage.clear("%2F")
    for path in AWKWARD:
        storage.delete(path)
    assert place.states() == {}


def test_more_files_and_folders_than_a_page_holds_are_listed_and_cleared(storage: Storage, place: Place) -> None:
    names = [f"{number:04}" for number in range(1001)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda name: storage.write(f"many/{name}/file", b""), names))
    storage.write("more", b"")
    assert list(storage.paths("many")) == [f"many/{name}/file" for name in names]
    assert storage.folders("many") == names
    storage.clear("many")
    assert list(place.states()) == ["more"]


def test_of_many_that_want_a_lock_at_the_same_moment_one_gets_it(place: Place) -> None:
    assert len(winners(place, [place.open() for _ in range(RACERS // 4)])) == 1


def test_of_many_that_find_the_lease_of_a_dead_holder_one_takes_it_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _kept = test_locks.abandoned(place.open(), monkeypatch)
    assert list(place.states()) == ["lock"]
    storages = [place.open() for _ in range(RACERS // 4)]
    for one in storages:
        test_locks.watched(one)
    assert len(winners(place, storages)) == 1


def winners(place: Place, storages: list[Storage]) -> list[int]:
    """Let many ask for the lock at once, and who gets it hold it until all have asked; give those."""
    together = threading.Barrier(RACERS)
    found: list[int] = []
    with ExitStack() as held:

        def ask(racer: int) -> None:
            together.wait()
            try:
                held.enter_context(storages[racer % len(storages)].lock("lock", error_message="x"))
            except LockTakenError:
                return
            found.append(racer)

        with ThreadPoolExecutor(RACERS) as racers:
            list(racers.map(ask, range(RACERS)))
        with pytest.raises(StorageError), place.open().lock("lock", error_message="x"):
            pass
    assert not place.open().exists("lock")
    return found
