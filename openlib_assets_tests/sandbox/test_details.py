"""Documents of the search are as rich, as messy and as skewed as those of Open Library."""

import re
from collections import Counter
from statistics import quantiles

import pytest

from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details.documents import FIELDS
from openlib_assets_tests.sandbox.asking import Answer

WORKS = 10_000


@pytest.fixture(scope="module")
def documents() -> list[Answer]:
    catalogue = Catalogue({"love": WORKS}, seed=1, this_year=2026)
    return [catalogue.document(code, FIELDS) for code in catalogue.codes("love")]


def share(documents: list[Answer], field: str) -> float:
    return sum(field in document for document in documents) / len(documents)


def test_the_same_seed_gives_the_same_documents(documents: list[Answer]) -> None:
    same, other = (Catalogue({"love": 50}, seed=seed, this_year=2026) for seed in (1, 2))
    by_key = {document["key"]: document for document in documents}
    for code in same.codes("love"):
        document = same.document(code, FIELDS)
        assert document == by_key[document["key"]]
    assert all(other.document(code, FIELDS) not in documents for code in other.codes("love"))


def test_as_many_works_say_something_as_in_open_library(documents: list[Answer]) -> None:
    known = {field: share(documents, field) for field in FIELDS}
    assert {field for field, rate in known.items() if rate == 1} == {
        *("ebook_access", "edition_count", "has_fulltext", "key", "title", "subject", "subject_key")
    }
    assert known["subtitle"] == pytest.approx(0.014, abs=0.005)
    assert 0.85 < known["language"] < 0.95
    assert 0.7 < known["number_of_pages_median"] < 0.85
    assert 0.25 < known["format"] < 0.4
    assert {document["ebook_access"] for document in documents} == {
        *("no_ebook", "unclassified", "printdisabled", "borrowable", "public")
    }
    assert any(document.get("cover_i") == -1 for document in documents)
    assert any("Sine nomine" in document.get("publisher", []) for document in documents)
    languages = {language for document in documents for language in document.get("language", [])}
    assert {"eng", "fre", "und"} < languages
    assert {len(language) for language in languages} == {3}


def test_isbns_are_as_many_and_as_messy_as_in_open_library(documents: list[Answer]) -> None:
    lists = [document.get("isbn", []) for document in documents]
    counted = quantiles(map(len, lists), n=100)
    isbns = Counter(isbn for listed in lists for isbn in listed)
    shapes = Counter(re.sub("[0-9]", "9", isbn) for isbn in isbns)

    assert 1 <= counted[49] <= 3
    assert 6 <= counted[89] <= 10
    assert 30 <= counted[98] <= 60
    assert 0.1 < sum(not listed for listed in lists) / WORKS < 0.2
    assert all(len(set(listed)) == len(listed) for listed in lists)
    assert any(listed != sorted(listed) for listed in lists)
    assert shapes["9" * 10] + shapes["9" * 13] > 0.9 * len(isbns)
    for shape in (
        *("999-9-999-99999-9", "999-9-999-99999-9 (hardcover)", "999 9 999 99999 9", "ISBN 9999999999"),
        *("999999999X", "999999999x", "9999999999$9.99", "9999999999X", "9" * 11, "9" * 14, "", " "),
    ):
        assert shapes[shape], shape
    assert any(isbn.startswith("979") for isbn in isbns)
    assert {"1111111111", "9999999999", "0000000000"} <= isbns.keys()
    assert any(count > 1 and len(isbn) == 13 and isbn.startswith("978") for isbn, count in isbns.items())
    right = [isbn for isbn in isbns if re.fullmatch("978[0-9]{10}", isbn) and checked(isbn)]
    wrong = [isbn for isbn in isbns if re.fullmatch("978[0-9]{10}", isbn) and not checked(isbn)]
    assert 0 < len(wrong) < 0.02 * len(right)


def checked(isbn: str) -> bool:
    return sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(isbn)) % 10 == 0


def test_few_works_are_read_and_some_of_those_by_many(documents: list[Answer]) -> None:
    read = [document for document in documents if document.get("readinglog_count")]
    many = [document for document in documents if document["edition_count"] > 50]
    logs = sorted(document["readinglog_count"] for document in read)

    assert len(read) / WORKS == pytest.approx(0.08, abs=0.01)
    assert sum(bool(document.get("ratings_count")) for document in documents) / WORKS == pytest.approx(0.02, abs=0.01)
    assert sum("readinglog_count" in document for document in many) / len(many) > 0.9
    assert logs[len(logs) // 2] < 10
    assert logs[-1] > 1000
    assert 0.3 < share(documents, "readinglog_count") < 0.8
    for document in documents:
        if "readinglog_count" in document:
            shelves = ("want_to_read_count", "currently_reading_count", "already_read_count")
            assert document["readinglog_count"] == sum(document[shelf] for shelf in shelves)
            assert (document["ratings_average"] == 0) == (document["ratings_count"] == 0)
            assert document["ratings_average"] == 0 or 1 <= document["ratings_average"] <= 5
