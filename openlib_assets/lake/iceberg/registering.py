"""Registers versions of the warehouse, and dumps, and takes them back.

What is registered is recorded before and after, so that its files stay in between.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from openlib_assets.lake import layout
from openlib_assets.lake.contract import CATALOGUE_TABLES, WAREHOUSE_TABLES
from openlib_assets.lake.dumps.lakes import complete_lakes, lake_date, table_of
from openlib_assets.lake.iceberg.catalogue import IcebergError, Place
from openlib_assets.lake.iceberg.record import Registered, kept_versions, record, registered
from openlib_assets.lake.iceberg.snapshots import Content, Namespace
from openlib_assets.lake.warehouse import versions
from openlib_assets.storage import LockCheck, Storage, hold_lock

_LOCK_SECONDS = 600.0


@dataclass(frozen=True)
class Outcome:
    """The version or dump that is registered; `is_new`: it was not before. `withdrawn`: those that are no longer."""

    name: str
    is_new: bool
    withdrawn: Sequence[str] = ()


@dataclass(frozen=True)
class Listed:
    """A snapshot `of` the warehouse or a dump: how many tables have it, and which lack it."""

    name: str
    of: str
    tables: int
    missing: Sequence[str]


def register_warehouse(storage: Storage, place: Place) -> Outcome:
    """Register the current version of the warehouse; raises IcebergError, and WarehouseError where there is none."""
    with _registering(storage) as check:
        version = versions.existing(storage)
        contents = [
            Content(table, [storage.uri(version.file(table.name))], version.digests[table.name])
            for table in WAREHOUSE_TABLES
        ]
        with place.opened(storage) as catalogue:
            namespace = Namespace(catalogue, place.namespace, storage)
            namespace.make()
            before = _recorded(storage, place, namespace)
            pinned = sorted({*before.versions, version.name})
            # From here on its files stay, whatever is published meanwhile.
            record(storage, replace(before, versions=pinned))
            is_new = namespace.add(version.name, contents, check)
            check()
            held = namespace.keep(WAREHOUSE_TABLES, kept_versions(pinned))
            namespace.say_newest(WAREHOUSE_TABLES)
        check()
        record(storage, replace(before, versions=held, whole=version.name))
    return Outcome(version.name, is_new, [name for name in pinned if name not in held])


def register_dump(storage: Storage, place: Place, date: str) -> Outcome:
    """Register the lake of a dump; raises IcebergError, and NoLakeError where it is not built."""
    with _registering(storage) as check:
        lake_date(storage, date)
        made = {table: table_of(storage, table.name, date) for table in CATALOGUE_TABLES}
        contents = [
            Content(table, [storage.uri(path) for path in one.paths()], one.version) for table, one in made.items()
        ]
        with place.opened(storage) as catalogue:
            namespace = Namespace(catalogue, place.namespace, storage)
            namespace.make()
            before = _recorded(storage, place, namespace)
            dumps = sorted({*before.dumps, date})
            record(storage, replace(before, dumps=dumps))
            is_new = namespace.add(date, contents, check)
            check()
            held = namespace.keep(CATALOGUE_TABLES, dumps)
            namespace.say_newest(CATALOGUE_TABLES)
        check()
        record(storage, replace(before, dumps=held))
    return Outcome(date, is_new)


def register_all(storage: Storage, place: Place) -> list[Outcome]:
    """Register all dumps that are built, oldest first, and the current version of the warehouse if there is one."""
    outcomes = [register_dump(storage, place, date) for date in complete_lakes(storage)]
    if versions.current(storage):
        outcomes.append(register_warehouse(storage, place))
    return outcomes


def listed(storage: Storage, place: Place) -> list[Listed]:
    """Return the snapshots that there are, by name; raises IcebergError.

    Where nothing was registered, no catalogue is made by asking.
    """
    found = registered(storage)
    if found is None:
        return []
    if found.catalogue != place.address:
        raise IcebergError(
            f"{place.address}: nothing is registered there, but in {found.catalogue}; name that in OPENLIB_ICEBERG, or "
            "register there with: openlib iceberg register"
        )
    with place.opened(storage) as catalogue:
        tags = Namespace(catalogue, place.namespace, storage).tags()
    groups = {"dump": CATALOGUE_TABLES, "warehouse": WAREHOUSE_TABLES}
    snapshots = []
    for of, group in groups.items():
        have = {table.name: set(tags.get(table.name, ())) for table in group}
        for name in sorted(set().union(*have.values())):
            missing = [table for table, names in have.items() if name not in names]
            snapshots.append(Listed(name, of, len(group) - len(missing), missing))
    return snapshots


def withdraw_dump(storage: Storage, place: Place | None, date: str) -> None:
    """Take a dump that is to be removed out of the tables, if it is registered.

    Raises IcebergError where it is the current one of them, or `place` is not where it is registered.
    """
    with _registering(storage) as check:
        found = registered(storage)
        if found is None or date not in found.dumps:
            return
        if place is None or place.address != found.catalogue:
            raise IcebergError(
                f"the dump of {date} is registered in {found.catalogue}; name that in OPENLIB_ICEBERG, "
                "so that its snapshots go before its files"
            )
        kept = [other for other in found.dumps if other != date]
        if not kept or date > kept[-1]:
            raise IcebergError(
                f"{place.address}: the dump of {date} is the current one; register a later one first with: "
                "openlib iceberg register"
            )
        with place.opened(storage) as catalogue:
            check()
            held = Namespace(catalogue, place.namespace, storage).keep(CATALOGUE_TABLES, kept)
        check()
        record(storage, replace(found, dumps=held))


@contextmanager
def _registering(storage: Storage) -> Iterator[LockCheck]:
    busy = "tables are being registered by another run; wait for it to end, then try again"
    with hold_lock(storage, layout.ICEBERG_LOCK, error_message=busy, patience=_LOCK_SECONDS) as check:
        yield check


def _recorded(storage: Storage, place: Place, namespace: Namespace) -> Registered:
    """Return what is registered there; what is in another catalogue, this one takes the place of.

    Where the record is lost, or has another address, which may be of the same catalogue, snapshots stay as long
    as their files are there.
    """
    found = registered(storage)
    if found and found.catalogue == place.address:
        return found
    kept = [name for name in sorted(namespace.names(WAREHOUSE_TABLES)) if versions.find(storage, name)]
    dumps = namespace.names(CATALOGUE_TABLES).intersection(complete_lakes(storage))
    return Registered(place.address, versions=kept, dumps=sorted(dumps))
