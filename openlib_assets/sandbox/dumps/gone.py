"""What was merged or deleted: redirects of every shape, and records that still point at what is gone.

Their keys have greater numbers than any work and any author of a catalogue.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from openlib_assets.sandbox.catalogue.settled import AUTHORS_END, WORKS_END
from openlib_assets.sandbox.dumps import prose
from openlib_assets.sandbox.dumps.lines import Line, record_line

_SHARE = 30  # so many that are there to one that is gone
_ROUND = 8  # shapes of redirects
_FEWEST = 2 * _ROUND
_EDITIONS_START = 60_000_000  # between orphaned editions and those of works


class Gone(NamedTuple):
    """Keys of works and authors that are no more; some of them lead on."""

    works: Sequence[str]
    authors: Sequence[str]


def gone(works: int) -> Gone:
    """The keys of what is gone beside so many works."""
    places = range(max(_FEWEST, works // _SHARE))
    return Gone(
        [f"/works/OL{WORKS_END + place}W" for place in places],
        [f"/authors/OL{AUTHORS_END + place}A" for place in places],
    )


def redirects(locations: Mapping[str, str], seed: int, day: date) -> Iterator[Line]:
    """The redirects of keys to their locations, and of what is neither a work nor an author."""
    others = {f"/books/OL{_EDITIONS_START - 1}M": "/books/OL1M", "/subjects/Love": "/subjects/love"}
    for key, location in {**locations, **others}.items():
        yield record_line("redirect", key, {"location": location}, random.Random(f"{seed}/{key}"), day)


def locations(these: Sequence[str], live: Sequence[str], seed: int) -> dict[str, str]:
    """Where those that are gone lead: to what is there, in one hop or many, in a circle, or to nothing."""
    return dict(_pairs(these, live, random.Random(f"redirects/{seed}")))


def _pairs(these: Sequence[str], live: Sequence[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    for place, key in enumerate(these):
        shape = place % _ROUND
        missing = f"{key[:-1]}0{key[-1]}"
        found = chance.choice(live) if live else missing
        if shape == 0:
            yield key, these[place - _ROUND + 2] if place else found
        elif shape in (1, 2):
            yield key, these[place - 1]
        elif shape == 3:
            yield key, missing
        elif shape == 4:
            yield key, these[min(place + 1, len(these) - 1)]
        elif shape == 5:
            yield key, these[place - 1]
        elif shape == 6:
            yield key, found


def editions(these: Gone, seed: int, day: date) -> Iterator[Line]:
    """Editions that belong to works that are gone, and to no other."""
    for place, key in enumerate(these.works):
        chance = random.Random(f"gone/{seed}/{place}")
        fields = prose.of_edition(chance) | {"title": prose.prose(chance, 4), "works": [{"key": key}]}
        fields |= {"publish_date": str(prose.born(chance)), "publishers": ["Nobody & Sons"]}
        yield record_line("edition", f"/books/OL{_EDITIONS_START + place}M", fields, chance, day)
