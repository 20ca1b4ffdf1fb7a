"""`openlib export`: a subject's CSV files."""

from pathlib import Path

import click

from openlib_assets.openlibrary.subject_keys import subject_key


@click.command()
@click.argument("subject")
@click.option(
    "--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write into."
)
@click.option(
    "--excel-safe", is_flag=True, help="Put an apostrophe before text that a spreadsheet would run as a formula."
)
def export(subject: str, *, folder: Path, excel_safe: bool) -> None:
    """Write the CSV files of SUBJECT into a folder."""
    from openlib_assets.lake import layout
    from openlib_assets.lake.contract import CSV_TABLES
    from openlib_assets.lake.exports import write_csv_file
    from openlib_assets.lake.table_files import open_table
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    key = subject_key(subject)
    source = open_storage(Settings.from_env().storage)
    target = open_storage(str(folder))
    for table in CSV_TABLES:
        path = layout.table_file(table.layer, table.name, key)
        with (
            open_table(source, path, remedy=f"make it with: openlib run {key!r}") as rows,
            target.writing(f"{table.name}.csv") as file,
        ):
            write_csv_file(file, table, rows, excel_safe=excel_safe)
        click.echo(target.uri(f"{table.name}.csv"))
