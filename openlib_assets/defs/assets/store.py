"""Silver, across all subjects: what the store sells, and which works that is.

Without OPENLIB_STORE_CATALOGUE neither table is made. That is recorded, since what is made from them shows it.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import CODE_VERSION_TAG, DATA_VERSION_TAG

from openlib_assets.defs.assets.common import KEEP_CURRENT, shared_table_arguments
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.checks import results
from openlib_assets.defs.steps.outputs import said_in_one_line
from openlib_assets.defs.ui_metadata import URI_METADATA, markdown
from openlib_assets.lake import layout
from openlib_assets.lake.contract import STORE_CATALOGUE, STORE_MATCHES, Table
from openlib_assets.lake.store.catalogue import StoreFile
from openlib_assets.lake.store.matching import find_in_all_subjects
from openlib_assets.lake.table_files import file_digest, write_table
from openlib_assets.lake.transform import Built, CheckFailedError
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage

_FILE_DIGEST = "file digest"
_NOT_SET = "not set"
_EXPLAINED = "no store catalogue is set: OPENLIB_STORE_CATALOGUE names none"


@dg.asset(**shared_table_arguments(STORE_CATALOGUE), kinds={"sql", "duckdb", "parquet"})
def store_catalogue(context: dg.AssetExecutionContext, storage: StorageResource) -> Iterator[Any]:
    """Read the store's file."""
    with said_in_one_line():
        file = StoreFile.of(Settings.from_env())
        if file is None:
            yield from _nothing(context, storage.open(), STORE_CATALOGUE)
            return
        try:
            with file.built() as made:
                read_as = {f"read as: {name}": value for name, value in made.how.items()}
                yield _written(storage.open(), made.table, {"file": file.address, _FILE_DIGEST: made.digest, **read_as})
        except CheckFailedError as error:
            yield from results(error.outcomes)
            raise


@dg.asset(
    **shared_table_arguments(STORE_MATCHES),
    kinds={"sql", "duckdb", "parquet"},
    deps=list(STORE_MATCHES.made_from),
    automation_condition=KEEP_CURRENT,
)
def store_matches(context: dg.AssetExecutionContext, storage: StorageResource) -> Iterator[Any]:
    """Find the store's books among the works of all subjects."""
    with said_in_one_line():
        place = storage.open()
        if StoreFile.of(Settings.from_env()) is None:
            yield from _nothing(context, place, STORE_MATCHES)
            return
        try:
            written, left_out = find_in_all_subjects(place, partial(_matches_written, place))
        except CheckFailedError as error:
            yield from results(error.outcomes)
            raise
    for line in left_out:
        context.log.warning(line)
    yield written


def is_read(instance: dg.DagsterInstance, storage: Storage, digest: str | None) -> bool:
    """Tell whether this code last made the store's catalogue from the file with this digest, None if none is set.

    Where nothing was ever made, no file has been read, and where the table is not as it was made, nor has this one.
    """
    event = instance.get_latest_materialization_event(store_catalogue.key)
    made = event.asset_materialization if event else None
    recorded = made.metadata[_FILE_DIGEST].value if made and _FILE_DIGEST in made.metadata else None
    if made is None or digest is None or recorded != digest:
        return recorded == digest
    tags = made.tags or {}
    if tags.get(CODE_VERSION_TAG) != STORE_CATALOGUE.code_version:
        return False
    path = layout.shared_table_file(STORE_CATALOGUE.layer, STORE_CATALOGUE.name)
    return storage.exists(path) and storage.digest(path) == tags.get(DATA_VERSION_TAG)


def _matches_written(storage: Storage, made: Built) -> dg.MaterializeResult[None]:
    counted = made.connection.execute("SELECT decision, count(*) FROM store_matches GROUP BY ALL ORDER BY ALL")
    return _written(storage, made, dict(counted.fetchall()))


def _written(storage: Storage, made: Built, more: dict[str, Any]) -> dg.MaterializeResult[None]:
    """Put a table in its place and tell of it."""
    path = layout.shared_table_file(made.table.layer, made.table.name)
    with storage.writing(path) as file:
        write_table(file, made.batches(), made.table.schema)
        digest = file_digest(file)
    preview = dg.MetadataValue.md(markdown(made.table.schema.names, made.preview.rows()))
    return dg.MaterializeResult(
        metadata={"dagster/row_count": made.rows, URI_METADATA: storage.uri(path), **more, "preview": preview},
        data_version=dg.DataVersion(digest),
        check_results=list(results(made.outcomes)),
    )


def _nothing(context: dg.AssetExecutionContext, storage: Storage, table: Table) -> Iterator[Any]:
    """Record that there is no catalogue, and where it is not; nothing is made, and nothing checked."""
    context.log.info(_EXPLAINED)
    place = storage.uri(layout.shared_table_file(table.layer, table.name))
    metadata = {"state": _EXPLAINED, URI_METADATA: place}
    yield dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(_NOT_SET))
    for spec in context.assets_def.check_specs:
        yield dg.Output(None, output_name=spec.get_python_identifier())
