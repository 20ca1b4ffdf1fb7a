"""The tables of possible duplicates in plain Python, from the rules in docs/definitions.md.

A part of `reference`; the same holds: the standard library only, and nothing of the package under test.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

Row = dict[str, Any]
_Place = tuple[int, str]

_ARTICLES = "the a an le la les l un une des der die das ein eine el los las una unos unas ο η το οι τα ενασ μια ενα"
_WITH_ACCENTS = ("LATIN ", "FULLWIDTH LATIN ", "ANGSTROM ", "GREEK ", "CYRILLIC ")
_WITHOUT_SPACES = ("CJK ", "IDEOGRAPHIC ", "HIRAGANA LETTER ", "KATAKANA LETTER ", "HANGUL ", "THAI ")
_STROKES = str.maketrans("łøđ", "lod")

# By rule: the score if the years are near, unknown, apart; None where that makes no row.
_BOOK_SCORES: Mapping[str, tuple[float, float, float | None]] = {
    "same_title": (0.95, 0.85, 0.6),
    "same_title_possible_author": (0.85, 0.75, 0.5),
    "main_title": (0.6, 0.4, None),
    "main_title_possible_author": (0.5, 0.3, None),
}


class _Member(NamedTuple):
    """A work among those of one title and one author; `own`, if it is by that very key."""

    place: _Place
    is_main: bool
    own: bool


@cache
def folded(text: str) -> str:
    """Return what is left of a text when spelling does not count."""
    if any(_named(character, _WITH_ACCENTS) for character in text):
        marked = unicodedata.normalize("NFD", text)
        text = "".join(character for character in marked if unicodedata.category(character)[0] != "M")
    text = "".join(map(_caseless, unicodedata.normalize("NFC", text)))
    text = text.replace("+", " plus ").replace("#", " sharp ").translate(_STROKES)
    return " ".join("".join(" " if _separates(character) else character for character in text).split())


def title_key(title: str | None) -> str:
    """Return what two same titles have in common; empty where there is no title."""
    words = folded(title or "").split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in _ARTICLES.split() else words)


def name_parts(name: str) -> tuple[list[str], str]:
    """Return the folded words of a name, first names first, and the year in it, which may be empty."""
    name, year = _without_years(name)
    name = re.sub(r",(\s*[js]r\b)", r"\1", name, count=1, flags=re.IGNORECASE | re.ASCII)
    last, *others = name.split(",")
    if others and last and others[0]:
        name = f"{others[0]} {last}" + "".join(f",{other}" for other in others[1:])
    return folded(name).split(), year


def possible_same_authors(books: Iterable[Row], author_books: Iterable[Row], authors: Iterable[Row]) -> list[Row]:
    """Compute which author may be another one, from the rows of the three tables."""
    by_key = {row["author_key"]: row for row in authors}
    places = {key: (-row["book_count"], key) for key, row in by_key.items()}
    titles = {row["work_key"]: title_key(row["title"]) for row in books}
    works: dict[str, list[str]] = defaultdict(list)
    for row in author_books:
        works[row["author_key"]].append(row["work_key"])
    found: dict[str, tuple[float, _Place, str]] = {}
    for persons, parts in _namesakes(by_key.values()):
        name_rules = [("same_long_name", 0.7)] if parts > 2 else [("same_name", 0.3)] if parts == 2 else []
        sharing: dict[tuple[str, float, str], set[str]] = defaultdict(set)
        for key in persons:
            for work in works[key]:
                sharing["same_work", 0.95, work].add(key)
                if titles[work]:
                    sharing["same_title", 0.9, titles[work]].add(key)
            for rule, score in name_rules:
                sharing[rule, score, ""].add(key)
        for (rule, score, _), keys in sharing.items():
            greatest = min(places[key] for key in keys)
            for key in keys - {greatest[1]}:
                found[key] = min(found.get(key, (0.0, greatest, "")), (-score, greatest, rule))
    return [
        {
            "author_key": key,
            "author_name": by_key[key]["author_name"],
            "into_author_key": into,
            "into_author_name": by_key[into]["author_name"],
            "rule": rule,
            "score": -score,
        }
        for key, (score, (_, into), rule) in sorted(found.items())
    ]


def possible_duplicate_books(
    books: Iterable[Row], author_books: Iterable[Row], same_authors: Iterable[Row]
) -> list[Row]:
    """Compute which work may be another one, from the rows of two tables and of `possible_same_authors`."""
    by_key = {row["work_key"]: row for row in books}
    also = {row["author_key"]: row["into_author_key"] for row in same_authors if row["score"] >= 0.8}
    meetings: dict[tuple[str, str], list[_Member]] = defaultdict(list)
    for row in author_books:
        work, author = by_key[row["work_key"]], row["author_key"]
        for title, is_main in _titles(work["title"]):
            meetings[title, author].append(_Member(_place(work), is_main, True))
            if author in also:
                meetings[title, also[author]].append(_Member(_place(work), is_main, False))
    found: dict[str, tuple[float, _Place, str]] = {}
    for members in meetings.values():
        for rule, one, other in _greatest(members):
            years, score = _scored(rule, by_key[one[1]], by_key[other[1]])
            if other < one and score is not None:
                better = (-score, other, rule + years)
                found[one[1]] = min(found.get(one[1], better), better)
    return [
        {
            "work_key": key,
            "title": by_key[key]["title"],
            "into_work_key": into,
            "into_title": by_key[into]["title"],
            "rule": rule,
            "score": -score,
        }
        for key, (score, (_, into), rule) in sorted(found.items())
    ]


def _greatest(members: list[_Member]) -> Iterator[tuple[str, _Place, _Place]]:
    """Yield each rule by which a work of one author and title meets others, with the work and the greatest of those."""
    leaders: dict[tuple[bool, bool], _Place] = {}
    for place, is_main, own in members:
        for kind in {(is_main, own), (is_main, False)}:
            leaders[kind] = min(leaders.get(kind, place), place)
    for place, is_main, own in members:
        for (other_is_main, by_key), leader in leaders.items():
            if (is_main and other_is_main) or (by_key and not own):
                continue
            rule = "main_title" if is_main or other_is_main else "same_title"
            yield rule if by_key else f"{rule}_possible_author", place, leader


def _scored(rule: str, one: Row, other: Row) -> tuple[str, float | None]:
    near, unknown, apart = _BOOK_SCORES[rule]
    if one["year_status"] != "ok" or other["year_status"] != "ok":
        return "_year_unknown", unknown
    if abs(one["first_publish_year"] - other["first_publish_year"]) > 10:
        return "_years_apart", apart
    return "", near


def _place(book: Row) -> _Place:
    editions = book["edition_count"]
    return (1 if editions is None else -editions, book["work_key"])


def _titles(title: str | None) -> Iterator[tuple[str, bool]]:
    """Return the title, and the main title if there is one, each with whether it is that."""
    full = title_key(title)
    if full:
        yield full, False
    parts = re.split("[:：;(]", title or "", maxsplit=1)
    if len(parts) == 2 and not re.search("[0-9]", parts[1]) and title_key(parts[0]) not in ("", full):
        yield title_key(parts[0]), True


def _namesakes(authors: Iterable[Row]) -> Iterator[tuple[set[str], int]]:
    """Return the keys of each name that several have, people told apart by their years, and the parts of the name."""
    by_name: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for row in authors:
        words, year = name_parts(row["author_name"] or "")
        if words:
            alone = len(words) == 1 and len(words[0]) > 1 and all(_named(it, _WITHOUT_SPACES) for it in words[0])
            by_name["".join(words)].append((row["author_key"], len(words) + alone, year))
    for people in by_name.values():
        parts = max(parts for _, parts, _ in people)
        years = {year for *_, year in people}
        if len(years - {""}) < 2:
            yield {key for key, *_ in people}, parts
            continue
        for year in years:
            yield {key for key, _, its in people if its == year}, parts


def _without_years(name: str) -> tuple[str, str]:
    for place, character in enumerate(name):
        rest = name[place + 1 :]
        if character not in ",(" or "," in rest or not (number := re.search("[0-9]+", rest)):
            continue
        if number.start() <= 9 and "(" not in rest[: number.start()] and len(number[0]) >= 3:
            return name[:place], number[0][:4]
    return name, ""


def _caseless(character: str) -> str:
    """Return the lower case of the upper case, each only where it is one character."""
    upper = character.upper()
    upper = upper if len(upper) == 1 else character
    lower = upper.lower()
    return lower if len(lower) == 1 else upper


def _separates(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "PZS" or category in ("Cc", "Cf")


def _named(character: str, beginnings: tuple[str, ...]) -> bool:
    return unicodedata.name(character, "").startswith(beginnings)
