"""What the index holds of a work, as the search gives it: a document, which says nothing of what is not known."""

import fnmatch
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from openlib_assets.sandbox.catalogue import dice, keys, works
from openlib_assets.sandbox.catalogue.details import printings, readers
from openlib_assets.sandbox.catalogue.details.editions import Edition, editions
from openlib_assets.sandbox.catalogue.dice import Dice
from openlib_assets.sandbox.catalogue.works import Record, World

_OF_THE_RECORD = frozenset(
    (
        *("author_key", "author_name", "cover_edition_key", "cover_i", "ebook_access", "edition_count"),
        *("first_publish_year", "has_fulltext", "key", "subject", "subtitle", "title"),
    )
)


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value is not None))


def _isbns(editions: Sequence[Edition]) -> list[str]:
    """All of them, sorted from behind: an order that means nothing."""
    return sorted({isbn for edition in editions for isbn in edition.isbns}, key=lambda isbn: isbn[::-1])


def _median_pages(editions: Sequence[Edition]) -> int | None:
    """The median, rounded up; no pages are an unknown number."""
    pages = sorted(edition.pages for edition in editions if edition.pages)
    middle = len(pages) // 2
    return -(-(pages[middle] + pages[~middle]) // 2) if pages else None


_OF_EDITIONS: Mapping[str, Callable[[Sequence[Edition]], Any]] = {
    "edition_key": lambda editions: [edition.key for edition in editions],
    "format": lambda editions: _distinct(edition.format for edition in editions),
    "isbn": _isbns,
    "language": lambda editions: _distinct(language for edition in editions for language in edition.languages),
    "number_of_pages_median": _median_pages,
    "publish_date": lambda editions: _distinct(edition.publish_date for edition in editions),
    "publisher": lambda editions: _distinct(edition.publisher for edition in editions),
}
FIELDS = _OF_THE_RECORD | readers.FIELDS | _OF_EDITIONS.keys() | {"publish_year", "subject_key"}


def chosen_fields(names: Iterable[str], of: Collection[str] = FIELDS) -> frozenset[str]:
    """The fields that names or patterns such as `ratings_*` mean; whatever else is asked for is no field."""
    return frozenset(field for name in names for field in fnmatch.filter(of, name))


def search_document(world: World, record: Record, fields: Collection[str]) -> Record:
    """The document of a work with this record: of the `fields` those that have a value."""
    code = works.code(record["key"])
    rolled = dice.roll(world.seed, code >> 1)
    known = _of_the_record(record, rolled)
    if world.settled:
        known["cover_i"] = record["cover_id"]
        # What the index makes of an edition without a work has no subtitle.
        known["subtitle"] = None if code & 1 else known["subtitle"]
    if "subject_key" in fields:
        known["subject_key"] = sorted({keys.normalize(subject) for subject in record["subject"]})
    if not readers.FIELDS.isdisjoint(fields):
        known |= readers.readers(world, code, works.editions_told(record))
    if "publish_year" in fields:
        known["publish_year"] = works.edition_years(record)
    unions = [(name, union) for name, union in _OF_EDITIONS.items() if name in fields]
    if unions:
        made = editions(world, code, record, rolled)
        known |= {name: union(made) for name, union in unions}
        if world.settled and "isbn" in known:
            known["isbn"] = _distinct(isbn for edition in made for isbn in edition.isbns)
    return {name: value for name, value in known.items() if name in fields and value is not None and value != []}


def _of_the_record(record: Record, rolled: Dice) -> Record:
    return {
        "author_key": [author["key"].removeprefix("/authors/") for author in record["authors"]],
        "author_name": [author["name"] for author in record["authors"]],
        "cover_edition_key": record["cover_edition_key"],
        # An index that was told of a deleted cover says -1.
        "cover_i": record["cover_id"] or (-1 if rolled.cover // 4 % 10 == 0 else None),
        "ebook_access": works.ebook_access(record),
        "edition_count": record["edition_count"],
        "first_publish_year": record["first_publish_year"],
        "has_fulltext": record["has_fulltext"],
        "key": record["key"],
        "subject": record["subject"],
        "subtitle": _subtitle(rolled.mess),
        "title": record["title"],
    }


def _subtitle(mess: int) -> str | None:
    """Of one work in seventy."""
    return printings.SUBTITLES[mess // 71 % len(printings.SUBTITLES)] if mess % 71 == 0 else None
