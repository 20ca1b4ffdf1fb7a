"""What a record says where the index is up to date with the database, so that it follows from works and editions.

An orphaned edition is its own and only edition. A work without editions has no year and no scan. An author has one name
on all works. Half a character, which the database may hold, is U+FFFD in the index.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Set
from typing import Any

from openlib_assets.sandbox.catalogue import dice, keys, people, works
from openlib_assets.sandbox.catalogue.works import Record

# Greater numbers of works and authors are kept for those that were merged or deleted.
WORKS_END = 56_250_000
AUTHORS_END = 20_000_000
_EDITIONS_START = 10**8  # orphaned editions have smaller numbers
_SLOTS = 16  # editions of a work that have numbers of nine digits
_LATEST_YEAR = 9999
_AUTHOR_KEY = re.compile(r"/authors/OL(?P<number>[1-9][0-9]*)A")
_FOLLOWING = ("cover_edition_key", "lending_edition", "lending_identifier")  # from the editions
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BROKEN_NAME = 499  # one author in so many
_UNSCANNED: Mapping[str, Any] = {
    "ia_collection": [],
    "printdisabled": False,
    "lending_edition": "",
    "lending_identifier": "",
    "ia": None,
    "public_scan": False,
    "has_fulltext": False,
}


def edition_key(code: int, place: int) -> str:
    """The key of an edition of a work, which no other edition of any work has: `OL45845863M`.

    >>> edition_key(12, 0), edition_key(12, 16), edition_key(13, 0)
    ('OL100000102M', 'OL1100000102M', 'OL6M')
    """
    number = code >> 1
    if code & 1:
        return f"OL{number}M"
    block, within = divmod(place, _SLOTS)
    slot = (5 * within + number) % _SLOTS  # so that the first by key is any of them
    return f"OL{10**9 * block + _EDITIONS_START + _SLOTS * number + slot}M"


def readable(text: str) -> str:
    """A text in which half a character is U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def author_name(key: str, names: Mapping[str, str]) -> str:
    """The one name of an author: among the edited `names`, or as generated."""
    if key in names:
        return readable(names[key])
    number = int(key.removeprefix("/authors/OL").removesuffix("A"))
    name = people.name(number)
    return f"{name}\ufffd" if number % _BROKEN_NAME == 0 and name.strip() else name


def settle(seed: int, record: Record, names: Mapping[str, str]) -> Record:
    """A record as it follows from the database, in which authors may have edited names."""
    code = works.code(record["key"])
    count = 1 if code & 1 else record["edition_count"]
    first = edition_key(code, 0)
    has_cover_of_edition = record["cover_id"] is not None and (code & 1 or record["cover_edition_key"] is not None)
    settled: Record = {
        **record,
        "title": readable(record["title"]),
        "edition_count": count,
        "subject": [readable(subject) for subject in record["subject"]],
        "authors": [{"key": it["key"], "name": author_name(it["key"], names)} for it in record["authors"]],
        "cover_edition_key": first if count and has_cover_of_edition else None,
    }
    if not count:
        return {**settled, "first_publish_year": None, **_UNSCANNED}
    if record["lending_edition"]:
        settled["lending_edition"] = edition_key(code, works.scanned_place(dice.roll(seed, code >> 1), settled))
    return settled


def check(record: Record, edits: Set[str], subjects: Iterable[str], listing: Collection[str]) -> None:
    """Refuse a record with edited fields that nothing in the database could give.

    `subjects` are the keys of all subjects that the catalogue knows; `listing` of those that list the work. Raises
    `ValueError` with what is wrong.
    """
    wrong = _wrong_subject(record, edits, subjects, listing) or _wrong_listing(record, listing) or _wrong(record, edits)
    if wrong:
        raise ValueError(f"{record['key']} of a settled catalogue: {wrong}")


def _wrong(record: Record, edits: Set[str]) -> str | None:
    code = works.code(record["key"])
    count, year, cover = (record[name] for name in ("edition_count", "first_publish_year", "cover_id"))
    checks = {
        f"works have numbers below {WORKS_END}": code >> 1 < WORKS_END,
        f"{', '.join(_FOLLOWING)} follow from the editions": edits.isdisjoint(_FOLLOWING),
        "title must be a text with something in it": isinstance(record["title"], str) and record["title"] != "",
        "edition_count must be a number of editions": isinstance(count, int) and count >= 0,
        "an orphaned edition is one edition": not code & 1 or count == 1 or "edition_count" not in edits,
        f"first_publish_year must be from 0 to {_LATEST_YEAR}": year is None or year in range(_LATEST_YEAR + 1),
        "without editions there is no first_publish_year": (
            "first_publish_year" not in edits or year is None or count != 0 or bool(code & 1)
        ),
        "cover_id must be greater than 0": cover is None or (isinstance(cover, int) and cover > 0),
        f"an author has a key with a number below {AUTHORS_END} and a name": all(map(_is_author, record["authors"])),
    }
    return next((rule for rule, is_kept in checks.items() if not is_kept), None)


def _wrong_subject(record: Record, edits: Set[str], subjects: Iterable[str], listing: Collection[str]) -> str | None:
    if "subject" not in edits:
        return None
    named = {keys.normalize(readable(subject)) for subject in record["subject"]}
    plain = (key for key in subjects if keys.subject_type(key) == "subject")
    other = next((key for key in plain if (key in named) != (key in listing)), None)
    return other and f"subject must name the subjects that list the work, and no others that are known: see {other}"


def _wrong_listing(record: Record, listing: Collection[str]) -> str | None:
    others = any(keys.subject_type(key) != "subject" for key in listing)
    return "an orphaned edition has no people, places or times" if works.code(record["key"]) & 1 and others else None


def _is_author(author: Mapping[str, Any]) -> bool:
    match = _AUTHOR_KEY.fullmatch(author["key"])
    return match is not None and int(match["number"]) < AUTHORS_END and isinstance(author["name"], str)
