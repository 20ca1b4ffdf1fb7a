"""Rows of a file replaced by others, against all rows sorted again; and what checks then find in those that changed."""

from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openlib_assets.lake.contract import WAREHOUSE_ISBNS
from openlib_assets.lake.transform import CheckFailedError, run_checks
from openlib_assets.lake.warehouse.merging import replaced

_KEY = ("work_key", "isbn13")
_WORKS = ["OL1W", "OL10W", "OL2W", "Z", "a", "ß", "\ue000", "\U0001f4d6"]
_SCHEMA = pa.schema([pa.field("work_key", pa.string()), pa.field("isbn13", pa.string()), pa.field("seen", pa.int64())])
Rows = list[tuple[str, str, int]]


def table(rows: Rows) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return pa.table(dict(zip(_SCHEMA.names, columns, strict=True)), _SCHEMA)


def some_rows(dice: Random, works: list[str], seen: int) -> Rows:
    """Return rows of some works, sorted by the key as UTF-8 is, which is the order of code points."""
    keys = {(work, str(dice.randrange(9))) for work in works for _ in range(dice.randrange(4))}
    return sorted((*key, seen) for key in keys)


@pytest.mark.parametrize("seed", range(60))
def test_what_stays_and_what_comes_is_in_order(seed: int, tmp_path: Path) -> None:
    dice = Random(seed)
    before = some_rows(dice, dice.sample(_WORKS, dice.randrange(len(_WORKS) + 1)), 1)
    touched = dice.sample(_WORKS, dice.randrange(len(_WORKS) + 1))
    coming = some_rows(dice, dice.sample(touched, dice.randrange(len(touched) + 1)), 2)
    pq.write_table(table(before), tmp_path / "file", row_group_size=dice.randrange(1, 6))
    found = replaced(tmp_path / "file", _KEY, ("work_key", pa.array(touched, pa.string())), table(coming))
    wanted = sorted([row for row in before if row[0] not in touched] + coming)
    assert pa.Table.from_batches(found, _SCHEMA).to_pylist() == table(wanted).to_pylist()


def found_wrong(changes: str) -> set[str]:
    """Return the checks of a change that fail after changes of a small warehouse in which all is well."""
    with duckdb.connect() as connection:
        connection.execute("""
            CREATE TABLE works AS SELECT unnest(['A', 'B']) AS work_key;
            CREATE TABLE gone_works AS SELECT 'C' AS work_key;
            CREATE TABLE work_isbns AS SELECT * FROM (VALUES ('A', '1'), ('B', '2')) AS isbns (work_key, isbn13);
            CREATE TABLE changed_work_isbns AS FROM work_isbns WHERE work_key = 'B';
        """)
        connection.execute(changes)
        try:
            run_checks(connection, WAREHOUSE_ISBNS, WAREHOUSE_ISBNS.checks_of_change)
        except CheckFailedError as error:
            return {outcome.check.name for outcome in error.outcomes if not outcome.passed}
    return set()


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ("SELECT 1", set()),
        ("INSERT INTO changed_work_isbns VALUES ('B', '2')", {"key_is_unique"}),
        ("INSERT INTO changed_work_isbns VALUES ('B', NULL)", {"required_columns_are_filled"}),
        ("INSERT INTO changed_work_isbns VALUES ('D', '3')", {"references_resolve"}),
        ("INSERT INTO work_isbns VALUES ('C', '3')", {"references_resolve"}),
    ],
    ids=[
        "nothing",
        "a key twice",
        "a null",
        "a row that came refers to nothing",
        "a row that stays refers to what went",
    ],
)
def test_checks_of_a_change_find_what_it_broke(changes: str, failed: set[str]) -> None:
    assert found_wrong(changes) == failed
