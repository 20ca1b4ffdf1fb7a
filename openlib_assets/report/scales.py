"""Scales of drawings: round values for an axis, places as SVG has them, and the room that a text takes."""

from functools import reduce
from itertools import accumulate, count
from operator import add
from unicodedata import category, normalize

TEXT_SIZE = 13
_MOST_STEPS = 5

# How wide letters are, in parts of the text's size: as in Verdana and DejaVu Sans, the widest of the fonts that a
# reader's sans-serif may be. What is not in the list, such as Cyrillic and Chinese, is as wide as letters get.
_LETTER_WIDTHS = {
    **dict.fromkeys(" !\"'()*,-./:;I[]fijlrt|", 0.46),
    **dict.fromkeys("0123456789abcdeghknopqsuvxyz?_", 0.65),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&#+<=>~w", 0.84),
}
_WIDEST_LETTER, _PICTOGRAM = 1.1, 1.3


def round_values(first: int, last: int) -> list[int]:
    """Return the few round numbers from first to last: a step of 1, 2 or 5, or ten times that, and so on, apart."""
    steps = (digit * 10**zeros for zeros in count() for digit in (1, 2, 5))
    step = next(step for step in steps if last - first <= _MOST_STEPS * step)
    return list(range(-(-first // step) * step, last + 1, step))


def place(value: float) -> str:
    """Return a place in a drawing as SVG has it; a tenth is finer than anybody sees."""
    return f"{round(value, 1):g}"


def text_width(text: str) -> float:
    """Return how much room a text takes at most, in a drawing whose letters have TEXT_SIZE."""
    # One after the other, as where texts are cut; from Python 3.12 on, `sum` adds in another way.
    return reduce(add, map(_letter_width, text), 0.0)


def shortened(text: str, room: float) -> str:
    """Return a text that fits into the room, in a drawing whose letters have TEXT_SIZE; a cut shows as an ellipsis."""
    if text_width(text) <= room:
        return text
    widths = accumulate(map(_letter_width, text), initial=_letter_width("…"))
    return text[: sum(width <= room for width in widths) - 1].rstrip() + "…"


def in_lines(text: str, room: float, most: int) -> list[str]:
    """Return a text in so many lines at most that fit into the room, broken at blanks where that is possible.

    What is cut off after the last line shows as an ellipsis.
    """
    lines: list[str] = []
    while len(lines) < most - 1 and text_width(text) > room:
        fits = sum(width <= room for width in accumulate(map(_letter_width, text)))
        end = text.rfind(" ", 1, fits + 1)
        lines.append(text[: end if end > 0 else fits].rstrip())
        text = text[end if end > 0 else fits :].lstrip()
    return [*lines, shortened(text, room)]


def _letter_width(letter: str) -> float:
    kind = category(letter)
    if kind in ("Mn", "Me", "Cf"):
        return 0
    widest = _PICTOGRAM if kind == "So" else _WIDEST_LETTER
    return TEXT_SIZE * _LETTER_WIDTHS.get(normalize("NFD", letter)[0], widest)
