"""How many keep a work on a shelf or rated it, as the index holds it."""

import math
from collections.abc import Mapping
from hashlib import blake2b
from struct import Struct

from openlib_assets.sandbox.catalogue.dice import ONE
from openlib_assets.sandbox.catalogue.works import World

_CHANCES = Struct("<4I")
_SHELVED_BY_EDITION = 0.036  # chance that one more edition brings a first reader
_NEWER = 0.6  # of the documents have been made anew since there are such counts
_MOST_READERS = 150_000
_STOPPED = 7  # that have read a work, to one who stopped
_RATED = 0.1  # of the works on one shelf; with more shelves, more
_NONE: dict[str, float] = {
    "ratings_average": 0,
    "ratings_count": 0,
    "want_to_read_count": 0,
    "currently_reading_count": 0,
    "already_read_count": 0,
    "readinglog_count": 0,
}
FIELDS = frozenset(_NONE)


def readers(world: World, code: int, edition_count: int) -> dict[str, float]:
    """The counts of ratings and shelves of a work.

    Few works are on any shelf, the more editions the likelier, and some of those on very many. Where nobody reads
    a work, documents of a newer date say zero and older ones say nothing. In a settled catalogue all say zero, nobody
    reads orphaned editions, and who stopped to read counts as one who has the work on a shelf.
    """
    if not world.settled:
        return _readers(world.seed, code >> 1, edition_count)
    found = _NONE if code & 1 else _readers(world.seed, code >> 1, edition_count) or _NONE
    return {**found, "readinglog_count": found["readinglog_count"] + stopped_reading(found)}


def stopped_reading(readers: Mapping[str, float]) -> int:
    """How many stopped to read a work, by the other counts of it."""
    return int(readers["already_read_count"]) // _STOPPED


def _readers(seed: int, number: int, edition_count: int) -> dict[str, float]:
    chances = _CHANCES.unpack(blake2b(b"readers/%d/%d" % (seed, number), digest_size=_CHANCES.size).digest())
    shelved, age, split, rated = (chance / ONE for chance in chances)
    unread = math.exp(-_SHELVED_BY_EDITION * edition_count)
    if shelved < unread:
        return _NONE if age < _NEWER else {}
    popularity = 1 - (shelved - unread) / (1 - unread)
    logged = min(_MOST_READERS, math.ceil(edition_count**0.9 / max(popularity, 1 / ONE) / 1.5))
    already = int(logged * split * 0.4)
    current = int(logged * age * 0.08)
    count = int(logged * 0.2 * rated + 1) if rated > (1 - _RATED) ** math.log2(logged + 1) else 0
    stars = min(5 * count, max(count, round(count * (2.9 + 2 * split))))
    return {
        "ratings_average": stars / count if count else 0,
        "ratings_count": count,
        "want_to_read_count": logged - already - current,
        "currently_reading_count": current,
        "already_read_count": already,
        "readinglog_count": logged,
    }
