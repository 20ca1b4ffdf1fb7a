"""Answers that no archive should give, from a server that sends whatever a script says."""

import hashlib
import re
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.openlibrary.dumps import Archive, Dump, DumpFile, download_dump, file_name
from openlib_assets.openlibrary.errors import DamagedDumpError, PermanentError, TransientError
from openlib_assets.sandbox import FaultPlan, Planned
from openlib_assets.settings import Settings
from openlib_assets_tests.openlibrary.dumps.served import sandbox_of
from openlib_assets_tests.openlibrary.served import Script, scripted, send
from openlib_assets_tests.tools.dump_files import SEPTEMBER, dump_bytes

WHOLE = dump_bytes("works", SEPTEMBER)
NAME = file_name("works", SEPTEMBER)
HTML = b"<!DOCTYPE html><html><body>Come back later</body></html>"
WORKS = DumpFile("works", SEPTEMBER, NAME, len(WHOLE), hashlib.md5(WHOLE, usedforsecurity=False).hexdigest())


def archive_at(url: str, **changes: Any) -> Archive:
    return Archive(Settings(**{"dumps_url": url, "retry_wait": 0.001, "timeout": 5.0, **changes}))


def downloaded(script: Script, to: Path, **changes: Any) -> Path:
    """Download works from a server that answers by a script."""
    with scripted(script) as url:
        dump = Dump(SEPTEMBER, url, {"works": WORKS})
        return download_dump(archive_at(url, **changes), dump, ["works"], to)["works"]


def held(to: Path, count: int) -> None:
    """Leave what an earlier download held."""
    (to / f"{NAME}.{WORKS.md5}.part").write_bytes(WHOLE[:count])


@pytest.mark.parametrize(
    "told", ["bytes 0-{last}/{size}", "bytes 101-{last}/{size}", "bytes 100-{last}/{more}", "bytes */{size}", "none"]
)
def test_a_part_that_is_not_the_rest_is_not_taken(tmp_path: Path, told: str) -> None:
    size = len(WHOLE)
    header = told.format(last=size - 1, size=size, more=size + 1)
    held(tmp_path, 100)
    with pytest.raises(TransientError, match=rf"{NAME}: (HTTP 206 with|the file there has) .* \(12 tries\)$"):
        downloaded(lambda handler: send(handler, WHOLE, 206, **{"Content-Range": header}), tmp_path)
    held_now = (tmp_path / f"{NAME}.{WORKS.md5}.part").read_bytes()
    assert held_now == WHOLE[:100]


def test_a_part_that_tells_no_size_is_taken(tmp_path: Path) -> None:
    held(tmp_path, 100)
    header = f"bytes 100-{len(WHOLE) - 1}/*"
    path = downloaded(lambda handler: send(handler, WHOLE[100:], 206, **{"Content-Range": header}), tmp_path)
    assert path.read_bytes() == WHOLE


def end_with_the_connection(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize("more", [b"", b"more than is due"])
def test_an_answer_without_a_length_is_taken_up_to_what_is_due(tmp_path: Path, more: bytes) -> None:
    path = downloaded(lambda handler: end_with_the_connection(handler, WHOLE + more), tmp_path)
    assert path.read_bytes() == WHOLE


def test_a_page_without_type_and_length_is_cut_short(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=rf"{NAME}: the answer was cut short after \d+ of [\d,]+ bytes"):
        downloaded(lambda handler: end_with_the_connection(handler, HTML), tmp_path)


def test_a_page_as_long_as_the_file_is_called_one(tmp_path: Path) -> None:
    page = HTML.ljust(len(WHOLE))
    with pytest.raises(DamagedDumpError, match=rf"{NAME}: is an HTML page, not a gzip file; download it again \(1 try"):
        downloaded(lambda handler: send(handler, page), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_drips_is_given_up(tmp_path: Path) -> None:
    asked: list[str] = []

    def drip_at_first(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Range", ""))
        if len(asked) > 1:
            start = int(asked[-1].removeprefix("bytes=").removesuffix("-"))
            send(handler, WHOLE[start:], 206, **{"Content-Range": f"bytes {start}-{len(WHOLE) - 1}/{len(WHOLE)}"})
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(WHOLE)))
        handler.end_headers()
        with suppress(ConnectionError):
            for place in range(len(WHOLE)):
                handler.wfile.write(WHOLE[place : place + 1])
                time.sleep(0.01)

    assert downloaded(drip_at_first, tmp_path, timeout=0.1).read_bytes() == WHOLE
    assert len(asked) == 2


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/x",
        "//localhost/x",
        "https://archive.invalid/x",
        "http://127.0.0.1.archive.invalid/x",
        "http://127.0.0.1@localhost:{port}/x",
        "file:///etc/hostname",
        "ftp://127.0.0.1/x",
    ],
)
def test_a_redirect_to_another_host_is_never_followed(tmp_path: Path, dumps: Path, location: str) -> None:
    with sandbox_of(dumps) as elsewhere:
        target = location.format(port=elsewhere.url.rpartition(":")[2])
        with pytest.raises(PermanentError, match=r": redirected to .*, which is not followed \(1 try\)$") as failed:
            downloaded(lambda handler: send(handler, b"", 302, Location=target), tmp_path)
        assert elsewhere.requests == []
    assert str(failed.value).isprintable()


def test_redirects_lead_to_hosts_below_the_archives_own_and_never_away_from_https() -> None:
    archive = archive_at("https://archive.org")
    here = "https://archive.org/download/x"
    node = "https://ia801.us.archive.org/1/items/x"
    assert archive._redirected(here, node) == node
    for wrong in (node.replace("https", "http"), "https://ia801.us.archive.org.example.org/", "https://xarchive.org/"):
        with pytest.raises(PermanentError, match=f"redirected to {re.escape(wrong)}, which is not followed"):
            archive._redirected(here, wrong)


def test_a_circle_of_redirects_ends(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r": more than 5 redirects \(1 try\)$"):
        downloaded(lambda handler: send(handler, b"", 302, Location=handler.path), tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        b'{"files": null}',
        b'{"files": {}}',
        b"{}",
        b'{"files": [null, 3, {}, {"name": 3}]}',
        b'{"files": [{"name": "%s", "md5": "%s"}]}' % (NAME.encode(), b"0" * 32),
        b'{"files": [{"name": "%s", "size": "1"}]}' % NAME.encode(),
        b'{"files": [{"name": "%s", "size": "-1", "md5": "%s"}]}' % (NAME.encode(), b"0" * 32),
        b'{"files": [{"name": "%s", "size": "1", "md5": "/../%s"}]}' % (NAME.encode(), b"0" * 28),
        b'{"files": [{"name": "../%s", "size": "1", "md5": "%s"}]}' % (NAME.encode(), b"0" * 32),
    ],
)
def test_metadata_that_tell_too_little_tell_of_no_file(body: bytes) -> None:
    with scripted(lambda handler: send(handler, body)) as url:
        assert archive_at(url).dump(SEPTEMBER).files == {}


@pytest.mark.parametrize("body", [b"[]", b"3", b'{"files": [', b"\xff", HTML, b""])
def test_metadata_that_are_no_object_are_asked_for_again_then_given_up(body: bytes) -> None:
    with (
        scripted(lambda handler: send(handler, body)) as url,
        pytest.raises(TransientError, match=rf"^{url}/metadata/ol_dump_2026-09-30: .*JSON.* \(12 tries\)$"),
    ):
        archive_at(url).dump(SEPTEMBER)


@pytest.mark.parametrize("body", [b"{}", b'{"response": []}', b'{"response": {"docs": [1]}}'])
def test_a_search_without_items_is_told(body: bytes) -> None:
    with (
        scripted(lambda handler: send(handler, body)) as url,
        pytest.raises(PermanentError, match=rf"^{url}/advancedsearch\.php: the answer lists no items"),
    ):
        archive_at(url).days()


def test_metadata_that_are_cut_are_asked_for_again(dumps: Path) -> None:
    plan = FaultPlan(planned=(Planned("cut_body", match="/metadata/", times=2),))
    with sandbox_of(dumps, plan) as sandbox:
        assert len(archive_at(sandbox.url).dump(SEPTEMBER).files) == 6
        assert [request.fault for request in sandbox.requests] == ["cut_body", "cut_body", None]
