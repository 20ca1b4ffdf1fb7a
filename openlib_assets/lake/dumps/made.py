"""What has been made of a dump: the parts of each table, and what they were made from.

A table is there when the record beside its parts says so; that is written last, and removed first where the table is
made again.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Layer
from openlib_assets.storage import Storage, read_if_there

_RECORD = "made.json"


@dataclass(frozen=True)
class Made:
    """A table of a dump that is there.

    `version` says what it was made from, and by what: equal versions have equal rows. `parts` are the names of its
    files, `firsts` the least key of each where a key is in one part only; `seconds` and `cpu_seconds` are what it took,
    `engine` who made it, and `numbers` what that tells besides.
    """

    layer: str
    table: str
    date: str
    version: str
    rows: int
    parts: Sequence[str]
    bytes: int
    seconds: float
    cpu_seconds: float
    firsts: Sequence[str] = field(default_factory=list)
    engine: str = "duckdb"
    numbers: Mapping[str, str | int | float] = field(default_factory=dict)

    def paths(self) -> list[str]:
        """Return the paths of its files, in the order of its rows."""
        folder = layout.dump_folder(self.layer, self.table, self.date)
        return [f"{folder}/{part}" for part in self.parts]


def read_made(storage: Storage, layer: Layer, table: str, date: str) -> Made | None:
    """Return what is recorded of a table of a dump; None where it is not there."""
    recorded = read_if_there(storage, _record_path(layer, table, date))
    with contextlib.suppress(ValueError, TypeError):  # a record of another release
        return Made(**json.loads(recorded)) if recorded else None
    return None


def record_made(storage: Storage, made: Made) -> None:
    """Record that a table is there."""
    storage.write(_record_path(made.layer, made.table, made.date), json.dumps(asdict(made), indent=1).encode())


def unmake(storage: Storage, layer: Layer, table: str, date: str) -> None:
    """Remove a table, its record first."""
    storage.delete(_record_path(layer, table, date))
    storage.clear(layout.dump_folder(layer, table, date))


def _record_path(layer: str, table: str, date: str) -> str:
    return f"{layout.dump_folder(layer, table, date)}/{_RECORD}"
