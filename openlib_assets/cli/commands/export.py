"""`openlib export`: the CSV files of subjects."""

import filecmp
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    from openlib_assets.storage import Storage


class FileThereError(OpenlibError):
    """A file with other content is there already."""


@click.command()
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option(
    "--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write into."
)
@click.option(
    "--excel-safe",
    is_flag=True,
    help="Write for spreadsheets: as UTF-8 that they recognise, with an apostrophe before what they would run as a "
    "formula or take for a number or a date.",
)
@click.option("--replace", is_flag=True, help="Replace files that are there, whatever they are.")
def export(subjects: tuple[str, ...], *, folder: Path, excel_safe: bool, replace: bool) -> None:
    """Write the CSV files of SUBJECT into a folder; those of several, each into a folder of its own in there."""
    from openlib_assets.cli.given_subjects import given_keys
    from openlib_assets.lake import layout
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    keys = given_keys(subjects)
    source = open_storage(Settings.from_env().storage)
    for key in keys:
        own = Path(layout.exports_folder(key)).name if len(keys) > 1 else "."
        _export(source, key, folder / own, excel_safe=excel_safe, replace=replace)


def _export(source: "Storage", key: str, folder: Path, *, excel_safe: bool, replace: bool) -> None:
    """Write the files of a subject, or none of them if one is there that is not to be replaced."""
    from openlib_assets.lake import layout
    from openlib_assets.lake.contract import CSV_TABLES
    from openlib_assets.lake.exports.csv_files import write_csv_file
    from openlib_assets.lake.table_files import open_table
    from openlib_assets.storage import open_storage

    target = open_storage(str(folder))
    with tempfile.TemporaryDirectory(prefix="openlib-") as made:
        for table in CSV_TABLES:
            path = layout.table_file(table.layer, table.name, key)
            with open_table(source, path, remedy=f"make it with: openlib run {key!r}") as rows:
                write_csv_file(Path(made, f"{table.name}.csv"), table, rows, excel_safe=excel_safe)
        names = [f"{table.name}.csv" for table in CSV_TABLES]
        for name in [] if replace else filter(target.exists, names):
            with target.local_copy(name) as there:
                if not filecmp.cmp(there, Path(made, name), shallow=False):
                    raise FileThereError(
                        f"{target.uri(name)}: is there with other content, perhaps of another subject; "
                        "give another folder, or replace it with --replace"
                    )
        for name in names:
            with target.writing(name) as file:
                shutil.copyfile(Path(made, name), file)
            click.echo(target.uri(name))
