"""What is read of a subject: the works that the Subjects API lists, or the documents that the search has of them.

Both come in pages in the order of work keys, and are checked, staged and proven in the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from openlib_assets.openlibrary.subject_keys import subject_query

# Always named: without them Open Library chooses, and has changed its choice. A misspelt one is silently absent.
DOCUMENT_FIELDS = (
    "key",
    "subtitle",
    "language",
    "publisher",
    "number_of_pages_median",
    "format",
    "ratings_average",
    "ratings_count",
    "want_to_read_count",
    "currently_reading_count",
    "already_read_count",
    "ebook_access",
    "cover_i",
    "isbn",
)


@dataclass(frozen=True)
class Listing:
    """A list of a subject's works that Open Library gives in pages.

    `name` is what a snapshot says that it came from, and `noun` what people call what it lists. `address` gives the
    path of a subject's list and what is always asked for there; in an answer, `count_name` is how many there are in
    all, and `items_name` holds those of the page.
    """

    name: str
    noun: str
    address: Callable[[str], tuple[str, Mapping[str, str]]]
    count_name: str
    items_name: str

    def url(self, api_url: str, key: str, **query: str | int) -> str:
        """Return the address of a subject's list, of a page of it where `query` says so."""
        path, always = self.address(key)
        asked = urlencode({**always, **query})
        return f"{api_url}{path}?{asked}" if asked else f"{api_url}{path}"


def _of_subject(key: str) -> tuple[str, Mapping[str, str]]:
    return f"/subjects/{quote(key, safe=':')}.json", {}


def _of_search(key: str) -> tuple[str, Mapping[str, str]]:
    return "/search.json", {"q": subject_query(key), "fields": ",".join(DOCUMENT_FIELDS)}


WORKS = Listing("subjects_api", "works", _of_subject, "work_count", "works")
DETAILS = Listing("search", "details", _of_search, "numFound", "docs")
