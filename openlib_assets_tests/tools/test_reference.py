"""The reference against rows worked out by hand, and the recorded answers that other tests feed to it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from openlib_assets_tests.tools.recorded_server import recorded_answer, recorded_server
from openlib_assets_tests.tools.reference import COLUMNS, Row, Snapshot, csv_text, tables

FETCHED_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SOURCE = "https://openlibrary.org/subjects/tea.json"
PROVEN_BY = "list of keys"


def work(key: str, *authors: tuple[str, str], year: int | None = None, **fields: Any) -> Row:
    """A work record with what the tables need; authors are (key, name)."""
    return {
        "key": f"/works/{key}",
        "title": f"Title of {key}",
        "edition_count": 1,
        "cover_id": None,
        "subject": [],
        "authors": [{"key": f"/authors/{author_key}", "name": name} for author_key, name in authors],
        "first_publish_year": year,
        "has_fulltext": False,
        **fields,
    }


def compute(
    *records: Row,
    fetched_at: datetime = FETCHED_AT,
    previous: Snapshot | None = None,
    documents: Sequence[Row] = (),
) -> dict[str, list[Row]]:
    return tables(
        records,
        works_reported=len(records),
        fetched_at=fetched_at,
        source=SOURCE,
        previous=previous,
        documents=documents,
    )


def name_of_author(*names: str) -> str | None:
    """The name elected for one author with a work per name."""
    records = [work(f"OL{number}W", ("OL1A", name)) for number, name in enumerate(names, start=1)]
    [author] = compute(*records)["authors"]
    name: str | None = author["author_name"]
    return name


def test_a_small_subject() -> None:
    ann, bob, cid = ("OL1A", "Ann"), ("OL2A", "Bob"), ("OL10A", "Cid")
    result = compute(
        work("OL9W", ann, bob, year=2000, title="Nine", edition_count=7, cover_id=5, has_fulltext=True),
        work("OL10W", ann, year=2000, title="Ten", subject=["Tea", "Cups", "Tea"]),
        work("OL3M", bob, ann, year=2003, title="Three"),
        work("OL4W", cid, year=0, title="Four"),
        work("OL5W", title="Five"),
    )
    assert list(result) == [
        "rejected_works",
        "books",
        "authors",
        "author_books",
        "possible_same_authors",
        "possible_duplicate_books",
        "work_isbns",
        "work_details",
        "author_yearly_counts",
        "author_averages",
        "subject_summary",
        "subject_changes",
        "stocking_list",
    ]
    assert [list(row.values()) for row in result["books"]] == [
        ["OL10W", "Ten", 2000, "ok", 1, 1, False, None, ["Tea", "Cups", "Tea"]],
        ["OL3M", "Three", 2003, "ok", 1, 2, False, None, []],
        ["OL4W", "Four", 0, "implausible", 1, 1, False, None, []],
        ["OL5W", "Five", None, "missing", 1, 0, False, None, []],
        ["OL9W", "Nine", 2000, "ok", 7, 2, True, 5, []],
    ]
    assert [list(row.values()) for row in result["authors"]] == [
        ["OL10A", "Cid", 1, None, None],
        ["OL1A", "Ann", 3, 2000, 2003],
        ["OL2A", "Bob", 2, 2000, 2003],
    ]
    assert [list(row.values()) for row in result["author_books"]] == [
        ["OL10A", "OL4W", 1],
        ["OL1A", "OL10W", 1],
        ["OL1A", "OL3M", 2],
        ["OL1A", "OL9W", 1],
        ["OL2A", "OL3M", 1],
        ["OL2A", "OL9W", 2],
    ]
    assert [list(row.values()) for row in result["author_yearly_counts"]] == [
        ["OL1A", "Ann", 2000, 2],
        ["OL1A", "Ann", 2003, 1],
        ["OL2A", "Bob", 2000, 1],
        ["OL2A", "Bob", 2003, 1],
    ]
    assert [list(row.values()) for row in result["author_averages"]] == [
        ["OL10A", "Cid", 1, 0, None, None, 0, None, None, None],
        ["OL1A", "Ann", 3, 3, 2000, 2003, 2, 4, 1.5, 0.75],
        ["OL2A", "Bob", 2, 2, 2000, 2003, 2, 4, 1.0, 0.5],
    ]
    assert [list(row.values()) for row in result["subject_summary"]] == [
        [5, 5, 0, 3, 1, 1, 1, 3, 2000, 2003, FETCHED_AT, SOURCE, PROVEN_BY, 0]
    ]


def test_columns_stand_in_the_order_of_the_contract() -> None:
    before = Snapshot([], FETCHED_AT)
    one, again = (work(f"OL{number}W", (f"OL{number}A", "Ann Bell"), year=2000, title="Tea") for number in (1, 2))
    odd = {**work("OL3W"), "first_publish_year": "of the dog"}
    document = {"key": "/works/OL1W", "isbn": ["0-306-40615-2"], "language": ["eng"], "want_to_read_count": 3}
    result = compute(one, again, odd, previous=before, documents=[document])
    assert {table: " ".join(rows[0]) for table, rows in result.items()} | {
        "order_list": COLUMNS["order_list"]
    } == COLUMNS
    assert result["work_isbns"] == [{"work_key": "OL1W", "isbn13": "9780306406157"}]
    assert [list(row.values()) for row in result["work_details"]] == [
        ["OL1W", None, ["eng"], [], [], None, None, None, 3, None, None, None, 1],
        ["OL2W", *12 * [None]],
    ]


def test_an_empty_subject() -> None:
    result = compute()
    assert [list(row.values()) for row in result.pop("subject_summary")] == [
        [0, 0, 0, 0, 0, 0, 0, 0, None, None, FETCHED_AT, SOURCE, PROVEN_BY, 0]
    ]
    assert all(rows == [] for rows in result.values())


def test_an_author_listed_twice_on_a_work_counts_once_at_the_first_place() -> None:
    result = compute(work("OL1W", ("OL1A", "Ann"), ("OL2A", "Bob"), ("OL1A", "Anna"), ("OL3A", "Cid"), year=2000))
    assert result["books"][0]["author_count"] == 3
    assert [list(row.values()) for row in result["author_books"]] == [
        ["OL1A", "OL1W", 1],
        ["OL2A", "OL1W", 2],
        ["OL3A", "OL1W", 4],
    ]
    assert result["authors"][0] == {
        "author_key": "OL1A",
        "author_name": "Ann",
        "book_count": 1,
        "first_year": 2000,
        "last_year": 2000,
    }
    assert result["author_yearly_counts"][0]["book_count"] == 1


@pytest.mark.parametrize(
    ("names", "elected"),
    [
        pytest.param(["Ann", "Anna", "Anna"], "Anna", id="most votes"),
        pytest.param(["b", "Z", "a", "Z", "b"], "Z", id="tie: smallest of the most frequent"),
        pytest.param(["\U0001f600", "\uff41"], "\uff41", id="tie: by code point, not by UTF-16 unit"),
        pytest.param(["", " ", "Ann"], "Ann", id="blank names do not vote"),
        pytest.param([" Ann", "Ann"], " Ann", id="not trimmed"),
        pytest.param(["", "\u3000\u2029\xa0\x85\t"], None, id="only blank names"),
        pytest.param(["\u200b"], "\u200b", id="a zero width space is no white space"),
        pytest.param(["\x1f"], "\x1f", id="a unit separator is no white space"),
    ],
)
def test_author_name(names: list[str], elected: str | None) -> None:
    assert name_of_author(*names) == elected


def test_an_author_without_a_name_is_in_every_table() -> None:
    nameless = work("OL1W", year=2000, authors=[{"key": "/authors/OL1A", "name": None}])
    result = compute(nameless)
    for table in ("authors", "author_yearly_counts", "author_averages"):
        [row] = result[table]
        assert row["author_key"] == "OL1A"
        assert row["author_name"] is None


def test_a_work_votes_with_the_first_place_only() -> None:
    result = compute(
        work("OL1W", ("OL1A", "Ann"), ("OL1A", "Zoe"), ("OL1A", "Zoe")),
        work("OL2W", ("OL1A", " "), ("OL1A", "Zoe")),
    )
    assert [row["author_name"] for row in result["authors"]] == ["Ann"]


@pytest.mark.parametrize(
    ("year", "status"),
    [
        (None, "missing"),
        (0, "implausible"),
        (1000, "implausible"),
        (1001, "ok"),
        (2027, "ok"),
        (2028, "implausible"),
        (9999, "implausible"),
    ],
)
def test_year_status(year: int | None, status: str) -> None:
    result = compute(work("OL1W", ("OL1A", "Ann"), year=year))
    [book] = result["books"]
    assert (book["first_publish_year"], book["year_status"]) == (year, status)
    counted = year if status == "ok" else None
    [author] = result["authors"]
    assert (author["book_count"], author["first_year"], author["last_year"]) == (1, counted, counted)
    [summary] = result["subject_summary"]
    assert (summary["first_year"], summary["last_year"]) == (counted, counted)
    assert summary["works_dated"] == (status == "ok")
    assert summary["works_year_missing"] == (status == "missing")
    assert summary["works_year_implausible"] == (status == "implausible")
    assert len(result["author_yearly_counts"]) == (status == "ok")


def test_the_year_of_the_snapshot_is_that_of_utc() -> None:
    new_year_in_tokyo = datetime(2027, 1, 1, 8, 0, tzinfo=timezone(timedelta(hours=9)))
    result = compute(work("OL1W", year=2027), work("OL2W", year=2028), fetched_at=new_year_in_tokyo)
    assert [book["year_status"] for book in result["books"]] == ["ok", "implausible"]
    [summary] = result["subject_summary"]
    assert summary["fetched_at"].isoformat() == "2026-12-31T23:00:00+00:00"


def test_averages_are_plain_divisions() -> None:
    ann = ("OL1A", "Ann")
    result = compute(
        work("OL1W", ann, year=1001),
        work("OL2W", ann, year=1003),
        work("OL3W", ann, year=1003),
        work("OL4W", ann, year=1007),
        work("OL5W", ann, year=9999),
    )
    [row] = result["author_averages"]
    assert list(row.values()) == [
        "OL1A",
        "Ann",
        5,
        4,
        1001,
        1007,
        3,
        7,
        1.3333333333333333,
        0.5714285714285714,
    ]


@pytest.mark.parametrize(("title", "kept"), [("__None__", None), (None, None), ("None", "None"), ("", "")])
def test_title(title: str | None, kept: str | None) -> None:
    [book] = compute(work("OL1W", title=title))["books"]
    assert book["title"] == kept


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\ud800", "a\ufffd"),
        ("\udc00\ud800b", "\ufffd\ufffdb"),
        ("\ud800\ud800", "\ufffd\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\U0001f600 caf\u00e9 \u8d6b", "\U0001f600 caf\u00e9 \u8d6b"),
    ],
)
def test_lone_surrogates(text: str, clean: str) -> None:
    result = compute(work("OL1W", ("OL1A", text), title=text, subject=["Tea", text]))
    [book] = result["books"]
    assert book["title"] == clean
    assert book["subjects"] == ["Tea", clean]
    assert result["authors"][0]["author_name"] == clean


def test_the_order_of_the_records_does_not_matter() -> None:
    records = recorded_answer("science_fiction")["works"]
    assert compute(*records) == compute(*reversed(records))


def test_csv_of_values() -> None:
    rows: list[Row] = [
        {"n": 1, "b": True, "x": 0.1, "s": "plain text", "l": ["Tea", "Cups"]},
        {"n": None, "b": False, "x": 2.0, "s": "", "l": ["a"]},
        {"n": -5, "b": None, "x": 4 / 7, "s": " 'x'; \u8d6b ", "l": ["a, b", 'the "c"']},
        {"n": 0, "b": None, "x": None, "s": None, "l": []},
    ]
    assert csv_text(["n", "b", "x", "s", "l"], rows) == (
        "n,b,x,s,l\n"
        "1,true,0.1,plain text,Tea | Cups\n"
        ',false,2.0,"",a\n'
        '-5,,0.5714285714285714, \'x\'; \u8d6b ,"a, b | the ""c"""\n'
        '0,,,,""\n'
    )


@pytest.mark.parametrize("text", ["a,b", "a\nb", "a\rb", "a\r\nb"])
def test_csv_quotes_what_would_break_a_row(text: str) -> None:
    assert csv_text(["s"], [{"s": text}]) == f's\n"{text}"\n'


def test_csv_without_rows_is_the_header() -> None:
    assert csv_text(["author_key", "year"], []) == "author_key,year\n"


@pytest.mark.parametrize(("subject_key", "works"), [("science_fiction", 12), ("bestsellers", 7)])
def test_recorded_answers_are_whole(subject_key: str, works: int) -> None:
    answer = recorded_answer(subject_key)
    keys = [record["key"] for record in answer["works"]]
    assert answer["key"] == f"/subjects/{subject_key}"
    assert answer["work_count"] == len(keys) == works
    assert keys == sorted(set(keys))


def test_tables_of_a_recorded_answer() -> None:
    result = compute(*recorded_answer("science_fiction")["works"])
    wells = [row for row in result["author_averages"] if row["author_name"] == "H. G. Wells"]
    assert [list(row.values()) for row in wells] == [["OL13066A", "H. G. Wells", 3, 3, 1895, 1898, 3, 4, 1.0, 0.75]]
    [summary] = result["subject_summary"]
    assert (summary["works_dated"], summary["authors"]) == (12, 18)
    assert (summary["first_year"], summary["last_year"]) == (1800, 1949)


def test_recorded_server_pages() -> None:
    answer = recorded_answer("bestsellers")

    def get(url: str) -> Any:
        return requests.get(url, timeout=10).json()

    with recorded_server({"bestsellers": answer, "person:ann": answer}) as url:
        assert get(f"{url}/subjects/bestsellers.json?limit=1000") == answer
        assert get(f"{url}/subjects/person%3Aann.json") == answer
        page = get(f"{url}/subjects/bestsellers.json?sort=key&limit=3&offset=5")
        assert page == {**answer, "works": answer["works"][5:]}
        assert get(f"{url}/subjects/bestsellers.json?limit=0") == {**answer, "works": []}
        nothing = get(f"{url}/subjects/no_such_subject.json?limit=1000")
        assert (nothing["work_count"], nothing["works"]) == (0, [])
