"""The sandbox as archive.org: items, metadata, ranges, and what goes wrong with them."""

import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from openlib_assets.sandbox import ARCHIVE_FAULTS, DAMAGES, FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.sandbox.archive import items
from openlib_assets_tests.sandbox.asking import answer, ask
from openlib_assets_tests.tools.dump_files import AUGUST, SEPTEMBER, dump_bytes, write_dumps

ITEM = "ol_dump_2026-09-30"
WORKS = "ol_dump_works_2026-09-30.txt.gz"
DOWNLOAD, NODE = f"/download/{ITEM}/{WORKS}", f"/node1/items/{ITEM}/{WORKS}"
Serve = Callable[[FaultPlan], Sandbox]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = write_dumps(tmp_path_factory.mktemp("dumps"))
    (written / "ol_cdump_2026-08-31.txt.gz").write_bytes(b"all revisions")
    (written / "notes.txt").write_text("not of the archive")
    return written


@pytest.fixture(scope="module")
def archive(folder: Path) -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig({"love": 5}, dumps=folder)) as sandbox:
        yield sandbox


@pytest.fixture
def faulty(folder: Path) -> Iterator[Serve]:
    running: list[Sandbox] = []

    def serve(plan: FaultPlan) -> Sandbox:
        running.append(Sandbox(SandboxConfig({"love": 5}, dumps=folder, faults=plan)))
        return running[-1].__enter__()

    yield serve
    for sandbox in running:
        sandbox.stop()


def test_the_newest_dump_is_found_by_two_redirects(archive: Sandbox) -> None:
    latest = ask(archive, "/data/ol_dump_reading-log_latest.txt.gz")
    path = f"/download/{ITEM}/ol_dump_reading-log_2026-09-30.txt.gz"
    assert (latest.status_code, latest.headers["Location"]) == (302, archive.url + path)
    download = ask(archive, path)
    assert (download.status_code, download.headers["Location"]) == (
        302,
        f"{archive.url}/node1/items/{ITEM}/ol_dump_reading-log_2026-09-30.txt.gz",
    )
    followed = requests.get(f"{archive.url}/data/ol_dump_reading-log_latest.txt.gz", timeout=10)
    assert followed.content == dump_bytes("reading-log", SEPTEMBER)


def test_the_newest_dump_may_lack_a_file(tmp_path: Path) -> None:
    write_dumps(tmp_path, [AUGUST])
    write_dumps(tmp_path, [SEPTEMBER], ["ratings"])
    with Sandbox(SandboxConfig({}, dumps=tmp_path)) as sandbox:
        moved = ask(sandbox, "/data/ol_dump_works_latest.txt.gz").headers["Location"]
        assert moved == f"{sandbox.url}{DOWNLOAD}"
        assert requests.get(moved, timeout=10).status_code == 404


def test_items_are_listed_in_either_order_and_page_by_page(archive: Sandbox) -> None:
    search = "/advancedsearch.php?q=collection:ol_exports&fl[]=identifier&output=json"

    def found(more: str) -> list[str]:
        return [doc["identifier"] for doc in answer(archive, search + more)["response"]["docs"]]

    assert found("")[0] == ITEM
    assert set(found("")) == {ITEM, "ol_dump_2026-08-31", "ol_cdump_2026-08-31"}
    assert found("&sort[]=addeddate+asc") == found("")[::-1]
    assert found("&rows=1&page=2") == found("")[1:2]
    assert answer(archive, "/advancedsearch.php?q=collection:cats")["response"]["numFound"] == 0


def test_metadata_tell_size_and_checksums_as_texts(archive: Sandbox) -> None:
    told = answer(archive, f"/metadata/{ITEM}")
    rows = {row["name"]: row for row in told["files"]}
    whole = dump_bytes("works", SEPTEMBER)
    assert rows[WORKS]["size"] == str(len(whole))
    assert rows[WORKS]["md5"] == hashlib.md5(whole, usedforsecurity=False).hexdigest()
    assert rows[WORKS]["sha1"] == hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    assert rows[WORKS]["crc32"] == f"{zlib.crc32(whole):08x}"
    assert "size" not in rows[f"{ITEM}_files.xml"]
    assert told["files_count"] == len(rows) == 7
    assert told["item_size"] == sum(int(row.get("size", 0)) for row in told["files"])
    assert told["metadata"]["identifier"] == ITEM
    assert answer(archive, "/metadata/ol_dump_2020-01-31") == {}


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=100-", 100, None), ("bytes=0-9", 0, 10), ("bytes=-7", -7, None), ("bytes=5-999999999", 5, None)],
)
def test_a_range_is_sent(archive: Sandbox, asked: str, start: int, end: int | None) -> None:
    whole = dump_bytes("works", SEPTEMBER)
    part = ask(archive, NODE, headers={"Range": asked})
    assert part.status_code == 206
    assert part.content == whole[start:end]
    first = start % len(whole)
    assert part.headers["Content-Range"] == f"bytes {first}-{first + len(part.content) - 1}/{len(whole)}"
    assert archive.requests[-1].range == asked


def test_a_range_beyond_the_end_is_refused(archive: Sandbox) -> None:
    size = len(dump_bytes("works", SEPTEMBER))
    beyond = ask(archive, NODE, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_a_whole_file_has_length_time_and_tag(archive: Sandbox) -> None:
    whole, head = ask(archive, NODE), requests.head(archive.url + NODE, timeout=10)
    assert whole.content == dump_bytes("works", SEPTEMBER)
    assert head.content == b""
    for name in ("Content-Length", "Last-Modified", "ETag", "Accept-Ranges"):
        assert whole.headers[name] == head.headers[name] != ""


def test_open_library_answers_beside_it_and_limits_only_itself(folder: Path) -> None:
    with Sandbox(SandboxConfig({"love": 5}, dumps=folder, requests_per_second=0.1, burst=0, delay=0)) as sandbox:
        assert [ask(sandbox, DOWNLOAD).status_code for _ in range(3)] == [302] * 3
        assert [ask(sandbox, "/subjects/love.json").status_code for _ in range(2)] == [200, 429]


def test_without_a_folder_there_is_no_archive() -> None:
    with Sandbox(SandboxConfig({"love": 5})) as sandbox:
        assert ask(sandbox, DOWNLOAD).status_code == ask(sandbox, f"/metadata/{ITEM}").status_code == 404


@pytest.mark.parametrize("fault", [fault for fault in ARCHIVE_FAULTS if fault.startswith("http_")])
def test_statuses_come_for_any_of_its_paths(faulty: Serve, fault: str) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned(fault, match="/download/"), Planned(fault, match="/metadata/"))))
    for path in (DOWNLOAD, f"/metadata/{ITEM}"):
        assert ask(sandbox, path).status_code == int(fault.removeprefix("http_"))
        assert ask(sandbox, path).status_code in (200, 302)


def test_pages_and_nonsense_come_with_status_200(faulty: Serve) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("html", match=NODE), Planned("garbage_json", match="/metadata/"))))
    assert ask(sandbox, NODE).headers["Content-Type"] == "text/html"
    with pytest.raises(requests.JSONDecodeError):
        ask(sandbox, f"/metadata/{ITEM}").json()


@pytest.mark.parametrize("fault", ["cut_body", "stall_body"])
def test_half_of_a_file_is_sent(faulty: Serve, fault: str) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned(fault, match=NODE),), stall_seconds=0.1))
    whole = dump_bytes("works", SEPTEMBER)
    with requests.get(sandbox.url + NODE, timeout=10, stream=True) as response:
        assert response.headers["Content-Length"] == str(len(whole))
        chunks = response.iter_content(1)
        half = b"".join(itertools.islice(chunks, len(whole) // 2))
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            next(chunks)
    assert half == whole[: len(whole) // 2]


@pytest.mark.parametrize("fault", ["reset", "stall"])
def test_no_answer_comes(faulty: Serve, fault: str) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned(fault),), stall_seconds=0.1))
    with pytest.raises(requests.ConnectionError):
        ask(sandbox, NODE)


def test_a_range_is_ignored_or_cut_short_without_a_word(faulty: Serve) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("range_ignored", match=NODE), Planned("wrong_length", match=NODE))))
    whole = dump_bytes("works", SEPTEMBER)
    first, second = (ask(sandbox, NODE, headers={"Range": "bytes=9-"}) for _ in range(2))
    assert (first.status_code, first.content) == (200, whole)
    assert (second.status_code, second.headers["Content-Range"]) == (206, f"bytes 9-{len(whole) - 1}/{len(whole)}")
    assert second.content == whole[9 : 9 + (len(whole) - 9) * 2 // 3]


def test_faults_that_change_nothing_are_not_logged(faulty: Serve) -> None:
    sandbox = faulty(FaultPlan(planned=tuple(Planned(f) for f in ("cut_body", "range_ignored", "wrong_length"))))
    for _ in range(3):
        assert ask(sandbox, DOWNLOAD).status_code == 302
    assert [request.fault for request in sandbox.requests] == [None] * 3


def test_faults_of_one_host_are_none_of_the_other(faulty: Serve) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("null_count"), Planned("range_ignored"))))
    assert ask(sandbox, NODE, headers={"Range": "bytes=0-0"}).status_code == 200
    assert ask(sandbox, "/subjects/love.json").json()["work_count"] is None
    assert [request.fault for request in sandbox.requests] == ["range_ignored", "null_count"]


@pytest.mark.parametrize(
    ("damage", "served"),
    [
        ("swapped_dump", dump_bytes("authors", SEPTEMBER)),
        ("other_month", dump_bytes("works", AUGUST)),
        ("cut_dump", dump_bytes("works", SEPTEMBER)[: len(dump_bytes("works", SEPTEMBER)) * 2 // 3]),
    ],
)
def test_a_file_was_uploaded_wrong(faulty: Serve, damage: str, served: bytes) -> None:
    sandbox = faulty(FaultPlan(permanent={WORKS: damage}))
    assert ask(sandbox, NODE).content == served
    told = {row["name"]: row["md5"] for row in answer(sandbox, f"/metadata/{ITEM}")["files"]}[WORKS]
    described = dump_bytes("works", SEPTEMBER) if damage == "cut_dump" else served
    assert told == hashlib.md5(described, usedforsecurity=False).hexdigest()


def test_a_file_was_uploaded_empty_or_is_not_told_of(faulty: Serve) -> None:
    empty = faulty(FaultPlan(permanent={WORKS: "empty_dump"}))
    assert zlib.decompress(ask(empty, NODE).content, 31) == b""
    unlisted = faulty(FaultPlan(permanent={WORKS: "unlisted_dump"}))
    assert WORKS not in [row["name"] for row in answer(unlisted, f"/metadata/{ITEM}")["files"]]
    assert ask(unlisted, NODE).status_code == 200


def test_every_damage_can_be_done() -> None:
    assert {*items.DAMAGES, "unlisted_dump"} == set(DAMAGES)
