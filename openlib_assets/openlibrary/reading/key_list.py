"""The list of a subject's keys, read by Open Library's search: what the pages are compared with."""

from dataclasses import dataclass

from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.errors import PermanentError, SearchRefusedError

# Open Library's code has no maximum; a server that refuses so many is asked for as many as the Subjects API gives.
KEYS_AN_ANSWER = 10_000
_MODEST_KEYS_AN_ANSWER = 1_000


@dataclass(frozen=True)
class KeyList:
    """The keys of a subject, in order, and in how many answers they came; one answer is one instant of the index.

    `first_total` is how many works the subject had when the first answer was given.
    """

    keys: list[str]
    answers: int
    first_total: int


def read_key_list(client: Client, key: str) -> KeyList:
    """List the keys of a subject's works; raises SearchRefusedError, and what the client raises for other reasons."""
    try:
        return _read(client, key, KEYS_AN_ANSWER)
    except PermanentError:
        try:
            return _read(client, key, _MODEST_KEYS_AN_ANSWER)
        except PermanentError as error:
            raise SearchRefusedError(str(error)) from error


def answers_due(work_count: int) -> int:
    """Return how many answers list so many works."""
    return max(1, -(-work_count // KEYS_AN_ANSWER))


def _read(client: Client, key: str, limit: int) -> KeyList:
    keys: list[str] = []
    totals: list[int] = []
    while True:
        # By the last key, not by an offset: what comes or goes meanwhile moves nothing past the place.
        answer = client.listed_keys(key, after=keys[-1] if keys else "", limit=limit)
        totals.append(answer.total)
        keys += answer.keys
        if len(answer.keys) == answer.total:
            return KeyList(keys, len(totals), totals[0])
