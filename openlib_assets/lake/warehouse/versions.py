"""The versions of the warehouse: a folder each, of which one small file names the current one.

A version never changes. One that is no longer current stays for a while, for who reads it still, as long as a database
holds it, and as long as an Iceberg table has a snapshot of it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Layer
from openlib_assets.lake.iceberg.record import needed_versions
from openlib_assets.storage import LocalStorage, Storage, read_if_there
from openlib_assets.storage.errors import OpenlibError

# How long who has opened a version may go on reading it after the next one is there.
KEPT = timedelta(minutes=10)

# Of so few, waking other threads costs more than they save.
_SMALL_ROWS = 1_000_000
# How often what is made of a version is made again, where others publish one after the other.
_MOST_AGAIN = 2
_VERSION = re.compile(r"\d{8}T\d{6}Z")

Kind = TypeVar("Kind")
Written = TypeVar("Written")


class WarehouseError(OpenlibError):
    """The warehouse cannot be read; the text says what to run."""


@dataclass(frozen=True)
class Version:
    """A version of the warehouse.

    `code`: what made it, by the versions of the schema and of the tables' code. `subjects`: of each subject, the
    version of its tables. `digests`: of each table, the SHA-256 of its file. `rows`: how many it has.
    """

    name: str
    code: str
    subjects: Mapping[str, str]
    digests: Mapping[str, str]
    rows: Mapping[str, int]

    @property
    def folder(self) -> str:
        """The path of its folder."""
        return layout.warehouse_version(self.name)

    @property
    def is_small(self) -> bool:
        """Whether one thread is best for all that is asked of it."""
        return sum(self.rows.values()) < _SMALL_ROWS

    def file(self, table: str) -> str:
        """Return the path of a table."""
        return layout.warehouse_file(self.name, table)


@dataclass(frozen=True)
class Loaded:
    """Which version a database holds, by the address of that, without secrets."""

    version: str
    address: str


@dataclass(frozen=True)
class _Pointer:
    """Which version is current, and since when each of those before is not."""

    version: str
    superseded: Mapping[str, str]


def current(storage: Storage) -> Version | None:
    """Return the current version, None before the first, or where it is lost; raises WarehouseError."""
    pointer = _pointer(storage)
    return find(storage, pointer.version) if pointer else None


def existing(storage: Storage) -> Version:
    """Return the current version; raises WarehouseError before the first."""
    version = current(storage)
    if version is None:
        raise WarehouseError(f"{storage.uri(layout.WAREHOUSE_POINTER)}: there is no warehouse yet; run a subject first")
    return version


def of_current(storage: Storage, write: Callable[[], Written]) -> Written:
    """Return what `write` returns, which writes what is made of the current version.

    It is asked again where another version was published meanwhile: who was slow may have put what is of an old one in
    the place of what is of a new one.
    """
    version = current(storage)
    written = write()
    for _ in range(_MOST_AGAIN):
        before, version = version, current(storage)
        if version == before:
            break
        written = write()
    return written


def find(storage: Storage, name: str) -> Version | None:
    """Return a version by its name, None where it is gone; raises WarehouseError."""
    return _read(storage, _about(name), Version)


def is_whole(storage: Storage, version: Version) -> bool:
    """Tell whether all files of a version are there, as they were written."""
    return all(storage.digest(version.file(table)) == digest for table, digest in version.digests.items())


def loaded(storage: Storage) -> Loaded | None:
    """Return which version the database holds, None where there is no database; raises WarehouseError."""
    return _read(storage, layout.WAREHOUSE_LOADED, Loaded)


def set_loaded(storage: Storage, loaded: Loaded | None) -> None:
    """Say which version the database holds: it stays, so that the next can be compared with it."""
    if loaded is None:
        storage.delete(layout.WAREHOUSE_LOADED)
    else:
        storage.write(layout.WAREHOUSE_LOADED, json.dumps(asdict(loaded)).encode())


def next_name(now: datetime, before: Version | None) -> str:
    """Return the name of the next version: the time, a second after the version before where the clock says less."""
    earliest = _time(before.name) + timedelta(seconds=1) if before else now
    return f"{max(now, earliest):%Y%m%dT%H%M%SZ}"


def publish(storage: Storage, version: Version, now: datetime) -> None:
    """Make a version current whose tables are in their places, and remove those that nobody should read any more."""
    before = _pointer(storage)
    superseded = {**before.superseded, before.version: now.isoformat()} if before else {}
    kept = {name: since for name, since in superseded.items() if datetime.fromisoformat(since) > now - KEPT}
    storage.write(_about(version.name), json.dumps(vars(version)).encode())
    if storage.kind != LocalStorage.kind:
        # For Athena, which knows a table by its place: its format SymlinkTextInputFormat reads such files. Before the
        # pointer, so that whoever is stopped in between has to publish again.
        for table in version.digests:
            storage.write(layout.warehouse_link(table), f"{storage.uri(version.file(table))}\n".encode())
    pointer = _Pointer(version.name, kept)
    storage.write(layout.WAREHOUSE_POINTER, json.dumps(asdict(pointer), indent=1).encode())
    in_database = loaded(storage)
    wanted = (version.name, *kept, in_database and in_database.version, *needed_versions(storage))
    for folder in storage.folders(Layer.WAREHOUSE):
        if folder not in wanted and _VERSION.fullmatch(folder):
            storage.clear(layout.warehouse_version(folder))


def _about(version: str) -> str:
    return f"{layout.warehouse_version(version)}/version.json"


def _pointer(storage: Storage) -> _Pointer | None:
    return _read(storage, layout.WAREHOUSE_POINTER, _Pointer)


def _read(storage: Storage, path: str, kind: type[Kind]) -> Kind | None:
    recorded = read_if_there(storage, path)
    try:
        return None if recorded is None else kind(**json.loads(recorded))
    except (ValueError, TypeError) as error:
        raise WarehouseError(
            f"{storage.uri(path)}: this does not tell of a warehouse; remove it, and make it with: openlib warehouse"
        ) from error


def _time(name: str) -> datetime:
    return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
