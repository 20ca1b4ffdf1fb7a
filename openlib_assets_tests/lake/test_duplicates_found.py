"""Possible duplicates on subjects in which all of them are known: how often they are right, and how many are found."""

from typing import Any

import pyarrow as pa
import pytest

from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.labels import same_book_as, same_person_as
from openlib_assets_tests.tools.labelled import Accuracy, authors_accuracy, books_accuracy, sandbox_tables


@pytest.fixture(scope="module")
def labelled() -> list[dict[str, pa.Table]]:
    """Two subjects whose duplicates are known."""
    return [sandbox_tables(subject, 5_000) for subject in ("tea", "ice")]


def test_the_sandbox_has_duplicates_and_what_looks_like_them(labelled: list[dict[str, pa.Table]]) -> None:
    for tables in labelled:
        books = {row["work_key"]: row for row in tables["books"].to_pylist()}
        again = {key: original for key in books if (original := same_book_as(1, key))}
        assert again.keys() | set(again.values()) <= books.keys()
        assert 0.02 * len(books) < len(again) < 0.03 * len(books)
        assert any(books[key]["title"] != books[original]["title"] for key, original in again.items())

        names = {row["author_key"]: row["author_name"] for row in tables["authors"].to_pylist()}
        second = {key: first for key in names if (first := same_person_as(key)) in names}
        assert len(second) > 0.015 * len(names)
        assert any(names[key] != names[first] for key, first in second.items())

        first_names = [name for key, name in names.items() if name and not same_person_as(key)]
        by_chance = len(first_names) - len(set(first_names))
        assert 0 < by_chance < 0.02 * len(names)


def test_precision_and_recall_on_labelled_subjects(labelled: list[dict[str, pa.Table]]) -> None:
    def at_least(accuracy: Accuracy, precision: float, recall: float) -> None:
        assert accuracy.precision >= precision
        assert accuracy.recall >= recall

    books, authors = books_accuracy(labelled), authors_accuracy(labelled)
    at_least(books, 0.85, 0.7)
    at_least(books.from_score(0.8), 0.9, 0.5)
    at_least(authors, 0.6, 0.7)
    at_least(authors.from_score(0.8), 0.95, 0.55)
    # What cannot be told is there, too.
    assert max(books.precision, books.recall, authors.precision, authors.recall) < 0.99
    assert books.from_score(0.8).precision < 1
    rules = authors.by_rule()
    assert rules["same_name"].precision < rules["same_long_name"].precision < rules["same_work"].precision


def test_a_duplicate_lists_the_authors_of_its_original() -> None:
    records: dict[str, Any] = {
        record["key"].removeprefix("/works/"): record
        for record in Catalogue({"tea": 2_000}, seed=7, this_year=2026).records("tea")
    }

    def people(key: str) -> set[str]:
        keys = [author["key"].removeprefix("/authors/") for author in records[key]["authors"]]
        return {same_person_as(author) or author for author in keys}

    pairs = [(key, original) for key in records if (original := same_book_as(7, key))]
    assert pairs
    assert all(people(key) == people(original) for key, original in pairs)
    assert any(records[key]["authors"] != records[original]["authors"] for key, original in pairs)
