"""Addresses of Open Library's pages, for people to follow."""

from urllib.parse import quote

from openlib_assets.settings import PUBLIC_API_URL

_COVERS = "https://covers.openlibrary.org"


def subject_link(subject: str) -> str:
    """Return the address of a subject's page."""
    return f"{PUBLIC_API_URL}/subjects/{quote(subject, safe=':')}"


def work_link(work_key: str) -> str:
    """Return the address of a work's page; an orphaned edition (its key ends in M) has an edition's."""
    return edition_link(work_key) if work_key.endswith("M") else f"{PUBLIC_API_URL}/works/{work_key}"


def edition_link(edition_key: str) -> str:
    """Return the address of an edition's page."""
    return f"{PUBLIC_API_URL}/books/{edition_key}"


def author_link(author_key: str) -> str:
    """Return the address of an author's page."""
    return f"{PUBLIC_API_URL}/authors/{author_key}"


def cover_link(key: str) -> str:
    """Return the address of a picture of the cover of an edition or a work."""
    return f"{_COVERS}/{'b' if key.endswith('M') else 'w'}/olid/{key}-M.jpg"
