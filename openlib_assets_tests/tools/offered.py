"""The editions that a search offers of works, asked for without anything of the package under test."""

from collections.abc import Sequence
from typing import Any

import requests

_FIELDS = ("key", "title", "isbn", "language", "publisher", "publish_date")
_TWO_LETTERS = {"eng": "en", "ger": "de", "fre": "fr"}


def documents_of(url: str, work_keys: Sequence[str], language: str) -> dict[str, dict[str, Any]]:
    """Return what the search at an address says of some works, by key, asked in a language."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(work_keys), 30):
        some = work_keys[start : start + 30]
        query = {
            "q": f"key:({' OR '.join(f'/works/{key}' for key in some)})",
            "fields": ",".join(["key", "editions", *(f"editions.{name}" for name in _FIELDS)]),
            "limit": "30",
            "lang": _TWO_LETTERS[language],
        }
        answer = requests.get(f"{url}/search.json", params=query, timeout=60).json()
        found |= {document["key"].removeprefix("/works/"): document for document in answer["docs"]}
    assert sorted(found) == sorted(work_keys)
    return found
