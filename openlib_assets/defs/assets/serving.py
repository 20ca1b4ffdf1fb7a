"""Serving: what is made for people."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from typing import Any

import dagster as dg
import pyarrow as pa

from openlib_assets.defs.assets.common import (
    BACKFILL_POLICY,
    FRESHNESS_POLICY,
    KEEP_FRESH,
    OWNERS,
    layer_metadata,
    layer_tags,
    locked,
)
from openlib_assets.defs.assets.each_subject import Done, materialize_each, said_in_one_line
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.partitions import subjects
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.ui_metadata import escaped, markdown, table_metadata
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import Snapshot, open_previous
from openlib_assets.lake.contract import CSV_TABLES, RAW_WORKS, Layer, Table
from openlib_assets.lake.exports import write_csv
from openlib_assets.lake.table_files import file_digest
from openlib_assets.report.charts import with_colours
from openlib_assets.report.findings import findings
from openlib_assets.report.numbers import INPUTS, Numbers, numbers_of
from openlib_assets.report.page import Chart, Groups, report_charts, report_groups, report_html
from openlib_assets.storage import Storage

SUBJECT_CSV = "subject_csv"
SUBJECT_REPORT = "subject_report"

_FILE_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("file", "string", description="Name of the CSV file."),
        dg.TableColumn("rows", "int64", description="Rows in it, without the header."),
        dg.TableColumn("sha256", "string", description="SHA-256 of the file."),
    ]
)


def subject_csv_asset(place: str) -> dg.AssetsDefinition:
    """Give the asset `subject_csv`; `place` is the kind of storage."""
    return _serving_asset(
        SUBJECT_CSV,
        "CSV files for people: " + ", ".join(f"`{table.name}.csv`" for table in CSV_TABLES) + ".",
        {"csv", place},
        CSV_TABLES,
        make=write_csv_files,
        metadata={"dagster/column_schema": _FILE_COLUMNS},
    )


def subject_report_asset(place: str) -> dg.AssetsDefinition:
    """Give the asset `subject_report`; `place` is the kind of storage."""
    description = "One HTML page for people, to open from disk: findings, charts, authors, what to stock, data quality."
    return _serving_asset(SUBJECT_REPORT, description, {"html", place}, INPUTS, make=write_report)


def _serving_asset(
    name: str,
    description: str,
    kinds: set[str],
    tables: Sequence[Table],
    *,
    make: Callable[[Storage, str, dict[str, SubjectTables]], Done],
    metadata: dict[str, Any] | None = None,
) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        description=description,
        group_name=str(Layer.SERVING),
        owners=OWNERS,
        kinds=kinds,
        code_version="1",
        partitions_def=subjects,
        metadata={**(metadata or {}), **layer_metadata(Layer.SERVING)},
        tags=layer_tags(Layer.SERVING),
        output_required=False,
        ins={table.name: dg.AssetIn(dagster_type=SubjectTables) for table in tables},
        backfill_policy=BACKFILL_POLICY,
        freshness_policy=FRESHNESS_POLICY,
        automation_condition=KEEP_FRESH,
    )
    def served(context: dg.AssetExecutionContext, storage: StorageResource, **inputs: SubjectTables) -> Iterator[Any]:
        with said_in_one_line():
            bytes_ = storage.open()
        yield from materialize_each(context, lambda subject: nullcontext(make(bytes_, subject, inputs)))

    return served


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


def write_report(storage: Storage, subject: str, inputs: dict[str, SubjectTables]) -> Done:
    """Write the report of a subject; nobody makes a table of it meanwhile."""
    with ExitStack() as stack:
        stack.enter_context(locked(storage, subject))
        datasets = {name: stack.enter_context(tables.open(subject)) for name, tables in inputs.items()}
        previous = stack.enter_context(open_previous(storage, subject))
        numbers = numbers_of(
            subject,
            datasets,
            Snapshot.of(datasets[RAW_WORKS.name]),
            Snapshot.of(previous).name if previous else None,
        )
        charts = report_charts(numbers)
        path = layout.report_file(subject)
        with storage.writing(path) as file:
            file.write_text(report_html(numbers, charts), encoding="utf-8")
            version = file_digest(file)
    return Done(_report_metadata(numbers, charts, storage.uri(path)), version)


def _report_metadata(numbers: Numbers, charts: Sequence[Chart], uri: str) -> dict[str, Any]:
    return {
        "dagster/uri": uri,
        "findings": dg.MetadataValue.md("\n".join(f"- {escaped(finding)}" for finding in findings(numbers))),
        "charts": dg.MetadataValue.md("\n".join(map(_picture, charts))),
        **{groups.name: dg.MetadataValue.md(_table(groups)) for groups in report_groups(numbers)},
    }


def _table(groups: Groups) -> str:
    rows = pa.table(
        {groups.title: [label for label, _ in groups.rows], "number": [number for _, number in groups.rows]}
    )
    return markdown(rows)


def _picture(chart: Chart) -> str:
    data = b64encode(with_colours(chart.svg).encode()).decode()
    return f"![{chart.title}](data:image/svg+xml;base64,{data})"
