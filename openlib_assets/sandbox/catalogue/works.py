"""One generated work: what its record says, from nothing but a seed and its number.

The number is the one in `/works/OL<number>W`. A record is made anew each time it is asked for, so a catalogue
of a million works costs no memory, and a work has the same record in every subject that lists it.
"""

import random
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from openlib_assets.sandbox.catalogue import people, words
from openlib_assets.sandbox.catalogue.dice import ONE, Dice, roll
from openlib_assets.sandbox.catalogue.stories import Story, story_of, title_of

Record = dict[str, Any]

LATEST_ORDINARY_YEAR = 2024
ONE_ORPHAN_IN = 199  # so many generated works is an orphaned edition
_MOST_YEARS = 40  # in which a work appeared
_HEAD = 30  # the greater, the less the most productive author stands out
_KEY = re.compile(r"/works/OL(?P<number>[1-9][0-9]*)(?P<kind>[WM])")


class World(NamedTuple):
    """What all works of a catalogue have in common."""

    seed: int
    this_year: int
    subjects: Sequence[str]  # the spellings that editors strew about
    settled: bool = False  # whether the index is up to date with the database


def record(world: World, code: int, own_subjects: Sequence[str]) -> Record:
    """The work as `/subjects/*.json` lists it, without `availability`."""
    number = code >> 1
    dice = roll(world.seed, number)
    story = story_of(world.seed, number, dice)
    has_cover = dice.cover % 4 > 0
    scan = f"work{number:08}{dice.scan % 10_000:04}" if has_scan(dice) else None
    lendable = scan is not None and dice.scan % 11 < 7
    return {
        "key": key(code),
        "title": title_of(dice, story),
        "edition_count": edition_count(dice),
        "cover_id": dice.cover % 14_000_000 + 1 if has_cover else None,
        "cover_edition_key": f"OL{dice.cover % 50_000_000 + 1}M" if has_cover and dice.cover % 9 else None,
        "subject": _subjects(dice, world.subjects, own_subjects),
        "ia_collection": _collections(dice, scan),
        "printdisabled": scan is not None and dice.scan % 13 > 0,
        "lending_edition": f"OL{dice.scan % 50_000_000 + 1}M" if lendable else "",
        "lending_identifier": scan if lendable else "",
        "authors": _authors(dice, story),
        "first_publish_year": first_publish_year(dice, world.this_year),
        "ia": scan,
        "public_scan": scan is not None and dice.scan % 11 == 10,
        "has_fulltext": scan is not None,
    }


def key(code: int) -> str:
    """The key of a code, which is twice the number, plus one for an orphaned edition.

    >>> key(12), key(13)
    ('/works/OL6W', '/works/OL6M')
    """
    return f"/works/OL{code >> 1}{'M' if code & 1 else 'W'}"


def code(work_key: str) -> int:
    """The code of a key.

    >>> code("/works/OL6M")
    13
    """
    match = _KEY.fullmatch(work_key)
    if not match:
        raise ValueError(f"not a work key: {work_key!r}")
    return 2 * int(match["number"]) + (match["kind"] == "M")


def generated_code(number: int) -> int:
    """The code of a generated work: some are orphaned editions."""
    return 2 * number + (number % ONE_ORPHAN_IN == 0)


def edition_count(dice: Dice) -> int:
    """Mostly one, rarely thousands, now and then none."""
    if dice.popularity % 199 == 0:
        return 0
    return min(4000, int((ONE / (dice.editions + 1)) ** 0.7))


def first_publish_year(dice: Dice, this_year: int) -> int | None:
    """Growing from 1950 on, with a long past, gaps and mistakes."""
    chance = dice.dating % 1000
    if chance < 75:
        return None
    if chance < 90:
        mistakes = (0, 1, 1000, 9999, 999, 2999, this_year + 1, this_year + 1, this_year + 2, 1001)
        return mistakes[dice.year % len(mistakes)]
    share = dice.year / ONE
    if chance < 190:
        return 1949 - int(450 * share**4)
    return LATEST_ORDINARY_YEAR - int(75 * share**1.6)


def has_scan(dice: Dice) -> bool:
    """Whether archive.org has a scan of it."""
    return dice.scan % 20 < 11


def ebook_access(record: Record) -> str:
    """The most that one may do with a scan of the work."""
    if not record["has_fulltext"]:
        return "no_ebook"
    if record["public_scan"]:
        return "public"
    if record["lending_edition"]:
        return "borrowable"
    return "printdisabled" if record["printdisabled"] else "unclassified"


def about(seed: int, code: int) -> dict[str, str | None]:
    """What the index knows of a work beside its record: one value or none of each."""
    dice = roll(seed, code >> 1)

    def drawn(values: Sequence[str], chance: int) -> str | None:
        """Twice as many blanks as values."""
        return values[chance // 3 % len(values)] if chance % 3 == 0 else None

    language = story_of(seed, code >> 1, dice).language
    return {
        "language": next(iter(first_languages(dice, language)), None),
        "publisher": first_publisher(dice),
        "person": drawn(words.PEOPLE, dice.cover),
        "place": drawn(words.PLACES, dice.subjects),
        "time": drawn(words.TIMES, dice.collection),
    }


def first_languages(dice: Dice, language: str) -> tuple[str, ...]:
    """The languages of the first edition of a work in a language, as far as somebody said so."""
    return () if dice.editions // 16 % 8 == 0 else (language,)


def first_publisher(dice: Dice) -> str | None:
    """The publisher of the first edition, if somebody said so."""
    return words.PUBLISHERS[dice.editions % len(words.PUBLISHERS)] if dice.editions // 128 % 20 else None


def edition_years(record: Record) -> list[int]:
    """The distinct years of the editions, of which the first one is in the record: a new one every three years."""
    first = record["first_publish_year"]
    if first is None:
        return []
    until_now = max(1, (LATEST_ORDINARY_YEAR - first) // 3 + 1)
    return [first + 3 * later for later in range(max(1, min(editions_told(record), until_now, _MOST_YEARS)))]


def scanned_place(dice: Dice, record: Record) -> int:
    """Which edition of a work is scanned, if any is: its place among the editions as they are made."""
    return dice.collection % editions_told(record)


def editions_told(record: Record) -> int:
    """How many editions a record tells of; none where it was made to say nothing, or what cannot be."""
    told = record["edition_count"]
    return max(0, told) if isinstance(told, int) else 0


def availability(record: Record, dice: random.Random) -> dict[str, Any] | None:
    """What archive.org says of the scan at this moment: it changes with every loan."""
    chance = dice.random()
    scan = record["ia"]
    if chance < 0.01:
        return None
    if chance < 0.03:
        return {
            "status": "error",
            "error_message": "not found",
            "identifier": scan,
            "is_restricted": True,
            "is_browseable": False,
            "__src__": "core.models.lending.get_availability",
        }
    lendable = bool(record["lending_edition"])
    borrowed = lendable and chance < 0.4
    status = "private"
    if record["public_scan"]:
        status = "open"
    elif lendable:
        status = "borrow_unavailable" if borrowed else "borrow_available"
    return {
        "status": status,
        "available_to_browse": lendable and not borrowed,
        "available_to_borrow": lendable and not borrowed,
        "available_to_waitlist": borrowed,
        "is_printdisabled": record["printdisabled"],
        "is_readable": record["public_scan"],
        "is_lendable": lendable,
        "is_previewable": True,
        "identifier": scan,
        "isbn": None,
        "oclc": None,
        "openlibrary_work": record["key"].removeprefix("/works/"),
        "openlibrary_edition": record["lending_edition"] or None,
        "last_loan_date": f"2025-06-{dice.randrange(1, 29):02}T02:20:35Z" if lendable else None,
        "num_waitlist": str(dice.randrange(3)) if lendable else None,
        "last_waitlist_date": None,
        "is_restricted": not record["public_scan"],
        "is_browseable": lendable,
        "__src__": "core.models.lending.get_availability",
    }


def _authors(dice: Dice, story: Story) -> list[dict[str, str]]:
    """None, one, several, or the same one twice, under one key or two; with each work's own spelling of the names."""
    chances = story.dice
    crowd = chances.crowd % 1000
    if crowd < 35:
        return []
    author = _person(chances.author)
    # A book that was recorded a second time has its author a second time as well, as often as not.
    second = story.again and dice.translation // 4 % 2 == 0
    if crowd < 780:
        if crowd % 75 == 1:
            return [people.author(author, dice.spelling), people.author(author, dice.spelling, second=True)]
        return [_author(author, dice.spelling, second=second)]
    count = 2 if crowd < 920 else 3 if crowd < 975 else 4 + crowd % 6
    others = [_person(chances.others * (2 * place + 1) * 2_654_435_761 % ONE) for place in range(1, count)]
    authors = [
        _author(person, dice.spelling + place, second=second and place == 0)
        for place, person in enumerate((author, *others))
    ]
    if crowd % 10 == 3:
        authors[-1] = people.author(author, dice.spelling + 1)
    return authors


def _person(chance: int) -> int:
    """Someone by Zipf's law: a few wrote much, most wrote one book."""
    return int(_HEAD * (people.PEOPLE / _HEAD) ** (chance / ONE)) - _HEAD


def _author(person: int, spelling: int, *, second: bool) -> dict[str, str]:
    second = second or (people.has_second_number(person) and spelling >> 16 & 1 == 1)
    return people.author(person, spelling, second=second)


def _subjects(dice: Dice, common: Sequence[str], own: Sequence[str]) -> list[str]:
    """As editors typed them: unordered, repeated, in several languages, seldom very many."""
    chance, count = divmod(dice.subjects, 8)
    chance, start = divmod(chance, len(common))
    stride = chance % (len(common) - 1) + 1
    if chance % 300 == 0:
        count = 110
    listed = [common[(start + place * stride) % len(common)] for place in range(count + 1)]
    if chance % 20 == 1:
        listed.append(listed[0])
    middle = chance % len(listed)
    return [*listed[:middle], *own, *listed[middle:]]


def _collections(dice: Dice, scan: str | None) -> list[str]:
    if scan is None:
        return [""] if dice.collection % 3 == 0 else []
    count = dice.collection % len(words.COLLECTIONS)
    return list(words.COLLECTIONS[:count]) or [""]
