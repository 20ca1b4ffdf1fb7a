"""How many requests a run of a subject takes when nothing goes wrong."""

from openlib_assets.openlibrary.enumeration import requests_due
from openlib_assets.settings import DETAILS_ON, Settings

# What to order: so many works at most, for so many of which a request asks the editions.
WORKS_TO_ORDER = 200
WORKS_A_REQUEST = 40


def requests_of_run(work_count: int, settings: Settings) -> int:
    """Return the requests for works, for what the search says of them, and for the editions of those to order."""
    works = requests_due(work_count, settings.page_size)
    if settings.details != DETAILS_ON:
        return works
    return 2 * works + -(-min(work_count, WORKS_TO_ORDER) // WORKS_A_REQUEST)
