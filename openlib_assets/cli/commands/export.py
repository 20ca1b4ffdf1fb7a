"""`openlib export`: the CSV files of subjects, or a table of the warehouse in one file."""

import filecmp
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openlib_assets.cli.output import LocalPath
from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    from openlib_assets.storage import Storage


class FileThereError(OpenlibError):
    """A file with other content is there already."""


@click.command()
@click.argument("subjects", nargs=-1, metavar="[SUBJECT...]")
@click.option("--table", "table_name", metavar="TABLE", help="Instead of subjects, a table of the warehouse.")
@click.option(
    "--to",
    "target",
    required=True,
    type=LocalPath(),
    help="Folder to write into; of a table, the file to write: .csv, .xlsx or .parquet.",
)
@click.option(
    "--excel-safe",
    is_flag=True,
    help="Write CSV for spreadsheets: as UTF-8 that they recognise, with an apostrophe before what they would run as a "
    "formula or take for a number or a date.",
)
@click.option("--replace", is_flag=True, help="Replace files that are there, whatever they are.")
def export(subjects: tuple[str, ...], *, table_name: str | None, target: Path, excel_safe: bool, replace: bool) -> None:
    """Write the CSV files of SUBJECT into a folder; those of several, each into a folder of its own in there.

    With --table, write a table of the warehouse, of all subjects, into one file.
    """
    if (table_name is None) != bool(subjects):
        raise click.UsageError("give either subjects or --table")
    if table_name is not None:
        _export_table(table_name, target, excel_safe=excel_safe, replace=replace)
        return
    if target.is_file():
        raise click.UsageError(f"--to {target}: subjects are written into a folder, and this is a file")
    from openlib_assets.cli.given_subjects import given_keys
    from openlib_assets.lake import layout
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    keys = given_keys(subjects)
    source = open_storage(Settings.from_env().storage)
    for key in keys:
        own = Path(layout.exports_folder(key)).name if len(keys) > 1 else "."
        _export(source, key, target / own, excel_safe=excel_safe, replace=replace)


def _export_table(name: str, file: Path, *, excel_safe: bool, replace: bool) -> None:
    """Write a table of the warehouse into a file."""
    from openlib_assets.lake.exports.warehouse_tables import ENDINGS, EXPORTED, write_exported
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    ending = file.suffix.lower()
    if name not in EXPORTED:
        raise click.UsageError(f"--table {name}: the warehouse has {', '.join(EXPORTED)}")
    if ending not in ENDINGS:
        raise click.UsageError(f"--to {file}: the name must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    if file.is_dir():
        raise click.UsageError(f"--to {file}: a table is written into a file, and this is a folder")
    if excel_safe and ending != ".csv":
        raise click.UsageError("--excel-safe is for .csv: what is a text in the other formats stays one")
    source = open_storage(Settings.from_env().storage)
    with tempfile.TemporaryDirectory(prefix="openlib-") as made:
        for line in write_exported(Path(made, file.name), source, EXPORTED[name], ending=ending, excel_safe=excel_safe):
            click.echo(line, err=True)
        _publish(Path(made), [file.name], file.parent, replace=replace)


def _export(source: "Storage", key: str, folder: Path, *, excel_safe: bool, replace: bool) -> None:
    """Write the files of a subject, or none of them if one is there that is not to be replaced."""
    from openlib_assets.lake import layout
    from openlib_assets.lake.contract import CSV_TABLES
    from openlib_assets.lake.exports.csv_files import write_csv_file
    from openlib_assets.lake.table_files import open_table
    from openlib_assets.openlibrary.subject_keys import as_argument

    with tempfile.TemporaryDirectory(prefix="openlib-") as made:
        for table in CSV_TABLES:
            path = layout.table_file(table.layer, table.name, key)
            with open_table(source, path, remedy=f"make it with: openlib run {as_argument(key)}") as rows:
                write_csv_file(Path(made, f"{table.name}.csv"), table, rows, excel_safe=excel_safe)
        _publish(Path(made), [f"{table.name}.csv" for table in CSV_TABLES], folder, replace=replace)


def _publish(made: Path, names: Sequence[str], folder: Path, *, replace: bool) -> None:
    """Put files into a folder and print where; raises FileThereError if one is there that is not to be replaced."""
    from openlib_assets.storage import open_storage

    target = open_storage(str(folder))
    for name in [] if replace else filter(target.exists, names):
        with target.local_copy(name) as there:
            if not filecmp.cmp(there, made / name, shallow=False):
                raise FileThereError(
                    f"{target.uri(name)}: is there with other content, perhaps of another subject; "
                    "give another place, or replace it with --replace"
                )
    for name in names:
        with target.writing(name) as file:
            shutil.copyfile(made / name, file)
        click.echo(target.uri(name))
