"""Made-up texts at which the rules for dates, subjects, ISBNs and JSON could part, drawn from a seed.

A text is a few pieces in a row, so each of them stands beside each other one sooner or later.
"""

import random
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import islice

# Digits of Unicode 15 and 16, which an older Unicode takes for nothing at all.
_NEW_DIGITS = "\U00011f50\U0001e4f0\U00010d40\U00011bf0\U000116d0\U00016d70\U0001ccf0"
# Letters with and without case of Unicode 14 to 16.
_NEW_LETTERS = "\U00010570\U00010597\U00010d50\U00010d70\u1c89\u1c8a\ua7cb\ua7dc\ua7c0\ua7c1\u2c2f\u2c5f\U0001e4d0"
# Between digits and letters: numbers that are no digits, marks, what is not seen, joiners, blanks, ends of lines.
_BESIDE_YEARS = (
    *"\u00b2\u00bd\u2460\u2167\u3007\u4e00\u0967\u0e33\u00aa\u00b7\u203f\uff3f\u2040",
    *"\u0301\u0903\u20dd\u0345\U0001e000\ufe0f",
    *"\u00ad\u200b\u200c\u200d\u200e\u2060\ufeff\U000e0001\u061c",
    *"\u00a0\u1680\u2003\u202f\u3000\u2028\u2029\x85\x1c\x1f\x00\x01\x7f\n\r\t\v",
    *"\u5e74\u0433\u00e9\u0130\u0131\u05d0\u0e01\uac00\U0001f4d6\U00010400\U0001d400\U0001d7d8\ufffd\ue000\U0010ffff",
)
_WHOLE_DATES = (
    *("c1985", "[1985?]", "1985/86", "198-?", "19uu", "17--", "5746, 1985", "1300 [1882 or 1883]", "1985."),
    *("December 31, 1992", "1985年", "1985 г.", "19850101", "Anno MDCCC", "'1985'", "1985th", "0000", "9999"),
    *("31.12.1999", "1985-86", "1999/2000", "2004-05-06"),
)
# Letters of which lower case is no plain matter, or of which upper and lower case look alike.
_CASED = (
    *"\u0130I\u0131i\u00df\u1e9e\u017f\u212a\u212b\u2126\u01c4\u01c5\u01c6\u03f4\u1e9b\ufb01\u0149\u0587",
    *"\u13a0\uab70\u13f0\u13f8\u10d0\u1c90\u10a0\u2d00\u10fd\u1cbd\U00010400\U00010428\U000118a0\U0001e900\u0390\u1fb3",
    *"\u2160\u24b6\u00c9E\u0301\u1f88\u1fbc\u0410\u0531\u2c00\ua640\U0001d400\U0001f130\u01f1\u0345",
)
# A sigma is a final one by the letters around it, past marks and points that do not count.
_SIGMAS = (
    *("Σ", "ς", "σ", "ΑΣ", "ΟΔΟΣ", "ΑΣΑ", "ΣΑΣ", "Α\u0301Σ\u0301", "Σ\u00ad", "Σ'", "Σ.", "Σ:", "Σ\u00b7", "Σ\u200d"),
    *("Σ\u0345", "Σ\U0001d165", "\U00010400Σ", "Σ\U00010400", "ªΣ", "1Σ", "ǅΣ", "Σ_", "Σ\u2019", "Σ\ufe0f", "ΣΣ"),
)
_DROPPED = ';/?:@&=+$,<>#%"{}|\\^[]`\n\r'
_WORDS = ("Fiction", "FICTION", "love", "Children's stories", "c++", "20th century", "person:", "a", "_", "__")
_HYPHENS = ("-", "--", "\u00ad", "\u2212", "\u2043", "\u30fb", "\u00b7", "_", "~", "/", ".", ",", "'", "\ufffd", "\x00")
_AROUND_ISBNS = (
    *("ISBN ", "ISBN-13: ", "isbn", "(pbk.)", " (v. 1)", "$2.00", "\u00a312.50", " : ", ";", "0", "9", "978", "X", "x"),
    *("\u0425", "\uff38", "*", "\\N", "null", "\ufeff", "\u200b", "\u0660", "\u00b2"),
)
_NOT_ISBNS = (
    *("", "0", "X", "x", "XXXXXXXXXX", "123456789X", "030640615", "0-306-40615", "97803064061577", "9770306406154"),
    *("7800032825X", "0662007395$2.00", "03064X6152", "978030640615X", "９７８０３０６４０６１５７"),
    *("0306406152 0306406152", "0306406152, 080442957X"),
    *(digit * length for digit in "0123456789" for length in (9, 10, 13)),
)
# In a text the halves of a pair can meet, and are a character then.
_HALVES = ("\ud83d", "\ude00", "\ud800", "\udbff", "\udc00", "\udfff")
_TITLES = (
    *("Tea", "tea \U0001f600", "\U0010ffff", "\U00010000", "\uffff", "\ufffe", "\ufffd", "\ufeff", "é", "e\u0301"),
    *("\\", "\\\\", '"', "/", "\\u0041", "\\ud83d", "\\n", "\b", "\f", "\n", "\r", "\t", "\x00", "\x1f"),
    *("\x7f", "\x85", "\u2028", "\u2029", "\u00a0", "\u202e", "&amp;", "<b>", "", " ", "'", "{}", "[]", "null", "NaN"),
    *("日本", "עברית"),
)


def odd_dates(n: int, seed: int) -> list[str]:
    """Draw publish dates: years in all scripts, and what stands beside them."""
    rng = random.Random(seed)
    years = [_year(rng, zeros) for zeros in _zeros() for _ in range(4)]
    mixed = ["".join(rng.choice(years)[place] for place in range(4)) for _ in range(40)]
    pieces = [
        *years,
        *mixed,
        *("1985", "2026", "0001") * 20,
        *("198", "19", "7", "19850", "198501", "20201") * 5,
        *_BESIDE_YEARS * 3,
        *_of_each_category(),
        *_blanks() * 2,
        *_NEW_LETTERS,
        *_WHOLE_DATES * 2,
        *"aZ_-/.,;:?()[]{}'\"©ß  " * 6,
    ]
    return _joined(rng, n, pieces, (1, 1, 2, 2, 3, 3, 4, 6))


def odd_subjects(n: int, seed: int) -> list[str]:
    """Draw names of subjects: what is stripped, dropped and changed by lower case, in and around words."""
    pieces = [
        *_WORDS * 6,
        *_blanks() * 2,
        *_DROPPED * 2,
        *_CASED * 2,
        *_SIGMAS * 3,
        *_NEW_LETTERS,
        *_of_each_category(),
        *"   !*~.()-'\x00\x1b\x7f\ufeff\u200b\u00ad\ufffd\U0001f4d6",
    ]
    return _joined(random.Random(seed), n, pieces, (1, 2, 2, 3, 3, 4, 5, 7))


def odd_isbns(n: int, seed: int) -> list[str]:
    """Draw entries of ISBN lists: right and wrong numbers, cut at a place, with something inside or around them."""
    rng = random.Random(seed)
    right = [_isbn(rng) for _ in range(20_000)]
    wrong = [_mistyped(rng, isbn) for isbn in right[:6_000]]
    numbers = rng.choices([*right, *wrong, *_NOT_ISBNS * 40], k=n)
    places = rng.choices(range(14), k=n)
    between = ("", "-", " ", *_HYPHENS, *_dashes(), *_blanks())
    inside = rng.choices(between, [60, *[1] * (len(between) - 1)], k=n)
    around = ("", *_AROUND_ISBNS, *_blanks())
    weights = [150, *[1] * (len(around) - 1)]
    before, after = rng.choices(around, weights, k=n), rng.choices(around, weights, k=n)
    return [
        f"{head}{number[:place]}{middle}{number[place:]}{tail}"
        for head, number, place, middle, tail in zip(before, numbers, places, inside, after, strict=True)
    ]


def odd_titles(n: int, seed: int) -> list[str]:
    """Draw titles that JSON has to escape; halves of surrogate pairs are among them, also two that meet."""
    return _joined(random.Random(seed), n, [*_TITLES, *_HALVES * 3], (1, 2, 3, 4, 6))


def odd_literals(n: int, seed: int) -> list[str]:
    """Draw strings as JSON writes them, with their quotes: each character as it is or in one of its escapes."""
    rng = random.Random(seed)
    pieces = [form for text in (*_TITLES, *_HALVES * 3) for form in _forms(text)]
    return [f'"{body}"' for body in _joined(rng, n, pieces, (1, 2, 3, 4, 6))]


def _joined(rng: random.Random, n: int, pieces: Sequence[str], lengths: Sequence[int]) -> list[str]:
    """Join as many pieces as are drawn from `lengths` for each text."""
    counts = rng.choices(lengths, k=n)
    drawn = iter(rng.choices(pieces, k=sum(counts)))
    return ["".join(islice(drawn, count)) for count in counts]


def _year(rng: random.Random, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in str(rng.randrange(1000, 2030)))


def _isbn(rng: random.Random) -> str:
    """A right number of either length, every tenth a 979; the check digit X in either case."""
    nine = f"{rng.randrange(10**9):09}"
    if rng.random() < 0.5:
        rest = sum(place * int(digit) for place, digit in enumerate(nine, start=1)) % 11
        return nine + rng.choice("Xx" if rest == 10 else str(rest))
    twelve = rng.choice(("978",) * 4 + ("979",)) + nine
    return f"{twelve}{-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve)) % 10}"


def _mistyped(rng: random.Random, isbn: str) -> str:
    """A number with a character left out, doubled or replaced, or with two that changed places."""
    place = rng.randrange(len(isbn))
    head, here, tail = isbn[:place], isbn[place], isbn[place + 1 :]
    another = rng.choice("0123456789Xx")
    return rng.choice(
        (head + tail, head + here + here + tail, head + another + tail, head + tail[:1] + here + tail[1:])
    )


def _forms(text: str) -> list[str]:
    """The ways in which JSON can write a text: as it is, if it may stand there, and in short and long escapes."""
    encoded = text.encode("utf-16-be", "surrogatepass")
    escaped = "".join(f"\\u{encoded[at : at + 2].hex()}" for at in range(0, len(encoded), 2))
    short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    forms = [escaped, escaped.upper().replace("\\U", "\\u")]
    if all(one in short or (one >= " " and not "\ud800" <= one <= "\udfff") for one in text):
        forms.append("".join(short.get(one, one) for one in text))
    return forms


@cache
def _categories() -> dict[str, list[str]]:
    """All characters by general category, without the halves of surrogate pairs."""
    found: dict[str, list[str]] = {}
    for code in range(sys.maxunicode + 1):
        found.setdefault(unicodedata.category(chr(code)), []).append(chr(code))
    del found["Cs"]
    return found


def _of_each_category() -> list[str]:
    """Some characters of each general category, from its first to its last."""
    return [
        characters[place * (len(characters) - 1) // 7] for characters in _categories().values() for place in range(8)
    ]


def _zeros() -> list[str]:
    """The zero of each script that has digits, also of those that are too new for this Python."""
    return sorted({*(digit for digit in _categories()["Nd"] if unicodedata.decimal(digit) == 0), *_NEW_DIGITS})


def _dashes() -> list[str]:
    return _categories()["Pd"]


def _blanks() -> list[str]:
    """What `str.strip` takes away."""
    return [one for category in ("Cc", "Zs", "Zl", "Zp") for one in _categories()[category] if one.isspace()]
