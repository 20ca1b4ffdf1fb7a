"""What an index would hold of the works in a dump, by Open Library's rules in plain Python, from the files alone."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from openlib_assets.sandbox import Sandbox
from openlib_assets_tests.sandbox.asking import Answer, answer

Record = dict[str, Any]

DAY = date(2026, 8, 31)
FILES = ("authors", "editions", "ratings", "reading-log", "redirects", "works")
SETTLED_SUBJECTS = {
    "science_fiction": 950,
    "fiction_general": 900,
    "person:sherlock_holmes": 90,
    "place:london": 60,
    "time:20th_century": 50,
    "nothing": 0,
}

_OF_RECORDS = ("key", "title", "edition_count", "cover_id", "subject", "authors", "first_publish_year")
_OF_DOCUMENTS = (
    *("key", "title", "edition_count", "subject", "first_publish_year", "author_key", "author_name", "cover_i"),
    *("edition_key", "format", "isbn", "language", "number_of_pages_median", "publish_date", "publisher"),
    *("publish_year", "ratings_average", "ratings_count", "readinglog_count"),
    *("want_to_read_count", "currently_reading_count", "already_read_count"),
)
_YEAR = re.compile(r"\b(\d{4})\b")
_DROPPED = dict.fromkeys(map(ord, ';/?:@&=+$,<>#%"{}|\\^[]`\n\r'))
_SUBJECTS = {"subjects": "", "subject_people": "person:", "subject_places": "place:", "subject_times": "time:"}
_WORK_KEY = re.compile("/works/OL[0-9]+W")


@dataclass
class Indexed:
    """A work in the index: as the Subjects API gives it, as the search does, and the keys of its subjects."""

    record: Record
    document: Record
    subjects: set[str] = field(default_factory=set)


def lines(folder: Path, file: str, bad: Iterable[int] = ()) -> Iterator[list[str]]:
    """The columns of each line of a file, but for the bad ones."""
    (path,) = folder.glob(f"ol_dump_{file}_????-??-??.txt.gz")
    skipped = set(bad)
    data = gzip.decompress(path.read_bytes())
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        if number not in skipped:
            yield line.decode("ascii").split("\t")


def records(folder: Path, file: str, bad: Iterable[int] = ()) -> dict[str, Record]:
    """The records of a file by key."""
    found = {}
    for kind, key, revision, modified, text in lines(folder, file, bad):
        record = json.loads(text)
        if r"\ud" in text:  # else there is no half a character in it
            record = _readable(record)
        assert record["key"] == key
        assert record["type"]["key"] == kind == f"/type/{file.removesuffix('s')}"
        assert (record["revision"], record["last_modified"]["value"]) == (int(revision), modified)
        assert key not in found
        found[key] = record
    return found


def indexed(folder: Path, bad: Iterable[tuple[str, int]] = ()) -> dict[str, Indexed]:
    """All works of a dump by key, the orphaned editions among them."""
    skipped: dict[str, list[int]] = defaultdict(list)
    for file, number in bad:
        skipped[file].append(number)
    works, editions, authors = (records(folder, file, skipped[file]) for file in ("works", "editions", "authors"))
    of_work: dict[str, list[Record]] = defaultdict(list)
    for key in sorted(editions):
        edition = editions[key]
        listed = {it["key"] for it in edition.get("works", []) if _WORK_KEY.fullmatch(it["key"])}
        if not listed:
            fake = f"/works/{key.removeprefix('/books/')}"
            works[fake] = {**edition, "key": fake, "authors": [{"author": it} for it in edition.get("authors", [])]}
        for work in listed or {fake}:
            of_work[work].append(edition)
    readers = _readers(folder, skipped)
    return {key: _index(work, of_work[key], authors, readers[key]) for key, work in works.items()}


def assert_tells(sandbox: Sandbox, index: dict[str, Indexed], subjects: Iterable[str]) -> None:
    """Compare what the API tells of subjects with an index: all works, no others, and all that is said of them."""
    for subject in subjects:
        expected = {key: index[key] for key in sorted(index) if subject in index[key].subjects}
        listed = answer(sandbox, f"/subjects/{subject}.json?sort=key&limit=1000")["works"]
        assert [{name: work[name] for name in _OF_RECORDS} for work in listed] == [
            it.record for it in expected.values()
        ]
        kind, _, name = subject.rpartition(":")
        asked = {
            "q": f'{kind or "subject"}_key:"{name}"',
            "fields": ",".join(_OF_DOCUMENTS),
            "sort": "key",
            "limit": 1000,
        }
        found = answer(sandbox, f"/search.json?{urlencode(asked)}")["docs"]
        assert [_without_order(document) for document in found] == [
            _without_order(it.document) for it in expected.values()
        ]


def _without_order(document: Answer) -> Answer:
    """A document in which lists without an order are sets."""
    return {name: set(it) if name in ("isbn", "publish_year") else it for name, it in document.items()}


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return {key: _readable(item) for key, item in value.items()} if isinstance(value, dict) else value


def _index(work: Record, editions: list[Record], authors: dict[str, Record], readers: Record) -> Indexed:
    keys = [it["author"] for it in work.get("authors", []) if "author" in it]
    keys = [key if isinstance(key, str) else key["key"] for key in keys]
    years = [int(year[1]) for it in editions if (year := _YEAR.search(it.get("publish_date") or ""))]
    covers = [*_covers([work]), *_covers(editions)]
    record = {
        "key": work["key"],
        "title": next((it["title"] for it in (work, *editions) if it.get("title")), "__None__"),
        "edition_count": len(editions),
        "cover_id": next(iter(covers), None),
        "subject": work.get("subjects", []),
        "authors": [{"key": key, "name": authors[key].get("name") or ""} for key in keys if key in authors],
        "first_publish_year": min(years, default=None),
    }
    document = {
        **{name: record[name] for name in ("key", "title", "edition_count", "subject", "first_publish_year")},
        "author_key": [it["key"].removeprefix("/authors/") for it in record["authors"]],
        "author_name": [it["name"] for it in record["authors"]],
        "cover_i": record["cover_id"],
        "edition_key": [it["key"].removeprefix("/books/") for it in editions],
        "format": _distinct(it["physical_format"] for it in editions if "physical_format" in it),
        "isbn": {isbn for it in editions for isbn in _isbns(it)} or None,
        "language": _distinct(
            la["key"].removeprefix("/languages/") for it in editions for la in it.get("languages", [])
        ),
        "number_of_pages_median": _median(int(it.get("number_of_pages") or 0) for it in editions),
        "publish_date": _distinct(it["publish_date"] for it in editions if "publish_date" in it),
        "publisher": _distinct(name for it in editions for name in it.get("publishers", [])),
        "publish_year": set(years) or None,
        **readers,
    }
    subjects = {
        prefix + name.strip().lower().replace(" ", "_").translate(_DROPPED)
        for kind, prefix in _SUBJECTS.items()
        for name in work.get(kind, [])
    }
    return Indexed(record, {name: it for name, it in document.items() if it is not None and it != []}, subjects)


def _covers(records: Iterable[Record]) -> Iterator[int]:
    first = (next((cover for cover in record.get("covers", []) if cover != -1), None) for record in records)
    return (cover for cover in first if cover)


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _median(pages: Iterable[int]) -> int | None:
    known = [count for count in pages if count > 0]
    return ceil(median(known)) if known else None


def _isbns(edition: Record) -> Iterator[str]:
    """The entries, and the other form of the digits of those that have one."""
    for isbn in (it.strip() for it in (*edition.get("isbn_10", []), *edition.get("isbn_13", []))):
        yield isbn
        digits = re.sub("[^0-9Xx]", "", isbn).upper()
        if re.fullmatch("[0-9]{9}[0-9X]", digits) and digits == _ten(digits[:9]):
            yield _thirteen("978" + digits[:9])
        if re.fullmatch("978[0-9]{10}", digits) and digits == _thirteen(digits[:12]):
            yield _ten(digits[3:12])


def _ten(body: str) -> str:
    return body + "0123456789X"[sum(place * int(digit) for place, digit in enumerate(body, 1)) % 11]


def _thirteen(body: str) -> str:
    return f"{body}{-sum((1, 3)[place % 2] * int(digit) for place, digit in enumerate(body)) % 10}"


def _readers(folder: Path, bad: dict[str, list[int]]) -> dict[str, Record]:
    found: dict[str, Record] = defaultdict(
        lambda: dict.fromkeys(("ratings_average", "ratings_count", "readinglog_count", *_SHELVES.values()), 0)
    )
    stars: dict[str, list[int]] = defaultdict(list)
    for key, _, rating, _ in lines(folder, "ratings", bad["ratings"]):
        stars[key].append(int(rating))
    for key, given in stars.items():
        found[key] |= {"ratings_count": len(given), "ratings_average": sum(given) / len(given)}
    for key, _, shelf, _ in lines(folder, "reading-log", bad["reading-log"]):
        found[key]["readinglog_count"] += 1
        if shelf in _SHELVES:
            found[key][_SHELVES[shelf]] += 1
    return found


_SHELVES = {
    "Want to Read": "want_to_read_count",
    "Currently Reading": "currently_reading_count",
    "Already Read": "already_read_count",
}
