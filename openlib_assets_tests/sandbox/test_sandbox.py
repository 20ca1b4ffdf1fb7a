"""The sandbox Open Library, over real sockets: that it behaves as the real one is known to."""

import json
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import pytest
import requests
from pydantic import Field, TypeAdapter, ValidationError

from openlib_assets.sandbox import (
    FAULTS,
    PERMANENT,
    TRANSIENT,
    FaultPlan,
    Planned,
    Sandbox,
    SandboxConfig,
    parse_subjects,
    subject_key,
)
from openlib_assets.sandbox.http.limits import LeakyBucket

Answer = dict[str, Any]

SUBJECTS = {
    "science_fiction": 2500,
    "love": 300,
    "person:sherlock_holmes": 40,
    "time:20th_century": 30,
    "children's_stories_english": 5,
    "nothing": 0,
}
FIELDS = (
    "key title edition_count cover_id cover_edition_key subject ia_collection printdisabled lending_edition "
    "lending_identifier authors first_publish_year ia public_scan has_fulltext"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that no test changes."""
    with Sandbox(SandboxConfig(SUBJECTS, this_year=2026)) as running:
        yield running


def ask(sandbox: Sandbox, path: str, **options: Any) -> requests.Response:
    return requests.get(sandbox.url + path, timeout=10, allow_redirects=False, **options)


def answer(sandbox: Sandbox, path: str) -> Answer:
    response = ask(sandbox, path)
    assert response.status_code == 200
    found = response.json()
    assert isinstance(found, dict)
    return found


def enumerate_keys(sandbox: Sandbox, subject: str, sort: str, limit: int = 50) -> list[str]:
    found: list[str] = []
    for offset in range(0, sandbox.count(subject), limit):
        page = answer(sandbox, f"/subjects/{subject}.json?sort={sort}&limit={limit}&offset={offset}")
        found += [work["key"] for work in page["works"]]
    return found


def all_keys(sandbox: Sandbox, subject: str) -> list[str]:
    return [work["key"] for work in sandbox.works(subject)]


def without_availability(works: list[Answer]) -> list[Answer]:
    return [{name: value for name, value in work.items() if name != "availability"} for work in works]


# Shape of an answer


def test_an_answer_has_the_fields_of_open_library_in_their_order(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/subjects/science_fiction.json")

    assert list(found) == ["key", "name", "subject_type", "solr_query", "work_count", "works"]
    assert found["key"] == "/subjects/science_fiction"
    assert found["name"] == "science fiction"
    assert found["subject_type"] == "subject"
    assert found["solr_query"] == 'subject_key:"science_fiction"'
    assert found["work_count"] == 2500
    assert len(found["works"]) == 12


def test_a_work_has_the_fields_of_open_library_in_their_order(sandbox: Sandbox) -> None:
    works = answer(sandbox, "/subjects/science_fiction.json?sort=key&limit=1000")["works"]

    for work in works:
        assert " ".join(list(work)[:15]) == FIELDS
        assert list(work)[15:] == ([] if work["ia"] is None else ["availability"])
    assert {"open", "private", "borrow_available", "error"} <= {
        (work.get("availability") or {}).get("status") for work in works
    }


def test_answers_come_from_the_app(sandbox: Sandbox) -> None:
    response = ask(sandbox, "/subjects/love.json")

    assert response.headers["X-Served-By"] == "FastAPI"
    assert response.headers["Content-Type"] == "application/json"


def test_a_connection_is_kept(sandbox: Sandbox) -> None:
    with requests.Session() as session:
        replies = [session.get(f"{sandbox.url}/subjects/love.json", timeout=10) for _ in range(3)]
        assert all("close" not in reply.headers.get("Connection", "") for reply in replies)
        (pool,) = session.adapters["http://"].poolmanager.pools._container.values()  # type: ignore[attr-defined]
        assert pool.num_connections == 1


# Parameters


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (
            "limit=1001",
            {
                "type": "less_than_equal",
                "loc": ["query", "limit"],
                "msg": "Input should be less than or equal to 1000",
                "input": "1001",
                "ctx": {"le": 1000},
            },
        ),
        (
            "offset=-1",
            {
                "type": "greater_than_equal",
                "loc": ["query", "offset"],
                "msg": "Input should be greater than or equal to 0",
                "input": "-1",
                "ctx": {"ge": 0},
            },
        ),
        (
            "page=0",
            {
                "type": "greater_than_equal",
                "loc": ["query", "page"],
                "msg": "Input should be greater than or equal to 1",
                "input": "0",
                "ctx": {"ge": 1},
            },
        ),
        (
            "limit=1.5",
            {
                "type": "int_parsing",
                "loc": ["query", "limit"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "1.5",
            },
        ),
        (
            "details=maybe",
            {
                "type": "bool_parsing",
                "loc": ["query", "details"],
                "msg": "Input should be a valid boolean, unable to interpret input",
                "input": "maybe",
            },
        ),
    ],
)
def test_wrong_parameters_are_refused_word_for_word(sandbox: Sandbox, query: str, problem: Answer) -> None:
    response = ask(sandbox, f"/subjects/love.json?{query}")

    assert response.status_code == 422
    assert response.text == json.dumps({"detail": [problem]}, separators=(",", ":"))


def test_all_wrong_parameters_are_named(sandbox: Sandbox) -> None:
    detail = ask(sandbox, "/subjects/love.json?has_fulltext=&limit=-1&offset=&page=x").json()["detail"]

    assert [problem["loc"][1] for problem in detail] == ["limit", "offset", "page", "has_fulltext"]


PYDANTIC: dict[str, TypeAdapter[Any]] = {
    "limit": TypeAdapter(Annotated[int, Field(ge=0, le=1000)]),
    "details": TypeAdapter(bool),
}


@pytest.mark.parametrize("name", ["limit", "details"])
@pytest.mark.parametrize(
    "text",
    [
        *("", " 5 ", "+5", "-0", "1.0", "1.", ".0", "1_000", "1__0", "1e3", "0x10", "５", "007", "--5", "9" * 4301),
        *("TRUE", "yes", "oFF", "t", "N", "2", "on ", "nope"),
    ],
)
def test_verdicts_on_parameters_are_those_of_pydantic(sandbox: Sandbox, name: str, text: str) -> None:
    try:
        PYDANTIC[name].validate_python(text)
        expected = []
    except ValidationError as error:
        expected = [(problem["type"], problem["msg"]) for problem in error.errors()]
    response = ask(sandbox, "/subjects/nothing.json", params={name: text})

    assert [(problem["type"], problem["msg"]) for problem in response.json().get("detail", [])] == expected


def test_unknown_sort_breaks_the_server(sandbox: Sandbox) -> None:
    response = ask(sandbox, "/subjects/love.json?sort=bogus")

    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["Content-Type"].startswith("text/plain")


def test_unknown_parameters_and_page_change_nothing(sandbox: Sandbox) -> None:
    plain = answer(sandbox, "/subjects/love.json?sort=key")
    other = answer(sandbox, "/subjects/love.json?sort=key&page=2&ebooks=true&available=x&published_in=1900-")

    assert without_availability(other["works"]) == without_availability(plain["works"])
    assert other["work_count"] == plain["work_count"]


def test_limit_zero_counts(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/subjects/love.json?limit=0")

    assert (found["work_count"], found["works"]) == (300, [])


def test_an_offset_past_the_end_is_empty(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/subjects/love.json?sort=key&offset=300")

    assert (found["work_count"], found["works"]) == (300, [])


def test_an_offset_that_the_index_cannot_hold_gives_no_count(sandbox: Sandbox) -> None:
    found = answer(sandbox, "/subjects/love.json?sort=key&offset=2147483648&details=true")

    assert list(found) == ["key", "name", "subject_type", "solr_query", "work_count", "works"]
    assert (found["work_count"], found["works"]) == (None, [])


# Paths


@pytest.mark.parametrize("subject", ["unknown", "nothing", "", "person:nobody", "..."])
def test_a_subject_without_works_is_no_error(sandbox: Sandbox, subject: str) -> None:
    found = answer(sandbox, f"/subjects/{subject}.json")

    assert found["key"] == f"/subjects/{subject}"
    assert (found["work_count"], found["works"]) == (0, [])


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("science%20fiction", "science_fiction"),
        ("science_fiction,", "science_fiction"),
        ("%20science_fiction%20", "science_fiction"),
        ("science_/fiction", "science_fiction"),
        ("children's_stories,_english", "children's_stories_english"),
        ("person:sherlock%20holmes%3F", "person:sherlock_holmes"),
        ("person%3Asherlock_holmes", "person:sherlock_holmes"),
        ("time:20th_century%23", "time:20th_century"),
    ],
)
def test_many_spellings_mean_one_subject(sandbox: Sandbox, path: str, key: str) -> None:
    found = answer(sandbox, f"/subjects/{path}.json?limit=0")

    assert found["work_count"] == SUBJECTS[key]
    assert found["key"] == f"/subjects/{unquote(path)}"  # as asked, not as normalised


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("FICTION / Thrillers", "fiction__thrillers"),
        ("c++", "c"),
        ("Hyphen-ated (it's) N.Y.!*", "hyphen-ated_(it's)_n.y.!*"),
        ("  ÉTÉ\u00a0", "été"),
        ("a\tb\nc", "a\tbc"),
        ("person:Love, ", "person:love"),
        ("people/x", "peoplex"),
        ("foo:bar", "foobar"),
    ],
)
def test_the_key_rule(name: str, key: str) -> None:
    assert subject_key(name) == key


def test_upper_case_is_redirected_to_lower_case(sandbox: Sandbox) -> None:
    response = ask(sandbox, "/subjects/Science%20Fiction.json?sort=key&limit=5")

    assert response.status_code == 301
    assert response.headers["Location"] == f"{sandbox.url}/subjects/science%20fiction.json?sort=key&limit=5"
    assert response.headers["Location"].startswith("http://")


def test_parameters_are_checked_before_the_redirect(sandbox: Sandbox) -> None:
    assert ask(sandbox, "/subjects/Love.json?limit=x").status_code == 422


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "DELETE"])
def test_only_get_is_allowed(sandbox: Sandbox, method: str) -> None:
    response = requests.request(method, f"{sandbox.url}/subjects/love.json", data=b"body", timeout=10)

    assert response.status_code == 405
    assert response.text == ("" if method == "HEAD" else '{"detail":"Method Not Allowed"}')


@pytest.mark.parametrize("path", ["/", "/subjects/love", "/works/OL1W.json", "/subjects"])
def test_nothing_else_is_here(sandbox: Sandbox, path: str) -> None:
    response = ask(sandbox, path)

    assert response.status_code == 404
    assert response.json() == {"error": "notfound", "key": path.removesuffix(".json")}


# Order


@pytest.mark.parametrize("sort", ["key", "editions,key", "key desc", "random_7", "title, key"])
def test_a_total_order_finds_every_work_once(sandbox: Sandbox, sort: str) -> None:
    assert sorted(enumerate_keys(sandbox, "love", sort)) == all_keys(sandbox, "love")


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


# The catalogue


def test_served_works_are_the_works(sandbox: Sandbox) -> None:
    page = answer(sandbox, "/subjects/love.json?sort=key&limit=1000")

    assert without_availability(page["works"]) == list(sandbox.works("love"))
    assert any("availability" in work for work in sandbox.works("love", availability=True))


def test_the_same_seed_gives_the_same_bytes_but_for_loans() -> None:
    def bodies(seed: int) -> list[list[Answer]]:
        with Sandbox(SandboxConfig({"love": 50}, seed=seed)) as running:
            pages = [answer(running, "/subjects/love.json?sort=key&limit=50")["works"] for _ in range(2)]
        assert pages[0] != pages[1]
        return pages

    first, again, other = bodies(1), bodies(1), bodies(2)

    assert first == again
    assert without_availability(first[0]) == without_availability(first[1])
    assert without_availability(first[0]) != without_availability(other[0])


def test_a_larger_subject_holds_the_smaller_one() -> None:
    small, large = (Sandbox(SandboxConfig({"love": size})) for size in (100, 150))
    try:
        assert set(all_keys(small, "love")) < set(all_keys(large, "love"))
    finally:
        small.stop()
        large.stop()


def test_subjects_share_works_and_authors(sandbox: Sandbox) -> None:
    one, other = ({work["key"]: work for work in sandbox.works(subject)} for subject in ("science_fiction", "love"))
    shared = one.keys() & other.keys()

    def authors(works: dict[str, Answer]) -> set[str]:
        return {author["key"] for key in works.keys() - shared for author in works[key]["authors"]}

    assert len(shared) >= 30
    assert all(one[key] == other[key] for key in shared)
    assert authors(one) & authors(other)


def test_every_work_says_its_subject(sandbox: Sandbox) -> None:
    spellings = set()
    for work in sandbox.works("science_fiction"):
        own = [spelling for spelling in work["subject"] if subject_key(spelling) == "science_fiction"]
        assert own
        spellings.update(own)
    assert len(spellings) > 2


def test_the_catalogue_is_as_messy_as_the_real_one(sandbox: Sandbox) -> None:
    works = list(sandbox.works("science_fiction"))
    titles = Counter(work["title"] for work in works)
    years = [work["first_publish_year"] for work in works]
    author_lists = [[author["key"] for author in work["authors"]] for work in works]
    names: dict[str, set[str]] = {}
    for author in (author for work in works for author in work["authors"]):
        names.setdefault(author["key"], set()).add(author["name"])
    spellings = {name for spelled in names.values() for name in spelled}

    assert len({len(work["key"]) for work in works}) > 2
    assert {work["key"][-1] for work in works} == {"W", "M"}
    assert {None, 0, 1, 1000, 9999, 2027, 2028} <= set(years)
    assert sum(1950 <= (year or 0) <= 2024 for year in years) > 0.7 * len(years)
    assert any(not keys for keys in author_lists)
    assert any(len(set(keys)) > 2 for keys in author_lists)
    assert any(len(set(keys)) < len(keys) for keys in author_lists)
    assert any(len(spelled) > 2 for spelled in names.values())
    assert "" in spellings
    assert any(name and not name.strip() for name in spellings)
    assert any(name.strip() != name and name.strip() for name in spellings)
    assert titles["__None__"]
    assert titles.most_common(1)[0][1] > 1
    for start in "=+-@ ":
        assert any(title.startswith(start) for title in titles)
    for piece in (",", '"', "\n", "\t", "<script>", "\ud800", "🚀", "星", "Звезда"):
        assert any(piece in title for title in titles), piece
    assert any(len(title) > 2000 for title in titles)
    assert any(not unicodedata.is_normalized("NFC", title) for title in titles)
    assert {0, 1} <= {work["edition_count"] for work in works}
    assert any(work["cover_id"] is None for work in works)
    assert any(work["ia_collection"] == [] for work in works)
    assert any(work["ia_collection"] == [""] for work in works)
    assert any(len(set(work["subject"])) < len(work["subject"]) for work in works)
    assert any(len(work["subject"]) > 80 for work in works)


def test_some_works_are_translations(sandbox: Sandbox) -> None:
    by_key = {work["key"]: work for work in sandbox.works("science_fiction")}
    translations = [
        work
        for key, work in by_key.items()
        if key[-2] == "5" and (original := by_key.get(f"{key[:-2]}4W")) and original["authors"] == work["authors"]
    ]

    assert translations


def test_few_authors_write_much_and_most_write_once() -> None:
    sandbox = Sandbox(SandboxConfig({"love": 10_000}))
    books = Counter(
        author for work in sandbox.works("love") for author in {author["key"] for author in work["authors"]}
    )
    sandbox.stop()

    assert max(books.values()) > 20
    assert Counter(books.values())[1] > 0.7 * len(books)


def test_a_million_works_are_served_by_the_page() -> None:
    with Sandbox(SandboxConfig({"everything": 1_000_000})) as sandbox, requests.Session() as session:

        def page(offset: int) -> tuple[list[str], float]:
            started = time.monotonic()
            url = f"{sandbox.url}/subjects/everything.json?sort=key&limit=1000&offset={offset}"
            found = session.get(url, timeout=60).json()
            assert found["work_count"] == 1_000_000
            return [work["key"] for work in found["works"]], time.monotonic() - started

        page(0)
        (middle, one), (following, two), (last, three) = page(500_000), page(501_000), page(999_500)

    assert [len(middle), len(following), len(last)] == [1000, 1000, 500]
    assert middle + following == sorted({*middle, *following})
    assert min(one, two, three) < 0.5


@pytest.mark.parametrize(
    ("subjects", "reason"),
    [
        ({"Love": 1}, "not a normalised subject key"),
        ({"": 1}, "not a normalised subject key"),
        ({"person:": 1}, "not a normalised subject key"),
        ({"love": -1}, "must be 0 to"),
        ({"love": 10**9}, "must be 0 to"),
    ],
)
def test_impossible_catalogues_are_refused(subjects: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Sandbox(SandboxConfig(subjects))


def test_sizes_are_read_from_texts() -> None:
    assert parse_subjects(["Science Fiction=5", "person:x=0"]) == {"science_fiction": 5, "person:x": 0}
    for text in ("love", "love=", "=5", "love=many", "love=-1"):
        with pytest.raises(ValueError, match="is not <subject>=<number of works>"):
            parse_subjects([text])


# Changes while running


def test_works_come_go_and_change() -> None:
    with Sandbox(SandboxConfig({"love": 20, "war": 20})) as sandbox:
        first, second = all_keys(sandbox, "love")[:2]
        new = sandbox.add_work("love")
        orphan = sandbox.add_work("love", {"key": "/works/OL7M", "title": "Orphan", "authors": []})
        sandbox.remove_work("love", first)
        sandbox.change_work("love", second, title="Changed", first_publish_year=1984)
        page = answer(sandbox, "/subjects/love.json?sort=key&limit=100")
        works = {work["key"]: work for work in page["works"]}

        assert page["work_count"] == sandbox.count("love") == len(works) == 21
        assert list(works) == sorted(works)
        assert without_availability(page["works"]) == list(sandbox.works("love"))
        assert first not in works
        assert {new["key"], orphan["key"]} <= works.keys()
        assert works["/works/OL7M"]["title"] == "Orphan"
        assert (works[second]["title"], works[second]["first_publish_year"]) == ("Changed", 1984)
        assert all("love" in map(subject_key, work["subject"]) for work in works.values())
        assert sandbox.count("war") == 20


def test_changes_show_in_every_order_and_subject() -> None:
    with Sandbox(SandboxConfig({"love": 200, "war": 200})) as sandbox:
        shared = next(key for key in all_keys(sandbox, "love") if key in all_keys(sandbox, "war"))
        answer(sandbox, "/subjects/war.json")
        sandbox.change_work("love", shared, edition_count=99_999, first_publish_year=None, title="")

        assert answer(sandbox, "/subjects/war.json?limit=1")["works"][0]["key"] == shared
        assert answer(sandbox, "/subjects/war.json?limit=1&sort=title")["works"][0]["key"] == shared
        sandbox.remove_work("war", shared)
        assert answer(sandbox, "/subjects/war.json?limit=1")["works"][0]["key"] != shared
        assert shared in all_keys(sandbox, "love")


def test_impossible_changes_are_refused(sandbox: Sandbox) -> None:
    key = all_keys(sandbox, "love")[0]
    with pytest.raises(ValueError, match="already"):
        sandbox.add_work("love", {"key": key})
    with pytest.raises(ValueError, match="not a work key"):
        sandbox.add_work("love", {"key": "/works/OL07W"})
    with pytest.raises(ValueError, match="has no titel"):
        sandbox.change_work("love", key, titel="x")
    with pytest.raises(KeyError, match="does not list"):
        sandbox.remove_work("love", "/works/OL1W")


def test_a_hook_can_change_the_catalogue_between_pages() -> None:
    with Sandbox(SandboxConfig({"love": 20})) as sandbox:
        seen = []

        @sandbox.on_request
        def remove_the_first(number: int, path: str, query: str) -> None:
            seen.append((number, path, query))
            if number == 2:
                sandbox.remove_work("love", all_keys(sandbox, "love")[0])

        counts = [answer(sandbox, "/subjects/love.json?limit=0")["work_count"] for _ in range(3)]

    assert counts == [20, 19, 19]
    assert seen == [(number, "/subjects/love.json", "limit=0") for number in (1, 2, 3)]


# Faults

PAGE = "/subjects/love.json?sort=key&limit=50&offset=100"


@pytest.fixture
def faulty() -> Iterator[Any]:
    """Makes sandboxes with a plan of faults."""
    started: list[Sandbox] = []

    def start(plan: FaultPlan) -> Sandbox:
        started.append(Sandbox(SandboxConfig(SUBJECTS, faults=plan)))
        return started[-1].__enter__()

    yield start
    for sandbox in started:
        sandbox.stop()


def first_answer(faulty: Any, fault: str) -> tuple[requests.Response, Answer]:
    """The answer with a fault in it, and the right one that follows."""
    sandbox = faulty(FaultPlan(planned=(Planned(fault, request=1),)))
    response = ask(sandbox, PAGE)
    right = answer(sandbox, PAGE)
    assert [request.fault for request in sandbox.requests] == [fault, None]
    assert right["work_count"] == 300
    assert len(right["works"]) == 50
    return response, right


def test_null_count(faulty: Any) -> None:
    response, right = first_answer(faulty, "null_count")
    assert response.json() == {**right, "work_count": None, "works": []}


def test_short_page(faulty: Any) -> None:
    found = first_answer(faulty, "short_page")[0].json()
    assert (found["work_count"], len(found["works"])) == (300, 25)


def test_cut_index(faulty: Any) -> None:
    found = first_answer(faulty, "cut_index")[0].json()
    assert found["work_count"] == 100 + len(found["works"]) < 150


def test_cut_index_when_only_counting(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(permanent={"love": "cut_index"}))
    counts = {answer(sandbox, "/subjects/love.json?limit=0")["work_count"] for _ in range(9)}
    assert max(counts) < 300
    assert len(counts) > 1  # it does not give up at the same place twice


def test_duplicate_work(faulty: Any) -> None:
    response, right = first_answer(faulty, "duplicate_work")
    keys, right_keys = ([work["key"] for work in page["works"]] for page in (response.json(), right))
    assert len(keys) == 50
    assert set(keys) < set(right_keys)
    assert keys == sorted(keys)


def test_unordered(faulty: Any) -> None:
    response, right = first_answer(faulty, "unordered")
    keys, right_keys = ([work["key"] for work in page["works"]] for page in (response.json(), right))
    assert sorted(keys) == right_keys != keys


def test_missing_years(faulty: Any) -> None:
    works = first_answer(faulty, "missing_years")[0].json()["works"]
    assert {work["first_publish_year"] for work in works} == {None}


@pytest.mark.parametrize("status", [403, 404, 422, 429, 500, 502, 503])
def test_http_errors(faulty: Any, status: int) -> None:
    response, _ = first_answer(faulty, f"http_{status}")
    assert response.status_code == status
    assert "Retry-After" not in response.headers


def test_html(faulty: Any) -> None:
    response, _ = first_answer(faulty, "html")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html")


def test_garbage_json(faulty: Any) -> None:
    response, _ = first_answer(faulty, "garbage_json")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_redirect(faulty: Any) -> None:
    response, _ = first_answer(faulty, "redirect")
    assert (response.status_code, response.headers["Location"]) == (301, PAGE)


@pytest.mark.parametrize("fault", ["cut_body", "reset"])
def test_broken_connections(faulty: Any, fault: str) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned(fault, request=1),)))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(sandbox, PAGE)
    assert answer(sandbox, PAGE)["work_count"] == 300
    assert sandbox.requests[0].fault == fault


def test_stall(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("stall", times=2),), stall_seconds=0.3))
    with pytest.raises(requests.ReadTimeout):
        requests.get(sandbox.url + PAGE, timeout=0.1)
    with pytest.raises(requests.ConnectionError):
        ask(sandbox, PAGE)
    assert answer(sandbox, PAGE)["work_count"] == 300


def test_stopping_does_not_wait_for_stalled_answers(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("stall"),)))
    with ThreadPoolExecutor(1) as pool:
        stalled = pool.submit(ask, sandbox, PAGE)
        while not sandbox.requests:
            time.sleep(0.01)
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 1
        assert isinstance(stalled.exception(timeout=5), requests.ConnectionError)


def test_every_fault_has_been_tried() -> None:
    tried = {"null_count", "short_page", "cut_index", "duplicate_work", "unordered", "missing_years", "html"}
    tried |= {"garbage_json", "redirect", "cut_body", "reset", "stall"}
    tried |= {f"http_{status}" for status in (403, 404, 422, 429, 500, 502, 503)}
    assert set(FAULTS) == tried
    assert set(TRANSIENT) | PERMANENT == tried


def test_invalid_requests_get_no_faults(faulty: Any) -> None:
    sandbox = faulty(FaultPlan({"http_503": 1.0}))
    assert ask(sandbox, "/subjects/love.json?limit=x").status_code == 422
    assert ask(sandbox, "/subjects/love.json?sort=x").status_code == 500
    assert ask(sandbox, "/subjects/Love.json").status_code == 301
    assert ask(sandbox, "/nowhere").status_code == 404


def test_planned_faults_meet_their_requests(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("http_502", match="offset=50", times=2), Planned("http_500", 5))))
    statuses = [ask(sandbox, f"/subjects/love.json?offset={offset}").status_code for offset in (0, 50, 50, 50, 0)]
    assert statuses == [200, 502, 502, 200, 500]


def test_permanent_faults_stay_with_their_subject(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(permanent={"love": "http_403"}, max_consecutive=1))
    assert {ask(sandbox, "/subjects/love.json").status_code for _ in range(5)} == {403}
    assert ask(sandbox, "/subjects/science_fiction.json").status_code == 200


def test_random_faults_are_repeatable_and_end(faulty: Any) -> None:
    plan = FaultPlan.parse("http_503=0.5, null_count=0.4")
    runs = []
    for _ in range(2):
        sandbox = faulty(plan)
        for number in range(60):
            ask(sandbox, f"/subjects/love.json?limit=1&offset={number % 2}")
        runs.append([(request.query, request.fault) for request in sandbox.requests])

    assert runs[0] == runs[1]
    for offset in range(2):
        faults = [fault for query, fault in runs[0] if query.endswith(f"offset={offset}")]
        assert {"http_503", "null_count", None} == set(faults)
        assert all(None in faults[start : start + 4] for start in range(len(faults) - 4))


def test_faults_that_change_nothing_are_not_logged(faulty: Any) -> None:
    sandbox = faulty(FaultPlan(planned=(Planned("short_page", times=9),)))
    answer(sandbox, "/subjects/love.json?limit=0")
    assert sandbox.requests[0].fault is None


def test_plans_are_read_from_texts() -> None:
    assert FaultPlan.parse("null_count=0.05,http_503=0.1").probabilities == {"null_count": 0.05, "http_503": 0.1}
    assert FaultPlan.parse("").probabilities == {}
    for group, members in (("all", FAULTS), ("transient", TRANSIENT)):
        plan = FaultPlan.parse(f"{group}=0.5")
        assert set(plan.probabilities) == set(members)
        assert sum(plan.probabilities.values()) == pytest.approx(0.5)
    for text, reason in (("x=0.1", "no such fault: x"), ("html", "is not"), ("html=2", "must be"), ("html=-1", "must")):
        with pytest.raises(ValueError, match=reason):
            FaultPlan.parse(text)


# Limits


def test_the_leaky_bucket_is_that_of_nginx() -> None:
    bucket = LeakyBucket(3, burst=25, delay=10)
    waits = [bucket.admit(100.0) for _ in range(28)]

    assert waits[:11] == [0.0] * 11
    assert waits[11:26] == pytest.approx([place / 3 for place in range(1, 16)])
    assert waits[26:] == [None, None]
    assert bucket.admit(100.4) is not None  # 1.2 requests have leaked
    assert bucket.admit(100.4) is None
    assert bucket.admit(1000.0) == 0.0


def test_too_many_requests() -> None:
    config = SandboxConfig({"love": 5}, requests_per_second=0.01, burst=2, delay=2)
    with Sandbox(config) as sandbox:
        responses = [ask(sandbox, "/subjects/love.json") for _ in range(4)]

    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    refused = responses[-1]
    assert refused.text == (
        '{"status": 429, "message": "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."}'
    )
    assert refused.headers["Content-Type"] == "application/json"
    assert not {"Retry-After", "X-Served-By"} & refused.headers.keys()


def test_queued_requests_wait() -> None:
    with Sandbox(SandboxConfig({"love": 5}, requests_per_second=10, burst=4, delay=0)) as sandbox:
        started = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            statuses = [r.status_code for r in pool.map(lambda _: ask(sandbox, "/subjects/love.json"), range(4))]

    assert statuses == [200] * 4
    assert time.monotonic() - started >= 0.25


def test_a_ban_answers_nothing_and_ends() -> None:
    config = SandboxConfig({"love": 5}, requests_per_second=0.01, burst=0, delay=0, ban_after=2, ban_seconds=0.3)
    with Sandbox(config) as sandbox, requests.Session() as session:

        def status() -> int | None:
            try:
                return session.get(f"{sandbox.url}/subjects/love.json", timeout=5).status_code
            except requests.ConnectionError:
                return None

        assert [status() for _ in range(4)] == [200, 429, 429, None]
        assert sandbox.requests[-1].fault == "ban"
        time.sleep(0.35)
        assert status() == 429


def test_latency_overlaps() -> None:
    with Sandbox(SandboxConfig({"love": 5}, latency=0.3)) as sandbox, ThreadPoolExecutor(5) as pool:
        started = time.monotonic()
        list(pool.map(lambda _: ask(sandbox, "/subjects/love.json"), range(5)))
        assert 0.3 <= time.monotonic() - started < 1.2


def test_a_user_agent_can_be_required() -> None:
    with Sandbox(SandboxConfig({"love": 5}, require_user_agent=True)) as sandbox:
        assert ask(sandbox, "/subjects/love.json", headers={"User-Agent": ""}).status_code == 403
        assert ask(sandbox, "/subjects/love.json", headers={"User-Agent": "me/1"}).status_code == 200


# The log


def test_every_request_is_logged(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    plan = FaultPlan(planned=(Planned("http_503", request=2), Planned("reset", request=4)))
    with Sandbox(SandboxConfig({"love": 5}, faults=plan, log=log)) as sandbox:
        for path in ("/subjects/love.json?limit=1", "/subjects/love.json", "/nowhere?x=%20"):
            ask(sandbox, path, headers={"User-Agent": "tester/1.0"})
        with pytest.raises(requests.ConnectionError):
            ask(sandbox, "/subjects/love.json")
        logged = sandbox.requests
        lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert [(r.number, r.path, r.query, r.status, r.fault) for r in logged] == [
        (1, "/subjects/love.json", "limit=1", 200, None),
        (2, "/subjects/love.json", "", 503, "http_503"),
        (3, "/nowhere", "x=%20", 404, None),
        (4, "/subjects/love.json", "", None, "reset"),
    ]
    assert {r.user_agent for r in logged[:3]} == {"tester/1.0"}
    assert all(earlier.started <= later.started for earlier, later in pairwise(logged))
    assert logged[0].bytes > 100
    assert [line["fault"] for line in lines] == [r.fault for r in logged]
    assert lines[0]["number"] == 1


def test_it_stands_alone() -> None:
    """It starts fast and knows nothing of the package around it."""
    program = (
        "import sys, openlib_assets.sandbox\n"
        "heavy = ('dagster', 'pandas', 'pyarrow', 'numpy', 'requests')\n"
        "own = 'openlib_assets.sandbox'\n"
        "print([name for name in sys.modules if name.split('.')[0] in heavy\n"
        "    or name.startswith('openlib_assets.') and not name.startswith(own)])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
