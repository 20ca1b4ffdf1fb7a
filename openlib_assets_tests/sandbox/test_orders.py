"""Orders, filters, facets and the search for subjects: what the index finds, and in which order."""

from collections import Counter
from typing import Any

import pytest

from openlib_assets.sandbox import Sandbox
from openlib_assets_tests.sandbox.asking import SUBJECTS, answer, ask, enumerate_keys


@pytest.mark.parametrize("sort", ["key", "editions,key", "key desc", "random_7", "title, key"])
def test_a_total_order_finds_every_work_once(sandbox: Sandbox, sort: str) -> None:
    assert sorted(enumerate_keys(sandbox, "love", sort)) == sandbox.keys("love")


def test_the_key_order_is_that_of_the_text(sandbox: Sandbox) -> None:
    keys = enumerate_keys(sandbox, "science_fiction", "key", limit=1000)

    assert keys == sorted(keys)
    assert keys != sorted(keys, key=lambda key: int(key[len("/works/OL") : -1]))


@pytest.mark.parametrize("sort", ["editions", "old", "new", "rating", ""])
def test_an_order_with_ties_loses_works(sandbox: Sandbox, sort: str) -> None:
    found = enumerate_keys(sandbox, "love", sort)

    assert len(found) == 300
    assert len(set(found)) < 300


@pytest.mark.parametrize(
    ("sort", "field", "missing", "descending"),
    [
        ("editions", "edition_count", 0, True),
        ("old", "first_publish_year", 9999, False),
        ("new", "first_publish_year", -1, True),
        ("title", "title", "", False),
    ],
)
def test_orders_are_what_they_are_called(
    sandbox: Sandbox, sort: str, field: str, missing: Any, descending: bool
) -> None:
    works = answer(sandbox, f"/subjects/love.json?limit=1000&sort={sort}")["works"]
    values = [missing if work[field] is None else work[field] for work in works]

    assert values == sorted(values, reverse=descending)


def test_random_orders_are_repeatable_and_differ(sandbox: Sandbox) -> None:
    first, again, other = (enumerate_keys(sandbox, "love", sort) for sort in ("random_1", "random_1", "random_2"))

    assert first == again != other


# Filters and facets


def test_fulltext_filter(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/subjects/love.json?has_fulltext=true&limit=1000")
    expected = [work for work in sandbox.works("love") if work["lending_edition"] or work["public_scan"]]

    assert found["work_count"] == found["ebook_count"] == len(expected) == len(found["works"])
    assert 0 < len(expected) < len([work for work in sandbox.works("love") if work["has_fulltext"]])
    assert "ebook_count" not in answer(sandbox, "/subjects/love.json?has_fulltext=false")


def test_years_of_editions_overlap(sandbox: Sandbox) -> None:
    early, late = (
        answer(sandbox, f"/subjects/love.json?limit=1000&sort=key&published_in={years}")
        for years in ("1000-1989", "1990-2100")
    )

    assert early["solr_query"].endswith(" publish_year:[1000 TO 1989]")
    assert {work["key"] for work in early["works"]} & {work["key"] for work in late["works"]}
    assert all(1 <= work["first_publish_year"] <= 1989 for work in early["works"])


def test_details(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/subjects/science_fiction.json?details=true&limit=0")
    works = list(sandbox.works("science_fiction"))

    assert " ".join(list(found)[6:]) == (
        "ebook_count subjects places people times authors publishers languages publishing_history"
    )
    assert found["ebook_count"] == sum(work["has_fulltext"] for work in works)
    assert found["name"] == "Science fiction"
    assert all(len(found[facet]) <= 25 for facet in ("subjects", "authors", "publishers", "people"))
    spellings = Counter(spelling for work in works for spelling in set(work["subject"]))
    assert all(facet["count"] == spellings[facet["name"]] for facet in found["subjects"])
    assert "Science fiction" not in {facet["name"] for facet in found["subjects"]}
    assert all(1000 < year <= 2027 for year, _ in found["publishing_history"])
    assert [set(facet) for facet in found["authors"][:1]] == [{"name", "key", "count"}]


def test_details_of_a_person(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/subjects/person:sherlock_holmes.json?details=true&limit=0")

    assert found["subject_type"] == "person"
    assert "sherlock" in found["name"].lower()


def test_subject_search(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/search/subjects.json?q=Sherlock")
    everything = answer(sandbox, "/search/subjects.json?q=*&limit=2&offset=1")

    assert found["numFound"] == 1
    assert found["docs"][0]["key"] == "/subjects/person:sherlock_holmes"
    assert found["docs"][0]["subject_type"] == "person"
    assert found["docs"][0]["work_count"] == 40
    assert everything["numFound"] == len(SUBJECTS)
    assert [doc["work_count"] for doc in everything["docs"]] == [300, 40]
    assert ask(sandbox, "/search/subjects.json?limit=-1").status_code == 422
