"""Which dumps have a lake that is complete, and can be read; and the removal of old ones."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Layer
from openlib_assets.lake.dumps.building import Build, clear_spill
from openlib_assets.lake.dumps.engine import DuckDBEngine
from openlib_assets.lake.dumps.engines import Engine
from openlib_assets.lake.dumps.files import FILES_TABLE, remove_files
from openlib_assets.lake.dumps.made import Made, read_made, unmake
from openlib_assets.lake.dumps.steps import FILES, STEPS, layer_of
from openlib_assets.openlibrary.errors import PermanentError
from openlib_assets.storage import Storage, hold_lock, read_if_there

_BUSY = "the dump of {date} is being built by another run; wait for it to end, then try again"
# The largest table of a whole catalogue takes some ten minutes on two cores.
_PATIENCE_SECONDS = 3600.0


class NoLakeError(PermanentError):
    """There is no lake of a dump; the text says how to make it."""


def complete_lakes(storage: Storage) -> list[str]:
    """Return the dates of the dumps of which all tables are there, the latest last."""
    return _named(storage, ".json")


def _named(storage: Storage, ending: str) -> list[str]:
    names = [path.rpartition("/")[2] for path in storage.paths(layout.DUMP_LAKES)]
    return sorted(name.removesuffix(ending) for name in names if name.endswith(ending))


def publish_lake(build: Build) -> bool:
    """Say that all tables of a dump are there, until one of them is made again; return whether they are."""
    versions = build.versions()
    if not versions:
        return False
    build.check()
    build.storage.write(layout.dump_lake(build.date), json.dumps(versions, indent=1).encode())
    build.storage.delete(layout.dump_lake_made_again(build.date))
    return True


def lake_date(storage: Storage, wanted: str | None) -> str:
    """Return the date of the lake to read: the wanted one, or the latest.

    Raises NoLakeError where there is none, and rather than go back to an earlier one while the latest is made again.
    """
    dates = complete_lakes(storage)
    if wanted is None and dates:
        again = _named(storage, ".again")
        if again and again[-1] > dates[-1]:
            raise NoLakeError(
                f"{storage.uri()}: the dump of {again[-1]} is being built again, or that was stopped; wait for it, or "
                f"build it with: openlib dump build {again[-1]}; to take the one before it, name that: dump:{dates[-1]}"
            )
        return dates[-1]
    if wanted in dates:
        return wanted
    missing = f"no dump of {wanted}" if wanted else "no dump"
    have = f"; there are: {', '.join(dates)}" if dates else ""
    remedy = f"openlib dump build {wanted or ''}".rstrip()
    raise NoLakeError(f"{storage.uri()}: {missing} is built{have}; build one with: {remedy}")


def table_of(storage: Storage, table: str, date: str) -> Made:
    """Return a table of a dump; raises NoLakeError where it is not there."""
    made = read_made(storage, layer_of(table), table, date)
    if made is None:
        raise NoLakeError(f"{storage.uri()}: {table} of {date} is gone; build it with: openlib dump build {date}")
    return made


def choose_before(storage: Storage, date: str) -> None:
    """Choose the dump that one is compared with: the last one before it of which all tables are there now.

    Recorded for all tables of a build, so that they are of one piece whatever else is built meanwhile. One that is
    under way, or was interrupted, goes on with what was chosen.
    """
    if storage.exists(_before_path(date)) and date not in complete_lakes(storage):
        return
    storage.write(_before_path(date), json.dumps(_last_before(storage, date)).encode())


def _last_before(storage: Storage, date: str) -> str | None:
    return max((other for other in complete_lakes(storage) if other < date), default=None)


def _date_before(storage: Storage, date: str) -> str | None:
    recorded = read_if_there(storage, _before_path(date))
    if recorded is None:
        return _last_before(storage, date)
    chosen: str | None = json.loads(recorded)
    return chosen


def _before_path(date: str) -> str:
    return f"{layout.dump_folder(Layer.BRONZE, FILES_TABLE, date)}/before.json"


@contextmanager
def building(
    storage: Storage, date: str, engine: Engine | None = None, *, accepts_loss: bool = False, is_under_way: bool = False
) -> Iterator[Build]:
    """Hold the lock of who makes tables of a dump, and lend what makes them, on DuckDB unless another engine is given.

    `accepts_loss`: a file may have far fewer lines than that of the dump before. A build that `is_under_way` waits for
    another one, which may have begun between two of its tables. Raises LockTakenError.
    """
    patience = _PATIENCE_SECONDS if is_under_way else 0.0
    with hold_lock(storage, layout.dump_lock(date), error_message=_BUSY.format(date=date), patience=patience) as check:
        before = _date_before(storage, date)
        yield Build(storage, date, before, engine or DuckDBEngine(), check=check, accepts_loss=accepts_loss)


def old_dumps(storage: Storage, keep: int) -> dict[str, int]:
    """Return the dates of the dumps of which anything is here, though `keep` later ones are built, with their bytes."""
    built = complete_lakes(storage)
    kept_from = built[-keep] if len(built) >= keep else ""
    sizes: dict[str, int] = {}
    for folder in (f"{layer}/{table}" for table, layer in _TABLES.items()):
        for name in storage.folders(folder):
            date = name.removeprefix(layout.DUMP)
            if name.startswith(layout.DUMP) and date < kept_from:
                size = sum(storage.size(path) for path in storage.paths(f"{folder}/{name}"))
                sizes[date] = sizes.get(date, 0) + size
    return dict(sorted(sizes.items()))


def remove_dump(storage: Storage, date: str) -> None:
    """Remove the lake of a dump, so that nobody begins to read it any more, and its files; raises LockTakenError."""
    with hold_lock(storage, layout.dump_lock(date), error_message=_BUSY.format(date=date)):
        storage.delete(layout.dump_lake(date))
        storage.delete(layout.dump_lake_made_again(date))
        clear_spill(storage, date)
        for table in _TABLES:
            if table != FILES_TABLE:
                unmake(storage, layer_of(table), table, date)
        remove_files(storage, date)


_TABLES = {FILES_TABLE: Layer.BRONZE} | {one.table: layer_of(one.table) for one in (*FILES, *STEPS)}
