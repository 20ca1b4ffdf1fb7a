"""The dice of a work: the chances that all that is generated of it comes from.

Some works have to do with the work of the number before theirs, by the last digit of the number: 5 can be its
translation, 7 the same book again (a duplicate), 9 its sequel or next volume.
"""

import struct
from hashlib import blake2b
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import words

ONE = 2**32  # a die shows 0..ONE-1
# Last digits of works that can have to do with the work before.
TRANSLATION, DUPLICATE, SEQUEL = 5, 7, 9
_VOLUME = 3  # the title shape with a number of a volume
_NOUNS = len(words.NOUNS["eng"].split())


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
    dice = cast(seed, number)
    if dice.translation % 4 == 0:
        if number % 10 == DUPLICATE:
            return _again(dice, cast(seed, number - 1))
        if number % 10 == SEQUEL:
            return _continued(dice, cast(seed, number - 1))
    return dice


def is_duplicate(seed: int, number: int) -> bool:
    """Whether a work is the same book as the work of the number before."""
    return number % 10 == DUPLICATE and cast(seed, number).translation % 4 == 0


def cast(seed: int, number: int) -> Dice:
    """The dice of a work as if it had nothing to do with another."""
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
        year = min(year + dice.year // 16, ONE - 1)
    same = {name: getattr(original, name) for name in ("title", "language", "crowd", "author", "others")}
    return dice._replace(year=year, dating=dating, **same)


def _continued(dice: Dice, original: Dice) -> Dice:
    """The same authors and language, and nearly the title: the next volume, or `X and Y` after `X`."""
    next_shape = _NOUNS * _NOUNS * len(words.PLACES)
    shape = original.title // next_shape % 4
    title = (original.title + next_shape * (4 if shape == _VOLUME else 1)) % ONE
    same = {name: getattr(original, name) for name in ("language", "crowd", "author", "others")}
    return dice._replace(title=title, **same)
