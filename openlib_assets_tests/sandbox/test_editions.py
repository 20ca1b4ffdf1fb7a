"""The search shows the edition of each work that is best for the reader who asks."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.sandbox.catalogue.details.best_edition import FIELDS
from openlib_assets_tests.sandbox.asking import Answer, ask

ALL = "key,title,isbn,language,edition_key,edition_count,editions," + ",".join(f"editions.{it}" for it in FIELDS)


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig({"love": 500}, seed=2)) as sandbox:
        yield sandbox


def documents(
    sandbox: Sandbox, q: str = 'subject_key:"love"', headers: dict[str, str] | None = None, **asked: Any
) -> list[Answer]:
    given = {"q": q, "fields": ALL, "sort": "key", "limit": 1000, **asked}
    found = ask(sandbox, f"/search.json?{urlencode(given)}", headers=headers or {}).json()
    assert found["numFound"] == len(found["docs"])
    return list(found["docs"])


def only(document: Answer) -> Answer:
    (edition,) = document["editions"]["docs"]
    assert isinstance(edition, dict)
    return edition


def test_each_work_has_its_best_edition(served: Sandbox) -> None:
    for document in documents(served):
        assert list(document["editions"])[:3] == ["numFound", "start", "numFoundExact"]
        assert document["editions"]["numFound"] == document["edition_count"]
        if document["edition_count"] == 0:
            assert document["editions"]["docs"] == []
            continue
        edition = only(document)
        assert {"key", "title", "ebook_access"} <= edition.keys() <= FIELDS
        assert edition["key"].removeprefix("/books/") in document["edition_key"]
        assert set(edition.get("isbn", [])) <= set(document.get("isbn", []))
        assert set(edition.get("language", [])) <= set(document.get("language", []))
        assert all(len(edition.get(name, [1])) == 1 for name in ("publish_date", "format", "publisher"))
        assert edition.get("cover_i", 1) > 0


def test_many_editions_lack_what_an_order_needs(served: Sandbox) -> None:
    editions = [only(document) for document in documents(served) if document["edition_count"]]
    for name in ("isbn", "language", "publisher", "publish_date", "format", "cover_i", "subtitle"):
        assert 0 < sum(name not in edition for edition in editions) < len(editions), name


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ({}, "eng"),
        ({"lang": "fr"}, "fre"),
        ({"lang": "fre"}, "eng"),
        ({"headers": {"Accept-Language": "fr-CA, en;q=0.8"}}, "fre"),
        ({"headers": {"Accept-Language": "fr"}, "lang": "de"}, "ger"),
    ],
)
def test_the_language_of_the_reader_comes_first(served: Sandbox, asked: Any, language: str) -> None:
    found = [document for document in documents(served, **asked) if document["edition_count"]]
    translated = [document for document in found if language in document.get("language", [])]
    others = [document for document in found if language not in document.get("language", [])]

    assert 0 < len(translated) < len(found)
    assert all(language in only(document)["language"] for document in translated)
    assert all(only(document) for document in others)


def test_a_translation_has_a_title_of_its_own(served: Sandbox) -> None:
    found = [document for document in documents(served, lang="ru") if "rus" in document.get("language", [])]

    assert any(only(document)["title"] != document["title"] for document in found)
    assert any(only(document)["title"] == document["title"] for document in found)


def test_editions_have_the_fields_of_works_unless_theirs_are_named(served: Sandbox) -> None:
    unnamed, named = (documents(served, fields=fields)[0] for fields in ("key,editions", "key,editions,editions.isbn"))
    assert set(only(unnamed)) == {"key"}
    assert set(only(named)) <= {"isbn"}
    assert set(documents(served, fields="key,editions.key")[0]) == {"key"}
    assert documents(served, fields="key,editions,editions.*") == documents(
        served, fields=",".join(("key", "editions", *(f"editions.{it}" for it in FIELDS)))
    )


def test_a_condition_on_editions_leaves_fewer_works(served: Sandbox) -> None:
    everything = {document["key"]: document for document in documents(served)}
    french = documents(served, 'subject_key:"love" AND language:fre')
    either = documents(served, 'subject_key:"love" AND language:(fre OR ger)')
    some = next(it for it in everything.values() if it["edition_count"] and len(only(it).get("isbn", [])) > 1)
    isbn = next(isbn for isbn in some["isbn"] if len(isbn) == 13)

    assert {it["key"] for it in french} == {key for key, it in everything.items() if "fre" in it.get("language", [])}
    assert len(french) < len(either) < len(everything)
    assert all("fre" in only(document)["language"] for document in french)
    assert all(it["editions"]["numFound"] <= everything[it["key"]]["editions"]["numFound"] for it in french)
    assert some["key"] in {document["key"] for document in documents(served, f"isbn:{isbn[:3]}-{isbn[3:]}")}


def test_one_edition_must_meet_all_conditions_only_where_editions_are_asked_for(served: Sandbox) -> None:
    q = 'subject_key:"love" AND language:fre AND publisher:"Penguin Books"'
    with_edition, without = (
        {document["key"] for document in documents(served, q, fields=fields)} for fields in (ALL, "key")
    )
    assert with_edition < without
