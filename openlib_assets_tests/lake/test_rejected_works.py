"""Odd records: what can be read without guessing is; any other is set aside with its reason, and all others arrive."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openlib_assets.lake.contract import (
    AUTHOR_BOOKS,
    BOOKS,
    REJECTED_WORKS,
    Table,
)
from openlib_assets.lake.transform import CheckFailedError, CheckOutcome, Row, built
from openlib_assets.openlibrary.records import payload
from openlib_assets_tests.tools import reference

NOW = datetime(2026, 11, 29, tzinfo=UTC)
USUAL = {
    "title": "Tea",
    "first_publish_year": 1999,
    "edition_count": 2,
    "cover_id": 7,
    "has_fulltext": True,
    "subject": ["Love"],
    "authors": [{"key": "/authors/OL1A", "name": "Ann"}],
}
# Fields of a record that can be used, and what is read of them.
READ: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"first_publish_year": "1999"}, {"first_publish_year": 1999}),
    ({"first_publish_year": 1999.0}, {"first_publish_year": 1999}),
    ({"first_publish_year": "-5"}, {"first_publish_year": -5}),
    ({"edition_count": "3"}, {"edition_count": 3}),
    ({"cover_id": -1}, {"cover_id": None}),
    ({"cover_id": 0}, {"cover_id": None}),
    ({"cover_id": "12"}, {"cover_id": 12}),
    ({"subject": ["a", None]}, {"subjects": ["a"]}),
    ({"subject": [None]}, {"subjects": []}),
    ({"authors": [{"name": "X"}]}, {"author_count": 0}),
    ({"authors": [{"key": None, "name": "X"}, {"key": "/authors/OL1A"}]}, {"author_count": 1}),
    ({"authors": [None, {"key": "/authors/OL1A", "name": None}]}, {"author_count": 1}),
    ({"title": None, "authors": None, "subject": None, "has_fulltext": None}, {"title": None, "author_count": 0}),
]
ODD_TITLES: list[Any] = [5, ["Tea"], {"a": "Tea"}, True]
ODD_NUMBERS: list[Any] = ["c1999", "", " 1999", "1999.0", [1999], {}, True, 1999.5, 1e300, 2**63, -(2**63) - 1, 2**70]
ODD_AUTHORS: list[Any] = [
    "Ann",
    {"key": "/authors/OL1A"},
    [{}],
    ["X"],
    [5],
    [[]],
    [{"name": ""}],
    [{"name": 5}],
    [{"key": "/people/ann", "name": "Ann"}],
    [{"key": "OL1A"}],
    [{"key": "/authors/OL1A "}],
    [{"key": 5, "name": "Ann"}],
    [{"key": "/authors/OL1A", "name": ["Ann"]}],
]
ODD_FLAGS: list[Any] = ["true", 1, [], {}]
ODD_SUBJECTS: list[Any] = ["a", {"a": 1}, 5, ["a", 1], [{}], [["a"]], [True]]
# Fields for which a record is set aside, by what is said of it.
ODD: list[tuple[dict[str, Any], str]] = [
    *(({"title": odd}, "title is not a text") for odd in ODD_TITLES),
    *(
        ({name: odd}, f"{name} is not a whole number")
        for name in ("first_publish_year", "edition_count", "cover_id")
        for odd in ODD_NUMBERS
    ),
    *(({"has_fulltext": odd}, "has_fulltext is not true or false") for odd in ODD_FLAGS),
    *(({"subject": odd}, "subject is not a list of texts") for odd in ODD_SUBJECTS),
    *(({"authors": odd}, "authors is not a list of authors") for odd in ODD_AUTHORS),
]


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {"key": f"/works/OL{number}W", **USUAL, **fields}


def raw_works(records: list[dict[str, Any]]) -> pa.Table:
    keys = [one["key"].removeprefix("/works/") for one in records]
    payloads = [payload(one) for one in records]
    return pa.table({"work_key": keys, "position": range(len(keys)), "payload": payloads})


def made(table: Table, inputs: Mapping[str, Any]) -> tuple[pa.Table, list[CheckOutcome]]:
    with built(table, inputs) as result:
        batches = list(result.batches())
        return (
            pa.Table.from_batches(batches).cast(table.schema) if batches else table.schema.empty_table()
        ), result.outcomes


def tables_of(records: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Make the tables that read records."""
    snapshot = Row({"works_reported": len(records), "snapshot_year": NOW.year, "name": "now"})
    inputs: dict[str, Any] = {"raw_works": raw_works(records), "snapshot": snapshot}
    found = {}
    for table in (REJECTED_WORKS, BOOKS, AUTHOR_BOOKS):
        inputs[table.name], _ = made(table, inputs)
        found[table.name] = inputs[table.name].to_pylist()
    return found


def wanted(records: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    rows = reference.tables(records, works_reported=len(records), fetched_at=NOW, source="x")
    return {name: rows[name] for name in ("rejected_works", "books", "author_books")}


@pytest.mark.parametrize(("fields", "read"), READ, ids=str)
def test_what_can_be_read_without_guessing_is_read(fields: dict[str, Any], read: dict[str, Any]) -> None:
    records = [record(1), record(2, **fields)]
    found = tables_of(records)
    assert found == wanted(records)
    assert {name: found["books"][1][name] for name in read} == read
    assert found["rejected_works"] == []


@pytest.mark.parametrize(("fields", "reason"), ODD, ids=str)
def test_an_odd_record_is_set_aside_with_its_reason_and_no_other(fields: dict[str, Any], reason: str) -> None:
    records = [record(1), record(2, **fields), record(3)]
    found = tables_of(records)
    assert found == wanted(records)
    assert [row["work_key"] for row in found["books"]] == ["OL1W", "OL3W"]
    assert [(row["work_key"], row["position"], row["reason"]) for row in found["rejected_works"]] == [
        ("OL2W", 1, reason)
    ]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


# More than twenty may be too many; their keys are as long, so that they come in order.
@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(USUAL)), ANYTHING, max_size=2), min_size=1, max_size=20))
def test_whatever_a_record_holds_it_is_read_or_set_aside_as_the_rules_say(odd: list[dict[str, Any]]) -> None:
    records = [record(number, **fields) for number, fields in enumerate(odd, start=10)]
    assert tables_of(records) == wanted(records)


@pytest.mark.parametrize(
    ("works", "odd", "passes"), [(30, 0, True), (30, 20, True), (30, 21, False), (2500, 25, True), (2500, 26, False)]
)
def test_few_may_be_set_aside_with_a_warning_and_not_many(works: int, odd: int, passes: bool) -> None:
    records = [record(number, title=5 if number < odd else "Tea") for number in range(works)]
    inputs = {"raw_works": raw_works(records), "snapshot": Row({"works_reported": works, "snapshot_year": 2026})}
    if not passes:
        with pytest.raises(CheckFailedError, match="few_rejected failed"):
            made(REJECTED_WORKS, inputs)
        return
    outcomes = {outcome.check.name: outcome.passed for outcome in made(REJECTED_WORKS, inputs)[1]}
    assert outcomes["few_rejected"]
    assert outcomes["none_rejected"] == (odd == 0)
