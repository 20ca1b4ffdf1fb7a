"""Ratings and reading logs: a row for each reader that the index counts."""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from openlib_assets.sandbox.catalogue.details.readers import stopped_reading
from openlib_assets.sandbox.dumps.lines import Line, settled_day

_DAYS = 2500
_FOUR = 4
# Days with a flood of ratings: so many fours and others. Only of the first is more than half of a hundred fours.
_FLOODS = ((54, 50), (51, 48), (50, 50))
_SHELVES = {
    "want_to_read_count": "Want to Read",
    "currently_reading_count": "Currently Reading",
    "already_read_count": "Already Read",
}
_WITHOUT_EDITION = 0.32


class Row(NamedTuple):
    """Somebody rated a work, or keeps it on a shelf."""

    work_key: str
    edition_key: str | None
    value: str
    day: date

    def line(self, null: str) -> Line:
        """The row, where `null` stands for no edition."""
        edition_key = null if self.edition_key is None else self.edition_key
        return Line(f"{self.work_key}\t{edition_key}\t{self.value}\t{self.day}".encode())


def ratings(work_key: str, editions: Sequence[str], readers: Mapping[str, float], day: date, seed: int) -> list[Row]:
    """The ratings of a work, whose sum is what the average says."""
    count = int(readers["ratings_count"])
    if not count:
        return []
    chance = random.Random(f"ratings/{seed}/{work_key}")
    least, more = divmod(round(readers["ratings_average"] * count), count)
    stars = [least + 1] * more + [least] * (count - more)
    for one, other in zip(range(0, count - 1, 3), range(1, count, 3), strict=False):
        if stars[one] < 5 and stars[other] > 1:
            stars[one], stars[other] = stars[one] + 1, stars[other] - 1
    return [Row(work_key, _edition(editions, chance), str(value), _day(day, chance)) for value in stars]


def shelves(work_key: str, editions: Sequence[str], readers: Mapping[str, float], day: date, seed: int) -> list[Row]:
    """Who has a work on which shelf."""
    counts = {shelf: int(readers[field]) for field, shelf in _SHELVES.items()}
    counts["Stopped Reading"] = stopped_reading(readers)
    chance = random.Random(f"shelves/{seed}/{work_key}")
    return [
        Row(work_key, _edition(editions, chance), shelf, _day(day, chance))
        for shelf, count in counts.items()
        for _ in range(count)
    ]


def flooded(rows: Sequence[Row], day: date, seed: int) -> list[Row]:
    """The ratings, of which many are of few days if there are enough."""
    chance = random.Random(f"floods/{seed}")
    rows = list(rows)
    fours = [place for place, row in enumerate(rows) if row.value == str(_FOUR)]
    others = [place for place, row in enumerate(rows) if row.value != str(_FOUR)]
    chance.shuffle(fours)
    chance.shuffle(others)
    for after, (four, other) in enumerate(_FLOODS, 1):
        if len(fours) < four or len(others) < other:
            break
        for place in (*_taken(fours, four), *_taken(others, other)):
            rows[place] = rows[place]._replace(day=_quiet_end(day) + timedelta(after))
    return rows


def of_gone(works: Iterable[str], day: date) -> list[Row]:
    """Ratings of works that are gone, of the day after the dump, as it happens around midnight."""
    return [Row(key, None, "5", day + timedelta(1)) for key in works]


def _taken(places: list[int], count: int) -> list[int]:
    taken = places[-count:]
    del places[-count:]
    return taken


def _quiet_end(day: date) -> date:
    """The last of the days that have no flood."""
    return settled_day(day) - timedelta(len(_FLOODS) + 10)


def _day(day: date, chance: random.Random) -> date:
    return _quiet_end(day) - timedelta(int(_DAYS * chance.random()))


def _edition(editions: Sequence[str], chance: random.Random) -> str | None:
    return chance.choice(editions) if editions and chance.random() >= _WITHOUT_EDITION else None
