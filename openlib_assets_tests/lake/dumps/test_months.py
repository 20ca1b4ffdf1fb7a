"""The catalogue of two months against an independent computation: every table, by value and order, and every reject."""

import random
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.sandbox import BadLine, Sandbox, SandboxConfig
from openlib_assets.storage import Storage, open_storage
from openlib_assets_tests.conftest import assert_same_rows
from openlib_assets_tests.tools.dump_lakes import assert_same_tables, build_lake, catalogue_tables
from openlib_assets_tests.tools.dump_lines import BEFORE, DATE
from openlib_assets_tests.tools.reference_catalogue import catalogue

SUBJECTS = ("fiction", "love", "person:sherlock_holmes", "place:london", "time:20th_century")
MESS = 0.01


@dataclass(frozen=True)
class Months:
    """Two dumps in folders of their own, with the lines of each that a reader has to reject."""

    before: Path
    after: Path
    bad_before: list[BadLine]
    bad_after: list[BadLine]


@pytest.fixture(
    scope="module", params=[1_000, pytest.param(20_000, marks=pytest.mark.dumps)], ids=["1,000 works", "20,000 works"]
)
def months(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Months:
    """Write the dumps of a catalogue before and after it was edited."""
    folder, works = tmp_path_factory.mktemp("months"), request.param
    sizes = dict(zip(SUBJECTS, (works, works // 4, works // 10, works // 10, works // 10), strict=True))
    with Sandbox(SandboxConfig(sizes, this_year=2026, settled=True)) as sandbox:
        bad_before = sandbox.write_dumps(folder / "before", date.fromisoformat(BEFORE), mess=MESS)
        merged = edit(sandbox, works // 40)
        bad_after = sandbox.write_dumps(folder / "after", date.fromisoformat(DATE), mess=MESS, merged=merged)
    return Months(folder / "before", folder / "after", bad_before, bad_after)


def edit(sandbox: Sandbox, many: int) -> dict[str, str]:
    """Add, change, move, remove and merge so many works; return which was merged into which."""
    elsewhere = {key for subject in SUBJECTS[1:] for key in sandbox.keys(subject)}
    own = [key for key in sandbox.keys("fiction") if key not in elsewhere and key.endswith("W")]
    keys = iter(random.Random(1).sample(own, 5 * many))
    drawn = [[next(keys) for _ in range(many)] for _ in range(5)]
    removed, merged, kept, changed, moved = drawn
    for key in (*removed, *merged, *moved):
        sandbox.remove_work("fiction", key)
    for key in moved:
        sandbox.add_work("love", {"key": key})
    for number, key in enumerate(changed):
        sandbox.change_work("fiction", key, **CHANGES[number % len(CHANGES)])
    for _ in range(many):
        sandbox.add_work("love")
    return dict(zip(merged, kept, strict=True))


CHANGES: tuple[dict[str, Any], ...] = (
    {"title": "Another title"},
    {"first_publish_year": 1601, "edition_count": 2},
    {"authors": [{"key": "/authors/OL5A", "name": "Someone Else"}]},
    {"cover_id": 77},
    {"subject": ["FICTION", "Half a \ud800"]},
)


def assert_exact(storage: Storage, day: str, folder: Path, bad: list[BadLine], before: Path | None = None) -> None:
    """Compare the catalogue of a dump with the reference, and its rejects with what was put among its lines."""
    found = catalogue_tables(storage, day)
    assert_same_rows([tuple(row.values()) for row in found["catalogue_rejects"]], sorted(bad))
    assert_same_tables(found, catalogue(folder, day, (before, BEFORE) if before else None))


def test_months_are_exact_in_whatever_order_they_are_built(months: Months, tmp_path: Path) -> None:
    """A month without one before it has nothing to be compared with, until that is built and it is built again."""
    storage = open_storage(str(tmp_path))
    build_lake(storage, months.after, DATE)
    assert_exact(storage, DATE, months.after, months.bad_after)

    build_lake(storage, months.before, BEFORE)
    assert_exact(storage, BEFORE, months.before, months.bad_before)

    build_lake(storage, months.after, DATE)
    assert_exact(storage, DATE, months.after, months.bad_after, months.before)
    changes = {row["change"] for row in catalogue_tables(storage, DATE)["catalogue_changes"]}
    assert changes == {"added", "removed", "changed"}

    for folder, day in ((months.before, BEFORE), (months.after, DATE)):
        built = build_lake(storage, folder, day)
        assert [table for table, one in built.items() if one.changed] == []
