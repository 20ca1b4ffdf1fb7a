"""Downloads over real sockets: exact bytes after whatever went wrong on the way, or one line that says what did."""

import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from openlib_assets.openlibrary.dumps import (
    DUMP_FILES,
    Progress,
    download_dump,
    file_name,
    needed_bytes,
    require_free_disk,
)
from openlib_assets.openlibrary.errors import (
    DamagedDumpError,
    InterruptedFetchError,
    PermanentError,
    TransientError,
)
from openlib_assets.openlibrary.retries import TRIES
from openlib_assets.sandbox import ARCHIVE_FAULTS, PERMANENT, FaultPlan, Sandbox
from openlib_assets.storage import LocalStorage, LockTakenError, StorageError
from openlib_assets_tests.openlibrary.dumps.served import (
    always,
    archive_of,
    at_first,
    download,
    is_whole,
    leftovers,
    sandbox_of,
    sent,
)
from openlib_assets_tests.tools.dump_files import AUGUST, SEPTEMBER, dump_bytes, write_dumps

WORKS = file_name("works", SEPTEMBER)
WHOLE = dump_bytes("works", SEPTEMBER)
HALF = len(WHOLE) // 2
OVERCOME = [fault for fault in ARCHIVE_FAULTS if fault not in PERMANENT]
# A program that downloads works into a folder from an address.
PROGRAM = """
import signal
import sys
from datetime import date
from pathlib import Path
from openlib_assets.openlibrary.dumps import Archive, download_dump
from openlib_assets.settings import Settings
# Also where a shell started the tests in the background, which makes SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
archive = Archive(Settings(dumps_url=sys.argv[1]))
download_dump(archive, archive.resolve(date.fromisoformat(sys.argv[3]), ["works"]), ["works"], Path(sys.argv[2]))
"""


def started(sandbox: Sandbox, folder: Path, before: str = "") -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", before + PROGRAM, sandbox.url, str(folder), SEPTEMBER.isoformat()]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def part_of(folder: Path) -> Path | None:
    return next(folder.glob(f"{WORKS}.*.part"), None)


def wait_for_part(folder: Path, size: int) -> Path:
    """Wait until so many bytes have been downloaded."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        part = part_of(folder)
        if part and part.stat().st_size == size:
            return part
        time.sleep(0.01)
    raise AssertionError(f"there never were {size} bytes")


class TestWhole:
    """Files that arrive."""

    def test_all_files_of_a_date_arrive_byte_by_byte(self, dumps: Path, tmp_path: Path) -> None:
        with sandbox_of(dumps) as sandbox:
            paths = download(archive_of(sandbox, contact="me@example.org"), tmp_path / "new" / "folder", *DUMP_FILES)
            assert {request.user_agent for request in sandbox.requests} == {"openlib_assets/0.1.0 (me@example.org)"}
        assert set(paths) == set(DUMP_FILES)
        assert all(is_whole(path, name) for name, path in paths.items())
        assert leftovers(tmp_path / "new" / "folder") == []

    def test_the_smallest_comes_first_and_progress_is_of_all(self, dumps: Path, tmp_path: Path) -> None:
        said: list[Progress] = []
        with sandbox_of(dumps) as sandbox:
            download(archive_of(sandbox), tmp_path, "works", "ratings", listener=said.append)
        due = len(WHOLE) + len(dump_bytes("ratings", SEPTEMBER))
        assert list(dict.fromkeys(progress.file_name for progress in said)) == [
            file_name("ratings", SEPTEMBER),
            WORKS,
        ]
        assert (said[0].bytes_done, said[-1].bytes_done) == (0, due)
        assert {progress.bytes_due for progress in said} == {due}
        assert [progress.bytes_done for progress in said] == sorted(progress.bytes_done for progress in said)

    def test_what_is_there_is_not_downloaded_again(self, dumps: Path, tmp_path: Path) -> None:
        said: list[Progress] = []
        with sandbox_of(dumps) as sandbox:
            download(archive_of(sandbox), tmp_path)
            download(archive_of(sandbox), tmp_path, listener=said.append)
            assert len(sent(sandbox)) == 1
        assert said[-1].bytes_done == len(WHOLE)

    @pytest.mark.parametrize("content", [b"", WHOLE[:-1] + b"x", WHOLE + b"x"])
    def test_what_is_there_and_wrong_is_replaced(self, dumps: Path, tmp_path: Path, content: bytes) -> None:
        (tmp_path / WORKS).write_bytes(content)
        with sandbox_of(dumps) as sandbox:
            assert is_whole(download(archive_of(sandbox), tmp_path)["works"])

    def test_only_one_process_downloads_a_file(self, dumps: Path, tmp_path: Path) -> None:
        with (
            sandbox_of(dumps) as sandbox,
            LocalStorage(tmp_path).lock(f"{WORKS}.lock", error_message="held"),
            pytest.raises(LockTakenError, match=rf"{WORKS}: another process is downloading it$"),
        ):
            download(archive_of(sandbox), tmp_path)


class TestFaults:
    """What asking again overcomes, and what it does not."""

    @pytest.mark.parametrize("fault", [fault for fault in OVERCOME if fault != "garbage_json"])
    def test_one_of_any_kind_is_overcome(self, dumps: Path, tmp_path: Path, fault: str) -> None:
        # That a range is ignored shows only after something else ended the first answer.
        first = () if fault != "range_ignored" else at_first("cut_body").planned
        plan = FaultPlan(planned=(*first, *at_first(fault).planned))
        with sandbox_of(dumps, plan) as sandbox:
            assert is_whole(download(archive_of(sandbox, timeout=0.5), tmp_path)["works"])
            assert fault in [request.fault for request in sent(sandbox)]
        assert leftovers(tmp_path) == []

    def test_nonsense_instead_of_metadata_is_overcome(self, dumps: Path, tmp_path: Path) -> None:
        with sandbox_of(dumps, FaultPlan({"garbage_json": 0.3, "html": 0.3}, at="/metadata/", seed=5)) as sandbox:
            assert is_whole(download(archive_of(sandbox), tmp_path)["works"])
            assert any(request.fault for request in sandbox.requests)

    @pytest.mark.parametrize("seed", range(8))
    def test_all_together_are_overcome(self, dumps: Path, tmp_path: Path, seed: int) -> None:
        plan = FaultPlan(FaultPlan.parse("archive=0.6").probabilities, seed=seed)
        with sandbox_of(dumps, plan) as sandbox:
            paths = download(archive_of(sandbox, timeout=0.6, retry_wait=0.01), tmp_path, *DUMP_FILES)
            faults = [request.fault for request in sandbox.requests if request.fault]
        assert all(is_whole(path, name) for name, path in paths.items())
        assert len(faults) > 3
        assert leftovers(tmp_path) == []

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("http_429", "HTTP 429, too many requests"),
            ("http_503", "HTTP 503"),
            ("html", "HTTP 200 with an HTML page instead of the file"),
            ("reset", "the connection failed (ConnectionError)"),
            ("cut_dump", f"the file there has {len(WHOLE) * 2 // 3:,} bytes, while {len(WHOLE):,} were told"),
        ],
    )
    def test_one_that_stays_is_given_up_in_a_line(self, dumps: Path, tmp_path: Path, fault: str, reason: str) -> None:
        with sandbox_of(dumps, always(fault)) as sandbox:
            with pytest.raises(TransientError) as given_up:
                download(archive_of(sandbox, retry_wait=0.005), tmp_path)
            url = f"{sandbox.url}/download/ol_dump_2026-09-30/{WORKS}"
            assert str(given_up.value) == f"{url}: {reason} ({TRIES} tries)"
            assert len(sent(sandbox)) == TRIES
        assert not (tmp_path / WORKS).exists()

    def test_one_who_never_answers_is_given_up_in_a_line(self, dumps: Path, tmp_path: Path) -> None:
        """Where the machine is busy, the answer before, which leads there, may not come in time either."""
        with sandbox_of(dumps, always("stall")) as sandbox:
            with pytest.raises(TransientError) as given_up:
                download(archive_of(sandbox, timeout=0.05, retry_wait=0.005), tmp_path)
            url = f"{sandbox.url}/download/ol_dump_2026-09-30/{WORKS}"
            assert str(given_up.value) == f"{url}: no answer in time ({TRIES} tries)"
        assert not (tmp_path / WORKS).exists()

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("http_404", "HTTP 404, not found: its upload may not have ended; try again in a day"),
            ("http_403", "HTTP 403: check OPENLIB_DUMPS_URL and OPENLIB_CONTACT"),
        ],
    )
    def test_a_refusal_ends_it_at_once(self, dumps: Path, tmp_path: Path, fault: str, reason: str) -> None:
        with sandbox_of(dumps, always(fault)) as sandbox:
            with pytest.raises(PermanentError, match=rf"{WORKS}: {reason} \(1 try\)$"):
                download(archive_of(sandbox, retry_wait=600), tmp_path)
            assert len(sent(sandbox)) == 1

    def test_a_connection_that_is_cut_again_and_again_is_gone_on_with(self, dumps: Path, tmp_path: Path) -> None:
        with sandbox_of(dumps, at_first("cut_body", times=5)) as sandbox:
            assert is_whole(download(archive_of(sandbox), tmp_path)["works"])
            held, ranges = 0, []
            for _ in range(6):
                ranges.append(f"bytes={held}-" if held else "")
                held += (len(WHOLE) - held) // 2
            assert [request.range for request in sent(sandbox)] == ranges


class TestDamaged:
    """Files that were uploaded wrong, so that size and checksum fit them."""

    @pytest.mark.parametrize(
        ("damage", "name", "reason"),
        [
            ("empty_dump", "works", "is empty, though a gzip file; take the dump of another date"),
            ("empty_dump", "ratings", "is empty, though a gzip file; take the dump of another date"),
            ("swapped_dump", "works", "has lines of authors, not of works; take the dump of another date"),
            ("swapped_dump", "editions", "has lines of authors, not of editions; take the dump of another date"),
            ("swapped_dump", "ratings", "has lines of authors, not of ratings; take the dump of another date"),
        ],
    )
    def test_they_are_refused_in_a_line(self, dumps: Path, tmp_path: Path, damage: str, name: str, reason: str) -> None:
        with sandbox_of(dumps, always(damage, name)) as sandbox:
            with pytest.raises(DamagedDumpError) as refused:
                download(archive_of(sandbox), tmp_path, name)
            file = f"{sandbox.url}/download/ol_dump_2026-09-30/{file_name(name, SEPTEMBER)}"
            assert str(refused.value) == f"{file}: {reason} (1 try)"
        assert list(tmp_path.iterdir()) == []

    def test_a_file_without_a_byte_is_refused_in_a_line(self, tmp_path: Path) -> None:
        folder, to = write_dumps(tmp_path / "dumps"), tmp_path / "to"
        (folder / WORKS).write_bytes(b"")
        with sandbox_of(folder) as sandbox:
            with pytest.raises(DamagedDumpError) as refused:
                download(archive_of(sandbox), to, "ratings", "works")
            file = f"{sandbox.url}/download/ol_dump_2026-09-30/{WORKS}"
            assert str(refused.value) == f"{file}: is empty; take the dump of another date"
            # The smallest comes first.
            assert sent(sandbox) == []

    def test_the_bytes_of_a_later_month_are_refused(self, dumps: Path, tmp_path: Path) -> None:
        with (
            sandbox_of(dumps, always("other_month", day=AUGUST)) as sandbox,
            pytest.raises(DamagedDumpError, match=r"works_2026-08-31.*: has a line of 2026-09-\d\d, so it is not of"),
        ):
            download(archive_of(sandbox), tmp_path, day=AUGUST)
        assert list(tmp_path.iterdir()) == []

    def test_bytes_whose_checksum_is_wrong_are_refused_and_removed(self, tmp_path: Path) -> None:
        folder, to = write_dumps(tmp_path / "dumps"), tmp_path / "to"
        with sandbox_of(folder) as sandbox:
            archive = archive_of(sandbox)
            dump = archive.resolve(SEPTEMBER, ["works"])
            (folder / WORKS).write_bytes(WHOLE[:-9] + b"x" + WHOLE[-8:])
            with pytest.raises(DamagedDumpError, match=rf"{WORKS}: has the MD5 .{{32}}, while .{{32}} was told; try"):
                download_dump(archive, dump, ["works"], to)
        assert list(to.iterdir()) == []


class TestGoingOn:
    """Downloads that were ended, and the next one."""

    def test_after_a_kill_only_the_rest_is_asked_for(self, dumps: Path, tmp_path: Path) -> None:
        with sandbox_of(dumps, at_first("stall_body")) as sandbox:
            process = started(sandbox, tmp_path)
            wait_for_part(tmp_path, HALF)
            process.kill()
            process.communicate()
            said: list[Progress] = []
            assert is_whole(download(archive_of(sandbox), tmp_path, listener=said.append)["works"])
            first, second = sent(sandbox)
        assert (first.range, second.range) == ("", f"bytes={HALF}-")
        assert second.bytes == len(WHOLE) - HALF
        assert said[0].bytes_done == HALF
        assert leftovers(tmp_path) == []

    def test_after_an_interrupt_only_the_rest_is_asked_for(self, dumps: Path, tmp_path: Path) -> None:
        with sandbox_of(dumps, at_first("stall_body")) as sandbox:
            process = started(sandbox, tmp_path)
            wait_for_part(tmp_path, HALF)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            assert errors.strip().endswith("KeyboardInterrupt")
            assert is_whole(download(archive_of(sandbox), tmp_path)["works"])
            assert sent(sandbox)[-1].range == f"bytes={HALF}-"

    def test_the_order_to_stop_ends_a_wait_at_once_and_sends_nothing_more(self, dumps: Path, tmp_path: Path) -> None:
        with sandbox_of(dumps, always("http_503")) as sandbox, ThreadPoolExecutor() as threads:
            archive = archive_of(sandbox, retry_wait=3600)
            waiting = threads.submit(download, archive, tmp_path)
            while not sent(sandbox):
                time.sleep(0.01)
            archive.stop.set()
            assert isinstance(waiting.exception(timeout=60), InterruptedFetchError)
            with pytest.raises(InterruptedFetchError):
                download(archive, tmp_path)
            assert len(sent(sandbox)) == 1

    def test_the_order_to_stop_ends_a_download_between_two_chunks(
        self, dumps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Where the reader is late, all that has arrived makes one chunk.
        monkeypatch.setattr("openlib_assets.openlibrary.dumps.download._CHUNK_BYTES", HALF)
        with sandbox_of(dumps) as sandbox:
            archive = archive_of(sandbox)

            def stop_once_begun(progress: Progress) -> None:
                if progress.bytes_done:
                    archive.stop.set()

            with pytest.raises(InterruptedFetchError, match=r"^interrupted .*; what is there stays for the next time$"):
                download(archive, tmp_path, listener=stop_once_begun)
            held = part_of(tmp_path)
            assert held
            assert WHOLE.startswith(held.read_bytes())
            assert is_whole(download(archive_of(sandbox), tmp_path)["works"])

    def test_a_file_that_was_replaced_meanwhile_is_begun_anew(self, tmp_path: Path) -> None:
        folder, to = write_dumps(tmp_path / "dumps"), tmp_path / "to"
        with sandbox_of(folder, at_first("http_403")) as sandbox:
            to.mkdir()
            with pytest.raises(PermanentError):
                download(archive_of(sandbox), to)
            (to / f"{WORKS}.{'0' * 32}.part").write_bytes(WHOLE[:HALF])
            assert is_whole(download(archive_of(sandbox), to)["works"])
            assert sent(sandbox)[-1].range == ""
        assert leftovers(to) == []

    def test_a_file_that_grows_between_two_connections_is_not_mixed(self, tmp_path: Path) -> None:
        folder, to = write_dumps(tmp_path / "dumps"), tmp_path / "to"
        newer = dump_bytes("works", SEPTEMBER, lines=700)
        with sandbox_of(folder, at_first("cut_body")) as sandbox:
            archive = archive_of(sandbox, retry_wait=0.005)

            def replace_once_begun(progress: Progress) -> None:
                if progress.bytes_done == HALF:
                    (folder / WORKS).write_bytes(newer)

            with pytest.raises(TransientError, match=rf"has {len(newer):,} bytes, while {len(WHOLE):,} were told"):
                download(archive, to, listener=replace_once_begun)
            path = download(archive, to)["works"]
        assert path.read_bytes() == newer
        assert leftovers(to) == []

    @pytest.mark.parametrize(
        "left", [b"x" * HALF, bytes(len(WHOLE)), WHOLE[: HALF - 1] + b"x", WHOLE + b"x", b"<html>", WHOLE]
    )
    def test_a_part_that_something_else_spoilt_costs_one_more_download(
        self, dumps: Path, tmp_path: Path, left: bytes
    ) -> None:
        with sandbox_of(dumps) as sandbox:
            archive = archive_of(sandbox)
            dump = archive.resolve(SEPTEMBER, ["works"])
            (tmp_path / f"{WORKS}.{dump.files['works'].md5}.part").write_bytes(left)
            assert is_whole(download(archive, tmp_path)["works"])
            assert len(sent(sandbox)) <= 2
        assert leftovers(tmp_path) == []


class TestDisk:
    """A disk that is too small."""

    def test_a_full_disk_ends_it_in_a_line_and_the_next_one_goes_on(self, dumps: Path, tmp_path: Path) -> None:
        limit = HALF
        full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        with sandbox_of(dumps) as sandbox:
            process = started(sandbox, tmp_path, before=full)
            _, errors = process.communicate(timeout=60)
            part = part_of(tmp_path)
            assert part
            assert errors.splitlines()[-1] == (
                "openlib_assets.storage.base.StorageError: "
                f"{part}: File too large; what is there stays for the next time"
            )
            assert WHOLE.startswith(held := part.read_bytes())
            assert 0 < len(held) <= limit
            assert is_whole(download(archive_of(sandbox), tmp_path)["works"])
            assert sent(sandbox)[-1].range == f"bytes={len(held)}-"

    def test_too_little_room_is_told_before_anything_is_downloaded(
        self, dumps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1_500))
        to = tmp_path / "not" / "there"
        with sandbox_of(dumps) as sandbox:
            with pytest.raises(StorageError) as refused:
                download(archive_of(sandbox), to)
            assert sent(sandbox) == []
        assert str(refused.value) == (
            f"{to}: the files of the dump need {len(WHOLE) / 1e3:,.1f} kB, and 1.5 kB are free; "
            "make room, or name another folder"
        )

    def test_what_is_there_already_needs_no_room(self, dumps: Path, tmp_path: Path) -> None:
        with sandbox_of(dumps, at_first("cut_body")) as sandbox:
            archive = archive_of(sandbox, retry_wait=0.005)
            files = [archive.resolve(SEPTEMBER).files[name] for name in ("works", "authors")]
            authors = len(dump_bytes("authors", SEPTEMBER))
            assert needed_bytes(files, tmp_path / "none") == len(WHOLE) + authors
            (tmp_path / f"{WORKS}.{files[0].md5}.part").write_bytes(WHOLE[:100])
            assert needed_bytes(files, tmp_path) == len(WHOLE) - 100 + authors
            download(archive, tmp_path)
            assert needed_bytes(files, tmp_path) == authors
            require_free_disk(files, tmp_path)

    def test_a_folder_that_cannot_be_made_is_named(self, dumps: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with (
            sandbox_of(dumps) as sandbox,
            pytest.raises(StorageError, match=rf"^{tmp_path}/file/to: Not a directory"),
        ):
            download(archive_of(sandbox), tmp_path / "file" / "to")
