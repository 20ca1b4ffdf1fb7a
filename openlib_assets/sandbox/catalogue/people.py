"""The people who write the generated works: who has which number, and how a name is spelled on a work.

A person is a rank: the lower, the more they wrote. Everyone has an author number; a few go by a second one as well,
as in Open Library, where an import that does not recognise an author makes another.
"""

import unicodedata
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import words

PEOPLE = 6_000_000
_AUTHOR_NUMBERS = 12_999_997  # a prime over twice the people: their numbers, first and second, do not meet
_STEP = 6_700_417
_BACK = pow(_STEP, -1, _AUTHOR_NUMBERS)
_ONE = 2**32
_FIRST_NAMES = words.FIRST_NAMES.split()
_LAST_NAMES = (
    *(stem + ending for stem in words.LAST_NAME_STEMS.split() for ending in words.LAST_NAME_ENDINGS.split()),
    *words.AWKWARD_LAST_NAMES * 8,
)
_INITIALS = "ABCDEFGHIJKLMNOPRSTVWZ"
_SCRIPTS = tuple(
    (first.split(), [stem + ending for stem in stems.split() for ending in endings.split()], between)
    for first, stems, endings, between in words.SCRIPTS
)
_WITH_SECOND_NUMBER = 33  # one person in so many uses it now and then, whatever the work


class _Name(NamedTuple):
    first: str
    last: str
    between: str = " "

    def __str__(self) -> str:
        return f"{self.first}{self.between}{self.last}"


def author_number(person: int, *, second: bool = False) -> int:
    """The number of a person, or their second one."""
    return (person + second * PEOPLE) * _STEP % _AUTHOR_NUMBERS + 1


def person(author_number: int) -> int:
    """The person who has this number, as their first or their second.

    >>> person(author_number(5)), person(author_number(5, second=True))
    (5, 5)
    """
    return (author_number - 1) * _BACK % _AUTHOR_NUMBERS % PEOPLE


def has_second_number(person: int) -> bool:
    """Whether a person uses the second number on some works of no special kind."""
    return person % _WITH_SECOND_NUMBER == 7


def author(person: int, spelling: int, *, second: bool = False) -> dict[str, str]:
    """A person as the author of a work, under the first or the second number; `spelling` is a die of the work."""
    key = f"/authors/OL{author_number(person, second=second)}A"
    return {"key": key, "name": _spelled(person, spelling, second=second)}


def name(number: int) -> str:
    """The name of whoever has an author number, where it is spelled alike on all works."""
    rank = (number - 1) * _BACK % _AUTHOR_NUMBERS
    return _spelled(rank % PEOPLE, number * 2_654_435_761 >> 8, second=rank >= PEOPLE)


def without_accents(text: str) -> str:
    """A text as it is written where accents cannot be typed.

    >>> without_accents("Zoë")
    'Zoe'
    """
    return "".join(mark for mark in unicodedata.normalize("NFD", text) if not unicodedata.combining(mark))


def _spelled(person: int, spelling: int, *, second: bool) -> str:
    number = author_number(person)
    mixed, quirk = divmod(number * 2_654_435_761 % _ONE, 400)
    if quirk == 0:
        return ("", "  ", "\u3000", "\u00a0\t")[spelling % 4]
    name = _name(mixed, quirk)
    if second:
        return _respelled(name, number)
    plain = str(name)
    if quirk < 60:
        return plain if quirk < 50 else (plain, plain + " ")[spelling % 2]
    if quirk < 110:
        inverted = f"{name.last}, {name.first}"
        return (plain, plain, plain, inverted, inverted, plain + " ", plain.upper(), "", "  ")[spelling % 9]
    if quirk < 116:
        return _with_years(name, number)
    return plain


def _name(mixed: int, quirk: int) -> _Name:
    if quirk == 1:
        return _Name("", words.SHARED_NAMES[mixed % len(words.SHARED_NAMES)], "")
    if quirk < 60:
        first_names, last_names, between = _SCRIPTS[quirk % len(_SCRIPTS)]
        mixed, first = divmod(mixed, len(first_names))
        return _Name(first_names[first], last_names[mixed % len(last_names)], between)
    mixed, first = divmod(mixed, len(_FIRST_NAMES))
    mixed, last = divmod(mixed, len(_LAST_NAMES))
    # Every other person has a middle initial.
    initial = f" {_INITIALS[mixed // 2 % len(_INITIALS)]}." if mixed % 2 else ""
    return _Name(_FIRST_NAMES[first] + initial, _LAST_NAMES[last])


def _with_years(name: _Name, number: int) -> str:
    born = 1800 + number % 150
    return f"{name.last}, {name.first}, {born}-{born + 40 + number % 47}"


def _respelled(name: _Name, number: int) -> str:
    """How the second number spells the name: most ways can be recognised, the last two not."""
    plain = str(name)
    if not name.between:
        return plain
    return (
        plain,
        plain,
        f"{name.last}, {name.first}",
        _with_years(name, number),
        plain.upper(),
        without_accents(plain),
        plain.replace(".", ""),
        plain.replace(".", ". "),
        f"{name.first[0]}. {name.last}",
        name.last,
    )[number // 7 % 10]
