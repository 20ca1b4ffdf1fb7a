"""Editions to order: which one of a work, by what Open Library's search offers in the languages asked for.

The search gives one edition a work, the best of the language that it is asked in, or another one if there is none. All
that is told of an edition is its own: nothing comes from the work or from another edition.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from openlib_assets.openlibrary.records import MalformedRecordError, Record, work_key
from openlib_assets.settings import LANGUAGES

# Of a subject, so many works are to be ordered at most.
WORKS_TO_ORDER = 200
# So many works make a request line of about 2 kB, and one more query of the index each.
WORKS_A_REQUEST = 40
_FIELDS = ("key", "title", "isbn", "language", "publisher", "publish_date")

_EDITION_KEY = re.compile(r"/books/(OL[0-9]+M)")
_ISBN_10 = re.compile(r"[0-9]{9}[0-9X]")
_ISBN_13 = re.compile(r"97[89][0-9]{10}")
_HYPHENS = "\u2212\u00ad"  # besides those that Unicode calls dashes: a minus, and one that shows only at a line's end


@dataclass(frozen=True)
class Edition:
    """An edition of a work, as a shop orders it."""

    edition_key: str
    isbn13: str
    title: str | None
    publisher: str | None
    publish_date: str | None
    language: str


def isbn13(text: str) -> str | None:
    """Return the ISBN-13 of a text that is an ISBN-10 or an ISBN-13, by the rules of `sql/helpers/isbns.sql`."""
    bare = _bare(text)
    # One digit over and over is what people write who have no number; in 13 digits, between prefix and check digit.
    if _ISBN_10.fullmatch(bare) and len(set(bare)) > 1:
        rest = sum(place * int(digit) for place, digit in enumerate(bare[:9], start=1)) % 11
        return _with_check_digit(f"978{bare[:9]}") if bare[9] == "0123456789X"[rest] else None
    is_placeholder = bare.startswith("978") and len(set(bare[3:12])) == 1
    is_right = _ISBN_13.fullmatch(bare) and bare == _with_check_digit(bare[:12])
    return bare if is_right and not is_placeholder else None


def _bare(text: str) -> str:
    """Return a text without blanks and hyphens."""
    return "".join(
        character
        for character in text.upper()
        if not (character.isspace() or character in _HYPHENS or unicodedata.category(character) == "Pd")
    )


def _with_check_digit(digits: str) -> str:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def editions_query(work_keys: Sequence[str], language: str) -> str:
    """Return the query string that asks the search for an edition of each work, by preference in a language."""
    works = " OR ".join(f'"/works/{key}"' for key in work_keys)
    fields = ",".join(["key", "editions", *(f"editions.{name}" for name in _FIELDS)])
    return urlencode({"q": f"key:({works})", "fields": fields, "limit": len(work_keys), "lang": LANGUAGES[language]})


def answered_works(documents: Sequence[Any], work_keys: Sequence[str]) -> dict[str, Record]:
    """Return the documents of an answer by the keys of their works.

    Raises MalformedRecordError for a key that was not asked for, as after a query that was taken for words, or comes
    twice.
    """
    works = {work_key(document): document for document in documents}
    strange = sorted(works.keys() - set(work_keys))
    if strange:
        raise MalformedRecordError(f"{strange[0]} was not asked for")
    if len(works) < len(documents):
        raise MalformedRecordError("a work comes twice")
    return works


def find_editions(
    ask: Callable[[Sequence[str], str], dict[str, Record]], work_keys: Sequence[str], languages: Iterable[str]
) -> dict[str, Edition]:
    """Return the edition to order of each work that has one with an ISBN, in the first language that it has one in.

    `ask` gives the documents of some works, by key, asked for in a language.
    """
    found: dict[str, Edition] = {}
    for language in languages:
        missing = [key for key in work_keys if key not in found]
        for start in range(0, len(missing), WORKS_A_REQUEST):
            for key, document in ask(missing[start : start + WORKS_A_REQUEST], language).items():
                edition = edition_of(document, language)
                if edition:
                    found[key] = edition
    return found


def edition_of(document: Record, language: str) -> Edition | None:
    """Return the edition that a search document offers, if it is in the language and has an ISBN."""
    offered = document.get("editions")
    listed = offered.get("docs") if isinstance(offered, dict) else None
    for edition in listed if isinstance(listed, list) else []:
        if not isinstance(edition, dict):
            continue
        key = edition.get("key")
        match = _EDITION_KEY.fullmatch(key) if isinstance(key, str) else None
        # Of several the smallest, since they come in any order; one of 10 digits only where none has 13.
        isbns = sorted((_bare(text) != isbn, isbn) for text in _texts(edition.get("isbn")) if (isbn := isbn13(text)))
        if match and isbns and language in _texts(edition.get("language")):
            return Edition(
                edition_key=match[1],
                isbn13=isbns[0][1],
                title=_first(edition.get("title")),
                publisher=_first(edition.get("publisher")),
                publish_date=_first(edition.get("publish_date")),
                language=language,
            )
    return None


def _texts(value: object) -> list[str]:
    """Return the texts of a field that is one or a list of them; whatever else is in it says nothing."""
    values = value if isinstance(value, list) else [value]
    return [_shown(text) for text in values if isinstance(text, str) and text.strip()]


def _first(value: object) -> str | None:
    return next(iter(_texts(value)), None)


def _shown(text: str) -> str:
    """Return a text with U+FFFD for each lone surrogate, which no file holds."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
