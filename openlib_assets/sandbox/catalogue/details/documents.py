"""What the index holds of a work, as the search gives it: a document, which says nothing of what is not known."""

import fnmatch
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from openlib_assets.sandbox.catalogue import dice, keys, works
from openlib_assets.sandbox.catalogue.details import printings, readers
from openlib_assets.sandbox.catalogue.details.editions import Edition, editions
from openlib_assets.sandbox.catalogue.dice import Dice
from openlib_assets.sandbox.catalogue.works import Record

_OF_THE_RECORD = frozenset(
    (
        *("author_key", "author_name", "cover_edition_key", "cover_i", "ebook_access", "edition_count"),
        *("first_publish_year", "has_fulltext", "key", "subject", "subject_key", "subtitle", "title"),
    )
)
_OF_EDITIONS = frozenset(
    (
        *("edition_key", "format", "isbn", "language", "number_of_pages_median"),
        *("publish_date", "publish_year", "publisher"),
    )
)
FIELDS = _OF_THE_RECORD | _OF_EDITIONS | readers.FIELDS


def chosen_fields(names: Iterable[str]) -> frozenset[str]:
    """The fields that names or patterns such as `ratings_*` mean; whatever else is asked for is no field."""
    return frozenset(field for name in names for field in fnmatch.filter(FIELDS, name))


def search_document(seed: int, record: Record, fields: Collection[str]) -> Record:
    """The document of a work with this record: of the `fields` those that have a value."""
    code = works.code(record["key"])
    rolled = dice.roll(seed, code >> 1)
    known = _of_the_record(record, rolled)
    if "subject_key" in fields:
        known["subject_key"] = sorted({keys.normalize(subject) for subject in record["subject"]})
    if not readers.FIELDS.isdisjoint(fields):
        known |= readers.readers(seed, code >> 1, record["edition_count"])
    if not _OF_EDITIONS.isdisjoint(fields):
        known |= _of_editions(record, editions(seed, code, record, rolled))
    return {name: value for name, value in known.items() if name in fields and value is not None and value != []}


def _of_the_record(record: Record, rolled: Dice) -> Record:
    return {
        "author_key": [author["key"].removeprefix("/authors/") for author in record["authors"]],
        "author_name": [author["name"] for author in record["authors"]],
        "cover_edition_key": record["cover_edition_key"],
        # An index that was told of a deleted cover says -1.
        "cover_i": record["cover_id"] or (-1 if rolled.cover // 4 % 10 == 0 else None),
        "ebook_access": _ebook_access(record),
        "edition_count": record["edition_count"],
        "first_publish_year": record["first_publish_year"],
        "has_fulltext": record["has_fulltext"],
        "key": record["key"],
        "subject": record["subject"],
        "subtitle": printings.SUBTITLES[rolled.mess // 71 % len(printings.SUBTITLES)]
        if rolled.mess % 71 == 0
        else None,
        "title": record["title"],
    }


def _ebook_access(record: Record) -> str:
    if not record["has_fulltext"]:
        return "no_ebook"
    if record["public_scan"]:
        return "public"
    if record["lending_edition"]:
        return "borrowable"
    return "printdisabled" if record["printdisabled"] else "unclassified"


def _of_editions(record: Record, made: Sequence[Edition]) -> dict[str, Any]:
    pages = sorted(edition.pages for edition in made if edition.pages is not None)
    middle = len(pages) // 2
    return {
        "edition_key": [edition.key for edition in made],
        "format": _distinct(edition.format for edition in made),
        # Sorted from behind: an order that means nothing.
        "isbn": sorted({isbn for edition in made for isbn in edition.isbns}, key=lambda isbn: isbn[::-1]),
        "language": _distinct(language for edition in made for language in edition.languages),
        # The median, rounded up.
        "number_of_pages_median": -(-(pages[middle] + pages[~middle]) // 2) if pages else None,
        "publish_date": _distinct(edition.publish_date for edition in made),
        "publish_year": works.edition_years(record),
        "publisher": _distinct(edition.publisher for edition in made),
    }


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value is not None))
