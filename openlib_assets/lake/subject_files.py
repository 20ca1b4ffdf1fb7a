"""Which files are a subject's own, whose a folder is, and which subjects have any.

A folder with a shortened name does not tell whose it is; the metadata of the files in it do. Earlier releases had names
of up to 247 bytes: what lies under one that is longer than names are now is nobody's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from urllib.parse import quote

import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.lake.contract import SNAPSHOT_TABLES, Layer
from openlib_assets.lake.key_names import LONGEST_NAME, is_shortened, key_in_name
from openlib_assets.lake.table_files import SUBJECT_KEY, TableFileError, table_file
from openlib_assets.storage import LocalStorage, Storage

_OF_SUBJECTS = (Layer.BRONZE, Layer.SILVER, Layer.GOLD, Layer.SERVING)


def data_files(storage: Storage, key: str) -> Iterator[str]:
    """Yield the paths of a subject's snapshots, tables, CSV files and report, in this order."""
    for layer in _OF_SUBJECTS:
        for table in storage.folders(layer):
            yield from storage.paths(layout.table_folder(layer, table, key))
    for folder in (layout.exports_folder(key), layout.reports_folder(key)):
        yield from storage.paths(folder)


def subject_files(storage: Storage, key: str) -> Iterator[str]:
    """Yield the paths of all files of a subject, staged pages and those under an outgrown name included."""
    yield from data_files(storage, key)
    for table in SNAPSHOT_TABLES:
        yield from storage.paths(layout.staging_folder(key, table.name))
    outgrown = f"{layout.PARTITION}{quote(key, safe='')}"
    if is_outgrown(outgrown) and outgrown in storage.folders(layout.SNAPSHOTS):
        yield from _files_of(storage, outgrown)


def subject_folders(storage: Storage, key: str) -> list[str]:
    """Return the folders of a subject that are there, also those without a file, which a killed process has left."""
    folder = layout.subject_folder(key)
    places = ((layout.EXPORTS, layout.exports_folder(key)), (layout.REPORTS, layout.reports_folder(key)))
    return [
        *(f"{table}/{folder}" for table in _tables(storage) if folder in storage.folders(table)),
        *(path for place, path in places if path.removeprefix(f"{place}/") in storage.folders(place)),
    ]


def subjects_with_data(storage: Storage) -> list[str]:
    """Return the keys of the subjects that have a snapshot or a table, in order; raises TableFileError."""
    tables: dict[str, list[str]] = defaultdict(list)
    for table in _tables(storage):
        for folder in storage.folders(table):
            tables[folder].append(table)
    filled = (folder for folder, some in tables.items() if _has_file(storage, folder, some))
    subjects = {subject_of(storage, folder) for folder in filled}
    return sorted(subject for subject in subjects if subject)


def subject_of(storage: Storage, folder: str) -> str | None:
    """Return the subject whose folder has this name in the folder of any table; None if it is nobody's, or has no file.

    Raises TableFileError where the name is shortened, and no file below it can be read that has the key.
    """
    name = folder.removeprefix(layout.PARTITION)
    if name == folder or is_outgrown(folder):
        return None
    key = key_in_name(name)
    return _key_in_files(storage, folder) if key is None else key


def is_outgrown(folder: str) -> bool:
    """Tell whether the name of a subject's folder is longer than they are now, as an earlier release made them."""
    return len(folder) > len(layout.PARTITION) + LONGEST_NAME


def shortened_keys(storage: Storage, folders: Iterable[str]) -> dict[str, str]:
    """Return the subjects whose folders have shortened names, by those names; raises TableFileError as `subject_of`."""
    found = {
        folder: subject_of(storage, folder) for folder in folders if is_shortened(folder.removeprefix(layout.PARTITION))
    }
    return {folder: key for folder, key in found.items() if key}


def outgrown_files(storage: Storage) -> Iterator[str]:
    """Yield the paths of files under outgrown names, of subjects that have a snapshot again."""
    for folder in filter(is_outgrown, storage.folders(layout.SNAPSHOTS)):
        key = key_in_name(folder.removeprefix(layout.PARTITION))
        if key and snapshot_names(storage, key):
            yield from _files_of(storage, folder)


def _has_file(storage: Storage, folder: str, tables: Sequence[str]) -> bool:
    """Tell whether there is a file in a folder of this name: a process that was killed may have left it without one."""
    # On S3 a folder is what its files are, and to look costs a request.
    known = len(tables) > 1 and storage.kind != LocalStorage.kind
    return known or any(any(storage.paths(f"{table}/{folder}")) for table in tables)


def _files_of(storage: Storage, folder: str) -> Iterator[str]:
    """Yield the paths of the files of the subject whose folders are called so."""
    for table in _tables(storage):
        yield from storage.paths(f"{table}/{folder}")
    for place in (layout.EXPORTS, layout.REPORTS):
        yield from storage.paths(f"{place}/{folder.removeprefix(layout.PARTITION)}")


def _tables(storage: Storage) -> Iterator[str]:
    """Yield the folders of tables, the small ones first; a layer is listed when it is its turn."""
    for layer in (Layer.GOLD, Layer.SERVING, Layer.SILVER, Layer.BRONZE):
        yield from (f"{layer}/{name}" for name in storage.folders(layer))


def _key_in_files(storage: Storage, folder: str) -> str | None:
    unreadable = ""
    for table in _tables(storage):
        for path in storage.paths(f"{table}/{folder}"):
            with suppress(pa.ArrowException), storage.local_copy(path) as file:
                key = table_file(file).metadata.get(SUBJECT_KEY, "")
                if layout.subject_folder(key) == folder:
                    return key
            unreadable = path
    if not unreadable:
        return None
    raise TableFileError(
        f"{storage.uri(unreadable)}: its metadata does not say which subject it is of; "
        "remove it, and make it again with: openlib run SUBJECT"
    )
