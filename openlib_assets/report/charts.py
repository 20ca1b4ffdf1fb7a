"""Charts: SVG, drawn from the templates in `templates/charts/`.

Colours are names of CSS custom properties, so that a page's light or dark scheme decides; where no page stands around
a chart, `with_colours` puts colours in their place.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from openlib_assets.report import words
from openlib_assets.report.rendering import template
from openlib_assets.report.scales import TEXT_SIZE, in_lines, place, round_values, text_width

# Labels are part of the width: scaled to a page, all charts have letters of one size.
_WIDTH, _HEIGHT = 420, 260
# Half a line above the highest label, which is centered on its value, and some more.
_TOP, _GAP = TEXT_SIZE, 6
_LABELS = TEXT_SIZE + 2 * _GAP
_YEAR = text_width("2000")
_WIDEST_BAR = 24
# Names beside squares take two lines at most, and longer ones only where one needs them. Slanted, two lines of a name
# beside those of the next take larger squares.
_LINE = 1.3 * TEXT_SIZE
_MOST_LINES = 2
_SQUARES = (34, 48)
_COMFORTABLE_LINE, _WIDEST_LINE = 220, 400
_FAINTEST = 0.06
# How much of its length a text at half a right angle is wide and high.
_SLANTED = 0.71

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
    longest = max(map(text_width, names))
    room = min(_WIDEST_LINE, max(_COMFORTABLE_LINE, 1.2 * longest / _MOST_LINES))
    lines = [in_lines(name, room, _MOST_LINES) for name in names]
    widths = [max(map(text_width, own)) for own in lines]
    heights = [len(own) * _LINE for own in lines]
    slants = [(width + height) * _SLANTED for width, height in zip(widths, heights, strict=True)]
    left, top = max(widths) + 2 * _GAP, max(slants) + _GAP
    square = _SQUARES[max(map(len, lines)) - 1]
    starts = [number * square for number in range(len(names))]
    centers = [start + square / 2 for start in starts]
    reach = max(center + slant for center, slant in zip(centers, slants, strict=True))
    labels = [
        {
            "text": text,
            "whole": name if text.endswith("…") and not name.endswith("…") else None,
            # The lines of a row stand around its middle; those of a column, which are slanted, above its top.
            "y": place(top + center + (number - (len(own) - 1) / 2) * _LINE),
            "x": place(left + center + (len(own) - 1) * _LINE * _SLANTED / 2),
            "above": place((number + 1 - len(own)) * _LINE),
        }
        for name, own, center in zip(names, lines, centers, strict=True)
        for number, text in enumerate(own)
    ]
    return _drawn(
        "heat_map",
        left + max(reach, len(names) * square) + _GAP,
        top + len(names) * square + _GAP,
        left=place(left - _GAP),
        top=place(top - _GAP),
        square=square,
        labels=labels,
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
