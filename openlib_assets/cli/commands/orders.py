"""`openlib orders`: what to order for one subject or several."""

from pathlib import Path

import click

from openlib_assets.cli.given_subjects import given_keys
from openlib_assets.cli.output import LocalPath

_ENDINGS = (".csv", ".xlsx")
_PRINTED = ("rank", "title", "author_names", "isbn13", "publisher", "publish_date", "language", "score", "subjects")


@click.command()
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option(
    "--to",
    "file",
    type=LocalPath(dir_okay=False),
    help="Write all columns into a file, too: .csv, as openlib export --excel-safe does, or .xlsx.",
)
def orders(subjects: tuple[str, ...], *, file: Path | None) -> None:
    """Print what to order for each SUBJECT: books that the store does not sell, best first, each book once."""
    if file and file.suffix.lower() not in _ENDINGS:
        raise click.UsageError(f"--to {file}: the name must end in {' or '.join(_ENDINGS)}")
    keys = given_keys(subjects)
    from openlib_assets.cli.output import print_rows
    from openlib_assets.lake.exports.csv_files import write_csv_file
    from openlib_assets.lake.exports.csv_lines import LIST_SEPARATOR
    from openlib_assets.lake.orders.several import ORDERS, orders_of
    from openlib_assets.lake.orders.workbook import write_workbook
    from openlib_assets.settings import Settings
    from openlib_assets.storage import absolute_path, open_storage

    settings = Settings.from_env()
    if file and settings.store_catalogue and absolute_path(settings.store_catalogue) == absolute_path(file):
        raise click.UsageError(f"--to {file}: that is the file of what the store sells; give another name")
    with orders_of(open_storage(settings.storage), keys) as rows:
        listed = rows.to_table(_PRINTED).to_pylist()
        print_rows(
            _PRINTED,
            ([LIST_SEPARATOR.join(v) if isinstance(v, list) else v for v in row.values()] for row in listed),
        )
        if file:
            target = open_storage(str(file.parent))
            with target.writing(file.name) as opened:
                if file.suffix.lower() == ".csv":
                    write_csv_file(opened, ORDERS, rows, excel_safe=True)
                else:
                    write_workbook(opened, ORDERS, rows)
            click.echo(target.uri(file.name))
