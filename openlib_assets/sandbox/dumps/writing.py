"""The dumps of a settled catalogue: all works of all its subjects, with all that belongs to them, in six files."""

import random
from collections.abc import Mapping
from datetime import date
from math import ceil
from pathlib import Path

from openlib_assets.sandbox.catalogue import works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.dumps import activity, gone, lines, mess, records
from openlib_assets.sandbox.dumps.activity import Row
from openlib_assets.sandbox.dumps.lines import FILES, BadLine, Line, record_line

_NULL, _OLDER_NULL = r"\N", ""


def write_dumps(
    catalogue: Catalogue,
    folder: Path,
    day: date,
    *,
    mess: float = 0.0,
    older: bool = False,
    merged: Mapping[str, str] | None = None,
) -> list[BadLine]:
    """Write the six files of the dump of a day, and return which of their lines are bad.

    Of each file, `mess` is the share of lines to add that a reader has to reject, of every kind; such files end without
    a line end. `older` leaves a null of ratings and shelves empty, as before May 2026. `merged` are works that are
    gone, by key, and what they were merged into; a redirect tells of each. All lines are held in memory, about a
    kilobyte for each edition.

    Raises `ValueError` if the catalogue is not settled, or lists a work that is said to be gone.
    """
    if not catalogue.world.settled:
        raise ValueError("only a settled catalogue has dumps that tell what its API tells")
    found = _lines(catalogue, day, dict(merged or {}), _OLDER_NULL if older else _NULL)
    folder.mkdir(parents=True, exist_ok=True)
    bad: list[BadLine] = []
    for file in FILES:
        strewn = lines.strewn(file, [*found[file], *_bad_lines(file, mess, len(found[file]))], day)
        lines.write(lines.path(folder, file, day), strewn, ends=not mess)
        bad += lines.rejected(file, strewn)
    return bad


def _bad_lines(file: str, share: float, good: int) -> list[Line]:
    return mess.bad_lines(file, ceil(share * good)) if share else []


def _lines(catalogue: Catalogue, day: date, merged: dict[str, str], null: str) -> dict[str, list[Line]]:
    seed, codes = catalogue.world.seed, catalogue.all_codes()
    keys = [works.key(code) for code in codes if not code & 1]
    if listed := merged.keys() & set(keys):
        raise ValueError(f"{min(listed)} is not gone")
    names: dict[str, str] = {}
    these = gone.gone(len(keys))
    found: dict[str, list[Line]] = {file: [] for file in FILES}
    ratings, shelves = activity.of_gone(these.works[::5], day), []
    for code in codes:
        key, told = works.key(code), records.Told.of(catalogue, code)
        names |= {author["key"]: author["name"] for author in told.record["authors"]}
        chance = random.Random(f"{seed}/{key}")
        if not told.is_orphan:
            fields = records.work(told, these.authors, chance)
            found["works"].append(record_line("work", key, fields, chance, day))
        edition_keys = [f"/books/{edition.key}" for edition, _ in told.editions]
        for place, edition_key in enumerate(edition_keys):
            fields = records.edition(told, place, these.authors if told.is_orphan else these.works, chance)
            found["editions"].append(record_line("edition", edition_key, fields, chance, day))
        ratings += activity.ratings(key, edition_keys, told.document, day, seed)
        shelves += activity.shelves(key, edition_keys, told.document, day, seed)
    found["editions"] += gone.editions(these, seed, day)
    found["authors"] = [_author(key, name, seed, day) for key, name in names.items()]
    moved = gone.locations(these.works, keys, seed) | gone.locations(these.authors, list(names), seed) | merged
    found["redirects"] = list(gone.redirects(moved, seed, day))
    found["ratings"] = _activity(activity.flooded(ratings, day, seed), null)
    found["reading-log"] = _activity(shelves, null)
    return found


def _author(key: str, name: str, seed: int, day: date) -> Line:
    chance = random.Random(f"{seed}/{key}")
    return record_line("author", key, records.author(name, chance), chance, day)


def _activity(rows: list[Row], null: str) -> list[Line]:
    return [row.line(null) for row in rows]
