"""Scales of drawings: round values for an axis, places as SVG has them, and the room that a text takes."""

from itertools import count
from unicodedata import east_asian_width

TEXT_SIZE = 13
# Of letters in common fonts, generously: nobody knows which one a reader's sans-serif is.
_NARROW, _WIDE = 8.3, 13.5
_MOST_STEPS = 5


def round_values(first: int, last: int) -> list[int]:
    """Return the few round numbers from first to last: a step of 1, 2 or 5, or ten times that, and so on, apart."""
    steps = (digit * 10**zeros for zeros in count() for digit in (1, 2, 5))
    step = next(step for step in steps if last - first <= _MOST_STEPS * step)
    return list(range(-(-first // step) * step, last + 1, step))


def place(value: float) -> str:
    """Return a place in a drawing as SVG has it; a tenth is finer than anybody sees."""
    return f"{round(value, 1):g}"


def text_width(text: str) -> float:
    """Return about how much room a text takes, in a drawing whose letters have TEXT_SIZE."""
    return sum(_WIDE if east_asian_width(letter) in "WF" else _NARROW for letter in text)


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many letters; what was cut shows as an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
