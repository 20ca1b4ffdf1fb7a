"""Which lines of a dump a reader has to reject, worked out from the lines by the rules that readers keep."""

import gzip
import json
import re
from datetime import date
from pathlib import Path

from openlib_assets_tests.sandbox.dumped import FILES


def whole(folder: Path, file: str) -> bytes:
    (path,) = folder.glob(f"*_{file}_*")
    return gzip.decompress(path.read_bytes())


def rejected(folder: Path) -> dict[tuple[str, int], str]:
    """Which lines of a dump are bad, and the first reason: worked out from the lines."""
    found = {}
    for file in FILES:
        for number, line in enumerate(whole(folder, file).removesuffix(b"\n").split(b"\n"), 1):
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
