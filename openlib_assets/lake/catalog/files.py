"""The files that the catalog reads: what their places and names say, and what is left out of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openlib_assets.lake import layout
from openlib_assets.lake.contract import SNAPSHOT_TABLES, Layer, Table
from openlib_assets.lake.key_names import key_in_name
from openlib_assets.lake.subject_files import is_outgrown, shortened_keys
from openlib_assets.lake.transform import literal_path, quoted
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.openlibrary.subject_keys import as_argument
from openlib_assets.storage import Storage

_SNAPSHOT = "snapshot="
_IN_VERSION = re.compile(rf"(?:^|/){Layer.WAREHOUSE}/\d{{8}}T\d{{6}}Z/[^/]+/[^/]+$")


@dataclass(frozen=True)
class Known:
    """What is known of the files before they are read, by the names of folders and by what files themselves say.

    `keys` are the subjects of folders whose names are shortened. What is left out, with what is to be said of it:
    `outgrown` folders, by name, and `outdated` files, by address.
    """

    keys: Mapping[str, str]
    outgrown: Mapping[str, str]
    outdated: Mapping[str, str] = field(default_factory=dict)

    def left_out(self) -> list[str]:
        """Return a line for each folder and file that is left out."""
        return [*self.outgrown.values(), *self.outdated.values()]

    def kept(self, files: Sequence[str]) -> list[str]:
        """Return the files, of some, that are not left out.

        A subject of which one table is outdated is left out of all, since they would not fit together. Snapshots stand
        each for itself.
        """
        subjects = {_folder(file) for file in self.outdated if not is_snapshot(file)}

        def is_kept(file: str) -> bool:
            folder = _folder(file)
            return folder not in self.outgrown and (is_snapshot(file) or folder not in subjects)

        return [file for file in files if file not in self.outdated and is_kept(file)]


def known_by_name(storage: Storage, tables: Sequence[Table]) -> Known:
    """Return what the names of folders say; raises TableFileError where no file tells the key of a shortened one."""
    # Whoever has any table has a snapshot too, unless the tables alone were copied. Who asks for no snapshot may lack
    # the right to list them.
    snapshots = storage.folders(layout.SNAPSHOTS) if any(table in SNAPSHOT_TABLES for table in tables) else []
    folders = set(snapshots) or {
        folder for table in tables if table.by_subject for folder in storage.folders(f"{table.layer}/{table.name}")
    }
    outgrown = {
        folder: f"{storage.uri()}: {folder} has its name from an earlier release; left out: make it again with: "
        f"openlib run {_subject(folder)}, then remove this one with: openlib prune"
        for folder in sorted(filter(is_outgrown, folders))
    }
    return Known(shortened_keys(storage, folders), outgrown)


def address(storage: Storage, table: Table) -> str:
    """Return DuckDB's pattern for the files of a table of all subjects."""
    below = "".join(f"{part}*/" for part in _parts(table))
    # Of a name that is no pattern, DuckDB would not say that no file fits it.
    file = "part-0.parquet" if below else "part-*.parquet"
    return f"{literal_path(storage.uri())}/{table.layer}/{table.name}/{below}{file}"


def in_version(storage: Storage, version: Version, table: Table) -> str:
    """Return the SQL for the file of a table in a version of the warehouse."""
    return f"read_parquet({quoted(literal_path(storage.uri(version.file(table.name))))}, hive_partitioning = false)"


def in_path(table: Table, keys: Mapping[str, str]) -> dict[str, str]:
    """Return the columns that stand in the path only, and the SQL of each; bronze has all snapshots.

    The SQL takes them from DuckDB's column `filename`, and DuckDB opens only the files for whose names a condition on
    them holds. Its own columns of a path would come from any folder `a=b`, also above the root, hide columns of the
    file, and make null of the subject `null`.
    """
    parts = _parts(table)
    folders = [f"split_part(filename, '/', {place})" for place in range(-1 - len(parts), -1)]
    columns = {
        part.rstrip("="): f"url_decode({folder}[{len(part) + 1}:])" for part, folder in zip(parts, folders, strict=True)
    }
    if keys and parts:
        shortened = ", ".join(f"{quoted(folder)}: {quoted(key)}" for folder, key in sorted(keys.items()))
        columns["subject"] = f"coalesce(MAP {{{shortened}}}[{folders[0]}], {columns['subject']})"
    return columns


def remedy(file: str) -> str:
    """Return what to do about a file of a table that cannot be used."""
    if _IN_VERSION.search(file):
        return "make it with: openlib warehouse"
    command = "fetch it with: openlib run --force" if is_snapshot(file) else "make it with: openlib run"
    return f"{command} {_subject(_folder(file))}"


def is_snapshot(file: str) -> bool:
    """Tell whether a file of a table is a snapshot."""
    return file.split("/")[-2].startswith(_SNAPSHOT)


def _parts(table: Table) -> tuple[str, ...]:
    """Return how the names of the folders begin that lie between that of a table and its file."""
    if not table.by_subject:
        return ()
    return (layout.PARTITION, _SNAPSHOT) if table in SNAPSHOT_TABLES else (layout.PARTITION,)


def _folder(file: str) -> str:
    """Return the name of the folder of the subject that a file is of."""
    return file.split("/")[-3 if is_snapshot(file) else -2]


def _subject(folder: str) -> str:
    """Return how a command is told the subject of a folder."""
    name = folder.removeprefix(layout.PARTITION)
    key = key_in_name(name) if name != folder else None
    return "SUBJECT" if key is None else as_argument(key)
