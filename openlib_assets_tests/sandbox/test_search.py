"""The sandbox's search for works answers as Open Library's does."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.sandbox.catalogue.details.documents import FIELDS as ALL_FIELDS
from openlib_assets_tests.sandbox.asking import Answer, answer, ask

WORKS = 300


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig({"love": WORKS, "place:france": 40})) as sandbox:
        yield sandbox


def found(sandbox: Sandbox, q: str, **asked: object) -> Answer:
    return answer(sandbox, search(q, **asked))


def search(q: str, **asked: object) -> str:
    given = {"fields": "key", "sort": "key", "limit": 10_000, **asked}
    return "/search.json?q=" + quote(q) + "".join(f"&{name}={value}" for name, value in given.items())


FIELDS = ALL_FIELDS - {"subject", "subject_key"}


def keys(found: Answer) -> list[str]:
    return [document["key"] for document in found["docs"]]


def test_it_lists_the_keys_of_a_subject_in_order(served: Sandbox) -> None:
    listed = found(served, 'subject_key:"love"')
    assert keys(listed) == [work["key"] for work in served.works("love")]
    assert [listed[name] for name in ("numFound", "num_found", "start", "numFoundExact", "offset")] == [
        WORKS,
        WORKS,
        0,
        True,
        None,
    ]
    assert found(served, "place_key:france")["numFound"] == 40
    assert found(served, 'subject_key:"no such"')["docs"] == []


def test_offset_page_and_limit_choose_what_is_listed(served: Sandbox) -> None:
    every = keys(found(served, 'subject_key:"love"'))
    assert keys(found(served, 'subject_key:"love"', limit=50, offset=280)) == every[280:]
    assert keys(found(served, 'subject_key:"love"', limit=50, page=2)) == every[50:100]
    assert keys(found(served, 'subject_key:"love"', limit=50, page=2, offset=10)) == every[10:60]


@pytest.mark.parametrize(("opened", "closed"), ["{}", "[]", "{]", "[}"])
def test_a_range_of_keys_includes_its_ends_by_its_brackets(served: Sandbox, opened: str, closed: str) -> None:
    every = keys(found(served, 'subject_key:"love"'))
    low, high = every[100], every[200]
    within = found(served, f'subject_key:"love" AND key:{opened}"{low}" TO "{high}"{closed}')
    assert keys(within) == every[100 + (opened == "{") : 201 - (closed == "}")]
    assert keys(found(served, f'subject_key:"love" AND key:{opened}"{low}" TO *{closed}'))[-1] == every[-1]


def test_works_are_found_by_their_keys(served: Sandbox) -> None:
    every = keys(found(served, 'subject_key:"love"'))
    asked = " OR ".join(f'"{key}"' for key in (every[5], every[3], "/works/OL1W"))
    assert keys(found(served, f"key:({asked})")) == [every[3], every[5]]
    assert keys(found(served, f'key:"{every[5]}"')) == [every[5]]


def test_documents_have_what_is_asked_for_and_lack_what_is_not_known(served: Sandbox) -> None:
    documents = found(served, 'subject_key:"love"', fields="key,title,first_publish_year")["docs"]
    records = list(served.works("love"))
    for document, record in zip(documents, records, strict=True):
        years = {"first_publish_year": record["first_publish_year"]}
        assert document == {
            "key": record["key"],
            "title": record["title"],
            **(years if record["first_publish_year"] is not None else {}),
        }
    assert any("first_publish_year" not in document for document in documents)


def test_every_document_agrees_with_the_subjects_api(served: Sandbox) -> None:
    documents = found(served, 'subject_key:"love"', fields=",".join((*FIELDS, "isnb")))["docs"]
    works = answer(served, "/subjects/love.json?sort=key&limit=1000")["works"]
    for document, work in zip(documents, works, strict=True):
        assert document.keys() <= FIELDS
        assert [document["key"], document["title"]] == [work["key"], work["title"]]
        assert document["edition_count"] == work["edition_count"] == len(document.get("edition_key", []))
        assert document.get("first_publish_year") == work["first_publish_year"]
        assert min(document.get("publish_year", [None])) == work["first_publish_year"]
        assert document.get("author_key", []) == [author["key"][len("/authors/") :] for author in work["authors"]]
        assert document.get("author_name", []) == [author["name"] for author in work["authors"]]
        assert document.get("cover_i", -1) == (work["cover_id"] or -1)
        assert document.get("cover_edition_key") == work["cover_edition_key"]
        assert (document["ebook_access"] == "public") == work["public_scan"]
        assert None not in document.values()
        assert [] not in document.values()
    assert documents == list(served.documents("love", FIELDS))


def test_patterns_of_fields_are_filled_in(served: Sandbox) -> None:
    documents = found(served, 'subject_key:"love"', fields="key,ratings_*")["docs"]
    assert {frozenset(document) for document in documents} == {
        frozenset(("key",)),
        frozenset(("key", "ratings_average", "ratings_count")),
    }


def test_a_request_line_of_more_than_eight_kilobytes_is_refused(served: Sandbox) -> None:
    def asking_for(length: int) -> int:
        path = "/search.json?q=key:%2Fworks%2FOL1W&fields="
        return ask(served, path + "x" * (length - len(f"GET {path} HTTP/1.1\r\n"))).status_code

    assert (asking_for(8192), asking_for(8193)) == (200, 414)


def test_bad_syntax_is_taken_for_words(served: Sandbox) -> None:
    response = ask(served, search('subject_key:"love AND key:('))
    assert response.status_code == 200
    assert response.json()["numFound"] == 0


@pytest.mark.parametrize(("asked", "status"), [("q=ab", 422), ("q=the", 422), ("q=abc&limit=-1", 422), ("", 422)])
def test_what_is_asked_wrongly_is_refused(served: Sandbox, asked: str, status: int) -> None:
    assert ask(served, f"/search.json?{asked}").status_code == status


def test_an_unknown_order_is_an_error(served: Sandbox) -> None:
    assert ask(served, search('subject_key:"love"', sort="bogus")).status_code == 500


def test_where_the_index_fails_it_says_so() -> None:
    plan = FaultPlan(planned=(Planned("null_count"),))
    with Sandbox(SandboxConfig({"love": WORKS}, faults=plan)) as sandbox:
        response = ask(sandbox, search('subject_key:"love"'))
        assert (response.status_code, response.text) == (500, "Internal Server Error")


def test_a_cut_is_served_as_if_complete() -> None:
    plan = FaultPlan(permanent={"love": "cut_index"})
    with Sandbox(SandboxConfig({"love": WORKS}, faults=plan)) as sandbox:
        cut = found(sandbox, 'subject_key:"love"')
        assert cut["numFound"] == len(cut["docs"]) < WORKS
        assert cut["numFoundExact"]


@pytest.mark.parametrize(
    "faults",
    [
        FaultPlan(permanent={"love": "http_403"}, at="/search.json"),
        FaultPlan({"http_403": 1.0}, max_consecutive=99, at="/search.json"),
    ],
)
def test_the_search_alone_may_be_refused_for_good(faults: FaultPlan) -> None:
    with Sandbox(SandboxConfig({"love": WORKS}, faults=faults)) as sandbox:
        assert {ask(sandbox, search('subject_key:"love"')).status_code for _ in range(5)} == {403}
        assert ask(sandbox, "/subjects/love.json").status_code == 200


def test_a_document_without_its_year_says_nothing_of_it() -> None:
    plan = FaultPlan(permanent={"love": "missing_years"})
    with Sandbox(SandboxConfig({"love": WORKS}, faults=plan)) as sandbox:
        documents = found(sandbox, 'subject_key:"love"', fields="key,first_publish_year")["docs"]
        assert {tuple(document) for document in documents} == {("key",)}


@pytest.mark.parametrize(
    ("fault", "count"), [("short_page", WORKS // 2), ("duplicate_work", WORKS), ("unordered", WORKS)]
)
def test_what_goes_wrong_with_works_goes_wrong_with_documents(fault: str, count: int) -> None:
    plan = FaultPlan(planned=(Planned(fault, match="/search.json"),))
    with Sandbox(SandboxConfig({"love": WORKS}, faults=plan)) as sandbox:
        wrong, right = (found(sandbox, 'subject_key:"love"', fields="key,isbn") for _ in range(2))
        assert wrong["numFound"] == right["numFound"] == WORKS
        assert len(wrong["docs"]) == count
        assert wrong["docs"] != right["docs"]


def test_it_may_have_a_limit_of_its_own() -> None:
    with Sandbox(SandboxConfig({"love": WORKS}, search_rows=100)) as sandbox:
        listed = found(sandbox, 'subject_key:"love"')
        assert (listed["numFound"], len(listed["docs"])) == (WORKS, 100)


def test_a_lagging_replica_misses_works() -> None:
    with Sandbox(SandboxConfig({"love": WORKS})) as sandbox:
        every = keys(found(sandbox, 'subject_key:"love"'))
        sandbox.hide_from_search(every[7:9])
        assert keys(found(sandbox, 'subject_key:"love"')) == every[:7] + every[9:]


def test_the_subjects_api_may_miss_works_that_the_search_finds() -> None:
    with Sandbox(SandboxConfig({"love": WORKS})) as sandbox:
        every = keys(found(sandbox, 'subject_key:"love"'))
        sandbox.hide_from_subjects(every[7:9])
        listed = answer(sandbox, "/subjects/love.json?sort=key&limit=1000")
        assert [work["key"] for work in listed["works"]] == every[:7] + every[9:]
        assert answer(sandbox, "/subjects/love.json?limit=0")["work_count"] == WORKS - 2
        assert keys(found(sandbox, 'subject_key:"love"')) == every
