"""Serving: what is made for people."""

import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import dagster as dg
import pyarrow as pa

from openlib_assets import layout
from openlib_assets.assets.common import (
    BACKFILL_POLICY,
    FRESHNESS_POLICY,
    KEEP_FRESH,
    OWNERS,
    layer_metadata,
    layer_tags,
    locked,
)
from openlib_assets.assets.each_subject import Done, materialize_each, said_in_one_line
from openlib_assets.exports import write_csv
from openlib_assets.io_manager import SubjectTables
from openlib_assets.partitions import subjects
from openlib_assets.resources import StorageResource
from openlib_assets.storage import Storage
from openlib_assets.tables import CSV_TABLES, Layer
from openlib_assets.ui_metadata import table_metadata

SUBJECT_CSV = "subject_csv"

_FILE_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("file", "string", description="Name of the CSV file."),
        dg.TableColumn("rows", "int64", description="Rows in it, without the header."),
        dg.TableColumn("sha256", "string", description="SHA-256 of the file."),
    ]
)


def subject_csv_asset(place: str) -> dg.AssetsDefinition:
    """Give the asset `subject_csv`; `place` is the kind of storage."""

    @dg.asset(
        name=SUBJECT_CSV,
        description="CSV files for people: " + ", ".join(f"`{table.name}.csv`" for table in CSV_TABLES) + ".",
        group_name=str(Layer.SERVING),
        owners=OWNERS,
        kinds={"csv", place},
        code_version="1",
        partitions_def=subjects,
        metadata={"dagster/column_schema": _FILE_COLUMNS, **layer_metadata(Layer.SERVING)},
        tags=layer_tags(Layer.SERVING),
        output_required=False,
        ins={table.name: dg.AssetIn(dagster_type=SubjectTables) for table in CSV_TABLES},
        backfill_policy=BACKFILL_POLICY,
        freshness_policy=FRESHNESS_POLICY,
        automation_condition=KEEP_FRESH,
    )
    def subject_csv(
        context: dg.AssetExecutionContext, storage: StorageResource, **inputs: SubjectTables
    ) -> Iterator[Any]:
        with said_in_one_line():
            bytes_ = storage.open()
        yield from materialize_each(context, lambda subject: nullcontext(write_csv_files(bytes_, subject, inputs)))

    return subject_csv


def write_csv_files(storage: Storage, subject: str, inputs: dict[str, SubjectTables]) -> Done:
    """Write the CSV files of a subject; nobody makes a table of it meanwhile."""
    files = []
    with locked(storage, subject):
        for table in CSV_TABLES:
            with inputs[table.name].open(subject) as rows:
                digest = write_csv(storage, subject, table, rows)
                files.append({"file": f"{table.name}.csv", "rows": rows.count_rows(), "sha256": digest})
    total = sum(int(file["rows"]) for file in files)
    version = hashlib.sha256("".join(str(file["sha256"]) for file in files).encode()).hexdigest()
    uri = storage.uri(layout.exports_folder(subject))
    return Done(table_metadata(total, pa.Table.from_pylist(files), uri), version)
