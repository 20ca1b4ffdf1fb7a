"""The editions of a work, made anew each time as the works are: all of them agree with what the record says."""

from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import dice, settled, words, works
from openlib_assets.sandbox.catalogue.details import isbns, printings
from openlib_assets.sandbox.catalogue.dice import Dice
from openlib_assets.sandbox.catalogue.stories import story_of
from openlib_assets.sandbox.catalogue.works import Record, World

_LANGUAGES = tuple(words.NOUNS)
_FIRST_ISBN_YEAR = 1967
_GREATEST_NUMBER = 50_000_000


class Edition(NamedTuple):
    """One edition: what is not known of it is None or empty."""

    place: int
    key: str
    languages: tuple[str, ...]
    publisher: str | None
    publish_date: str | None
    format: str | None
    pages: int | None
    isbns: list[str]
    looks: int  # a chance, for what only the document of an edition says


class _Chances(NamedTuple):
    """What an edition comes from: independent, uniform 32-bit numbers."""

    key: int
    language: int
    publisher: int
    date: int
    format: int
    pages: int
    isbn: int
    mess: int
    looks: int


_PACKED = Struct(f"<{len(_Chances._fields)}I")


def editions(world: World, code: int, record: Record, rolled: Dice) -> list[Edition]:
    """The editions of a work, as many as its record counts; the first is that of its cover.

    Those of a settled catalogue are in the order of their keys, where the first may stand anywhere.
    """
    seed, number = world.seed, code >> 1
    language = story_of(seed, number, rolled).language
    years = works.edition_years(record)
    made = []
    for place in range(works.editions_told(record)):
        chances = _cast(seed, number, place)
        known = _languages(language, chances) if place else works.first_languages(rolled, language)
        year = years[place % len(years)] if years else None
        isbn, group = _number(seed, number, place, chances), known[0] if known else language
        entries = _isbns(isbn, chances.mess, year, group)
        made.append(
            Edition(
                place,
                settled.edition_key(code, place) if world.settled else f"OL{chances.key % _GREATEST_NUMBER + 1}M",
                known,
                _publisher(chances) if place else works.first_publisher(rolled),
                _written(world, year, chances) if place < len(years) or chances.date % 30 else None,
                printings.FORMATS[chances.format // 5 % len(printings.FORMATS)] if chances.format % 5 == 0 else None,
                _pages(rolled, chances.pages),
                isbns.indexed(entries) if world.settled else entries,
                chances.looks,
            )
        )
    if world.settled:
        made.sort(key=lambda edition: edition.key)
    elif made:
        own = f"OL{number}M" if code & 1 else None  # an orphaned edition is its own work
        key = record["cover_edition_key"] or own
        made[0] = made[0]._replace(key=key) if key else made[0]
    return made


def _cast(seed: int, number: int, place: int) -> _Chances:
    digest = blake2b(b"%d/%d/%d" % (seed, number, place), digest_size=_PACKED.size).digest()
    return _Chances._make(_PACKED.unpack(digest))


def _languages(own: str, chances: _Chances) -> tuple[str, ...]:
    """Mostly that of the work; some are translations, some in two languages, and of many nobody says."""
    chance, other = chances.language % 100, _LANGUAGES[chances.language // 100 % len(_LANGUAGES)]
    if chance < 13:
        return ()
    if chance < 80:
        return (own,)
    if chance < 82 and other != own:
        return own, other
    return ("und",) if chance == 82 else (other,)


def _publisher(chances: _Chances) -> str | None:
    chance, which = divmod(chances.publisher, len(words.PUBLISHERS))
    if chance % 20 == 0:
        return None
    spelling = printings.IMPRINTS[chance // 20 % len(printings.IMPRINTS)]
    return spelling.format(words.PUBLISHERS[which])


def _written(world: World, year: int | None, chances: _Chances) -> str | None:
    """The date; in a settled catalogue, where an index had to read it, now and then in an odd way."""
    if not world.settled or chances.looks // 16 % 10:
        return _date(year, chances.date)
    shapes = printings.ODD_UNDATED if year is None else printings.ODD_DATES
    digits = f"{year or 0:04}"
    shape = shapes[chances.date % len(shapes)]
    return shape.format(
        year=digits,
        next=(year or 0) + 1,
        wide=digits.translate(printings.FULL_WIDTH),
        arabic=digits.translate(printings.ARABIC_INDIC),
    )


def _date(year: int | None, chance: int) -> str | None:
    if year is None:
        return printings.UNDATED[chance % len(printings.UNDATED)]
    shape, chance = chance % 100, chance // 100
    month, day = printings.MONTHS[chance % 12], chance // 12 % 28 + 1
    if shape < 40:
        return f"{month} {day}, {year:04}"
    if shape < 54:
        return f"{month[:3]} {day:02}, {year:04}"
    if shape < 76:
        return f"{month} {year:04}"
    if shape < 96:
        return f"{year:04}"
    return (f"{month} {day}th {year:04}", f"[{year:04}]", f"©{year:04}", f"{year:04}?")[shape - 96]


def _pages(rolled: Dice, chance: int) -> int | None:
    """Near those of the other editions; of a third nobody says how many."""
    chance, known = divmod(chance, 100)
    if known >= 65:
        return None
    if chance % 250 == 0:
        return (0, 1, 9999)[chance // 250 % 3]
    length = 40 + rolled.collection % 350 + rolled.scan % 200
    return length + chance % (length // 8)


def _number(seed: int, number: int, place: int, chances: _Chances) -> int:
    """What the ISBN comes from: of some duplicates what that of the other work comes from, and of a set one for all."""
    if place == 0 and chances.isbn % 3 == 0 and dice.is_duplicate(seed, number):
        return _cast(seed, number - 1, 0).isbn
    if chances.isbn % 60 == 1:
        return _cast(seed, number // 10, -1).isbn
    return chances.isbn


def _isbns(number: int, mess: int, year: int | None, language: str) -> list[str]:
    """None of most old editions."""
    mess, chance = divmod(mess, 100)
    without = 40 if year is None else 75 if 1000 < year < _FIRST_ISBN_YEAR else 5
    return [] if chance < without else isbns.isbns(number, mess, language)
