"""Charts: SVG, drawn from the templates in `templates/charts/`.

Colours are names of CSS custom properties, so that a page's light or dark scheme decides; where no page stands around
a chart, `with_colours` puts colours in their place.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from openlib_assets.report import words
from openlib_assets.report.rendering import template
from openlib_assets.report.scales import TEXT_SIZE, place, round_values, shortened, text_width

# Labels are part of the width: scaled to a page, all charts have letters of one size.
_WIDTH, _HEIGHT = 420, 260
# Half a line above the highest label, which is centered on its value, and some more.
_TOP, _GAP = TEXT_SIZE, 6
_LABELS = TEXT_SIZE + 2 * _GAP
_YEAR = text_width("2000")
_WIDEST_BAR = 24
_SQUARE = 34
_WIDEST_NAME = 220
_FAINTEST = 0.06
# How much of its length a text at half a right angle is wide and high, and the height of its letters with their marks.
_SLANTED = 0.71
_LETTER_HEIGHT = 1.3 * TEXT_SIZE

# For charts that stand alone: the page's light scheme (templates/page.css).
_LIGHT = {"ink": "#1d2433", "muted": "#5b6478", "line": "#d6dae3", "mark": "#2458c5", "doubt": "#b4541a"}


def bars_by_year(numbers: Sequence[tuple[int, int]], thing: str) -> str:
    """Return a bar for each year; the years come in order, each with how many things there were."""
    first, last, most = numbers[0][0], numbers[-1][0], max(number for _, number in numbers)
    # A round value just above the highest bar is worth the little height that it takes from all.
    counts = round_values(0, int(1.1 * most))
    highest = max(most, counts[-1])
    # A year may be named at either end: half of its name stands outside of the bars.
    left = max(_YEAR / 2, *(text_width(words.count(value)) for value in counts)) + _GAP
    right = _WIDTH - _YEAR / 2 - _GAP
    top, bottom = _TOP + TEXT_SIZE + _GAP, _HEIGHT - _LABELS
    slot = (right - left) / (last - first + 1)
    width = min(_WIDEST_BAR, slot * 0.8)

    def across(year: int) -> float:
        return left + (year - first + 0.5) * slot

    def height(number: int) -> float:
        return (bottom - top) * number / highest

    return _drawn(
        "bars",
        _WIDTH,
        _HEIGHT,
        left=place(left),
        right=place(right),
        bottom=place(bottom),
        unit=words.plural(thing),
        rows=[(words.count(value), place(bottom - height(value))) for value in counts],
        columns=[(str(year), place(across(year))) for year in round_values(first, last)],
        bar_width=place(width),
        bars=[
            {
                "x": place(across(year) - width / 2),
                "y": place(bottom - max(1, height(number))),
                "height": place(max(1, height(number))),
                "says": f"{year}: {words.counted(number, thing)}",
            }
            for year, number in numbers
            if number
        ],
    )


def curve_of_shares(points: Sequence[tuple[float, float]], *, across: str, up: str) -> str:
    """Return a curve from shares to shares, named `across` and `up`, all from 0 to 1, and the line of equal shares."""
    shares = (0, 0.5, 1)
    names = [words.share(share, 1) for share in shares]
    widest = max(map(text_width, names))
    left, right = widest + TEXT_SIZE + 2 * _GAP, _WIDTH - _GAP - widest / 2
    bottom = _HEIGHT - _LABELS - TEXT_SIZE - _GAP

    def at(x: float, y: float) -> tuple[str, str]:
        return place(left + (right - left) * x), place(bottom - (bottom - _TOP) * y)

    return _drawn(
        "curve",
        _WIDTH,
        _HEIGHT,
        left=place(left),
        right=place(right),
        bottom=place(bottom),
        rows=[(name, at(0, share)[1]) for name, share in zip(names, shares, strict=True)],
        columns=[(name, at(share, 0)[0]) for name, share in zip(names, shares, strict=True)],
        across=across,
        up=up,
        center=at(0.5, 0.5),
        equal=[at(0, 0), at(1, 1)],
        points=[at(x, y) for x, y in points],
    )


def heat_map(names: Sequence[str], shares: Mapping[tuple[int, int], float]) -> str:
    """Return a square for each pair of names, told by places: the stronger, the greater the share, from 0 to 1."""
    shown = [shortened(name, _WIDEST_NAME) for name in names]
    widths = [text_width(name) for name in shown]
    left, top = max(widths) + 2 * _GAP, (max(widths) + _LETTER_HEIGHT) * _SLANTED + _GAP
    starts = [number * _SQUARE for number in range(len(names))]
    centers = [start + _SQUARE / 2 for start in starts]
    reach = max(center + (width + _LETTER_HEIGHT) * _SLANTED for center, width in zip(centers, widths, strict=True))
    return _drawn(
        "heat_map",
        left + max(reach, len(names) * _SQUARE) + _GAP,
        top + len(names) * _SQUARE + _GAP,
        left=place(left - _GAP),
        top=place(top - _GAP),
        square=_SQUARE,
        labels=[
            {"text": text, "whole": name if text != name else None, "x": place(left + center), "y": place(top + center)}
            for text, name, center in zip(shown, names, centers, strict=True)
        ],
        squares=[
            {
                "x": place(left + starts[across]),
                "y": place(top + starts[down]),
                "strength": f"{_FAINTEST + (1 - _FAINTEST) * share**0.5:.2f}",
                "says": f"{names[down]} and {names[across]}: {words.share(share, 1)}",
            }
            for (down, across), share in shares.items()
        ],
    )


def with_colours(svg: str) -> str:
    """Return a chart that stands alone, outside of a page: light scheme, white ground."""
    coloured = re.sub(r"var\(--(\w+)\)", lambda match: _LIGHT[match[1]], svg)
    return coloured.replace(">", '><rect width="100%" height="100%" fill="white"/>', 1)


def _drawn(name: str, width: float, height: float, **parts: Any) -> str:
    return template(f"charts/{name}.svg").render(width=place(width), height=place(height), text_size=TEXT_SIZE, **parts)
