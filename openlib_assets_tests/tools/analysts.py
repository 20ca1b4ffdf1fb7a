"""The tables of several subjects as analysts get them, in `subject=<key>` folders of Parquet files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from openlib_assets.lake import layout
from openlib_assets.lake.contract import AUTHOR_BOOKS, AUTHORS, BOOKS, Table
from openlib_assets.lake.transform import built
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place
from openlib_assets_tests.tools.dialects import AGGREGATES
from openlib_assets_tests.tools.instances import temporary_instance

# A quote, letters beyond ASCII, a colon and a number in the folder names; names and titles of every kind in the tables.
_SIZES = {"children's_stories": 200, "place:são_paulo_(brazil)": 300, "1984": 400, "fiction": 2_500}
_BY_HAND = "by_hand"
SUBJECTS = (*_SIZES, _BY_HAND)
SOURCES = tuple({name: None for table in AGGREGATES for name in table.made_from})
# What the aggregates are made from, and they themselves.
_MADE = ("raw_works", "rejected_works", *SOURCES, *(table.name for table in AGGREGATES))

# Engines that compare texts as people, in UTF-16 or without case put these into another order, or take two for one.
_AUTHORS = ("OL10A", "OL1A", "OL9A", "Ol1A", "ol1a", "ÖL1A", "O\u0308L1A", "\uff2f", "\U0001d4de")
_NAMES = ("Zoë", "Zoe\u0308", "zoë", "", " ", 'O\'Brien \\ "x" \n--', "\U0001f4da", None, "\x00")
_YEARS = (-5, 0, 1001, 1999, 1999, 2000, 9999, 2**53 + 1, None)


def write_tables(root: Path) -> None:
    """Run the pipeline over the sandbox's subjects, and add one by hand whose rows no catalogue has."""
    with Sandbox(SandboxConfig(_SIZES)) as sandbox, temporary_instance() as instance:
        variables = {"XDG_CACHE_HOME": str(root.parent / "cache"), "OPENLIB_DETAILS": "off"}
        pipeline = Pipeline(Place(str(root), {}), instance, sandbox.url, **variables)
        assert pipeline.run(*_SIZES, only=_MADE).success
    _write_by_hand(root)


def _write_by_hand(root: Path) -> None:
    """Every author has written the works of all authors up to themselves, one a year."""
    works = [f"OL{number}W" for number in range(len(_YEARS))]
    statuses = ["missing" if year is None else "ok" for year in _YEARS]
    pairs = [(author, work) for last, author in enumerate(_AUTHORS) for work in works[: last + 1]]
    dated = [[year for year in _YEARS[: last + 1] if year is not None] for last in range(len(_AUTHORS))]
    tables: dict[Table, dict[str, Sequence[Any]]] = {
        BOOKS: {"work_key": works, "first_publish_year": _YEARS, "year_status": statuses},
        AUTHOR_BOOKS: {"author_key": [pair[0] for pair in pairs], "work_key": [pair[1] for pair in pairs]},
        AUTHORS: {
            "author_key": _AUTHORS,
            "author_name": _NAMES,
            "book_count": range(1, len(_AUTHORS) + 1),
            "first_year": [min(years) for years in dated],
            "last_year": [max(years) for years in dated],
        },
    }
    made: dict[str, pa.Table] = {}
    for table, columns in tables.items():
        made[table.name] = _with_all_columns(table, columns)
        _write(root, table, made[table.name])
    for table in AGGREGATES:
        with built(table, {name: made[name] for name in table.made_from}) as result:
            made[table.name] = pa.Table.from_batches(result.batches()).cast(table.schema)
        _write(root, table, made[table.name])


def _with_all_columns(table: Table, columns: dict[str, Sequence[Any]]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    values = {column.name: columns.get(column.name, [None] * rows) for column in table.columns}
    return pa.table({c.name: pa.array(values[c.name], c.type) for c in table.columns})


def _write(root: Path, table: Table, rows: pa.Table) -> None:
    path = root / layout.table_file(table.layer, table.name, _BY_HAND)
    path.parent.mkdir(parents=True)
    pq.write_table(rows, path)


def folder(root: Path, name: str) -> Path:
    """Return the folder of a table, with a folder for each subject in it."""
    (found,) = root.glob(f"*/{name}")
    return found


def kept_rows(root: Path, table: Table, subject: str) -> list[tuple[Any, ...]]:
    """Return the rows of a table of a subject as the project keeps them."""
    with pq.ParquetFile(root / layout.table_file(table.layer, table.name, subject)) as file:
        return [tuple(row.values()) for row in file.read().to_pylist()]


def assert_same_cells(found: Sequence[Sequence[Any]], wanted: Sequence[Sequence[Any]]) -> None:
    """Compare row by row, and tell 1 from 1.0 and from Decimal(1)."""
    assert len(found) == len(wanted) > 0
    for place, (row, want) in enumerate(zip(found, wanted, strict=True)):
        assert [(type(cell), cell) for cell in row] == [(type(cell), cell) for cell in want], f"row {place}"
