"""Answers have Open Library's shape, and are to the subject and the parameters that were meant."""

import json
from typing import Annotated, Any
from urllib.parse import unquote

import pytest
import requests
from pydantic import Field, TypeAdapter, ValidationError

from openlib_assets.sandbox import Sandbox, subject_key
from openlib_assets_tests.sandbox.asking import SUBJECTS, Answer, answer, ask, without_availability

FIELDS = (
    "key title edition_count cover_id cover_edition_key subject ia_collection printdisabled lending_edition "
    "lending_identifier authors first_publish_year ia public_scan has_fulltext"
)


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
