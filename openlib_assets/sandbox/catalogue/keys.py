"""The key rule of Open Library: which subject a path asks for, however it is spelled."""

PREFIXES = ("person:", "place:", "time:")

_DROPPED = str.maketrans(
    {" ": "_"} | dict.fromkeys(';/?:@&=+$,<>#%"{}|\\^[]`\n\r'),
)


def normalize(name: str) -> str:
    """A subject name as Open Library's index holds it: `Love, ` becomes `love`.

    >>> normalize("FICTION / Thrillers")
    'fiction__thrillers'
    """
    return name.strip().lower().translate(_DROPPED)


def split_prefix(path: str) -> tuple[str, str]:
    """The prefix of a subject path (may be empty) and the rest.

    >>> split_prefix("person:sherlock_holmes")
    ('person:', 'sherlock_holmes')
    """
    prefix = next((prefix for prefix in PREFIXES if path.startswith(prefix)), "")
    return prefix, path.removeprefix(prefix)


def subject_key(path: str) -> str:
    """The normalised key, prefix included, of what stands after `/subjects/`.

    >>> subject_key("place:New York, N.Y.")
    'place:new_york_n.y.'
    """
    prefix, name = split_prefix(path)
    return prefix + normalize(name)


def subject_type(path: str) -> str:
    """`person`, `place`, `time` or `subject`."""
    return split_prefix(path)[0].rstrip(":") or "subject"
