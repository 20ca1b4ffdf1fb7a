"""What the search says of works, and their ISBNs: equal to a computation by other means, whatever the search sends."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from stdnum import ean
from stdnum import isbn as stdnum_isbn

from openlib_assets.lake.contract import BOOKS, RAW_DETAILS, REJECTED_WORKS, WORK_DETAILS, WORK_ISBNS, Table
from openlib_assets.lake.table_files import table_file, write_table
from openlib_assets.lake.transform import CheckOutcome, Relation, built, connected
from openlib_assets.openlibrary.listings import DOCUMENT_FIELDS
from openlib_assets.openlibrary.records import payload
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import assert_same_rows
from openlib_assets_tests.tools import reference_details as by_hand
from openlib_assets_tests.tools.reference import COLUMNS, Row

# What the search has sent, and what it might send: of each field, values that can be read and values that cannot.
ODDITIES: Mapping[str, Sequence[Any]] = {
    "subtitle": ["", "a\ud800b", "\U0001f4d6", None, 5, ["a"]],
    "language": [None, [], ["eng", None, "eng"], "eng", [5], [["eng"]], {}],
    "publisher": [["a\tb", "", "\udc00"], [None], "Penguin"],
    "format": [["Paperback"], [True]],
    "number_of_pages_median": [0, -1, 12.0, 12.5, "12", 2**63, 2**70, True, [12]],
    "ratings_average": [0, 4, 4.25, "4.25", None, 1e300],
    "ratings_count": [0, 1, 2, 1e14, "3", None, -(2**63)],
    "want_to_read_count": [0, 7, 7.0, [7], False],
    "ebook_access": ["public", "", 1],
    "isbn": [
        None,
        [],
        "9780306406157",
        {"a": 1},
        [None, 9780306406157, ["9780306406157"], "9780306406157"],
        ["0-306-40615-2", "9780306406157", " 978 0 306 40615 7\n", "080442957x", "0\u20103064\u00ad0615\u22122"],
        ["0000000000", "9780000000002", "1111111111", "9999999999999", "9", "", "\u2003", "-"],
        [
            "978030640615",
            "97803064061577",
            "030640615",
            "9770306406154",
            "0306406153",
            "9780306406158",
            "9790306406156",
        ],
        [
            "0662007395$2.00",
            "ISBN 0306406152",
            "X306406152",
            "03064X6152",
            "\uff10306406152",
            "0306406152\x00",
            "\ud800",
        ],
    ],
}


def documents_of(size: int) -> list[Row]:
    """The documents of a sandbox's subject, of which every third has something odd in a field or more."""
    odd = random.Random(size)
    with Sandbox(SandboxConfig({"love": size})) as sandbox:
        documents = list(sandbox.documents("love", DOCUMENT_FIELDS))
    for document in documents[::3]:
        for field in odd.sample(sorted(ODDITIES), odd.choice((1, 1, 2, len(ODDITIES)))):
            document[field] = odd.choice(ODDITIES[field])
    return documents


def stored(folder: Path, table: Table, rows: Sequence[Row]) -> Relation:
    file = folder / f"{table.name}.parquet"
    whole = [{**dict.fromkeys(table.schema.names), **row} for row in rows]
    write_table(file, [pa.RecordBatch.from_pylist(whole, schema=table.schema)], table.schema)
    return table_file(file)


def book(key: str) -> Row:
    return {"work_key": key, "year_status": "missing", "author_count": 0, "subjects": []}


def made(
    folder: Path, documents: Sequence[Row] | None, keys: Sequence[str], rejected: Sequence[str] = ()
) -> tuple[dict[str, list[Row]], dict[str, CheckOutcome]]:
    """Both tables, and the outcomes of their checks, of works with these keys; None for a search that was not asked."""
    received = [
        {"work_key": document["key"].removeprefix("/works/"), "position": place, "payload": payload(document)}
        for place, document in enumerate(documents or ())
    ]
    set_aside = [{"work_key": key, "position": 0, "reason": "odd", "payload": "{}"} for key in rejected]
    inputs: dict[str, Relation] = {
        RAW_DETAILS.name: RAW_DETAILS if documents is None else stored(folder, RAW_DETAILS, received),
        BOOKS.name: stored(folder, BOOKS, [book(key) for key in keys]),
        REJECTED_WORKS.name: stored(folder, REJECTED_WORKS, set_aside),
    }
    rows: dict[str, list[Row]] = {}
    outcomes: dict[str, CheckOutcome] = {}
    for table in (WORK_ISBNS, WORK_DETAILS):
        with built(table, {name: inputs[name] for name in table.made_from}) as result:
            rows[table.name] = pa.Table.from_batches(result.batches(), result_schema(result)).to_pylist()
            outcomes |= {outcome.check.name: outcome for outcome in result.outcomes}
        inputs[table.name] = stored(folder, table, rows[table.name])
    return rows, outcomes


def result_schema(result: Any) -> pa.Schema:
    """The columns as DuckDB made them, which must be those of the contract."""
    schema: pa.Schema = result.connection.sql(f"FROM {result.table.name} LIMIT 0").to_arrow_table().schema
    assert schema.names == result.table.schema.names
    return schema


@pytest.mark.parametrize("size", [1, 1000, 1001, 12_000])
def test_both_tables_equal_the_reference_cell_by_cell(tmp_path: Path, size: int) -> None:
    documents = documents_of(size)
    keys = [document["key"].removeprefix("/works/") for document in documents]
    rows, outcomes = made(tmp_path, documents, keys)
    isbns = by_hand.work_isbns(documents, keys)
    assert_same_rows(rows["work_isbns"], isbns)
    assert_same_rows(rows["work_details"], by_hand.work_details(documents, keys, isbns))
    entries = [entry for document in documents for entry in by_hand.entries(document)]
    faults = Counter(fault.replace(" ", "_") for entry in entries if (fault := by_hand.fault_of(entry)))
    counted = dict(outcomes["isbns_can_be_read"].numbers)
    assert (counted.pop("received"), counted.pop("dropped")) == (len(entries), faults.total())
    assert {name: count for name, count in counted.items() if count} == faults
    works = Counter(row["isbn13"] for row in isbns)
    shared = sum(count > 1 for count in works.values())
    assert outcomes["isbns_on_several_works"].numbers == {"isbns": len(works), "on_several_works": shared}
    odd = sum(by_hand.fields_left_out(document) for document in documents)
    assert outcomes["details_can_be_read"].numbers == {"documents": size, "fields_left_out": odd}
    assert outcomes["details_can_be_read"].passed == (odd == 0)


def test_a_work_that_only_one_of_the_two_has_is_counted_and_has_a_row_if_it_is_a_work_of_the_subject(
    tmp_path: Path,
) -> None:
    documents: list[Row] = [
        {"key": "/works/OL1W", "isbn": ["0306406152"]},
        {"key": "/works/OL2W"},
        {"key": "/works/OL9W", "isbn": ["080442957X"]},
    ]
    rows, outcomes = made(tmp_path, documents, ["OL1W", "OL3W"], rejected=["OL2W"])
    assert rows["work_isbns"] == [{"work_key": "OL1W", "isbn13": "9780306406157"}]
    known, unknown = rows["work_details"]
    assert (known["languages"], known["ratings_count"], known["isbn_count"]) == ([], None, 1)
    assert unknown == dict.fromkeys(COLUMNS["work_details"].split()) | {"work_key": "OL3W"}
    outcome = outcomes["works_have_details"]
    assert outcome.numbers == {"documents": 3, "works_without_details": 1, "details_without_work": 1}
    assert not outcome.passed
    assert not outcome.check.blocking


def test_where_the_search_was_not_asked_nothing_is_known_and_nothing_warns(tmp_path: Path) -> None:
    rows, outcomes = made(tmp_path, None, ["OL1W", "OL2W"])
    assert rows["work_isbns"] == []
    assert rows["work_details"] == by_hand.work_details([], ["OL1W", "OL2W"], [])
    assert {row["languages"] for row in rows["work_details"]} == {None}
    assert [name for name, outcome in outcomes.items() if not outcome.passed] == []


def real_looking(count: int) -> list[str]:
    """Texts as they stand in catalogues: numbers in all forms, mistyped, cut, with something around them."""
    chance = random.Random(count)

    def number() -> str:
        twelve = f"{chance.choice((978, 979))}{chance.randrange(10**9):09}"
        thirteen = twelve + ean.calc_check_digit(twelve)
        return str(stdnum_isbn.to_isbn10(thirteen)) if twelve[:3] == "978" and chance.random() < 0.7 else thirteen

    def changed(text: str) -> str:
        place = chance.randrange(len(text) + 1)
        return chance.choice(
            (
                text,
                text,
                text.lower(),
                f" {text}\n",
                "-".join(text),
                f"{text[:place]}-{text[place:]}",
                f"{text[:place]} {text[place:]}",
                text[:place] + text[place + 1 :],
                text[:place] + chance.choice("0123456789X") + text[place:],
                text[:place] + chance.choice("0123456789X") + text[place + 1 :],
                f"979{text[-10:]}",
                f"{text}$2.00",
                f"ISBN {text}",
            )
        )

    return [changed(number()) for _ in range(count)]


def test_a_hundred_thousand_texts_are_read_as_python_stdnum_reads_them() -> None:
    chance = random.Random(1)
    junk = ["".join(chance.choices("0123456789X- ", k=chance.choice((9, 10, 11, 13, 14)))) for _ in range(40_000)]
    texts = [*real_looking(60_000), *junk]
    with connected({}) as connection:
        connection.register("texts", pa.table({"text": texts}))
        found = connection.sql(
            """
            SELECT CASE WHEN isbn_fault(bare) IS NULL THEN isbn13_of(bare) END
            FROM (SELECT bare_isbn(text) AS bare FROM texts)
            """
        ).fetchall()
    wrong = [
        (text, isbn)
        for text, (isbn,) in zip(texts, found, strict=True)
        if isbn != by_stdnum(text) and by_hand.fault_of(text) != "placeholder"
    ]
    assert wrong == []
    assert 20_000 < sum(isbn is not None for (isbn,) in found) < 80_000


def by_stdnum(text: str) -> str | None:
    """The ISBN-13 by that library, which takes nine digits for an old number with a zero left out."""
    if not stdnum_isbn.is_valid(text) or len(text.replace("-", "").replace(" ", "").strip()) == 9:
        return None
    isbn: str = stdnum_isbn.to_isbn13(stdnum_isbn.compact(text))
    return isbn
