"""Serving: what is made for people."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from openlib_assets.defs.assets.common import (
    ANY_SUBJECT,
    KEEP_FRESH,
    SUBJECTS_AT_ONCE,
    address,
    keep_fresh,
    subject_arguments,
)
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs, put_out, said_in_one_line
from openlib_assets.defs.ui_metadata import DEFINED, URI_METADATA, escaped, markdown
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import Snapshot, open_previous
from openlib_assets.lake.contract import (
    CATALOGUE_AVERAGES,
    CATALOGUE_SUBJECTS,
    CATALOGUE_WORKS,
    CSV_TABLES,
    RAW_WORKS,
    Layer,
    Table,
)
from openlib_assets.lake.dumps.lakes import complete_lakes, table_of
from openlib_assets.lake.dumps.lookup import averages_of_authors, works_of_subjects
from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.exports.csv_files import write_csv_file
from openlib_assets.report.charts import with_colours
from openlib_assets.report.findings import findings
from openlib_assets.report.numbers import INPUTS, OPTIONAL, Numbers, WholeCatalogue, numbers_of
from openlib_assets.report.page import Chart, Groups, report_charts, report_groups, report_html
from openlib_assets.storage import Storage

_FILE_NAMES = ", ".join(f"`{table.name}.csv`" for table in CSV_TABLES)
_FILE_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("file", "string", description="Name of the CSV file."),
        dg.TableColumn("rows", "int64", description="Rows in it, without the header."),
        dg.TableColumn("sha256", "string", description="SHA-256 of the file."),
    ]
)


@dg.asset(
    **subject_arguments(Layer.SERVING),
    code_version="1",
    kinds={"csv"},
    description=f"CSV files for people, to open in a spreadsheet: {_FILE_NAMES}. {DEFINED}",
    metadata={"dagster/column_schema": _FILE_COLUMNS, **address(layout.exports_folder(ANY_SUBJECT))},
    ins={table.name: dg.AssetIn(dagster_type=SubjectTables) for table in CSV_TABLES},
    automation_condition=KEEP_FRESH,
)
def subject_csv(context: dg.AssetExecutionContext, storage: StorageResource, **inputs: SubjectTables) -> Iterator[Any]:
    """Write the CSV files of subjects."""
    with said_in_one_line():
        make = partial(make_csv_files, storage.open(), inputs)
    outputs = SubjectOutputs(
        make, paths=lambda subject: list(_csv_paths(subject)), version=_csv_version, at_once=SUBJECTS_AT_ONCE
    )
    yield from put_out(context, outputs)


# Tables of a dump whose rows stand in reports, beside those of the subject.
_LOOKED_INTO = (CATALOGUE_AVERAGES, CATALOGUE_SUBJECTS)


@dg.asset(
    **subject_arguments(Layer.SERVING),
    code_version="8",
    kinds={"report"},
    description=(
        "One HTML page for people, to open from disk: what to order, findings, charts, authors, data quality. "
        f"{DEFINED}"
    ),
    metadata=address(layout.report_file(ANY_SUBJECT)),
    ins={table.name: dg.AssetIn(dagster_type=SubjectTables) for table in INPUTS},
    automation_condition=keep_fresh(OPTIONAL),
)
def subject_report(
    context: dg.AssetExecutionContext, storage: StorageResource, **inputs: SubjectTables
) -> Iterator[Any]:
    """Write the reports of subjects."""
    with said_in_one_line():
        place = storage.open()
        dump = _latest_dump(place)
        make = partial(make_report, place, inputs, dump=dump)
    outputs = SubjectOutputs(
        make,
        paths=lambda subject: [layout.report_file(subject)],
        version=partial(_report_version, dump),
        at_once=SUBJECTS_AT_ONCE,
    )
    yield from put_out(context, outputs)


def _latest_dump(storage: Storage) -> list[Made]:
    """Return the tables of the latest dump that reports look into; none where none is built."""
    return [table_of(storage, table.name, date) for date in complete_lakes(storage)[-1:] for table in _LOOKED_INTO]


def _report_version(dump: Sequence[Made], digests: Sequence[str]) -> str:
    """Return the version of a report by its digest and by what it looks into, which no asset hands on to it."""
    return "".join([*digests, *(table.version for table in dump)])


def _csv_paths(subject: str) -> dict[str, Table]:
    return {layout.csv_file(subject, table.name): table for table in CSV_TABLES}


def _csv_version(digests: Sequence[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


@contextmanager
def make_csv_files(storage: Storage, inputs: Mapping[str, SubjectTables], subject: str) -> Iterator[SubjectOutput]:
    """Lend the CSV files of a subject, to be written."""
    paths = _csv_paths(subject)
    with ExitStack() as stack:
        rows = {table.name: stack.enter_context(inputs[table.name].open(subject)) for table in CSV_TABLES}

        def done(digests: Mapping[str, str]) -> Done:
            counts = {table.name: rows[table.name].count_rows() for table in CSV_TABLES}
            files = [(f"{table.name}.csv", counts[table.name], digests[path]) for path, table in paths.items()]
            preview = markdown([column.name for column in _FILE_COLUMNS.columns], files)
            uri = storage.uri(layout.exports_folder(subject))
            version = _csv_version([digests[path] for path in paths])
            shown = {URI_METADATA: uri, "preview": dg.MetadataValue.md(preview)}
            return Done(shown | {f"rows of {name}.csv": count for name, count in counts.items()}, version)

        def write(table: Table, file: Path) -> None:
            write_csv_file(file, table, rows[table.name])

        yield SubjectOutput({path: partial(write, table) for path, table in paths.items()}, done)


@contextmanager
def make_report(
    storage: Storage, inputs: Mapping[str, SubjectTables], subject: str, dump: Sequence[Made] = ()
) -> Iterator[SubjectOutput]:
    """Lend the report of a subject, to be written; it looks into these tables of a dump, if one is built."""
    with ExitStack() as stack:
        datasets = {
            name: stack.enter_context(tables.open(subject))
            for name, tables in inputs.items()
            if name not in OPTIONAL or tables.has(subject)
        }
        previous = stack.enter_context(open_previous(storage, subject))
        numbers = numbers_of(
            subject,
            datasets,
            Snapshot.of(datasets[RAW_WORKS.name]),
            Snapshot.of(previous).name if previous else None,
        )
        if dump:
            numbers = replace(numbers, whole_catalogue=_looked_up(storage, dump, numbers))
        charts = report_charts(numbers)
        page = report_html(numbers, charts).encode()
        path = layout.report_file(subject)

        def done(digests: Mapping[str, str]) -> Done:
            version = _report_version(dump, [digests[path]])
            return Done(_report_metadata(numbers, charts, storage.uri(path)), version)

        yield SubjectOutput({path: lambda file: file.write_bytes(page)}, done)


def _looked_up(storage: Storage, dump: Sequence[Made], numbers: Numbers) -> WholeCatalogue:
    date, rows = dump[0].date, numbers.rows
    return WholeCatalogue(
        date,
        table_of(storage, CATALOGUE_WORKS.name, date).rows,
        averages_of_authors(storage, date, [row["author_key"] for row in rows["top_authors"]]),
        works_of_subjects(storage, date, [row["key"] for row in rows["related"]]),
    )


def _report_metadata(numbers: Numbers, charts: Sequence[Chart], uri: str) -> dict[str, Any]:
    works = numbers.summary["works"]
    return {
        URI_METADATA: uri,
        "works": works,
        "authors": numbers.summary["authors"],
        "dated share (%)": round(100 * numbers.summary["works_dated"] / works, 1) if works else None,
        **({"beside it": f"dump of {numbers.whole_catalogue.date}"} if numbers.whole_catalogue else {}),
        "findings": dg.MetadataValue.md("\n".join(f"- {escaped(finding)}" for finding in findings(numbers))),
        "charts": dg.MetadataValue.md("\n\n".join(map(_picture, charts))),
        **{groups.name: dg.MetadataValue.md(_table(groups)) for groups in report_groups(numbers)},
    }


def _table(groups: Groups) -> str:
    return markdown(groups.head, groups.rows)


def _picture(chart: Chart) -> str:
    data = b64encode(with_colours(chart.svg).encode()).decode()
    return f"**{chart.title}**\n\n![{chart.title}](data:image/svg+xml;base64,{data})"
