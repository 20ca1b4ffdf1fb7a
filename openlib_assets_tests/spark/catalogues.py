"""Dumps of two months for both engines, the lakes that they make of them, and what these hold."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from openlib_assets.lake.dumps.engines import Engine
from openlib_assets.lake.dumps.lakes import building, publish_lake
from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.dumps.relations import rows_of
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage

AUGUST, SEPTEMBER = date(2026, 8, 31), date(2026, 9, 30)
_MESS = 0.02


def write_two_months(folder: Path, works: int) -> Path:
    """Write the dumps of about so many works in August and September, with lines to reject, and return the folder."""
    subjects = {
        "science_fiction": works // 2,
        "love": works // 3,
        "person:sherlock_holmes": works // 6,
        "place:são_paulo": 300,
        "time:20th_century": 200,
    }
    with Sandbox(SandboxConfig(subjects, this_year=2026, settled=True)) as sandbox:
        sandbox.write_dumps(folder, AUGUST, mess=_MESS)
        others = {key for name in subjects if name != "love" for key in sandbox.keys(name)}
        gone, merged, kept, changed = [key for key in sandbox.keys("love") if key not in others and key.endswith("W")][
            :4
        ]
        for key in (gone, merged):
            sandbox.remove_work("love", key)
        sandbox.change_work("love", changed, title="Other", subject=["LOVE", "ΑΓΆΠΗΣ İ", "Half a \ud800"])
        sandbox.add_work("love", {"title": "New", "first_publish_year": 1999, "edition_count": 3})
        sandbox.write_dumps(folder, SEPTEMBER, mess=_MESS, merged={merged: kept})
    return folder


def build(lake: Path, files: Path, day: date, engine: Engine | None = None) -> Mapping[str, Made]:
    """Make the lake of a day, and return its tables by name."""
    made = {}
    with building(LocalStorage(lake), str(day), engine) as making:
        for file in FILES:
            made[file.table] = making.read(file, files / file_name(file.name, day), str(day)).made
        for step in STEPS:
            made[step.table] = making.make(step).made
        assert publish_lake(making)
    return made


def rows(lake: Path, made: Made) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the columns of a table with their types, and its rows in their order."""
    with duckdb.connect() as connection:
        table = connection.sql(f"FROM {rows_of(LocalStorage(lake), made)}").to_arrow_table()
    return [(column.name, column.type) for column in table.schema], table.to_pylist()
