"""Charts: what stands where, what a pointer is told, and what a reader can tell apart."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from openlib_assets.report.charts import bars_by_year, curve_of_shares, heat_map, with_colours
from openlib_assets.report.scales import TEXT_SIZE, in_lines, round_values, shortened, text_width

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own text


def marks(svg: str) -> list[ET.Element]:
    """Return the bars or squares of a chart."""
    return parsed(svg).findall(f".//{SVG}g[@class='marks']/{SVG}rect")


def told(mark: ET.Element) -> str:
    return mark.findtext(f"{SVG}title") or ""


def number(mark: ET.Element, attribute: str) -> float:
    return float(mark.attrib[attribute])


def labels(svg: str) -> list[str]:
    """Return the labels as they show; one that is cut has a title before its text."""
    return [(text[-1].tail if len(text) else text.text) or "" for text in parsed(svg).iter(f"{SVG}text")]


def points(svg: str) -> list[tuple[float, float]]:
    """Return the points of a curve."""
    (curve,) = (line for line in parsed(svg).iter(f"{SVG}polyline") if line.get("class") == "marks")
    pairs = [pair.split(",") for pair in curve.attrib["points"].split()]
    return [(float(x), float(y)) for x, y in pairs]


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        (0, 1, [0, 1]),
        (0, 5, [0, 1, 2, 3, 4, 5]),
        (0, 6, [0, 2, 4, 6]),
        (0, 101, [0, 50, 100]),
        (0, 1_234_567, [0, 500_000, 1_000_000]),
        (1925, 2024, [1940, 1960, 1980, 2000, 2020]),
        (2017, 2026, [2018, 2020, 2022, 2024, 2026]),
        (1999, 1999, [1999]),
    ],
)
def test_an_axis_names_few_round_values(first: int, last: int, wanted: list[int]) -> None:
    assert round_values(first, last) == wanted


def test_bars_are_as_high_as_their_numbers_and_tell_them() -> None:
    bars = marks(bars_by_year([(2000, 10), (2002, 5), (2004, 40)], "book"))
    assert [told(bar) for bar in bars] == ["2000: 10 books", "2002: 5 books", "2004: 40 books"]
    heights = [number(bar, "height") for bar in bars]
    assert [height / heights[2] for height in heights] == pytest.approx([10 / 40, 5 / 40, 1], abs=0.01)
    assert len({round(number(bar, "y") + number(bar, "height")) for bar in bars}) == 1, "all stand on one line"
    across = [number(bar, "x") for bar in bars]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.2), "a year takes the same everywhere"


def test_a_year_without_anything_has_no_bar_and_a_small_number_can_be_seen() -> None:
    bars = marks(bars_by_year([(2000, 0), (2001, 1), (2002, 50_000)], "book"))
    assert [told(bar) for bar in bars] == ["2001: 1 book", "2002: 50,000 books"]
    assert number(bars[0], "height") == 1


@pytest.mark.parametrize("years", [1, 2, 10, 100])
@pytest.mark.parametrize("most", [1, 999, 1_234_567])
def test_bars_stay_apart_and_within_the_picture(years: int, most: int) -> None:
    svg = bars_by_year([(1900 + year, most) for year in range(years)], "book")
    picture, bars = parsed(svg), marks(svg)
    for bar in bars:
        assert number(bar, "x") >= max(map(text_width, labels(svg)[:2]))
        assert number(bar, "x") + number(bar, "width") <= number(picture, "width")
        assert 0 < number(bar, "y") < number(bar, "y") + number(bar, "height") < number(picture, "height")
    for one, other in pairwise(bars):
        assert number(one, "x") + number(one, "width") < number(other, "x")


@pytest.mark.parametrize("years", [(1900, 2000), (1921, 2020), (2000, 2000), (2017, 2026)])
def test_the_first_and_the_last_year_have_room_for_their_names_and_the_axis_says_what_is_counted(
    years: tuple[int, int],
) -> None:
    svg = bars_by_year([(year, 1) for year in range(years[0], years[1] + 1)], "newcomer")
    named = [text for text in parsed(svg).iter(f"{SVG}text") if re.fullmatch(r"\d{4}", text.text or "")]
    assert named
    for text in named:
        assert text_width("2000") / 2 <= number(text, "x") <= number(parsed(svg), "width") - text_width("2000") / 2
    assert "newcomers" in labels(svg)


def test_a_curve_goes_from_nothing_to_all_by_way_of_its_points() -> None:
    svg = curve_of_shares([(0, 0), (0.25, 0.5), (1, 1)], across="authors", up="books")
    (left, bottom), middle, (right, top) = points(svg)
    assert left < right
    assert top < bottom
    assert middle == pytest.approx((left + (right - left) / 4, (top + bottom) / 2), abs=0.1)
    assert {"authors", "books", "0\u00a0%", "50\u00a0%", "100\u00a0%"} == set(labels(svg))


def test_a_pair_is_the_stronger_the_more_it_shares_and_tells_whose_it_is() -> None:
    names = ["tea", "a subject <with> quite a long & awkward name", "日本の歴史"]
    svg = heat_map(names, {(0, 1): 0.0, (1, 0): 0.25, (0, 2): 1.0})
    squares = marks(svg)
    assert [told(square) for square in squares] == [
        f"tea and {names[1]}: 0\u00a0%",
        f"{names[1]} and tea: 25\u00a0%",
        "tea and 日本の歴史: 100\u00a0%",
    ]
    none, some, every = (number(square, "opacity") for square in squares)
    assert 0 < none < some < every == 1
    assert number(squares[0], "y") == number(squares[2], "y") < number(squares[1], "y")
    assert number(squares[1], "x") < number(squares[0], "x") < number(squares[2], "x")


def test_a_long_name_takes_two_lines_and_one_too_long_for_them_is_shortened_and_told_in_its_title() -> None:
    names = [
        "tea",
        "a subject <with> such a long & awkward name that one line has no room for it",
        "very " * 40 + "long",
    ]
    svg = heat_map(names, {(0, 1): 0.5})
    short, *long = labels(svg)[:5]
    assert labels(svg) == [short, *long] * 2
    assert short == "tea"
    assert " ".join(long[:2]) == names[1]
    assert " ".join(long[2:]).endswith("v…")
    titles = [text.findtext(f"{SVG}title") for text in parsed(svg).iter(f"{SVG}text")]
    assert titles == [None, None, None, None, names[2]] * 2
    assert number(marks(svg)[0], "width") >= 2 * TEXT_SIZE * 1.3 / 0.71, "two lines, slanted, stay apart from the next"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("one two three", ["one two three"]),
        ("one two three four", ["one two three", "four"]),
        ("MWMWMWMWMWMWMW", ["MWMWMWMW", "MWMWMW"]),
        ("", [""]),
    ],
)
def test_a_text_is_broken_at_blanks_or_where_there_is_none_anywhere(text: str, wanted: list[str]) -> None:
    assert in_lines(text, text_width(wanted[0]), 2) == wanted


@pytest.mark.parametrize("text", ["a name that is too long", "MWMWMWMWMWMW", "日本の歴史と文化の本", "Война и мир"])
def test_what_is_shortened_fits_and_takes_what_room_there_is(text: str) -> None:
    room = text_width(text)
    assert shortened(text, room) == text
    short = shortened(text, room - 1)
    assert short != text
    assert text.startswith(short.removesuffix("…"))
    assert text_width(short) <= room - 1
    assert text_width(short) > room - 60


def test_no_blank_stands_before_an_ellipsis_and_a_mark_above_a_letter_takes_no_room() -> None:
    assert shortened("words end here", text_width("words e…") + 0.1) == "words e…"
    assert shortened("words end here", text_width("words …") + 0.1) == "words…"
    assert text_width("e\u0301") == text_width("é") == text_width("e")


@pytest.mark.parametrize(
    "svg",
    [
        bars_by_year([(2000, 3), (2002, 1)], "book"),
        curve_of_shares([(0, 0), (1, 1)], across="authors", up="books"),
        heat_map(["one", "two"], {(0, 1): 0.5}),
    ],
    ids=["bars", "curve", "heat map"],
)
def test_a_chart_takes_its_colours_from_the_page_and_alone_has_its_own(svg: str) -> None:
    colours = re.findall(r'(?:fill|stroke)="([^"]+)"', svg)
    assert "var(--mark)" in colours
    assert {colour for colour in colours if not colour.startswith("var(--")} <= {"none"}
    alone = with_colours(svg)
    assert "var(" not in alone
    ground = parsed(alone)[0]
    assert (ground.tag, ground.get("fill")) == (f"{SVG}rect", "white")
    assert "<script" not in svg
