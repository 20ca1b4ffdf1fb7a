"""`openlib dump`: the monthly dumps there are, the catalogue built from one, and its subjects."""

import click


@click.group()
def dump() -> None:
    """The whole catalogue of Open Library from a monthly dump."""


@dump.command("list")
@click.option(
    "--most", type=click.IntRange(min=1), default=6, show_default=True, help="How many of the newest to ask for."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_(*, most: int, as_json: bool) -> None:
    """List the newest dumps with their sizes, and what is here of each; only that if archive.org cannot be asked."""
    from openlib_assets.cli.commands.dump.listing import listed
    from openlib_assets.cli.output import print_json, print_rows

    rows = listed(most)
    if as_json:
        print_json([dict(zip(("dump", "bytes", "missing", "state"), row, strict=True)) for row in rows])
    else:
        print_rows(("dump", "bytes", "missing", "state"), rows)


@dump.command()
@click.argument("date", required=False)
@click.option("--force", is_flag=True, help="Accept files with far fewer lines than those of the dump before.")
def build(date: str | None, *, force: bool) -> int:
    """Build the catalogue from the dump of DATE, such as 2026-08-31, or from the newest.

    Its files are downloaded unless OPENLIB_DUMPS names a folder that has them. What is there already is not made
    again: after an interruption, the same command goes on.
    """
    from openlib_assets.cli.commands.dump.builds import build_and_print
    from openlib_assets.openlibrary.dumps import parse_day

    build_and_print(parse_day(date) if date else None, force=force)
    return 0


@dump.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(min=1), default=25, show_default=True, help="How many to print.")
@click.option("--date", help="Of which dump; the latest that is built by default.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def subjects(text: str, *, limit: int, date: str | None, as_json: bool) -> int:
    """Find subjects whose key or name has TEXT in it, the largest first; of an address, what its key is in."""
    from openlib_assets.cli.output import print_json, print_rows
    from openlib_assets.lake.dumps.lakes import lake_date
    from openlib_assets.lake.dumps.lookup import find_subjects
    from openlib_assets.openlibrary.dumps import parse_day
    from openlib_assets.openlibrary.subject_keys import is_address, subject_key
    from openlib_assets.settings import Settings, dump_wanted
    from openlib_assets.storage import open_storage

    settings = Settings.from_env()
    storage = open_storage(settings.storage)
    wanted = str(parse_day(date)) if date else dump_wanted(settings.source)
    named = lake_date(storage, wanted)
    sought = subject_key(text) if is_address(text) else text
    found = find_subjects(storage, named, sought, limit)
    if as_json:
        print_json(found)
    elif found:
        print_rows(tuple(found[0]), [tuple(subject.values()) for subject in found])
    else:
        click.echo(f"no subject of the dump of {named} has {text!r} in its key or name", err=True)
    return int(not found)
