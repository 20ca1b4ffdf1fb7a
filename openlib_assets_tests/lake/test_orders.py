"""The stocking list and the order list on small subjects, against a computation by other means."""

import random
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from openlib_assets.lake.contract import AUTHOR_BOOKS, AUTHORS, BOOKS, POSSIBLE_DUPLICATE_BOOKS, STOCKING_LIST, Table
from openlib_assets.lake.orders.stocking import NO_STORE, Weights
from openlib_assets.lake.transform import Relation, Row, built
from openlib_assets_tests.tools import reference_orders

_NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
_NAMES = [None, "Jules Verne", "Δημήτρης", "O'Brien; the \"second\"", "=1+1"]
_DETAILS = pa.schema(
    [
        ("work_key", pa.string()),
        ("languages", pa.list_(pa.string())),
        ("ratings_average", pa.float64()),
        *((name, pa.int64()) for name in ("ratings_count", "want_to_read", "currently_reading", "already_read")),
        ("ebook_access", pa.string()),
    ]
)
_CATALOGUE = pa.schema([("row", pa.int64()), ("units_sold", pa.int64())])
_MATCHES = pa.schema([("row", pa.int64()), ("work_key", pa.string()), ("decision", pa.string())])


def subject_of(seed: int, *, works: int, details: bool = True, store: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a subject's tables, drawn at random, with gaps and ties."""
    draw = random.Random(seed)
    maybe = lambda value: draw.choice([None, 0, value])  # noqa: E731
    keys = [f"OL{number}W" for number in draw.sample(range(1, 10 * works + 1), works)]
    books = [
        {
            "work_key": key,
            "title": draw.choice([None, "", f"Title {key}"]),
            "first_publish_year": (year := draw.choice([None, 0, 1890, 1999, 2020, 2026, 2027])),
            "year_status": "missing" if year is None else "ok" if year else "implausible",
            "edition_count": draw.choice([None, -1, 0, 1, 2, 1500]),
            "author_count": 0,
            "subjects": [],
        }
        for key in sorted(keys)
    ]
    people = [f"OL{number}A" for number in range(1, max(2, works // 3))]
    pairs = [
        {"author_key": person, "work_key": key, "author_position": place}
        for key in keys
        for place, person in enumerate(draw.sample(people, draw.randint(0, min(3, len(people)))), start=1)
    ]
    counts = {person: sum(pair["author_key"] == person for pair in pairs) for person in people}
    authors = [
        {"author_key": person, "author_name": draw.choice(_NAMES), "book_count": count}
        for person, count in counts.items()
        if count
    ]
    # Only upwards, so that no chain comes back to its beginning.
    order = draw.sample(keys, works)
    duplicates = [
        {
            "work_key": key,
            "title": "",
            "into_work_key": draw.choice(order[:place]),
            "into_title": "",
            "rule": "",
            "score": draw.choice([0.3, 0.6, 0.95]),
        }
        for place, key in enumerate(order)
        if place and draw.random() < 0.3
    ]
    documents = [
        {
            "work_key": key,
            "languages": draw.choice([[], ["eng"], ["fre", "eng"], ["ger"]]),
            "ratings_average": draw.choice([None, 1.0, 3.25, 4.75, 400.0]),
            "ratings_count": maybe(draw.choice([1, 12, 2345])),
            "want_to_read": maybe(draw.choice([1, 20, 12345])),
            "currently_reading": maybe(3),
            "already_read": draw.choice([None, -2, 1234]),
            "ebook_access": draw.choice([None, "no_ebook", "printdisabled", "borrowable", "public"]),
        }
        if details and draw.random() < 0.9
        else {**dict.fromkeys(_DETAILS.names), "work_key": key}
        for key in keys
    ]
    rows = range(works if store else 0)
    return {
        "books": books,
        "authors": authors,
        "author_books": pairs,
        "possible_duplicate_books": duplicates,
        "work_details": documents,
        "store_catalogue": [{"row": row, "units_sold": maybe(draw.choice([1, 2500]))} for row in rows],
        "store_matches": [
            {"row": row, "work_key": key, "decision": decision}
            for row in rows
            if (decision := draw.choice(["yes", "review", "no"]))
            for key in [draw.choice(keys) if decision != "no" else None]
        ],
    }


def relations_of(subject: dict[str, list[dict[str, Any]]], weights: Weights, *, store: bool) -> dict[str, Relation]:
    """Return the rows as the SQL sees them."""

    def table(described: Table) -> pa.Table:
        return pa.Table.from_pylist(subject[described.name], schema=described.schema)

    return {
        **{it.name: table(it) for it in (BOOKS, AUTHORS, AUTHOR_BOOKS, POSSIBLE_DUPLICATE_BOOKS)},
        "work_details": pa.Table.from_pylist(subject["work_details"], schema=_DETAILS),
        "subject_summary": Row({"fetched_at": _NOW}),
        "asked": weights.row(store_is_set=store),
        **(
            {
                "store_catalogue": pa.Table.from_pylist(subject["store_catalogue"], schema=_CATALOGUE),
                "store_matches": pa.Table.from_pylist(subject["store_matches"], schema=_MATCHES),
            }
            if store
            else NO_STORE
        ),
    }


def stocked(subject: dict[str, list[dict[str, Any]]], weights: Weights, *, store: bool) -> pa.Table:
    """Return the stocking list, once it was found equal to the one computed by other means."""
    with built(STOCKING_LIST, relations_of(subject, weights, store=store)) as result:
        found = pa.Table.from_batches(result.batches()).cast(STOCKING_LIST.schema)
    wanted = reference_orders.stocking_list(
        books=subject["books"],
        authors=subject["authors"],
        author_books=subject["author_books"],
        duplicates=subject["possible_duplicate_books"],
        details=subject["work_details"],
        this_year=_NOW.year,
        store=(subject["store_catalogue"], subject["store_matches"]) if store else None,
        weights=vars(weights),
    )
    assert found.to_pylist() == wanted
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_stocking_list_equals_the_reference(seed: int) -> None:
    weights = Weights() if seed % 3 else Weights(demand=0.1, recency=0.0, author=7.3, no_free=2.0)
    store = seed % 2 == 0
    stocked(subject_of(seed, works=[1, 2, 40][seed % 3], details=seed % 4 > 0, store=store), weights, store=store)
