"""Which files are a subject's own, and which subjects have any."""

from collections.abc import Iterator

from openlib_assets.lake import layout
from openlib_assets.lake.contract import SNAPSHOT_TABLES, Layer
from openlib_assets.storage import Storage


def data_files(storage: Storage, key: str) -> Iterator[str]:
    """Yield the paths of a subject's snapshots, tables, CSV files and report, in this order."""
    for layer in Layer:
        for table in storage.folders(layer):
            yield from storage.paths(layout.table_folder(layer, table, key))
    for folder in (layout.exports_folder(key), layout.reports_folder(key)):
        yield from storage.paths(folder)


def subject_files(storage: Storage, key: str) -> Iterator[str]:
    """Yield the paths of all files of a subject, staged pages included."""
    yield from data_files(storage, key)
    for table in SNAPSHOT_TABLES:
        yield from storage.paths(layout.staging_folder(key, table.name))


def subjects_with_data(storage: Storage) -> list[str]:
    """Return the keys of the subjects that have a snapshot or a table, in order."""
    tables = [f"{layer}/{name}" for layer in Layer for name in storage.folders(layer)]
    subjects = {layout.subject_of_folder(folder) for table in tables for folder in storage.folders(table)}
    return sorted(subject for subject in subjects if subject)
