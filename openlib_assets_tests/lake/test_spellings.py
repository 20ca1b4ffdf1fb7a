"""What counts as one spelling of a name or a title, in many scripts."""

import sys
import unicodedata
from collections.abc import Mapping

import pyarrow as pa
import pytest

from openlib_assets.lake.transform import connected
from openlib_assets_tests.lake.small_cases import merged_authors, merged_books, work
from openlib_assets_tests.tools import reference_duplicates as by_hand

SAME_NAMES = [
    ("Jules Verne", "Verne, Jules"),
    ("Jules Verne", "VERNE, JULES, 1828-1905"),
    ("Jules Verne", "Verne, Jules, 1828-1905."),
    ("Jules Verne", "Verne, Jules, b. 1828"),
    ("Jules Verne", "Jules Verne (1828-1905)"),
    ("Jules Verne", "\u3000jules\u00a0 verne\u2003"),
    ("J. R. R. Tolkien", "J.R.R. Tolkien"),
    ("J. R. R. Tolkien", "JRR Tolkien"),
    ("J. R. R. Tolkien", "Tolkien, J. R. R., 1892-1973"),
    ("O'Brien, Ann", "Ann O\u2019Brien"),
    ("Zoë Löfroth", "Zoe\u0308 Lofroth"),
    ("Stanisław Øyen", "Stanislaw Oyen"),
    ("Juan de la Cruz, Jr.", "Juan de la Cruz Jr"),
    ("Νίκος Καζαντζάκης", "ΝΊΚΟΣ ΚΑΖΑΝΤΖΆΚΗΣ"),
    ("Νίκος Καζαντζάκης", "Καζαντζακης, Νικος"),
    ("Фёдор Достоевский", "Достоевский, Федор, 1821-1881"),
    ("نجيب محفوظ", "محفوظ, نجيب"),
    ("刘慈欣", "刘 慈欣"),
    ("村上春樹", "村上 春樹, 1949-"),
    ("רנאת, אתגר", "אתגר רנאת"),
]
OTHER_NAMES = [
    ("Jules Verne", "Julia Verne"),
    ("Jules Verne", "J. Verne"),
    ("Juan Cruz, Jr.", "Juan Cruz"),
    ("刘慈欣", "刘慈"),
    ("नाथ ठाकुर", "नथ ठाकुर"),
    ("がん まさ", "かん まさ"),
    ("Аркадий Натан", "Борис Натан"),
    ("Verne, Jules, 1828-1905", "Verne, Jules, 1950-"),
    ("!!! ???", "... ..."),
    ("", ""),
    ("\u3000", "\u3000"),
    (None, None),
]


@pytest.mark.parametrize(("one", "other"), SAME_NAMES)
def test_names_that_differ_by_spelling_only_are_the_same(one: str, other: str) -> None:
    found = merged_authors(work(1, "Sea", (1, one)), work(2, "Moon", (2, other)))
    assert [(author, into) for author, into, _ in found] == [("OL2A", "OL1A")]


@pytest.mark.parametrize(("one", "other"), OTHER_NAMES)
def test_names_that_differ_by_more_or_are_blank_are_never_the_same(one: str | None, other: str | None) -> None:
    assert merged_authors(work(1, "Sea", (1, one), (2, other))) == []


SAME_TITLES = [
    ("The Sea", "THE SEA."),
    ("The Sea", "Sea"),
    ("L'Étoile", "etoile"),
    ("Ο Δρόμος", "ΔΡΌΜΟΣ"),
    ("Catch-22", "Catch 22"),
    ("Ёлка", "елка"),
    ("三体", "《三体》"),
    ("Sea\u00a0and\nsky", "Sea and sky"),
    ("Cafe\u0301", "Café"),
    ("The", "the"),
]
OTHER_TITLES = [
    ("The Sea, volume 1", "The Sea, volume 2"),
    ("The Sea: volume 1", "The Sea"),
    ("The Sea: a novel", "The Sea: a play"),
    ("The Sea", "The Sea and the Sky"),
    ("C++", "C"),
    ("C#", "C++"),
    ("ملك", "ملكة"),
    ("!!!", "???"),
    ("", ""),
    (None, None),
]


@pytest.mark.parametrize(("one", "other"), SAME_TITLES)
def test_titles_that_differ_by_spelling_only_are_the_same(one: str, other: str) -> None:
    assert merged_books(work(1, one, (1, "Ann")), work(2, other, (1, "Ann"))) == [("OL2W", "OL1W", "same_title", 0.95)]


@pytest.mark.parametrize(("one", "other"), OTHER_TITLES)
def test_titles_that_differ_by_more_or_are_missing_are_never_the_same(one: str | None, other: str | None) -> None:
    assert merged_books(work(1, one, (1, "Ann")), work(2, other, (1, "Ann"))) == []


TEXTS = sorted({str(it) for pair in (*SAME_NAMES, *OTHER_NAMES, *SAME_TITLES) for it in pair})


@pytest.fixture(scope="module")
def folded() -> Mapping[str, tuple[str, ...]]:
    """What the project makes of each of the texts."""
    query = "SELECT text, folded(text), title_key(text), folded(straight_name(text)) FROM texts"
    with connected({"texts": pa.table({"text": TEXTS})}) as connection:
        return {text: tuple(made) for text, *made in connection.execute(query).fetchall()}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_folded_as_the_reference_folds_them(text: str, folded: Mapping[str, tuple[str, ...]]) -> None:
    words, _ = by_hand.name_parts(text)
    assert folded[text] == (by_hand.folded(text), by_hand.title_key(text), " ".join(words))


def test_every_character_is_folded_as_the_reference_folds_it() -> None:
    # Those that are as old as Unicode 3.2 do not depend on the release of Python or DuckDB.
    old = (
        chr(code) for code in range(sys.maxunicode + 1) if unicodedata.ucd_3_2_0.category(chr(code)) not in ("Cn", "Cs")
    )
    characters = [character for character in old if unicodedata.category(character)[0] != "M"]
    texts = [beside.format(character) for character in characters for beside in ("é{}y", "و{}ي")]
    with connected({"texts": pa.table({"place": range(len(texts)), "text": texts})}) as connection:
        found = connection.execute("SELECT folded(text) FROM texts ORDER BY place").fetchall()
    differ = [text for text, (words,) in zip(texts, found, strict=True) if words != by_hand.folded(text)]
    assert len(texts) > 100_000
    assert differ == []
