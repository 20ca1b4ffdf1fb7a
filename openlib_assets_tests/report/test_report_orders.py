"""What a report says first: what to order, what is in demand, and what the store lacks; on rows made by hand."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from string import Template
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from openlib_assets.lake.bronze.snapshots import Snapshot
from openlib_assets.lake.contract import AUTHOR_AVERAGES, AUTHOR_BOOKS, ORDER_LIST, STOCKING_LIST, WORK_DETAILS, Table
from openlib_assets.lake.transform import Relation, connected, sql_text
from openlib_assets.report.findings import findings
from openlib_assets.report.gaps import gaps
from openlib_assets.report.numbers import Numbers

Row = dict[str, Any]
_AUTHORS = "first_authors STRUCT(key VARCHAR, name VARCHAR)[], author_count INT"


def filled(table: Table, rows: Sequence[Row]) -> pa.Table:
    """Return rows as a table of the contract, with something in each column that is not told and must not be null."""
    empty = {pa.string(): "", pa.int64(): 0, pa.float64(): 0.0}
    told = [
        {
            column.name: row.get(column.name, None if column.nullable else empty.get(column.type, []))
            for column in table.columns
        }
        for row in rows
    ]
    return pa.Table.from_pylist(told, schema=table.schema)


def work(place: int, *, in_store: str | None = None, wanted: int | None = None, **others: Any) -> Row:
    """Return a work of the stocking list at a place, with what the search says of it."""
    return {
        "rank": place,
        "work_key": f"OL{place}W",
        "title": f"Title {place}",
        "author_names": ["Ada"],
        "year": 1990,
        "languages": None if wanted is None else ["eng"],
        "demand": 1 / place,
        "in_store": in_store,
        "want_to_read": wanted,
        "by": "OL1A",
        **others,
    }


@contextmanager
def subject(works: Sequence[Row], ordered: Mapping[int, Row] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a connection that knows the tables of these works, and the order list, by rank."""
    orders = [
        {**works[0], **edition, "rank": rank, "work_key": f"OL{rank}W"} for rank, edition in (ordered or {}).items()
    ]
    authors = dict.fromkeys(row["by"] for row in works)
    tables: dict[str, Relation] = {
        "stocking_list": filled(STOCKING_LIST, works),
        "order_list": filled(ORDER_LIST, orders),
        "work_details": filled(WORK_DETAILS, works),
        "author_books": filled(AUTHOR_BOOKS, [{**row, "author_key": row["by"]} for row in works]),
        "author_averages": filled(
            AUTHOR_AVERAGES, [{"author_key": key, "author_name": f"Author {key}"} for key in authors]
        ),
    }
    with connected(tables) as connection:
        connection.execute(f"CREATE TEMP TABLE works (work_key VARCHAR, {_AUTHORS}, edition_count INT, cover_id INT)")
        for row in works:
            connection.execute(
                "INSERT INTO works VALUES ($1, [{key: $2, name: 'Ada'}], 1, $3, 7)",
                [row["work_key"], row["by"], row.get("editions", 3)],
            )
        yield connection


def rows_of(
    connection: duckdb.DuckDBPyConnection, name: str, most: int = 100, *, has_order_list: bool = True
) -> list[Row]:
    query = Template(sql_text(f"report/{name}")).substitute(most=most, has_order_list=str(has_order_list))
    found: list[Row] = connection.execute(query).to_arrow_table().to_pylist()
    return found


def test_the_order_list_comes_with_its_editions_and_what_the_store_sells_beside_it() -> None:
    works = [
        work(1, in_store="yes", wanted=9),
        work(2, in_store="no", wanted=5),
        work(3, in_store="review", wanted=4),
        work(4, in_store="no", wanted=3, duplicate_of="OL2W"),
        work(5, in_store="no", wanted=2),
    ]
    edition = {"edition_key": "OL7M", "isbn13": "9780306406157", "title": "Its edition", "language": "fre"}
    with subject(
        works, {2: edition, 5: {"edition_key": None, "isbn13": None, "title": "Title 5", "language": None}}
    ) as tables:
        found = rows_of(tables, "orders")
    shown = [
        (row["rank"], row["to_order"], row["title"], row["isbn13"], row["languages"], row["wanted"]) for row in found
    ]
    assert shown == [
        (1, False, "Title 1", None, ["eng"], 9),
        (2, True, "Its edition", "9780306406157", ["fre"], 5),
        (3, False, "Title 3", None, ["eng"], 4),
        (5, True, "Title 5", None, ["eng"], 2),
    ]


def test_without_an_order_list_the_first_of_the_stocking_list_that_the_store_does_not_sell_are_shown() -> None:
    works = [
        work(1, in_store="yes"),
        work(2, in_store="no"),
        work(3, in_store="no", duplicate_of="OL2W"),
        work(4),
        work(5),
    ]
    with subject(works) as tables:
        found = rows_of(tables, "orders", most=2, has_order_list=False)
    assert [(row["rank"], row["to_order"], row["on_order_list"]) for row in found] == [
        (1, False, False),
        (2, True, False),
        (4, True, False),
    ]


def test_of_an_order_list_without_a_work_nothing_is_to_be_ordered() -> None:
    with subject([work(1, in_store="yes"), work(2, in_store="no", wanted=5, languages=["ger"])]) as tables:
        found = rows_of(tables, "orders")
    assert [(row["rank"], row["to_order"]) for row in found] == [(1, False)]


def said(works: Sequence[Row]) -> list[str]:
    """Return the findings on gaps, without the marks around texts that may run from right to left."""
    with subject(works) as tables:
        rows = {name: rows_of(tables, name) for name in ("most_wanted", "demand_by_group")}
    numbers = Numbers("tea", None, None, {}, rows, has_order_list=True)  # type: ignore[arg-type]
    return [line.replace("\u2068", "").replace("\u2069", "").replace("\xa0", " ") for line in gaps(numbers)]


def test_what_nobody_wants_is_not_in_demand_and_a_blank_title_is_none() -> None:
    line, *_ = said([work(1, wanted=0, edition_count=3), work(2, wanted=5, title=" \u3000")])
    assert line.startswith("Most in demand is “OL2W” ")


def test_what_is_not_known_of_a_works_demand_is_not_told_as_nothing() -> None:
    known, unknown = work(1, in_store="no", editions=1), work(2, in_store="no", editions=None)
    text = " ".join(said([known, unknown, *(work(place, in_store="yes") for place in range(3, 31))]))
    assert "“Title 1” by Ada (1 edition)" in text
    assert "“Title 2” by Ada (number of editions unknown)" in text


def test_with_a_store_the_findings_name_what_it_lacks() -> None:
    works = [
        work(
            place,
            in_store="yes" if place > 60 else "review" if place > 58 else "no",
            wanted=1000 - place,
            year=1985 if place <= 40 else 2015,
            languages=["fre"] if place <= 30 else ["eng", "und"],
            by=f"OL{place % 25}A",
        )
        for place in range(1, 121)
    ]
    told = [f"“Title {place}” by Ada (wanted by {1000 - place} readers)" for place in (1, 2, 3)]
    first = f"{told[0]}, {told[1]} and {told[2]}"
    assert said(works) == [
        f"Of the 100 works most in demand, the store sells 40, may sell 2, and does not sell 58: first of all {first}.",
        "The store sells 60 of the 120 works (50 %), and may sell 2 more.",
        "Of the 1980s it sells 0 of 40 works; by its share of all works, it would be 20.",
        "In French it sells 0 of 30 works; by its share of all works, it would be 15.",
        "Of all decades, works of the 1980s are wanted most: by 979.5 readers each, on average, against 939.5 of all.",
    ]


def test_authors_in_demand_of_whom_the_store_sells_nothing_are_named() -> None:
    works = [work(place, in_store="no" if place % 25 < 5 else "yes", by=f"OL{place % 25}A") for place in range(1, 76)]
    assert said(works)[-1] == (
        "Of the 20 authors most in demand, it sells nothing by 4: Author OL1A (3 works), Author OL2A (3 works), "
        "Author OL3A (3 works) and 1 other."
    )


def test_a_store_that_sells_none_of_it_lacks_everything() -> None:
    works = [work(place, in_store="review" if place == 3 else "no") for place in range(1, 31)]
    assert said(works)[1:] == ["The store is not known to sell any of the 30 works, and may sell 1."]


def test_a_store_that_sells_all_that_is_wanted_is_told_so() -> None:
    assert said([work(place, in_store="yes") for place in range(1, 31)])[0] == (
        "The store sells, or may sell, all of the 30 works most in demand."
    )


def test_without_a_store_the_findings_tell_what_is_in_demand() -> None:
    works = [
        work(place, wanted=50 if place <= 20 else 0, year=2001 if place <= 20 else 1950, by=f"OL{place % 25}A")
        for place in range(1, 41)
    ]
    works[1] |= {"duplicate_of": "OL1W", "languages": []}
    works[2] |= {"title": "\nx  " + "x" * 90, "author_names": ["Ada", "Bea"], "currently_reading": 1, "already_read": 2}
    first, last = (f"“Title {place}” by Ada (wanted by 50 readers)" for place in (1, 4))
    long = f"“x {'x' * 76}…” by Ada and others (wanted by 50 readers, read by 3)"
    assert said(works) == [
        f"Most in demand are {first}, {long} and {last}.",
        "Of all decades, works of the 2000s are wanted most: by 50.0 readers each, on average, against 25.0 of all.",
        "39 of 40 works can be had in English.",
        "The authors most in demand are Author OL1A (2 works), Author OL2A (2 works) and Author OL3A (2 works).",
    ]


def test_a_work_of_which_nothing_is_known_is_none_that_nobody_wants() -> None:
    known = [work(place, wanted=100 if place <= 20 else 50, year=1990 + place // 21 * 10) for place in range(1, 41)]
    unknown = [work(place, year=1990) for place in range(41, 71)]
    few = [work(place, wanted=150, year=1980) for place in range(71, 81)]
    assert said(known + unknown + few)[1] == (
        "Of all decades, works of the 1990s are wanted most: by 100.0 readers each, on average, against 90.0 of all."
    )


@pytest.mark.parametrize("editions", [4, 0])
def test_where_nobody_was_asked_demand_is_told_by_editions_and_nothing_is_said_of_none(editions: int) -> None:
    wanted = ["Most in demand is “Title 1” by Ada (4 editions)."] if editions else []
    assert said([work(1, editions=editions)]) == wanted


def test_of_a_subject_none_of_whose_works_can_be_used_nothing_else_is_found() -> None:
    summary = {"works": 0, "works_dated": 0, "source": "api"}
    rows: dict[str, list[Row]] = defaultdict(list)
    rows |= {"quality": [{"authors_dated": 0}], "duplicates": [{"held": 0, "without_likely": 0}]}
    rows |= {"editions": [{"label": "1", "books": 0}]}
    snapshot = Snapshot("20261202T000000Z", "", "", datetime(2026, 12, 2, tzinfo=UTC), 3, 1, "", None)
    numbers = Numbers("tea", snapshot, None, summary, rows, has_order_list=True)
    assert findings(numbers) == ["No work of the subject can be used."]
