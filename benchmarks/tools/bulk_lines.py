"""The lines of a sandbox's dumps as templates, in which what makes one line another is left open."""

import random
import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from operator import mul
from typing import Any, NamedTuple

from openlib_assets.sandbox.catalogue import keys
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.dumps import records
from openlib_assets.sandbox.dumps.lines import record_line

_WORKS = 4000
_SUBJECT = "everything"
_OPEN = re.compile(rb"@([abknstwyij])@")
_AUTHOR = re.compile(r"/authors/OL[0-9]+A")
_YEAR = re.compile(r"[0-9]{4}")
_HOLE = "@{}@"
# Of a character's two halves in JSON, both together, or one alone: Open Library has hardly any of these.
_HALVES = re.compile(rb"(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\ud[89a-f][0-9a-f]{2}")
_GONE = ("/authors/OL20000001A", "/authors/OL20000002A")
_GONE_WORKS = ("/works/OL56250001W", "/works/OL56250002W")
_TEXTS = frozenset(b"ij")  # the ISBNs; all else is a number

# In how many of a hundred; the rates of Open Library.
_WITH_SUBJECTS, _WITHOUT_AUTHOR, _ISBN_13, _ISBN_10, _UNDATED = 49, 5.4, 48, 36, 3.3
_COMMON_SUBJECTS = 2


class Templates(NamedTuple):
    """Lines to be filled by `%` with a mapping.

    Everywhere `k` is the number of the key. Of works `n` a number in the title, `a` and `b` numbers of authors, `s` and
    `t` numbers of rare subjects. Of editions `w` the number of the work, `y` a year, `i` an ISBN-13 and `j` an ISBN-10
    as bytes. Of authors `y` the year of birth. Of redirects `w` the number of the work that they lead to.
    """

    works: Sequence[bytes]
    editions: Sequence[bytes]
    orphans: Sequence[bytes]
    authors: Sequence[bytes]
    redirects: Sequence[bytes]


@cache
def templates(seed: int, day: date) -> Templates:
    """The templates from some thousand works of a sandbox; to make them takes longer than to fill some thousand."""
    catalogue = Catalogue({_SUBJECT: _WORKS}, seed=seed, this_year=day.year, settled=True)
    made = Templates([], [], [], [], [])
    for code in catalogue.all_codes():
        told = records.Told.of(catalogue, code)
        chance = random.Random(f"bulk/{seed}/{code}")  # noqa: S311 - wants to be repeatable
        for name, kind, key, fields in _records(told, chance):
            line = record_line(kind, key, fields, chance, day).data
            getattr(made, name).append(_template(line))
    return made


def _records(told: records.Told, chance: random.Random) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """The records of a work: for which list, of which type, key and fields with their holes."""
    yield "works", "work", "/works/OL@k@W", _work(records.work(told, _GONE, chance), chance)
    for place in range(min(2, len(told.editions))):
        fields = _edition(records.edition(told, place, _GONE_WORKS, chance), chance)
        yield "editions", "edition", "/books/OL@k@M", {**fields, "works": [{"key": "/works/OL@w@W"}]}
        orphaned = {name: value for name, value in fields.items() if name != "works"}
        yield "orphans", "edition", "/books/OL@k@M", orphaned
    for author in told.record["authors"][:1]:
        fields = records.author(author["name"], chance)
        yield "authors", "author", "/authors/OL@k@A", _numbered(fields, "name", chance) | _born(fields)
    yield "redirects", "redirect", "/works/OL@k@W", {"location": "/works/OL@w@W"}


def _work(fields: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    fields = _numbered(fields, "title", chance)
    subjects = [it for it in fields.pop("subjects", []) if keys.normalize(it) != _SUBJECT][:_COMMON_SUBJECTS]
    if _happens(_WITH_SUBJECTS, chance):
        fields["subjects"] = [*subjects, "Topic @s@", *chance.choice((["Topic @t@"], ["Topic @t@", "topic @t@, etc."]))]
    else:
        fields = {name: value for name, value in fields.items() if not name.startswith("subject_")}
    if "authors" in fields and _happens(_WITHOUT_AUTHOR, chance):
        del fields["authors"]
    elif "authors" not in fields or len(fields["authors"]) > 1:
        fields["authors"] = [{"author": {"key": f"/authors/OL@{it}@A"}, "type": "/type/author_role"} for it in "ab"]
        fields["authors"] = fields["authors"][: chance.choice((1, 2))]
    else:
        fields["authors"] = _filled(fields["authors"])
    return fields


def _edition(fields: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    fields = _numbered(fields, "title", chance)
    for name, hole, rate in (("isbn_13", "i", _ISBN_13), ("isbn_10", "j", _ISBN_10)):
        fields.pop(name, None)
        if _happens(rate, chance):
            fields[name] = [_HOLE.format(hole)]
    fields.pop("publish_date", None) if _happens(_UNDATED, chance) else fields.setdefault("publish_date", "2000")
    if "publish_date" in fields:
        fields["publish_date"] = _YEAR.sub("@y@", fields["publish_date"], count=1)
    if "authors" in fields:
        fields["authors"] = [{"key": "/authors/OL@a@A"}]
    return fields


def _numbered(fields: dict[str, Any], name: str, chance: random.Random) -> dict[str, Any]:
    """Fields with a number behind a text, of which one in four goes without."""
    return {**fields, name: f"{fields[name]} @n@"} if fields.get(name) and chance.random() < 0.75 else fields


def _born(fields: dict[str, Any]) -> dict[str, Any]:
    return {"birth_date": _YEAR.sub("@y@", fields["birth_date"], count=1)} if "birth_date" in fields else {}


def _filled(authors: list[Any]) -> list[Any]:
    """Entries of authors with a hole where the key of one is that is there."""

    def open_key(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: open_key(it) for name, it in value.items()}
        if isinstance(value, str) and _AUTHOR.fullmatch(value) and value not in _GONE:
            return "/authors/OL@a@A"
        return value

    return [open_key(entry) for entry in authors]


def _happens(rate: float, chance: random.Random) -> bool:
    return chance.random() < rate / 100


def _template(line: bytes) -> bytes:
    def hole(found: re.Match[bytes]) -> bytes:
        return b"%%(%s)%s" % (found[1], b"s" if found[1][0] in _TEXTS else b"d")

    whole = _HALVES.sub(lambda found: found[1] or rb"\ufffd", line)
    return _OPEN.sub(hole, whole.replace(b"%", b"%%")) + b"\n"


def check_digits() -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]:
    """What the first five and the last four of nine digits add to the check digit of an ISBN-13, and of an ISBN-10."""
    starts, ends = ([f"{it:0{width}}".encode() for it in range(10**width)] for width in (5, 4))
    return (
        [38 + _weighed(it, (3, 1, 3, 1, 3)) for it in starts],
        [_weighed(it, (1, 3, 1, 3)) for it in ends],
        [_weighed(it, (10, 9, 8, 7, 6)) for it in starts],
        [_weighed(it, (5, 4, 3, 2)) for it in ends],
    )


def _weighed(digits: bytes, weights: Sequence[int]) -> int:
    total: int = sum(map(mul, weights, digits))
    return total - ord("0") * sum(weights)
