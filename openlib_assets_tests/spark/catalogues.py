"""Dumps of two months for both engines, the lakes that they make of them, and what these hold."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from openlib_assets.lake.contract import CATALOGUE_TABLES
from openlib_assets.lake.dumps.engines import Engine
from openlib_assets.lake.dumps.lakes import building, publish_lake
from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import assert_same_rows
from openlib_assets_tests.tools.dump_lakes import dump_table

AUGUST, SEPTEMBER = date(2026, 8, 31), date(2026, 9, 30)
# Shares of the works of a dump.
_SUBJECTS = {
    "science_fiction": 0.5,
    "love": 0.3,
    "person:sherlock_holmes": 0.17,
    "place:são_paulo": 0.02,
    "time:20th_century": 0.01,
}
_MESS = 0.01
_OF_THE_CONTRACT = {table.name for table in CATALOGUE_TABLES}
_OF_LINES = {file.table for file in FILES}


def write_two_months(folder: Path, works: int) -> Path:
    """Write the dump of so many works in September, and that of a tenth of them in August, and return the folder.

    Both have lines to reject; since August works came, went, were merged and changed.
    """
    with _sandbox(works // 10) as sandbox:
        sandbox.write_dumps(folder, AUGUST, mess=_MESS)
        others = {key for name in _SUBJECTS if name != "love" for key in sandbox.keys(name)}
        of_love = [key for key in sandbox.keys("love") if key not in others and key.endswith("W")]
    gone, merged, kept, changed = of_love[:4]
    with _sandbox(works) as sandbox:
        for key in (gone, merged):
            sandbox.remove_work("love", key)
        sandbox.change_work("love", changed, title="Other", subject=["LOVE", "ΑΓΆΠΗΣ İ", "Half a \ud800"])
        sandbox.write_dumps(folder, SEPTEMBER, mess=_MESS, merged={merged: kept})
    return folder


def _sandbox(works: int) -> Sandbox:
    sizes = {name: int(share * works) for name, share in _SUBJECTS.items()}
    return Sandbox(SandboxConfig(sizes, this_year=2026, settled=True))


def build(lake: Path, files: Path, day: date, engine: Engine | None = None) -> Mapping[str, Made]:
    """Make the lake of a day, and return its tables by name."""
    made = {}
    with building(LocalStorage(lake), str(day), engine) as making:
        for file in FILES:
            path = files / file_name(file.name, day)
            made[file.table] = making.read(file, path, content_of(path)).made
        for step in STEPS:
            made[step.table] = making.make(step).made
        assert publish_lake(making)
    return made


def content_of(path: Path) -> str:
    """Return what stands for the content of a file of a folder of dumps, for `openlib dump build` as well."""
    state = path.stat()
    return f"{state.st_size} {state.st_mtime_ns}"


def assert_same_table(found: Path, wanted: Path, table: str, day: date) -> None:
    """Compare a table of two lakes row by row in their order; in that of its lines if it is one of a file."""
    theirs, ours = (dump_table(LocalStorage(lake), table, str(day)) for lake in (found, wanted))
    assert theirs.schema.names == ours.schema.names
    if table in _OF_THE_CONTRACT:
        assert theirs.schema.types == ours.schema.types
    assert ours.num_rows > 0
    if table in _OF_LINES:
        same, wanted_rows = (list(map(_as_read, rows.sort_by("line").to_pylist())) for rows in (theirs, ours))
    else:
        same, wanted_rows = theirs.to_pylist(), ours.to_pylist()
    assert_same_rows(same, wanted_rows)


def _as_read(row: dict[str, Any]) -> dict[str, Any]:
    """Return what others take from a line: of a rejected one nothing but why, the keys of works in any order."""
    if row["reason"]:
        return {name: row[name] for name in ("line", "reason", "line_text")}
    return row | {name: sorted(row[name] or []) for name in row.keys() & {"work_keys"}}
