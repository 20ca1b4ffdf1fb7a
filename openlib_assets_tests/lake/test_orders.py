"""The stocking list and the order list on small subjects, against a computation by other means."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.utils.escape import unescape

from openlib_assets.lake import layout
from openlib_assets.lake.contract import (
    AUTHOR_BOOKS,
    AUTHORS,
    BOOKS,
    ORDER_LIST,
    POSSIBLE_DUPLICATE_BOOKS,
    STOCKING_LIST,
    Table,
)
from openlib_assets.lake.orders.order_list import order_list_of
from openlib_assets.lake.orders.several import orders_of
from openlib_assets.lake.orders.stocking import Weights
from openlib_assets.lake.orders.workbook import write_workbook
from openlib_assets.lake.table_files import TableFile, TableFileError, table_file, write_table
from openlib_assets.lake.transform import Relation, Row, built
from openlib_assets.openlibrary.client import Traffic
from openlib_assets.openlibrary.editions import Edition
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools import reference_orders

_NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
_NAMES = [None, "Jules Verne", "Δημήτρης", 'O\'Brien; the "second"', "=1+1"]
_DETAILS = pa.schema(
    [
        ("work_key", pa.string()),
        ("languages", pa.list_(pa.string())),
        ("ratings_average", pa.float64()),
        *((name, pa.int64()) for name in ("ratings_count", "want_to_read", "currently_reading", "already_read")),
        ("ebook_access", pa.string()),
    ]
)
_IN_STORE = pa.schema(
    [("work_key", pa.string()), ("row", pa.int64()), ("decision", pa.string()), ("units_sold", pa.int64())]
)


def subject_of(seed: int, *, works: int, details: bool = True, store: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a subject's tables, drawn at random, with gaps and ties."""
    draw = random.Random(seed)

    def maybe(value: int) -> int | None:
        return draw.choice([None, 0, value])

    keys = [f"OL{number}W" for number in draw.sample(range(1, 2 * works + 1), works)]
    books: list[dict[str, Any]] = [
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
    return {
        "books": books,
        "authors": authors,
        "author_books": pairs,
        "possible_duplicate_books": duplicates,
        "work_details": documents,
        # Of one book there may be several records.
        "works_in_store": [
            {"work_key": key, "row": row, "decision": decision, "units_sold": units}
            for row in range(works // 3 if store else 0)
            for decision, units in [(draw.choice(["yes", "review"]), maybe(2500))]
            for key in draw.sample(keys, draw.choice([1, 1, min(2, works)]))
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
        "works_in_store": pa.Table.from_pylist(subject["works_in_store"], schema=_IN_STORE),
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
        in_store=subject["works_in_store"] if store else None,
        weights=vars(weights),
    )
    assert found.to_pylist() == wanted
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_stocking_list_equals_the_reference(seed: int) -> None:
    weights = Weights() if seed % 4 else Weights(demand=0.1, recency=0.0, author=7.3, no_free=2.0)
    store = seed % 2 == 0
    stocked(subject_of(seed, works=[1, 3, 40][seed % 3], details=seed % 5 > 0, store=store), weights, store=store)


def made(
    stocking: pa.Table, folder: Path, found: dict[str, Edition] | None, languages: str = "eng"
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the order list of a stocking list, and the works of which editions were asked for."""
    file = folder / "stocking_list.parquet"
    write_table(file, stocking.to_batches(), STOCKING_LIST.schema)
    source = None if found is None else Known(found)
    with order_list_of(table_file(file), source, languages) as ordered:
        return ordered.rows.to_table().to_pylist(), source.asked if source else []


class Known:
    """Editions that are known beforehand."""

    def __init__(self, found: dict[str, Edition]) -> None:
        self.stop = threading.Event()
        self.max_in_flight = 1
        self.version = ""
        self.asked: list[str] = []
        self._found = found

    def find(self, work_keys: Sequence[str], languages: Sequence[str]) -> tuple[dict[str, Edition], Traffic]:
        assert languages
        self.asked += work_keys
        return {key: self._found[key] for key in work_keys if key in self._found}, Traffic()


def edition_of_work(key: str) -> Edition:
    return Edition(f"{key[:-1]}M", "9780306406157", f'=HYPERLINK("{key}")', "Some; House", "May 1, 2001", "eng")


@pytest.mark.parametrize(("works", "languages"), [(1, "eng"), (40, "ger,fre"), (450, "eng")])
def test_the_order_list_equals_the_reference(works: int, languages: str, tmp_path: Path) -> None:
    store = works == 40
    stocking = stocked(subject_of(works, works=works, store=store), Weights(), store=store)
    listed = stocking.to_pylist()
    editions = {row["work_key"]: edition_of_work(row["work_key"]) for row in listed[::2]}
    wanted = {key: vars(edition) for key, edition in editions.items()}
    for found, known in ((editions, wanted), ({}, {}), (None, None)):
        rows, asked = made(stocking, tmp_path, found, languages)
        assert rows == reference_orders.order_list(listed, known, languages.split(","))
        assert asked == ([] if found is None else [row["work_key"] for row in rows])
    assert len(rows) == min(200, len(rows))


@pytest.mark.parametrize(
    ("records", "ordered"),
    [
        ([("OL1W", ["ger"], "no"), ("OL2W", ["eng"], "no"), ("OL3W", ["eng"], "no")], ["OL2W"]),
        ([("OL1W", ["ger"], None), ("OL2W", [], None)], ["OL2W"]),
        ([("OL1W", ["ger"], "no"), ("OL2W", ["fre"], "no")], []),
        ([("OL1W", ["ger"], "review"), ("OL2W", ["eng"], "no")], []),
        ([("OL1W", ["ger"], "no"), ("OL2W", ["eng"], "review"), ("OL3W", ["eng"], "no")], []),
        ([("OL1W", ["eng"], "no"), ("OL2W", ["eng"], "review")], ["OL1W"]),
    ],
)
def test_a_book_is_ordered_by_the_best_of_its_works_in_a_language_of_the_store(
    records: list[tuple[str, list[str], str | None]], ordered: list[str], tmp_path: Path
) -> None:
    listed: list[dict[str, Any]] = [
        {
            **dict.fromkeys(STOCKING_LIST.schema.names),
            "rank": rank,
            "work_key": key,
            "author_names": [],
            "languages": languages,
            "score": 0.5,
            "in_store": in_store,
            "duplicate_of": None if rank == 1 else records[0][0],
            "reason": "",
        }
        for rank, (key, languages, in_store) in enumerate(records, start=1)
    ]
    rows, _ = made(pa.Table.from_pylist(listed, schema=STOCKING_LIST.schema), tmp_path, None)
    assert [row["work_key"] for row in rows] == ordered


def test_orders_of_several_subjects_have_each_book_once(tmp_path: Path) -> None:
    lists: dict[str, list[dict[str, Any]]] = {}
    stocks: dict[str, list[dict[str, Any]]] = {}
    for seed, subject in enumerate(("love", "o'neill", "war")):
        stocking = stocked(subject_of(seed, works=8, store=False), Weights(), store=False)
        lists[subject], stocks[subject] = made(stocking, tmp_path, {})[0], stocking.to_pylist()
    times = Counter(row["work_key"] for rows in lists.values() for row in rows)
    sold = {next(key for key, number in times.items() if number > 1)}
    # In one subject it is known by a duplicate there that the store sells it.
    next(row for rows in stocks.values() for row in rows if row["work_key"] in sold)["in_store"] = "review"
    found = together(lists, stocks, tmp_path / "root")
    assert sold & {row["work_key"] for rows in lists.values() for row in rows}
    assert found == reference_orders.orders(lists, stocks)
    assert not sold & {row["work_key"] for row in found}
    assert any(len(row["subjects"]) > 1 for row in found)
    with (
        pytest.raises(TableFileError, match="no such table yet; make it with: openlib run peace"),
        orders_of(LocalStorage(tmp_path / "root"), ["love", "peace"]),
    ):
        pass


def together(
    lists: dict[str, list[dict[str, Any]]], stocks: dict[str, list[dict[str, Any]]], root: Path
) -> list[dict[str, Any]]:
    """Return the orders for subjects with these order lists and stocking lists, written to a root."""
    storage = LocalStorage(root)
    for subject, rows in lists.items():
        for table, written in ((ORDER_LIST, rows), (STOCKING_LIST, stocks[subject])):
            with storage.writing(layout.table_file(table.layer, table.name, subject)) as file:
                batches = pa.Table.from_pylist(written, schema=table.schema).to_batches()
                write_table(file, batches, table.schema)
    with orders_of(storage, list(lists)) as found:
        ordered: list[dict[str, Any]] = found.to_table().to_pylist()
    return ordered


@pytest.mark.parametrize(
    ("subjects", "ordered"),
    [
        # Each listed work: its score, what the store says, what it may be the same book as.
        ([{"OL1W": (0.5, None, None)}, {"OL2W": (0.9, None, None), "OL1W": (0.5, None, "OL2W")}], ["OL2W"]),
        # Either subject has another one as the better.
        (
            [
                {"OL1W": (0.8, None, None), "OL2W": (0.7, None, "OL1W")},
                {"OL2W": (0.9, None, None), "OL1W": (0.6, None, "OL2W")},
            ],
            ["OL2W"],
        ),
        # They are one book by a third that is not ordered.
        (
            [
                {"OL1W": (0.9, None, None), "OL3W": (0.1, None, "OL1W")},
                {"OL2W": (0.9, None, None), "OL3W": (0.1, None, "OL2W")},
            ],
            ["OL1W"],
        ),
        ([{"OL1W": (0.5, "no", None)}, {"OL2W": (0.4, "no", None)}], ["OL1W", "OL2W"]),
        # What the store sells of a book keeps its other works away, where only a third one links them, too.
        (
            [
                {"OL1W": (0.9, "no", None), "OL3W": (0.1, "no", "OL1W")},
                {"OL2W": (0.9, "yes", None), "OL3W": (0.1, "review", "OL2W")},
            ],
            [],
        ),
        # One that it may sell does not, as within a subject.
        ([{"OL1W": (0.9, "no", None), "OL2W": (0.1, "review", "OL1W")}], ["OL1W"]),
    ],
)
def test_orders_know_a_book_over_all_subjects(
    subjects: list[dict[str, tuple[float, str | None, str | None]]], ordered: list[str], tmp_path: Path
) -> None:
    stocks: dict[str, list[dict[str, Any]]] = {
        f"subject_{place}": [
            {
                **dict.fromkeys(STOCKING_LIST.schema.names),
                "rank": rank,
                "work_key": key,
                "author_names": [],
                "score": score,
                "in_store": in_store,
                "duplicate_of": duplicate_of,
                "reason": "",
            }
            for rank, (key, (score, in_store, duplicate_of)) in enumerate(works.items(), start=1)
        ]
        for place, works in enumerate(subjects)
    }
    lists = {
        subject: [
            {name: row.get(name) for name in ORDER_LIST.schema.names}
            for row in rows
            if row["duplicate_of"] is None and row["in_store"] in (None, "no")
        ]
        for subject, rows in stocks.items()
    }
    found = together(lists, stocks, tmp_path / "root")
    assert found == reference_orders.orders(lists, stocks)
    assert [row["work_key"] for row in found] == ordered


def awkward_orders(folder: Path) -> tuple[TableFile, list[dict[str, Any]]]:
    """Return an order list with texts that a spreadsheet could take for something else."""
    awkward = [
        "=1+1",
        "@cmd",
        "0012",
        "https://example.org",
        "a\nb",
        "\x01",
        "{=1}",
        " ",
        "x" * 40_000,
        "-1",
        "é😀",
        "😀" * 20_000,
    ]
    listed: list[dict[str, Any]] = [
        {
            "rank": place,
            "work_key": f"OL{place}W" if place % 3 else f"OL{place}M",
            "edition_key": f"OL{place}M" if place % 2 else None,
            "isbn13": "9780306406157" if place % 2 else None,
            "title": text,
            "author_names": [text, "b"] if place % 2 else [],
            "publisher": text if place % 2 else None,
            "publish_date": "2001",
            "language": "eng",
            "score": place / 100,
            "reason": text,
        }
        for place, text in enumerate(awkward, start=1)
    ]
    file = folder / "order_list.parquet"
    write_table(file, pa.Table.from_pylist(listed, schema=ORDER_LIST.schema).to_batches(), ORDER_LIST.schema)
    return table_file(file), listed


def test_a_workbook_read_by_another_library_equals_the_table(tmp_path: Path) -> None:
    rows, listed = awkward_orders(tmp_path)
    written = []
    for name in ("one.xlsx", "two.xlsx"):
        write_workbook(tmp_path / name, ORDER_LIST, rows)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    sheet = openpyxl.load_workbook(tmp_path / "one.xlsx")["order_list"]
    names, *lines = sheet.iter_rows()
    headings = [str(cell.value) for cell in names]
    assert headings == ["rank", "cover", *[column.name for column in ORDER_LIST.columns][1:]]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", f"A1:L{len(listed) + 1}")
    assert all(cell.font.bold for cell in names)
    for row, line in zip(listed, lines, strict=True):
        cells: dict[str, Any] = dict(zip(headings, line, strict=True))
        for name, value in row.items():
            text = (" | ".join(value) or None) if isinstance(value, list) else value
            shown = unescape(cells[name].value) if isinstance(cells[name].value, str) else cells[name].value
            # Of emojis, which Excel counts twice, so many fit.
            most = 16_383 if isinstance(text, str) and text.startswith("😀") else 32_767
            assert shown == (text[:most] if isinstance(text, str) else text), name
            assert cells[name].data_type == ("s" if isinstance(text, str) else "n"), name
        assert cells["isbn13"].number_format == ("@" if row["isbn13"] else "General")
        links = {name: cell.hyperlink.target for name, cell in cells.items() if cell.hyperlink}
        work, edition = row["work_key"], row["edition_key"]
        cover = edition or work
        assert links == {
            "work_key": f"https://openlibrary.org/{'books' if work.endswith('M') else 'works'}/{work}",
            "cover": f"https://covers.openlibrary.org/{'b' if cover.endswith('M') else 'w'}/olid/{cover}-M.jpg",
            **({"edition_key": f"https://openlibrary.org/books/{edition}"} if edition else {}),
        }
