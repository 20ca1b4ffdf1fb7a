"""Editions to order: what is asked for, which edition is taken, and answers that cannot be trusted."""

import json
import random
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from openlib_assets.lake.transform import sql_text
from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.editions import WORKS_A_REQUEST, Edition, edition_of, find_editions, isbn13
from openlib_assets.openlibrary.errors import PermanentError, TransientError
from openlib_assets.openlibrary.source import open_editions
from openlib_assets.sandbox import TRANSIENT, FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets_tests.conftest import settings_for
from openlib_assets_tests.openlibrary.served import keys_of, scripted, send
from openlib_assets_tests.tools.offered import documents_of
from openlib_assets_tests.tools.reference_orders import edition_to_order

GOOD = {
    "key": "/books/OL7M",
    "title": "Dune",
    "isbn": ["0-306-40615-2", "9780306406157"],
    "language": ["eng"],
    "publisher": ["Ace", "Other"],
    "publish_date": ["1965"],
}
TAKEN = Edition("OL7M", "9780306406157", "Dune", "Ace", "1965", "eng")


def document(edition: Any, key: str = "/works/OL1W") -> dict[str, Any]:
    return {"key": key, "editions": {"numFound": 1, "docs": [edition]}}


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, TAKEN),
        ({"isbn": ["0306406152"]}, TAKEN),
        ({"isbn": ["9780140449136", "0-306-40615-2"]}, Edition("OL7M", "9780140449136", "Dune", "Ace", "1965", "eng")),
        ({"isbn": ["9791234567896", "0306406152"]}, Edition("OL7M", "9791234567896", "Dune", "Ace", "1965", "eng")),
        ({"language": ["ger", "eng"], "isbn": "9780306406157"}, TAKEN),
        (
            {"title": None, "publisher": [], "publish_date": [" ", "\ud83d"]},
            Edition("OL7M", "9780306406157", None, None, "\ufffd", "eng"),
        ),
        (
            {"title": 7, "publisher": {"a": 1}, "publish_date": [1965]},
            Edition("OL7M", "9780306406157", None, None, None, "eng"),
        ),
        ({"language": ["ger"]}, None),
        ({"language": None}, None),
        ({"isbn": []}, None),
        ({"isbn": ["1111111111", "9780306406158", 9780306406157]}, None),
        ({"key": "/works/OL7W"}, None),
        ({"key": None}, None),
    ],
)
def test_an_edition_is_taken_whole_if_it_has_an_isbn_and_the_language(
    changes: dict[str, Any], taken: Edition | None
) -> None:
    assert edition_of(document(GOOD | changes), "eng") == taken


@pytest.mark.parametrize("offered", [None, [], {"docs": None}, {"docs": []}, {"docs": ["x", None]}, {"docs": [[GOOD]]}])
def test_a_work_without_an_edition_has_none(offered: object) -> None:
    assert edition_of({"key": "/works/OL1W", "editions": offered}, "eng") is None
    assert edition_of({"key": "/works/OL1W"}, "eng") is None


def test_each_language_is_asked_only_for_what_was_not_found_in_those_before() -> None:
    keys = [f"OL{number}W" for number in range(1, 2 * WORKS_A_REQUEST + 2)]
    asked: list[tuple[int, str]] = []

    def ask(some: Any, language: str) -> dict[str, dict[str, Any]]:
        asked.append((len(some), language))
        return {key: document(GOOD | {"language": ["eng" if key == keys[0] else "fre"]}) for key in some}

    found = find_editions(ask, keys, ["ger", "eng", "fre"])
    assert {key: edition.language for key, edition in found.items()} == {keys[0]: "eng"} | dict.fromkeys(
        keys[1:], "fre"
    )
    assert asked == [
        (40, "ger"),
        (40, "ger"),
        (1, "ger"),
        (40, "eng"),
        (40, "eng"),
        (1, "eng"),
        (40, "fre"),
        (40, "fre"),
    ]


def test_isbns_are_those_of_the_sql() -> None:
    draw = random.Random(7)
    alphabet = "0123456789" * 4 + "Xx- \u2013\u2212\u00ad\u00a0"
    texts = [
        "",
        "X",
        "978",
        "0306406152",
        "030640615X",
        "9780306406157",
        "1" * 10,
        "9" * 13,
        "9781111111113",
        "979" * 5,
    ]
    for _ in range(4_000):
        stem = draw.choice(["", "", "978", "979"])
        texts.append(stem + "".join(draw.choices(alphabet, k=draw.choice([10, 10, 10, 13, draw.randint(0, 15)]))))
    # One in ten of these has the right check digit.
    texts += [
        f"978{digits}{last}" for digits in (f"{draw.randrange(10**9):09}" for _ in range(200)) for last in range(10)
    ]
    texts += [
        f"{digits}{last}" for digits in (f"{draw.randrange(10**9):09}" for _ in range(200)) for last in "0123456789X"
    ]
    with duckdb.connect() as connection:
        connection.execute(sql_text("helpers/isbns"))
        query = (
            "SELECT CASE WHEN isbn_fault(bare) IS NULL THEN isbn13_of(bare) END "
            "FROM (SELECT bare_isbn(t) AS bare FROM (SELECT unnest(?) AS t))"
        )
        wanted = [found for (found,) in connection.execute(query, [texts]).fetchall()]
    assert [isbn13(text) for text in texts] == wanted
    assert 400 < len(texts) - wanted.count(None) < len(texts) / 2


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with Sandbox(SandboxConfig({"love": 400})) as sandbox:
        yield sandbox


@pytest.mark.parametrize("languages", [["eng"], ["ger", "fre", "eng"]])
def test_the_search_gives_an_edition_of_each_work_in_the_language_it_is_asked_in(
    sandbox: Sandbox, languages: list[str]
) -> None:
    keys, before = keys_of(sandbox), len(sandbox.requests)
    source = open_editions(settings_for(sandbox))
    assert source is not None
    found, traffic = source.find(keys, languages)
    sent = sandbox.requests[before:]
    assert traffic.requests == len(sent)
    assert all(len(f"GET {request.path}?{request.query} HTTP/1.1") < 8_000 for request in sent)
    assert len({parse_qs(request.query)["lang"][0] for request in sent}) == len(languages)
    assert 0.3 * len(keys) < len(found) < len(keys)
    said = {language: documents_of(sandbox.url, keys, language) for language in languages}
    for key in keys:
        wanted = edition_to_order({language: said[language][key] for language in languages}, languages)
        assert (vars(found[key]) if key in found else None) == wanted


# In which order the works of an answer stand does not matter.
@pytest.mark.parametrize("fault", [fault for fault in TRANSIENT if fault != "unordered"])
def test_editions_are_those_of_the_search_whatever_goes_wrong_twice(fault: str) -> None:
    plan = FaultPlan(planned=(Planned(fault, match="editions.key", times=2),), stall_seconds=5)
    with Sandbox(SandboxConfig({"love": 41}, faults=plan)) as sandbox:
        keys = keys_of(sandbox)
        source = open_editions(settings_for(sandbox, timeout=0.3))
        assert source is not None
        found, _ = source.find(keys, ["eng"])
        assert [request.fault for request in sandbox.requests].count(fault) == 2
        said = documents_of(sandbox.url, keys, "eng")
        wanted = {key: edition_to_order({"eng": said[key]}, ["eng"]) for key in keys}
    assert {key: vars(edition) for key, edition in found.items()} == {key: it for key, it in wanted.items() if it}
    assert found


def test_no_editions_are_asked_for_where_details_are_off(sandbox: Sandbox) -> None:
    assert open_editions(settings_for(sandbox, details="off")) is None


class TestAnswers:
    """Answers that cannot be trusted."""

    def ask(self, *answers: Any, keys: tuple[str, ...] = ("OL1W", "OL2W")) -> tuple[list[str], int]:
        """Ask once of a server with these answers, the last of which it repeats; give the works and the requests."""
        sent = list(answers)

        def script(handler: BaseHTTPRequestHandler) -> None:
            assert parse_qs(urlsplit(handler.path).query)["limit"] == [str(len(keys))]
            answer = sent.pop(0) if len(sent) > 1 else sent[0]
            send(handler, json.dumps(answer).encode())

        with scripted(script) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6, retry_wait=0.001))
            return sorted(client.editions(keys, "eng")), client.traffic.requests

    def of(self, *keys: str, count: int | None = None) -> dict[str, Any]:
        documents = [{"key": f"/works/{key}"} for key in keys]
        return {"numFound": len(keys) if count is None else count, "docs": documents}

    def test_what_was_not_asked_for_or_is_cut_is_asked_for_again(self) -> None:
        good = self.of("OL2W", "OL1W")
        wrong: tuple[Any, ...] = (
            self.of("OL1W", "OL3W"),
            self.of("OL1W", "OL1W"),
            self.of("OL1W", count=2),
            self.of("OL1W", "OL2W", count=9_000),
            self.of(count=0) | {"docs": None},
            {"numFound": None, "docs": []},
            {"numFound": 2, "docs": [{"key": "/works/OL1W"}, None]},
            [],
        )
        for bad in wrong:
            assert self.ask(bad, good) == (["OL1W", "OL2W"], 2), bad

    def test_a_work_is_missing_only_if_two_answers_lack_it(self) -> None:
        assert self.ask(self.of("OL1W"), self.of("OL1W", "OL2W")) == (["OL1W", "OL2W"], 2)
        assert self.ask(self.of("OL1W"), self.of(), self.of("OL2W"), self.of("OL2W")) == (["OL2W"], 4)
        assert self.ask(self.of()) == ([], 2)

    def test_an_answer_that_stays_wrong_fails_in_one_short_line(self) -> None:
        with pytest.raises(TransientError, match=r"OL3W was not asked for \(12 tries\)$") as failed:
            self.ask(self.of("OL3W"), keys=tuple(f"OL{number}W" for number in range(4, 44)))
        assert "\n" not in str(failed.value)
        assert len(str(failed.value)) < 400

    def test_a_refusal_fails_at_once(self) -> None:
        with scripted(lambda handler: send(handler, b"no", status=403)) as url:
            client = Client(Settings(api_url=url, requests_per_second=1e6))
            with pytest.raises(PermanentError, match="HTTP 403"):
                client.editions(["OL1W"], "eng")
            assert client.traffic.requests == 1
