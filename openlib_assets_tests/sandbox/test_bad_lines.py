"""Lines of dumps that a reader has to reject are of every kind, and the truth about them is told."""

import gzip
import json
import re
from datetime import date
from pathlib import Path

from openlib_assets.sandbox import BadLine, Sandbox
from openlib_assets_tests.sandbox.dumped import DAY, FILES, assert_tells, indexed, lines

REASONS = {
    *((file, reason) for file in FILES for reason in ("not UTF-8",)),
    *((file, "not five columns") for file in ("works", "editions", "authors", "redirects")),
    *((file, "not a JSON object") for file in ("works", "editions", "authors", "redirects")),
    *((f"{kind}s", f"type is not /type/{kind}") for kind in ("work", "edition", "author", "redirect")),
    *(("works", "not the key of a work"), ("editions", "not the key of an edition")),
    ("authors", "not the key of an author"),
    *(
        (file, reason)
        for file in ("ratings", "reading-log")
        for reason in ("not four columns", "not the key of a work")
    ),
    *(("ratings", "not a rating from 1 to 5"), ("reading-log", "not a shelf")),
    *((file, "not a date") for file in ("ratings", "reading-log")),
}


def test_bad_lines_are_of_every_kind_and_change_nothing(settled: Sandbox, dump: Path, tmp_path: Path) -> None:
    bad = settled.write_dumps(tmp_path, DAY, mess=0.01)

    assert {(it.file, it.reason) for it in bad} == REASONS
    assert {(it.file, it.line): it.reason for it in bad} == rejected(tmp_path)
    for file in FILES:
        numbers = [it.line for it in bad if it.file == file]
        assert numbers == sorted(numbers)
        assert len(numbers) >= 0.01 * len(list(lines(dump, file)))
        assert sorted(lines(tmp_path, file, numbers)) == sorted(lines(dump, file))
        assert not whole(tmp_path, file).endswith(b"\n")
    assert text_of(tmp_path, bad[0]) == bad[0].text
    assert_tells(settled, indexed(tmp_path, [(it.file, it.line) for it in bad]), ["science_fiction"])


def whole(folder: Path, file: str) -> bytes:
    (path,) = folder.glob(f"*_{file}_*")
    return gzip.decompress(path.read_bytes())


def text_of(folder: Path, bad: BadLine) -> str:
    return whole(folder, bad.file).split(b"\n")[bad.line - 1].decode("utf-8", "replace")


def rejected(folder: Path) -> dict[tuple[str, int], str]:
    """Which lines of a dump are bad, and the first reason: worked out from the lines."""
    found = {}
    for file in FILES:
        for number, line in enumerate(whole(folder, file).split(b"\n"), 1):
            reason = _of_activity(file, line) if file in ("ratings", "reading-log") else _of_record(file, line)
            if reason:
                found[file, number] = reason
    return found


def _of_record(file: str, line: bytes) -> str | None:
    kind = file.removesuffix("s")
    prefix, letter = {"work": ("/works", "W"), "edition": ("/books", "M"), "author": ("/authors", "A")}.get(
        kind, ("", "")
    )
    try:
        columns = line.decode().split("\t")
    except UnicodeDecodeError:
        return "not UTF-8"
    if len(columns) != 5:
        return "not five columns"
    if columns[0] != f"/type/{kind}":
        return f"type is not /type/{kind}"
    if letter and not re.fullmatch(f"{prefix}/OL[0-9]+{letter}", columns[1]):
        return f"not the key of a{'n' if kind[0] in 'ea' else ''} {kind}"
    try:
        is_object = isinstance(json.loads(columns[4]), dict)
    except ValueError:
        is_object = False
    return None if is_object else "not a JSON object"


def _of_activity(file: str, line: bytes) -> str | None:
    try:
        columns = line.decode().split("\t")
    except UnicodeDecodeError:
        return "not UTF-8"
    if len(columns) != 4:
        return "not four columns"
    if not re.fullmatch("/works/OL[0-9]+W", columns[0]):
        return "not the key of a work"
    if file == "ratings" and not re.fullmatch("[1-5]", columns[2]):
        return "not a rating from 1 to 5"
    if file == "reading-log" and columns[2] not in {
        *("Want to Read", "Currently Reading", "Already Read", "Stopped Reading")
    }:
        return "not a shelf"
    try:
        is_date = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", columns[3]) and date.fromisoformat(columns[3])
    except ValueError:
        is_date = None
    return None if is_date else "not a date"
