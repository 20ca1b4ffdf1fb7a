"""The staged pages as files."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.staging import SubjectStaging, sweep
from openlib_assets.openlibrary.answers.checked import Page
from openlib_assets.openlibrary.reading.staged_pages import Slice
from openlib_assets.openlibrary.records import parse_json
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage, StorageError
from openlib_assets_tests.openlibrary.fetches import Drift, column, fetch_of

_HOUR = 3600 * 10**9


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def page_of_five(storage: LocalStorage) -> Page:
    with Sandbox(SandboxConfig({"love": 5})) as sandbox:
        return fetch_of(sandbox, storage).client.page("love", offset=0, limit=5)


class TestStaging:
    """The staged pages as files."""

    def test_they_lie_in_the_staging_folder_of_their_subject_and_go_when_cleared(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 50})) as sandbox:
            fetch = fetch_of(sandbox, storage, page_size=10)
            fetch.run()
            other = SubjectStaging(storage, "place:love", "x")
            page = fetch.client.page("love", offset=0, limit=5)
            kept = other.add(page, 5)
            assert all(
                path.startswith("_staging/raw_works/love/") for path in storage.paths(layout.staging_folder("love"))
            )
            fetch.staging.clear()
            assert list(storage.paths(layout.STAGING)) == [kept.name]
            assert other.pages() == [kept]

    def test_pages_older_than_a_day_are_swept_whatever_their_subject(
        self, storage: LocalStorage, tmp_path: Path
    ) -> None:
        page = page_of_five(storage)
        ages = {"now": 0, "yesterday": 23, "old": 25, "ancient": 24 * 400, "future": -25}
        for subject, age in ages.items():
            staged = SubjectStaging(storage, subject, "x").add(page, 5)
            folder = (tmp_path / staged.name).parent
            shutil.move(tmp_path / staged.name, folder / f"{staged.serial - age * _HOUR}-0.arrow")
        storage.write("_staging/stray/notes.txt", b"")
        sweep(storage)
        left = {path.split("/")[2] for path in storage.paths(layout.STAGING)}
        assert left == {"now", "yesterday"}

    def test_a_page_that_others_might_sweep_before_the_fetch_is_done_is_fetched_again(
        self, storage: LocalStorage, tmp_path: Path
    ) -> None:
        page = page_of_five(storage)
        staging = SubjectStaging(storage, "love", "x")
        staged = staging.add(page, 5)
        file = tmp_path / staged.name
        for age, kept in ((17, 1), (19, 0)):
            file = file.rename(file.with_name(f"{staged.serial - age * _HOUR}-0.arrow"))
            assert len(staging.pages()) == kept

    def test_the_last_page_stays_in_memory_as_it_lies_in_its_file(self, storage: LocalStorage, tmp_path: Path) -> None:
        with Sandbox(SandboxConfig({"love": 10})) as sandbox:
            client = fetch_of(sandbox, storage).client
            first, last = (client.page("love", offset=offset, limit=5) for offset in (0, 5))
        staging = SubjectStaging(storage, "love", "x")
        pages = [staging.add(page, 5) for page in (first, last)]
        slices = [Slice(page, 0, 5) for page in pages]
        in_memory = pa.Table.from_batches(staging.batches(slices[1:]))
        in_file = pa.Table.from_batches(SubjectStaging(storage, "love", "x").batches(slices[1:]))
        assert in_memory.equals(in_file, check_metadata=True)
        (tmp_path / pages[1].name).unlink()
        assert column(next(staging.batches(slices[1:])), "work_key") == last.keys
        assert [column(batch, "work_key") for batch in staging.batches(slices[:1])] == [first.keys]
        with pytest.raises(StorageError):
            list(staging.batches(slices[1:]))

    def test_batches_give_the_works_of_any_slices_in_their_order(self, storage: LocalStorage) -> None:
        with Sandbox(SandboxConfig({"love": 120})) as sandbox:
            drifting = Drift(sandbox, {8: [12, 13, 70], 10: [71]})
            fetch = fetch_of(sandbox, storage, page_size=10, max_in_flight=1)
            enumeration = fetch.run()
            assert drifting.all_happened
            assert len(enumeration.slices) > 10
            for batch in fetch.staging.batches(enumeration.slices):
                for key, text in zip(column(batch, "work_key"), column(batch, "payload"), strict=True):
                    assert parse_json(text.encode())["key"] == f"/works/{key}"
