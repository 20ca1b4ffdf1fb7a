"""The name that a subject's folders and files have: its key, percent-encoded, and shortened where that is long."""

import hashlib
import re
from functools import lru_cache
from urllib.parse import quote, unquote

# With what stands before and after it, common file systems end a name at 255 bytes.
LONGEST_NAME = 200
_KEPT = 180
# What is kept ends with a whole character, of which the longest takes twelve bytes.
_SHORTENED = re.compile(r".{169,180}~[0-9a-f]{16}")


@lru_cache(maxsize=4096)
def name_of_key(key: str) -> str:
    """Return the one plain name, of ASCII characters, that a key has in paths.

    It is the percent-encoded key. Where that is longer than 200 bytes, or looks like a shortened one, it is the first
    180 bytes of it, cut between characters, `~`, and the first 16 hex digits of the SHA-256 of the key.
    """
    name = quote(key, safe="")
    if len(name) <= LONGEST_NAME and not is_shortened(name):
        return name
    whole_bytes = re.sub("%.?$", "", name[:_KEPT])
    whole_characters = quote(unquote(whole_bytes, errors="ignore"), safe="")
    return f"{whole_characters}~{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def is_shortened(name: str) -> bool:
    """Tell whether a name is that of a longer key, which the name alone does not tell."""
    return len(name) > _KEPT and _SHORTENED.fullmatch(name) is not None


def key_in_name(name: str) -> str | None:
    """Return the key that has a name; None if the name does not tell it."""
    return None if is_shortened(name) else unquote(name)
