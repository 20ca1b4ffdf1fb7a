"""One generated work: what its record says, from nothing but a seed and its number.

The number is the one in `/works/OL<number>W`. A record is made anew each time it is asked for, so a catalogue
of a million works costs no memory, and a work has the same record in every subject that lists it.

Some works have to do with the work of the number before theirs, by the last digit of the number: 5 can be its
translation, 7 the same book again (a duplicate), 9 its sequel or next volume.
"""

import random
import re
import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from openlib_assets.sandbox.catalogue import people, words

Record = dict[str, Any]

LATEST_ORDINARY_YEAR = 2024
_HEAD = 30  # the greater, the less the most productive author stands out
_KEY = re.compile(r"/works/OL(?P<number>[1-9][0-9]*)(?P<kind>[WM])")
_ONE = 2**32  # a die shows 0.._ONE-1
# Last digits of works that can have to do with the work before.
_TRANSLATION, _DUPLICATE, _SEQUEL = 5, 7, 9
_VOLUME = 3  # the title shape with a number of a volume
_LANGUAGES = tuple(words.NOUNS)
_NOUNS = {language: nouns.split() for language, nouns in words.NOUNS.items()}


class Dice(NamedTuple):
    """The chances of one work: independent, uniform 32-bit numbers."""

    title: int
    language: int
    mess: int
    crowd: int
    author: int
    others: int
    spelling: int
    year: int
    dating: int
    editions: int
    popularity: int
    cover: int
    scan: int
    collection: int
    subjects: int
    translation: int


_UNPACK = struct.Struct(f"<{len(Dice._fields)}I").unpack


def roll(seed: int, number: int) -> Dice:
    """The dice of a work. A duplicate and a sequel share some with the work before."""
    dice = _cast(seed, number)
    if dice.translation % 4 == 0:
        if number % 10 == _DUPLICATE:
            return _again(dice, _cast(seed, number - 1))
        if number % 10 == _SEQUEL:
            return _continued(dice, _cast(seed, number - 1))
    return dice


def is_duplicate(seed: int, number: int) -> bool:
    """Whether a work is the same book as the work of the number before."""
    return number % 10 == _DUPLICATE and _cast(seed, number).translation % 4 == 0


def _cast(seed: int, number: int) -> Dice:
    return Dice._make(_UNPACK(blake2b(b"%d/%d" % (seed, number)).digest()))


def _again(dice: Dice, original: Dice) -> Dice:
    """The same title, authors and language; editions of its own, of which the first can be another."""
    year, dating = original.year, original.dating
    chance = dice.dating % 8
    if chance == 0:
        dating = 0
    elif chance == 1:
        year = dice.year
    elif chance < 4:
        year = min(year + dice.year // 16, _ONE - 1)
    same = {name: getattr(original, name) for name in ("title", "language", "crowd", "author", "others")}
    return dice._replace(year=year, dating=dating, **same)


def _continued(dice: Dice, original: Dice) -> Dice:
    """The same authors and language, and nearly the title: the next volume, or `X and Y` after `X`."""
    nouns = len(_NOUNS["eng"])
    next_shape = nouns * nouns * len(words.PLACES)
    shape = original.title // next_shape % 4
    title = (original.title + next_shape * (4 if shape == _VOLUME else 1)) % _ONE
    same = {name: getattr(original, name) for name in ("language", "crowd", "author", "others")}
    return dice._replace(title=title, **same)


class World(NamedTuple):
    """What all works of a catalogue have in common."""

    seed: int
    this_year: int
    subjects: Sequence[str]  # the spellings that editors strew about


def record(world: World, code: int, own_subjects: Sequence[str]) -> Record:
    """The work as `/subjects/*.json` lists it, without `availability`."""
    number = code >> 1
    dice = roll(world.seed, number)
    story = _story(world.seed, number, dice)
    has_cover = dice.cover % 4 > 0
    scan = f"work{number:08}{dice.scan % 10_000:04}" if has_scan(dice) else None
    lendable = scan is not None and dice.scan % 11 < 7
    return {
        "key": key(code),
        "title": _title(dice, story),
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
    return 2 * number + (number % 199 == 0)


def edition_count(dice: Dice) -> int:
    """Mostly one, rarely thousands, now and then none."""
    if dice.popularity % 199 == 0:
        return 0
    return min(4000, int((_ONE / (dice.editions + 1)) ** 0.7))


def first_publish_year(dice: Dice, this_year: int) -> int | None:
    """Growing from 1950 on, with a long past, gaps and mistakes."""
    chance = dice.dating % 1000
    if chance < 75:
        return None
    if chance < 90:
        mistakes = (0, 1, 1000, 9999, 999, 2999, this_year + 1, this_year + 1, this_year + 2, 1001)
        return mistakes[dice.year % len(mistakes)]
    share = dice.year / _ONE
    if chance < 190:
        return 1949 - int(450 * share**4)
    return LATEST_ORDINARY_YEAR - int(75 * share**1.6)


def has_scan(dice: Dice) -> bool:
    """Whether archive.org has a scan of it."""
    return dice.scan % 20 < 11


def title(seed: int, code: int) -> str:
    """The title alone, for sorting."""
    dice = roll(seed, code >> 1)
    return _title(dice, _story(seed, code >> 1, dice))


def about(seed: int, code: int) -> dict[str, str | None]:
    """What the index knows of a work beside its record: one value or none of each."""
    dice = roll(seed, code >> 1)

    def drawn(values: Sequence[str], chance: int) -> str | None:
        """Twice as many blanks as values."""
        return values[chance // 3 % len(values)] if chance % 3 == 0 else None

    return {
        "language": _story(seed, code >> 1, dice).language,
        "publisher": words.PUBLISHERS[dice.editions % len(words.PUBLISHERS)],
        "person": drawn(words.PEOPLE, dice.cover),
        "place": drawn(words.PLACES, dice.subjects),
        "time": drawn(words.TIMES, dice.collection),
    }


def edition_years(record: Record) -> list[int]:
    """The distinct years of the editions, of which the first one is in the record."""
    first = record["first_publish_year"]
    if first is None:
        return []
    return [first + 3 * later for later in range(min(record["edition_count"], 4) or 1)]


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


class _Story(NamedTuple):
    """What a work shares with its translations, the language it is in, and whether it is a duplicate."""

    dice: Dice
    language: str
    again: bool = False


def _story(seed: int, number: int, dice: Dice) -> _Story:
    """Some works are the translation of the work with the number before theirs."""
    related = dice.translation % 4 == 0
    if related and number % 10 == _TRANSLATION:
        original = _cast(seed, number - 1)
        other = (_LANGUAGES.index(_language(original)) + 1 + dice.language % (len(_LANGUAGES) - 1)) % len(_LANGUAGES)
        return _Story(original, _LANGUAGES[other])
    return _Story(dice, _language(dice), again=related and number % 10 == _DUPLICATE)


def _language(dice: Dice) -> str:
    return "eng" if dice.language % 10 < 6 else _LANGUAGES[dice.language // 10 % len(_LANGUAGES)]


def _title(dice: Dice, story: _Story) -> str:
    chance, language = story.dice.title, story.language
    nouns = _NOUNS[language]
    chance, noun = divmod(chance, len(nouns))
    chance, other = divmod(chance, len(nouns))
    chance, place = divmod(chance, len(words.PLACES))
    volume, shape = divmod(chance, 4)
    plain = words.TITLE_SHAPES[language][shape].format(nouns[noun], nouns[other], words.PLACES[place], volume % 60 + 1)
    if story.again:
        plain = _retitled(plain, language, dice.translation // 8)
    mess, which = divmod(dice.mess, len(words.MESSY_TITLES))
    if mess % 2000 == 0:
        return f"{plain}; or, {'a very long story. ' * 150}"
    return words.MESSY_TITLES[which].replace("{}", plain) if mess % 25 == 1 else plain


def _retitled(title: str, language: str, chance: int) -> str:
    """The title as another catalogue has it; of these, only the last is beyond recognition."""
    articles = words.ARTICLES.get(language, ("",))
    article = next((article for article in articles if title.startswith(article)), "")
    other_article = title.removeprefix(article) if article else articles[0] + title
    other_signs = title.replace(",", " :").replace("'", "\u2019") + " ."
    with_subtitle = title + words.SUBTITLES[chance // 16 % len(words.SUBTITLES)]
    misspelled = title[:-2] + title[-1]
    return (
        *[title] * 4,
        *[title.upper()] * 2,
        *[other_signs] * 2,
        *[other_article] * 3,
        *[people.without_accents(title)] * 2,
        *[with_subtitle] * 2,
        misspelled,
    )[chance % 16]


def _authors(dice: Dice, story: _Story) -> list[dict[str, str]]:
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
    others = [_person(chances.others * (2 * place + 1) * 2_654_435_761 % _ONE) for place in range(1, count)]
    authors = [
        _author(person, dice.spelling + place, second=second and place == 0)
        for place, person in enumerate((author, *others))
    ]
    if crowd % 10 == 3:
        authors[-1] = people.author(author, dice.spelling + 1)
    return authors


def _person(chance: int) -> int:
    """Someone by Zipf's law: a few wrote much, most wrote one book."""
    return int(_HEAD * (people.PEOPLE / _HEAD) ** (chance / _ONE)) - _HEAD


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
