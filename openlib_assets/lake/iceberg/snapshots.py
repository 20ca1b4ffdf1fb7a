"""Snapshots of several tables that belong together, under one name: added to all of them or, as far as seen, to none.

A snapshot is first added to each table where nothing leads to it. Once it is there in all of them, it gets its tag, and
becomes the current one if its name is the greatest. So a tag leads to the same version in every table.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot

from openlib_assets.lake.contract import Table
from openlib_assets.lake.iceberg.catalogue import IcebergError
from openlib_assets.lake.iceberg.tables import open_table
from openlib_assets.storage import LockCheck, Storage
from openlib_assets.storage.errors import first_line

# What is said of a snapshot, and of the namespace.
_PROPERTY = "openlib."
_DUMP, _WAREHOUSE, _CONTENT = "dump", "warehouse", "content"


@dataclass(frozen=True)
class Content:
    """What a snapshot of a table has: the addresses of its files, and what stands for their rows."""

    table: Table
    files: Sequence[str]
    identity: str


@dataclass(frozen=True)
class Namespace:
    """A namespace of a catalogue, whose tables lie in a storage; for who holds the lock, so that each is read once."""

    catalogue: Catalog
    name: str
    storage: Storage
    _opened: dict[Table, IcebergTable] = field(default_factory=dict)

    def make(self) -> None:
        """Make the namespace where there is none."""
        # Asked first: who may use a namespace may not be allowed to make any.
        if not self.catalogue.namespace_exists(self.name):
            self.catalogue.create_namespace(self.name)

    def add(self, name: str, contents: Sequence[Content], check: LockCheck) -> bool:
        """Add a snapshot of a name to each table; return whether any table had none of this name and content."""
        tables = {content.table: self._table(content.table) for content in contents}
        if all(_has(tables[content.table], name, content) for content in contents):
            return False
        for table in tables.values():
            # Of other content: while tables get another one of the name, it must not lead to either.
            if name in table.refs():
                table.manage_snapshots().remove_tag(name).commit()
        added = {content.table: _add(tables[content.table], name, content) for content in contents}
        for key, snapshot in added.items():
            check()
            is_greatest = all(name >= tag for tag in _tags(tables[key]))
            change = tables[key].manage_snapshots().create_tag(snapshot, name)
            (change.set_current_snapshot(snapshot) if is_greatest else change).commit()
        return True

    def keep(self, tables: Sequence[Table], names: Collection[str]) -> list[str]:
        """Remove snapshots of other names, and what somebody left who was stopped; return which names there are."""
        held: set[str] = set()
        for table in map(self._table, tables):
            for tag in _tags(table).difference(names):
                table.manage_snapshots().remove_tag(tag).commit()
            needed = {ref.snapshot_id for ref in table.refs().values()}
            if gone := [snapshot for snapshot in table.snapshots() if snapshot.snapshot_id not in needed]:
                files = _metadata_files(table, gone)
                table.maintenance.expire_snapshots().by_ids([snapshot.snapshot_id for snapshot in gone]).commit()
                for path in files - _metadata_files(table, table.snapshots()):
                    table.io.delete(path)
            held |= _tags(table)
        return sorted(held)

    def say_newest(self, tables: Sequence[Table]) -> None:
        """Say which is the newest version, or dump, that all tables have."""
        what = _what(tables[0])
        name = max(set.intersection(*(_tags(self._table(table)) for table in tables)))
        self.catalogue.update_namespace_properties(self.name, updates={f"{_PROPERTY}{what}": name})

    def names(self, tables: Sequence[Table]) -> set[str]:
        """Return the names of the snapshots of tables, of those that are there."""
        there = {name for _, name in self.catalogue.list_tables(self.name)}
        return {tag for table in tables if table.name in there for tag in _tags(self._table(table))}

    def tags(self) -> dict[str, list[str]]:
        """Return the names of the snapshots of each table."""
        tables = [name for _, name in self.catalogue.list_tables(self.name)]
        return {name: sorted(_tags(self.catalogue.load_table((self.name, name)))) for name in sorted(tables)}

    def _table(self, table: Table) -> IcebergTable:
        if table not in self._opened:
            self._opened[table] = open_table(self.catalogue, self.name, self.storage, table)
        return self._opened[table]


def _what(table: Table) -> str:
    return _DUMP if table.by_dump else _WAREHOUSE


def _tags(table: IcebergTable) -> set[str]:
    """Return the tags that are of here: those whose snapshots say that this is their name."""
    names = {name: table.snapshot_by_name(name) for name in table.refs()}
    return {name for name, snapshot in names.items() if name in (_said(snapshot, _DUMP), _said(snapshot, _WAREHOUSE))}


def _said(snapshot: Snapshot | None, what: str) -> str | None:
    return snapshot.summary[f"{_PROPERTY}{what}"] if snapshot and snapshot.summary else None


def _has(table: IcebergTable, name: str, content: Content) -> bool:
    return name in table.refs() and _said(table.snapshot_by_name(name), _CONTENT) == content.identity


def _add(table: IcebergTable, name: str, content: Content) -> int:
    """Add a snapshot of files in the place of all that were there, to which nothing leads yet; return its id."""
    about = {f"{_PROPERTY}{_what(content.table)}": name, f"{_PROPERTY}{_CONTENT}": content.identity}
    files = [_data_file(table, path) for path in content.files]
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=about, branch=None).overwrite() as change,
    ):
        for task in table.scan().plan_files():
            change.delete_data_file(task.file)
        for file in files:
            if file.record_count:
                change.append_data_file(file)
    return change.snapshot_id


def _data_file(table: IcebergTable, path: str) -> DataFile:
    try:
        return parquet_file_to_data_file(table.io, table.metadata, path)
    except (ValueError, pa.ArrowException) as error:
        reason = first_line(error)
        raise IcebergError(f"{path}: {reason}; make it again by this release, then run again") from error


def _metadata_files(table: IcebergTable, snapshots: Collection[Snapshot]) -> set[str]:
    lists = {snapshot.manifest_list for snapshot in snapshots}
    return lists | {manifest.manifest_path for snapshot in snapshots for manifest in snapshot.manifests(table.io)}
