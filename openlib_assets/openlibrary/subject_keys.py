"""Subject keys: from what people write to Open Library's own normalised key.

The rule is Open Library's `normalize_subject_name` (openlibrary/solr/updater/work.py, since 2026-04-29), applied to
what follows the prefix `person:`, `place:` or `time:`, if there is one.
"""

import re
import shlex
import unicodedata
from urllib.parse import unquote

from openlib_assets.storage.errors import WrongUseError

PREFIXES = ("person:", "place:", "time:")

# Servers take an address of about 8 kB, in which a byte may need three; PostgreSQL indexes texts of up to 2.7 kB.
MAX_KEY_BYTES = 2_000

_DROPPED = str.maketrans({" ": "_"} | dict.fromkeys(';/?:@&=+$,<>#%"{}|\\^[]`\n\r'))
_ADDRESS = re.compile(
    r"(?:(?:https?:)?//[^/]+/|(?:www\.)?openlibrary\.org/|/)?subjects/(?P<key>.*)", re.IGNORECASE | re.DOTALL
)
_QUERY_OR_FRAGMENT = re.compile(r"[?#]")

# As people write what Open Library writes with a prefix; its API would look for the subject `placesfrance`.
_KIND_AS_FOLDER = re.compile(r"(?P<kind>people|person|places?|times?)/(?P<name>.+)", re.IGNORECASE | re.DOTALL)
_KIND_AS_PREFIX = re.compile(
    r"(?P<kind>subjects?|people|persons|places|times)\s*:\s*(?P<name>.+)", re.IGNORECASE | re.DOTALL
)
_KINDS = {"su": "", "pe": "person:", "pl": "place:", "ti": "time:"}
_RECORD = re.compile(r"OL[0-9]+[WMA]")
_ENCODED = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE)

# What means something between double quotes, in which an apostrophe does not: `!` recalls a command.
_SPECIAL_IN_QUOTES = re.compile(r'[!$`"\\]')

_OTHER_ADDRESS = re.compile(
    r"(?:https?:)?//|(?:www\.)?openlibrary\.org(?:/|$)|/(?:works|books|authors|search)(?:[/?.]|$)", re.IGNORECASE
)


class InvalidSubjectError(WrongUseError):
    """A text cannot be a subject."""


def subject_key(text: str) -> str:
    """Return the normalised key of a subject named as people do.

    Accepts a name (`Science Fiction`), a key (`place:france`), a path (`/subjects/science_fiction`) or a URL.
    Raises InvalidSubjectError for what cannot be a subject or cannot be a partition key.
    """
    key = _normalise(_without_address(text.removeprefix("\ufeff").strip()), shown=text)
    if key in ("", ".", "..") or key in PREFIXES:
        raise InvalidSubjectError(
            f"{_shown(text)} is not a subject: nothing of it remains as a key; try a name such as 'science fiction'"
        )
    if "..." in key:
        raise InvalidSubjectError(
            f"{_shown(text)} is not a usable subject: it contains '...', which a partition key must not"
        )
    if len(key.encode()) > MAX_KEY_BYTES:
        raise InvalidSubjectError(
            f"{_shown(text)} is not a usable subject: longer than {MAX_KEY_BYTES:,} bytes, too long for an address"
        )
    return key


def is_key(text: str) -> bool:
    """Tell whether a text is a normalised key itself, and not only a name that has one."""
    try:
        return subject_key(text) == text
    except InvalidSubjectError:
        return False


def is_address(text: str) -> bool:
    """Tell whether a text is the path or the URL of a subject, or looks like one, and not a name or a key."""
    return bool(_ADDRESS.fullmatch(text.strip()) or _OTHER_ADDRESS.match(text.strip()))


def subject_query(key: str, *, after: str = "") -> str:
    """Return the query of Open Library's search for the works of a subject, or for those after the bare key of one."""
    prefix = next((prefix for prefix in PREFIXES if key.startswith(prefix)), "")
    works = f'{prefix.rstrip(":") or "subject"}_key:"{key.removeprefix(prefix)}"'
    return f'{works} AND key:{{"/works/{after}" TO *}}' if after else works


def as_argument(key: str) -> str:
    """Return how the shell is given a key as an argument of a command: quoted where it must be, and no option."""
    plain = "'" in key and not _SPECIAL_IN_QUOTES.search(key)
    quoted = f'"{key}"' if plain else shlex.quote(key)
    return f"-- {quoted}" if key.startswith("-") else quoted


def _without_address(text: str) -> str:
    match = _ADDRESS.fullmatch(text[1:-1] if text.startswith("<") and text.endswith(">") else text)
    if not match:
        _refuse_what_no_name_is(text)
        return text
    path = _QUERY_OR_FRAGMENT.split(match["key"], maxsplit=1)[0].removesuffix("/").removesuffix(".json")
    if folder := _KIND_AS_FOLDER.fullmatch(path):
        raise _meant(text, "the address of a subject", folder)
    return unquote(path)


def _refuse_what_no_name_is(text: str) -> None:
    """Refuse what has a key by the rule, but one that nobody means."""
    if _OTHER_ADDRESS.match(text.removeprefix("<")) or _RECORD.fullmatch(text):
        raise InvalidSubjectError(
            f"{_shown(text)} is not the address of a subject: give a subject's name, or find its key with: "
            "openlib subjects search TEXT"
        )
    kind = _KIND_AS_FOLDER.fullmatch(text) or _KIND_AS_PREFIX.fullmatch(text)
    if kind:
        raise _meant(text, "a subject", kind)
    if _ENCODED.search(text):
        raise InvalidSubjectError(f"{_shown(text)} is not a subject: did you mean {_shown(unquote(text))}?")


def _meant(text: str, what: str, kind: re.Match[str]) -> InvalidSubjectError:
    meant = f"{_KINDS[kind['kind'][:2].lower()]}{unquote(kind['name'])}"
    return InvalidSubjectError(f"{_shown(text)} is not {what}: did you mean {_shown(meant)}?")


def _normalise(text: str, *, shown: str) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise InvalidSubjectError(f"{_shown(shown)} is not a subject: it contains control characters")
    lowered = text.strip().lower()
    prefix = next((p for p in PREFIXES if lowered.startswith(p)), "")
    # White space that only now lies at an end would be stripped by Open Library when it is sent the key.
    return prefix + lowered[len(prefix) :].strip().translate(_DROPPED).strip()


def _shown(text: str) -> str:
    return ascii(text) if len(text) <= 60 else ascii(text[:57]) + "..."
