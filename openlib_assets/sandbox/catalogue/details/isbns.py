"""The ISBNs of an edition as the index holds them: both forms of the number, and what people typed instead of it."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import mul

# Beginnings of numbers by the language that they are given for; languages without one of their own use the first.
_GROUPS = {
    "eng": ("0", "1"),
    "fre": ("2",),
    "ger": ("3",),
    "rus": ("5",),
    "chi": ("7",),
    "spa": ("84",),
    "gre": ("960",),
    "ara": ("977",),
}
_TEN_WEIGHTS = tuple(range(10, 1, -1))
_THIRTEEN_WEIGHTS = (1, 3) * 6
_BODY = 9  # digits that both forms share
_PLACEHOLDERS = ("1111111111", "9999999999", "0000000000", "9999999999999")
_BLANKS = ("", " ")
_OTHER_THAN_DIGITS = re.compile("[^0-9Xx]")

Forms = Callable[[str], list[str]]


def isbns(chance: int, quirk: int, language: str | None) -> list[str]:
    """The entries of one edition, from a chance for the number and one for what is wrong with it."""
    groups = _GROUPS.get(language or "", _GROUPS["eng"])
    group = groups[chance % len(groups)]
    body = group + f"{chance:010}"[len(group) - _BODY :]
    return _FORMS[quirk % len(_FORMS)](body)


def indexed(entries: Iterable[str]) -> list[str]:
    """The entries of an edition as the index holds them: with the other form of every number that has two."""
    stripped = [entry.strip() for entry in entries]
    others = (other_form(_OTHER_THAN_DIGITS.sub("", entry).upper()) for entry in stripped)
    return list(dict.fromkeys((*stripped, *filter(None, others))))


@lru_cache(maxsize=64)  # whoever writes a dump asks several times for each number of an edition
def other_form(isbn: str) -> str | None:
    """The number with ten digits as one with thirteen, or the other way round; None if it is none, or has no other.

    >>> other_form("0306406152"), other_form("9780306406157"), other_form("0306406153")
    ('9780306406157', '0306406152', None)
    """
    if len(isbn) == _BODY + 1 and isbn[:-1].isdecimal() and isbn == isbn_10(isbn[:-1]):
        return isbn_13(isbn[:-1])
    return isbn_10(isbn[3:-1]) if is_isbn_13(isbn) and isbn.startswith("978") else None


def isbn_10(body: str) -> str:
    """Nine digits with their check digit.

    >>> isbn_10("030640615"), isbn_10("080442957")
    ('0306406152', '080442957X')
    """
    return body + "0123456789X"[-_weighed(body, _TEN_WEIGHTS) % 11]


def isbn_13(body: str, prefix: str = "978") -> str:
    """Nine digits with their prefix and check digit.

    >>> isbn_13("030640615")
    '9780306406157'
    """
    digits = prefix + body
    return f"{digits}{-_weighed(digits, _THIRTEEN_WEIGHTS) % 10}"


def _weighed(digits: str, weights: Sequence[int]) -> int:
    # Bytes are numbers already, which is twice as fast as to read each digit.
    total: int = sum(map(mul, weights, digits.encode()))
    return total - ord("0") * sum(weights)


def is_isbn_13(text: str) -> bool:
    """Whether a text is thirteen digits of which the last one is right.

    >>> is_isbn_13("9780306406157"), is_isbn_13("9780306406158"), is_isbn_13("0306406152")
    (True, False, False)
    """
    return len(text) == _BODY + 4 and text.isdecimal() and text == isbn_13(text[3:-1], text[:3])


def hyphenated(isbn: str) -> str:
    """A number as it is printed.

    >>> hyphenated("9780306406157"), hyphenated("0306406152")
    ('978-0-306-40615-7', '0-306-40615-2')
    """
    prefix, ten = isbn[:-10], isbn[-10:]
    return "-".join(filter(None, (prefix, ten[0], ten[1:4], ten[4:9], ten[9])))


def _both(body: str) -> list[str]:
    return [isbn_10(body), isbn_13(body)]


def _printed(body: str) -> list[str]:
    return [hyphenated(isbn_13(body)), isbn_10(body)]


def _noted(body: str) -> list[str]:
    return [*_both(body), f"{hyphenated(isbn_13(body))} (hardcover)"]


def _later(body: str) -> list[str]:
    """Of the numbers that have no form with ten digits."""
    return [isbn_13(body, "979")]


def _small_x(body: str) -> list[str]:
    """Of a number near by whose check digit is an X, which somebody typed small."""
    near = (f"{body[:7]}{last:02}" for last in range(100))
    body = next(number for number in near if isbn_10(number).endswith("X"))
    return [isbn_10(body).lower(), isbn_13(body)]


def _wrong(isbn: str) -> str:
    """With another check digit than it should have."""
    return isbn[:-1] + ("1" if isbn[-1] == "0" else "0")


def _placeholder(body: str) -> list[str]:
    return [_PLACEHOLDERS[int(body[-1]) % len(_PLACEHOLDERS)]]


def _blank(body: str) -> list[str]:
    return [_BLANKS[int(body[-1]) % len(_BLANKS)]]


def _two(body: str) -> list[str]:
    """Of the volume and of the set."""
    return [*_both(body), *_both(body[:5] + body[:4:-1])]


# How many in a thousand have which form.
_RATES: Sequence[tuple[int, Forms]] = (
    (902, _both),
    (30, _two),
    (20, _printed),
    (10, _later),
    (5, _noted),
    (5, _small_x),
    (4, lambda body: [_wrong(isbn_10(body))]),
    (4, lambda body: [_wrong(isbn_13(body))]),
    (4, lambda body: [f"ISBN {isbn_10(body)}"]),
    (3, lambda body: [f"978 {body[0]} {body[1:4]} {body[4:]} {isbn_13(body)[-1]}"]),
    (3, lambda body: [f"{isbn_10(body)}$2.00"]),
    (2, _placeholder),
    (2, _blank),
    (2, lambda body: [isbn_10(body) + "X"]),
    (2, lambda body: [isbn_10(body) + "1"]),
    (2, lambda body: [isbn_13(body) + "1"]),
)
_FORMS = tuple(forms for rate, forms in _RATES for _ in range(rate))
