"""How numbers, shares and names are written in a report."""

import re
from collections.abc import Sequence

from openlib_assets.openlibrary.subject_keys import as_argument

_LONGEST_TITLE = 80

# Of C0 and C1, less tabs and line ends: a terminal would do what they tell it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# Below so many, a share says less than the two numbers behind it.
FEW = 20

# The codes that Open Library has (MARC), where most works are.
_LANGUAGES = {
    "afr": "Afrikaans",
    "ara": "Arabic",
    "ben": "Bengali",
    "bul": "Bulgarian",
    "cat": "Catalan",
    "chi": "Chinese",
    "cze": "Czech",
    "dan": "Danish",
    "dut": "Dutch",
    "eng": "English",
    "fin": "Finnish",
    "fre": "French",
    "ger": "German",
    "gre": "Greek",
    "heb": "Hebrew",
    "hin": "Hindi",
    "hrv": "Croatian",
    "hun": "Hungarian",
    "ind": "Indonesian",
    "ita": "Italian",
    "jpn": "Japanese",
    "kor": "Korean",
    "lat": "Latin",
    "may": "Malay",
    "mul": "several languages",
    "nor": "Norwegian",
    "per": "Persian",
    "pol": "Polish",
    "por": "Portuguese",
    "rum": "Romanian",
    "rus": "Russian",
    "slo": "Slovak",
    "slv": "Slovenian",
    "spa": "Spanish",
    "srp": "Serbian",
    "swe": "Swedish",
    "tam": "Tamil",
    "tha": "Thai",
    "tur": "Turkish",
    "ukr": "Ukrainian",
    "und": "language not known",
    "urd": "Urdu",
    "vie": "Vietnamese",
    "zxx": "no language",
}


def count(number: int) -> str:
    """Return a whole number, thousands set apart: 12,345."""
    return f"{number:,}"


def plural(thing: str) -> str:
    """Return what several of a thing are called: books."""
    return f"{thing}s"


def counted(number: int, thing: str) -> str:
    """Return so many things: 1 book, 2 books."""
    return f"{count(number)} {thing if number == 1 else plural(thing)}"


def share(part: float, whole: float) -> str:
    """Return a share in percent, rounded; only nothing is 0 %, and only all is 100 %. What is more than all is more."""
    if whole == 0:
        return "none"
    percent = 100 * part / whole
    if part in (0, whole):
        return f"{percent:.0f}\u00a0%"
    if percent > 100:
        return f"{max(percent, 101):,.0f}\u00a0%"
    if percent < 1:
        return f"{max(percent, 0.1):.1f}\u00a0%"
    return f"{min(percent, 99.9):.1f}\u00a0%" if percent > 99 else f"{percent:.0f}\u00a0%"


def years(first: int, last: int) -> str:
    """Return from when to when: 1951 to 2019, or the one year."""
    return str(first) if first == last else f"{first} to {last}"


def listed(things: Sequence[str]) -> str:
    """Return several things one after the other: a, b and c."""
    *before, last = things
    return f"{', '.join(before)} and {last}" if before else last


def times(factor: float | None) -> str:
    """Return how many times as often something is; nothing where that is not known."""
    return "" if factor is None else f"{factor:,.1f}"


def titled(title: str) -> str:
    """Return a title between quotes, its beginning if it is a long one."""
    brief = title if len(title) <= _LONGEST_TITLE else title[:_LONGEST_TITLE].rstrip() + "…"
    return f"“{apart(brief)}”"


def apart(text: str) -> str:
    """Return a text as it stands in a sentence: in one line, which runs from left to right whatever its letters do."""
    return f"\u2068{' '.join(text.split())}\u2069"


def language_name(code: str) -> str:
    """Return the name of a language, or its code where it is a rare one."""
    return _LANGUAGES.get(code, code)


def subject_name(subject: str) -> str:
    """Return a subject's key as people would write it: `place:new_york` becomes `new york (place)`."""
    kind, _, name = subject.rpartition(":")
    return f"{name.replace('_', ' ')} ({kind})" if kind else name.replace("_", " ")


def add_command(subject: str) -> str:
    """Return the command that adds a subject to those that are fetched, as a shell takes it."""
    return f"openlib subjects add {as_argument(subject)}"


def related_command(subject: str) -> str:
    """Return the command that tells the subjects beside one."""
    return f"openlib subjects related {as_argument(subject)}"


def run_command(subject: str) -> str:
    """Return the command that fetches a subject and makes everything of it."""
    return f"openlib run {as_argument(subject)}"


def harmless(text: str) -> str:
    """Return a text with U+FFFD in place of its control characters."""
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n"))
