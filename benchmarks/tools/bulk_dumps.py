"""Dumps of millions of works within minutes, as large and as skewed as those of Open Library.

Their lines are those of some thousand works of a sandbox, in which keys, numbers in titles and subjects, years, authors
and ISBNs vary. No API serves them. A larger dump holds the works, editions and authors of a smaller one.

`python -m benchmarks.tools.bulk_dumps FOLDER DATE WORKS` writes one.
"""

import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from benchmarks.tools.bulk_lines import Templates, check_digits, templates
from openlib_assets.sandbox.dumps.lines import path

MOST_WORKS = _NUMBERS = 46_000_000
_STEP = 28_657_993  # has no factor in common with the number of numbers, so that no two works have one key
_AUTHOR_NUMBERS, _AUTHOR_STEP = 18_000_000, 11_184_811
_AUTHORS = 0.37  # to each work
_MASK = 2**64 - 1
_ONE = 2**20
_GZIP = 31
# How tightly a file is packed, so that a line takes about as many bytes as one of Open Library's.
_LEVELS = {"editions": 1}
_USUAL_LEVEL = 6
_LINES = 2000  # packed at once

# In how many of a hundred thousand.
_NO_EDITION, _SECOND_EDITION, _NEXT_EDITION, _ORPHAN = 3_000, 19_500, 43_000, 4_600
_MOST_EDITIONS = 40  # of a work
_SHELVED, _RATED, _FLOODED = 8_000, 1_690, 20_000
_REDIRECTS = 0.043  # to each work
_DAYS = 2500
_MERGED, _RETITLED = 1009, 197  # one in so many each month
_SHELVES = (*[b"Want to Read"] * 7, b"Currently Reading", *[b"Already Read"] * 3, b"Stopped Reading")
_STARS = (*b"1234555544",)


class _Bulk(NamedTuple):
    """What the lines of all files come from."""

    forms: Templates
    works: int
    day: date
    month: int

    def is_merged(self, work: int) -> bool:
        """Whether a work is gone by this month: one in a thousand each month."""
        return work % _MERGED < self.month

    def is_retitled(self, work: int) -> bool:
        """Whether a work has another title by this month: one in two hundred each month."""
        return work % _RETITLED < self.month

    def author(self, chance: int) -> int:
        """The number of an author: a few wrote much."""
        rank = int(self.works * _AUTHORS * (chance % _ONE / _ONE) ** 2)
        return rank * _AUTHOR_STEP % _AUTHOR_NUMBERS + 1

    def days(self) -> list[bytes]:
        """The days until the dump, the latest first."""
        return [f"{self.day - timedelta(before)}".encode() for before in range(_DAYS)]


def write_bulk_dumps(folder: Path, day: date, works: int, *, seed: int = 1, month: int = 0, processes: int = 2) -> None:
    """Write the six files of a dump of so many works into a folder, in so many processes.

    Each `month` after the first some more works were merged into others, to which redirects lead, and some have other
    titles.
    """
    if not 0 < works <= MOST_WORKS:
        raise ValueError(f"{works} works, but it must be from 1 to {MOST_WORKS}")
    folder.mkdir(parents=True, exist_ok=True)
    bulk = _Bulk(templates(seed, day), works, day, month)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        written = [pool.submit(_write, path(folder, file, day), file, bulk) for file in _FILES]
        for task in written:
            task.result()


def _write(target: Path, file: str, bulk: _Bulk) -> None:
    lines, packing = _FILES[file](bulk), zlib.compressobj(_LEVELS.get(file, _USUAL_LEVEL), wbits=_GZIP)
    with target.open("wb") as out:
        while chunk := b"".join(islice(lines, _LINES)):
            out.write(packing.compress(chunk))
        out.write(packing.flush())


def _mixed(number: int) -> int:
    """64 bits that have nothing to do with those of another number."""
    number = number * 0x9E3779B97F4A7C15 & _MASK
    number = (number ^ number >> 32) * 0xD6E8FEB86659FD93 & _MASK
    return number ^ number >> 32


def _number(work: int) -> int:
    return work * _STEP % _NUMBERS + 1


def _shuffled(works: int) -> Iterator[int]:
    """All works in another order than that of their keys and their file."""
    step = next(step for step in range(works * 5 // 8 | 1, 2 * works + 2) if _coprime(step, works))
    return (place * step % works for place in range(works))


def _coprime(one: int, other: int) -> bool:
    while other:
        one, other = other, one % other
    return one == 1


def _works(bulk: _Bulk) -> Iterator[bytes]:
    topics, lines = max(2, bulk.works // 6), bulk.forms.works
    for work in range(bulk.works):
        if bulk.is_merged(work):
            continue
        chance = _mixed(work)
        topic = chance >> 40
        yield lines[chance % len(lines)] % {
            b"k": _number(work),
            b"n": work + bulk.works * bulk.is_retitled(work),
            b"a": bulk.author(chance >> 12),
            b"b": bulk.author(chance >> 30),
            b"s": int(topics ** (topic % 4096 / 4096)),
            b"t": int(topics ** (topic // 4096 / 4096)),
        }


def _editions(bulk: _Bulk) -> Iterator[bytes]:
    """First those that are the first of their works, then the others, so that those of a work lie far apart."""
    endings = check_digits()
    remaining: Iterable[int] = _shuffled(bulk.works)
    for place in range(_MOST_EDITIONS):
        more, following = _NEXT_EDITION if place else _SECOND_EDITION, []
        for work in remaining:
            chance = _mixed(work + (place + 1 << 40))
            share = chance % 100_000
            if place == 0 and share >= 100_000 - _ORPHAN:
                yield _edition(
                    bulk, bulk.forms.orphans, work, place=_MOST_EDITIONS, chance=~chance & _MASK, endings=endings
                )
            if place == 0 and share < _NO_EDITION:
                continue
            yield _edition(bulk, bulk.forms.editions, work, place=place, chance=chance, endings=endings)
            if (chance >> 20) % 100_000 < more:
                following.append(work)
        remaining = following


def _edition(
    bulk: _Bulk, lines: Sequence[bytes], work: int, *, place: int, chance: int, endings: Sequence[Sequence[int]]
) -> bytes:
    number, digits = _number(work), (chance >> 24) % 10**9
    start, end = divmod(digits, 10_000)
    thirteen = (endings[0][start] + endings[1][end]) % 10
    ten = (endings[2][start] + endings[3][end]) % 11
    return lines[chance % len(lines)] % {
        b"k": number + _NUMBERS * place,
        b"w": number,
        b"n": work,
        b"a": bulk.author(_mixed(work) >> 12),
        b"y": 2025 - int(130 * ((chance >> 44) % 4096 / 4096) ** 2.5),
        b"i": b"978%09d%d" % (digits, -thirteen % 10),
        b"j": b"%09d%s" % (digits, b"0123456789X"[-ten % 11 :][:1]),
    }


def _authors(bulk: _Bulk) -> Iterator[bytes]:
    lines = bulk.forms.authors
    for rank in range(int(bulk.works * _AUTHORS) + 1):
        chance = _mixed(rank)
        number = rank * _AUTHOR_STEP % _AUTHOR_NUMBERS + 1
        yield lines[chance % len(lines)] % {b"k": number, b"n": rank, b"y": 1800 + chance % 190}


def _redirects(bulk: _Bulk) -> Iterator[bytes]:
    lines = bulk.forms.redirects
    for work in filter(bulk.is_merged, range(bulk.works)):
        yield lines[work % len(lines)] % {b"k": _number(work), b"w": _number((work + _MERGED // 2) % bulk.works)}
    for place in range(int(bulk.works * _REDIRECTS)):
        chance = _mixed(place)
        location = _number(chance % bulk.works) if chance >> 20 & 15 else _NUMBERS + place
        yield lines[chance % len(lines)] % {b"k": _NUMBERS + place + 1, b"w": location}


def _ratings(bulk: _Bulk) -> Iterator[bytes]:
    """One in five is of the latest days, and has four stars."""
    days = bulk.days()
    for work, chance in _read(bulk.works, _RATED, salt=1):
        for reader in range(int(((chance >> 20) % _ONE / _ONE + 1e-7) ** -0.4)):
            drawn = _mixed(chance + reader)
            flooded = drawn % 100_000 < _FLOODED
            stars = ord("4") if flooded else _STARS[(drawn >> 20) % len(_STARS)]
            on = days[(drawn >> 30) % (3 if flooded else _DAYS)]
            yield b"/works/OL%dW\t%s\t%c\t%s\n" % (_number(work), _of_edition(work, drawn), stars, on)


def _reading_log(bulk: _Bulk) -> Iterator[bytes]:
    days = bulk.days()
    for work, chance in _read(bulk.works, _SHELVED, salt=2):
        for reader in range(int(((chance >> 20) % _ONE / _ONE + 1e-6) ** -0.75)):
            drawn = _mixed(chance + reader)
            shelf = _SHELVES[(drawn >> 20) % len(_SHELVES)]
            on = days[(drawn >> 30) % _DAYS]
            yield b"/works/OL%dW\t%s\t%s\t%s\n" % (_number(work), _of_edition(work, drawn), shelf, on)


def _read(works: int, share: int, *, salt: int) -> Iterator[tuple[int, int]]:
    """The works that so many in a hundred thousand are, with a chance each."""
    drawn = ((work, _mixed(work + (salt << 50))) for work in _shuffled(works))
    return ((work, chance) for work, chance in drawn if chance % 100_000 < share)


def _of_edition(work: int, chance: int) -> bytes:
    return rb"\N" if chance >> 50 & 3 == 0 else b"/books/OL%dM" % _number(work)


# The largest first, since each is written by one process.
_FILES = {
    "editions": _editions,
    "works": _works,
    "authors": _authors,
    "reading-log": _reading_log,
    "redirects": _redirects,
    "ratings": _ratings,
}


def main(arguments: Iterable[str]) -> None:
    """Write a dump."""
    folder, day, works = arguments
    write_bulk_dumps(Path(folder), date.fromisoformat(day), int(works))


if __name__ == "__main__":
    main(sys.argv[1:])
