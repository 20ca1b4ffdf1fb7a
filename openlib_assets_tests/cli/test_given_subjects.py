"""Subjects as a command is given them: each once, and a line for what may surprise."""

import pytest

from openlib_assets.cli.given_subjects import given_keys
from openlib_assets.openlibrary.subject_keys import InvalidSubjectError

Capture = pytest.CaptureFixture[str]


def test_subjects_that_normalise_to_the_same_key_count_once_in_the_order_given(capsys: Capture) -> None:
    texts = ["Love", "science fiction", "/subjects/love.json", "place:love", "Science_Fiction", "LOVE "]
    assert given_keys(texts) == ["love", "science_fiction", "place:love"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "Love and /subjects/love.json and LOVE are the same subject in Open Library: love",
        "science fiction and Science_Fiction are the same subject in Open Library: science_fiction",
    ]


def test_names_that_differ_in_dropped_symbols_only_are_said_to_be_one_subject(capsys: Capture) -> None:
    assert given_keys(["C#", "C++"]) == ["c"]
    assert capsys.readouterr().err == "C# and C++ are the same subject in Open Library: c\n"


def test_a_name_that_loses_what_it_means_is_told_and_so_are_quotation_marks_that_stay(
    capsys: Capture,
) -> None:
    assert given_keys(["C#", "/subjects/r%26d", "“love”", 'Fiction, "general"']) == [
        "c",
        "rd",
        "“love”",
        "fiction_general",
    ]
    assert capsys.readouterr().err.splitlines() == [
        "C# is c in Open Library, which drops such signs",
        "“love”: the quotation marks are part of it; if no work is under it, try it without",
    ]


def test_a_name_in_decomposed_unicode_stays_as_it_is_and_the_composed_one_is_named(capsys: Capture) -> None:
    assert given_keys(["cafe\u0301"]) == ["cafe\u0301"]
    assert capsys.readouterr().err.endswith("if Open Library has no work under it, try caf\u00e9\n")


def test_nothing_is_said_of_names_that_surprise_nobody(capsys: Capture) -> None:
    assert given_keys(["Love", "Love ", "caf\u00e9", "place:france"]) == ["love", "caf\u00e9", "place:france"]
    assert capsys.readouterr().err == ""


def test_one_bad_subject_among_several_is_named() -> None:
    with pytest.raises(InvalidSubjectError, match=r"'\.\.'"):
        given_keys(["love", ".."])
