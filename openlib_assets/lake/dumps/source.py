"""A dump as the source of subjects: the works, details and editions that Open Library's API had on its day.

What a dump does not tell, the API's records have no value for: whether there is a scan, and who may read it.
"""

import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from openlib_assets.lake.dumps.lakes import lake_date
from openlib_assets.lake.dumps.lookup import editions_of_works, editions_version, works_of_subject
from openlib_assets.openlibrary.answers.checked import page_of
from openlib_assets.openlibrary.client import Traffic
from openlib_assets.openlibrary.editions import Edition
from openlib_assets.openlibrary.enumeration import Enumeration, Listener, Progress, Proof
from openlib_assets.openlibrary.errors import InterruptedFetchError, SubjectNotFoundError
from openlib_assets.openlibrary.listings import DETAILS, WORKS, Listing
from openlib_assets.openlibrary.reading.staged_pages import Staging, slices_of
from openlib_assets.openlibrary.records import parse_json
from openlib_assets.settings import dump_wanted, is_dump
from openlib_assets.storage import Storage

_ROWS_A_PAGE = 10_000
# Forms of books that a store of printed ones does not order.
# Also words of library catalogues for what is in an envelope with a book's record, such as `sound recording`.
_NOT_PRINTED = re.compile(
    r"audio|recording|spoken|talking book|\bcds?\b|cd-rom|\blp\b|vinyl|cassette|mp3|\bdvd|\bvhs\b|video|diskette"
    r"|micro(form|fiche|film)|e-?book|electronic|kindle|digital",
    re.IGNORECASE,
)
# A book with something beside it, or printed on demand.
_PRINTED = re.compile(r"paperback|hard ?(cover|back|bound)|softcover|board book", re.IGNORECASE)
_COLUMNS: dict[str, Literal["payload", "document"]] = {WORKS.name: "payload", DETAILS.name: "document"}


def dump_of(source: str) -> str | None:
    """Return the date of the dump that the tables of a subject name as their source; None where it is the API."""
    return (dump_wanted(source) or "").partition("/")[0] if is_dump(source) else None


class Dump:
    """A listing of a dump's works, read from its lake."""

    max_in_flight = 3

    def __init__(self, storage: Storage, source: str, listing: Listing) -> None:
        self._storage = storage
        self._date = lake_date(storage, dump_wanted(source))
        self._listing = listing
        self.name = f"dump of {self._date}"
        self.stop = threading.Event()

    def url(self, subject: str) -> str:
        """Return what the tables of a subject name as their source."""
        return f"dump:{self._date}/{self._listing.noun}/{subject}"

    def enumerate(self, subject: str, staging: Staging, listener: Listener | None) -> tuple[Enumeration, Traffic]:
        """Read every work of a subject into the staging. Raises SubjectNotFoundError."""
        pages = []
        keys: list[str] = []
        count = 0
        column = _COLUMNS[self._listing.name]
        for batch in works_of_subject(self._storage, self._date, subject, column, _ROWS_A_PAGE):
            if self.stop.is_set():
                raise InterruptedFetchError("interrupted")
            count = batch.column("works")[0].as_py()
            records = [parse_json(text.as_buffer().to_pybytes()) for text in batch.column(column)]
            page = staging.add(page_of(records, offset=len(keys), work_count=count), _ROWS_A_PAGE)
            pages.append(page)
            keys += page.keys
            if listener:
                due = -(-count // _ROWS_A_PAGE)
                listener(Progress(subject, self._listing.noun, len(pages), due, len(keys), count))
        if not pages:
            raise SubjectNotFoundError(
                f"the dump of {self._date} has no works under {subject!r}; find subjects: openlib dump subjects TEXT"
            )
        proof = Proof(f"the dump of {self._date}", datetime.fromisoformat(self._date).replace(tzinfo=UTC), 0.0, 0)
        return Enumeration(count, slices_of(keys, pages), len(pages), proof), Traffic()


class DumpEditions:
    """The editions of a dump: of each work all there are."""

    max_in_flight = 3

    def __init__(self, storage: Storage, source: str) -> None:
        self._storage = storage
        self._date = lake_date(storage, dump_wanted(source))
        self.stop = threading.Event()

    @cached_property
    def version(self) -> str:
        """That of the dump's editions."""
        return editions_version(self._storage, self._date)

    def find(self, work_keys: Sequence[str], languages: Sequence[str]) -> tuple[dict[str, Edition], Traffic]:
        """Return an edition of each work that has one: the newest printed one in the first language there is one in."""
        found: dict[str, tuple[Any, Edition]] = {}
        for row in editions_of_works(self._storage, self._date, work_keys):
            edition, preference = _to_order(row, languages, latest=int(self._date[:4]) + 1)
            work = str(row["work_key"])
            if edition and (work not in found or preference < found[work][0]):
                found[work] = preference, edition
        return {work: edition for work, (_, edition) in found.items()}, Traffic()


def _to_order(
    row: dict[str, Any], languages: Sequence[str], *, latest: int
) -> tuple[Edition | None, tuple[int, bool, int]]:
    """Return an edition if it is in one of the languages, and what to choose it by: the least of all is the best.

    A year after the `latest` that can be is none.
    """
    language = next((language for language in languages if language in row["languages"]), None)
    if language is None:
        return None, (0, False, 0)
    edition = Edition(
        edition_key=row["edition_key"],
        isbn13=row["isbn13"][0],
        title=row["title"],
        publisher=row["publishers"][0] if row["publishers"] else None,
        publish_date=row["publish_date"],
        language=language,
    )
    form = row["format"] or ""
    is_printed = bool(_PRINTED.search(form)) or not _NOT_PRINTED.search(form)
    year = row["publish_year"] or 0
    return edition, (languages.index(language), not is_printed, -year if year <= latest else 0)
