"""Charts: Vega-Lite specifications, drawn as SVG without a browser.

Colours are names of CSS custom properties, so that a page's light or dark scheme decides; where no page stands around
a chart, `with_colours` puts colours in their place.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert

Rows = Sequence[Mapping[str, Any]]
Spec = dict[str, Any]

WIDTH, HEIGHT = 420, 200

# For charts that stand alone: the page's light scheme (templates/page.css).
_LIGHT = {"ink": "#1d2433", "muted": "#5b6478", "line": "#d6dae3", "mark": "#2458c5", "doubt": "#b4541a"}

_CONFIG: Spec = {
    "background": None,
    "font": "sans-serif",
    # The page describes each chart in words and lists its numbers beside it.
    "aria": False,
    "mark": {"aria": False},
    "view": {"stroke": None},
    # Few labels, and none measured against another: measuring text is most of what a chart costs.
    "axis": {
        "labelColor": "var(--muted)",
        "labelFontSize": 13,
        "labelLimit": 0,
        "labelOverlap": False,
        "titleColor": "var(--muted)",
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "tickCount": 4,
    },
    "bar": {"color": "var(--mark)"},
    "line": {"color": "var(--mark)", "strokeWidth": 2},
}


def bars_by_year(rows: Rows, value: str) -> str:
    """Draw a bar for each year: `rows` hold `year` and `value`."""
    years = [row["year"] for row in rows]
    first, last = min(years), max(years)
    bar_width = max(1, min(24, WIDTH // (last - first + 1) - 1))
    return _svg(
        {
            "data": {"values": list(rows)},
            "mark": {"type": "bar", "width": bar_width},
            "encoding": {
                "x": {
                    "field": "year",
                    "type": "quantitative",
                    "title": None,
                    "scale": {"domain": [first - 1, last + 1], "nice": False},
                    "axis": {"format": "d", "grid": False, "values": _ticks(first, last)},
                },
                "y": {"field": value, "type": "quantitative", "title": None, "axis": _COUNTS},
            },
        }
    )


def heat_map(rows: Rows, down: str, across: str, value: str, *, order: Sequence[str]) -> str:
    """Draw a square for each pair of labels, which come in an order: the stronger, the greater the share."""
    return _svg(
        {
            "data": {"values": list(rows)},
            "mark": "rect",
            "autosize": "pad",
            "width": {"step": 34},
            "height": {"step": 34},
            "encoding": {
                "y": {"field": down, "type": "nominal", "sort": list(order), "title": None, "axis": _NAMES},
                "x": {
                    "field": across,
                    "type": "nominal",
                    "sort": list(order),
                    "title": None,
                    "axis": {**_NAMES, "labelAngle": -45, "orient": "top"},
                },
                "color": {"value": "var(--mark)"},
                "opacity": {
                    "field": value,
                    "type": "quantitative",
                    "scale": {"type": "sqrt", "domain": [0, 1], "range": [0.06, 1]},
                    "legend": None,
                },
            },
        }
    )


def curve_of_shares(rows: Rows, x: str, y: str, *, x_title: str, y_title: str) -> str:
    """Draw a curve from share to share, both from 0 to 1, with the line of equal shares beside it."""
    equal = [{x: 0, y: 0}, {x: 1, y: 1}]
    axis = {"format": "%", "values": [0, 0.5, 1]}

    encoding = {
        "x": {"field": x, "type": "quantitative", "title": x_title, "axis": {**axis, "grid": False}},
        "y": {"field": y, "type": "quantitative", "title": y_title, "axis": axis},
    }
    line = {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4], "strokeWidth": 1}
    return _svg(
        {
            "layer": [
                {"data": {"values": equal}, "mark": line, "encoding": encoding},
                {"data": {"values": list(rows)}, "mark": "line", "encoding": encoding},
            ]
        }
    )


def with_colours(svg: str) -> str:
    """Return a chart that stands alone, outside of a page: light scheme, white ground."""
    coloured = re.sub(r"var\(--(\w+)\)", lambda match: _LIGHT[match[1]], svg)
    return coloured.replace(">", '><rect width="100%" height="100%" fill="white"/>', 1)


# A subject's name may be a sentence; it is whole in the table.
_NAMES: Spec = {"labelLimit": 150}
_COUNTS: Spec = {"format": "~s", "tickMinStep": 1}


def _ticks(first: int, last: int) -> list[int]:
    """Return a few round years of a span."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if (last - first) / step <= 5)
    return list(range(-(-first // step) * step, last + 1, step))


def _svg(spec: Spec) -> str:
    # Labels are part of the width: scaled to a page, all charts have letters of one size.
    fit = {"type": "fit-x", "contains": "padding"}
    whole = {"width": WIDTH, "height": HEIGHT, "autosize": fit, "config": _CONFIG, **spec}
    svg: str = vl_convert.vegalite_to_svg(whole, vl_version="6.4")
    return svg
