"""Odd texts are alike in every run, and odd in all the ways that they are there for."""

import json
import unicodedata
from collections.abc import Callable

import pytest

from openlib_assets_tests.tools.odd_texts import odd_dates, odd_isbns, odd_literals, odd_subjects, odd_titles
from openlib_assets_tests.tools.reference_catalogue import DROPPED, subject_key, year_of
from openlib_assets_tests.tools.reference_details import fault_of

MANY = 50_000


@pytest.mark.parametrize("draw", [odd_dates, odd_subjects, odd_isbns, odd_titles, odd_literals])
def test_a_seed_gives_the_same_texts_and_another_seed_others(draw: Callable[[int, int], list[str]]) -> None:
    texts = draw(2_000, 1)
    assert len(texts) == 2_000
    assert texts == draw(2_000, 1)
    assert texts != draw(2_000, 2)


def test_dates_have_years_of_all_scripts_and_often_none() -> None:
    dates = odd_dates(MANY, 1)
    years = [year_of(date) for date in dates]
    assert MANY / 5 < sum(year is not None for year in years) < MANY * 4 / 5
    digits = {character for date in dates for character in date if unicodedata.category(character) == "Nd"}
    zeros = {ord(digit) - unicodedata.decimal(digit) for digit in digits}
    in_use = {code for code in range(0x110000) if unicodedata.decimal(chr(code), None) == 0}
    assert zeros == in_use


def test_subjects_have_whatever_the_rule_takes_away_or_changes() -> None:
    names = odd_subjects(MANY, 1)
    characters = set("".join(names))
    assert characters >= set(DROPPED)
    assert characters >= {chr(code) for code in range(0x110000) if chr(code).isspace()}
    assert sum(subject_key(name) == "" for name in names) > 100
    # A final sigma somewhere, and the same letter where it is none.
    assert any("Σ" in name and "ς" in subject_key(name) for name in names)
    assert any("Σ" in name and "σ" in subject_key(name) for name in names)


def test_isbns_are_right_and_wrong_in_every_way() -> None:
    faults = [fault_of(text) for text in odd_isbns(MANY, 1)]
    assert set(faults) == {None, "blank", "not a book number", "placeholder", "wrong length", "wrong check digit"}
    assert MANY / 4 < faults.count(None) < MANY * 3 / 4


def test_titles_survive_json_and_have_halves_of_pairs_that_meet() -> None:
    titles = odd_titles(MANY, 1)
    read = [json.loads(json.dumps(title)) for title in titles]
    assert any(title != text and "\U0001f600" in text for title, text in zip(titles, read, strict=True))
    assert any("\ud800" in text for text in read)


def test_literals_are_strict_json_in_all_its_escapes() -> None:
    literals = odd_literals(MANY, 1)
    assert all(isinstance(json.loads(literal), str) for literal in literals)
    assert [
        escape
        for escape in ("\\/", "\\b", "\\u00e9", "\\u00E9", "é", "\U0001f600", "\\ud83d")
        if not any(escape in it for it in literals)
    ] == []
