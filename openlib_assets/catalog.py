"""All subjects' tables side by side in DuckDB, with `subject` as their first column."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from openlib_assets import layout
from openlib_assets.openlibrary.subject_keys import decoded_key
from openlib_assets.storage import Storage
from openlib_assets.table_files import open_table
from openlib_assets.tables import DERIVED_TABLES, Table
from openlib_assets.transform import connected


@contextmanager
def catalog(storage: Storage, query: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB connection with a view over every subject there is, of each table that the query names."""
    with ExitStack() as stack:
        # Opening a table opens a file of each subject, which on S3 fetches it.
        named = [table for table in DERIVED_TABLES if table.name in query.lower()]
        views = {table.name: _view(storage, table, stack) for table in named}
        yield stack.enter_context(connected(views))


def _view(storage: Storage, table: Table, stack: ExitStack) -> ds.Dataset:
    schema = pa.schema([pa.field("subject", pa.string()), *table.schema])
    parts = []
    # The files, not the folders: a write that failed or was killed leaves a folder without one on disk.
    for path in storage.paths(f"{table.layer}/{table.name}"):
        subject = decoded_key(path.split("/")[-2].removeprefix("subject="))
        if path != layout.table_file(table.layer, table.name, subject):
            continue
        rows = stack.enter_context(open_table(storage, path, remedy=f"make it with: openlib run {subject!r}"))
        (fragment,) = rows.get_fragments()
        parts.append(_of_subject(fragment, subject))
    if not parts:
        return ds.dataset(schema.empty_table())
    return ds.FileSystemDataset(parts, schema, parts[0].format, parts[0].filesystem)


def _of_subject(fragment: ds.Fragment, subject: str) -> ds.Fragment:
    """Give the fragment with its subject told, as if its path had told it."""
    return fragment.format.make_fragment(
        fragment.path, fragment.filesystem, partition_expression=ds.field("subject") == pa.scalar(subject)
    )
