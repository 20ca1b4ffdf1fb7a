"""`openlib iceberg`: warehouse and dumps as Iceberg tables, registered and listed."""

import click


@click.group()
def iceberg() -> None:
    """Warehouse and dumps as Iceberg tables, in the catalogue that OPENLIB_ICEBERG names."""


@iceberg.command()
@click.option("--dump", "date", help="Register this dump only, such as 2026-08-31.")
def register(date: str | None) -> None:
    """Register what is there and is not registered yet: all dumps that are built, and the current warehouse.

    Runs do so at their end. This does it for what was there before the variable was set, or was stopped.
    """
    from openlib_assets.cli.commands.iceberg.place import place_and_storage
    from openlib_assets.lake.iceberg.registering import register_all, register_dump
    from openlib_assets.openlibrary.dumps import parse_day

    place, storage = place_and_storage()
    outcomes = [register_dump(storage, place, str(parse_day(date)))] if date else register_all(storage, place)
    for outcome in outcomes:
        click.echo(f"{outcome.name}: {'registered' if outcome.is_new else 'is registered already'}")
        for name in outcome.withdrawn:
            click.echo(f"{name}: withdrawn")
    if not outcomes:
        click.echo("there is nothing to register yet; run a subject, or build a dump, first")


@iceberg.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_(*, as_json: bool) -> int:
    """List the snapshots by name, with the number of tables that have each; exit 1 where some lack one of theirs."""
    from openlib_assets.cli.commands.iceberg.place import place_and_storage
    from openlib_assets.cli.output import print_json, print_rows
    from openlib_assets.lake.iceberg.registering import listed

    place, storage = place_and_storage()
    headings = ("snapshot", "of", "tables", "missing")
    rows = [(one.name, one.of, one.tables, ", ".join(one.missing)) for one in listed(storage, place)]
    if as_json:
        print_json([dict(zip(headings, row, strict=True)) for row in rows])
    else:
        print_rows(headings, rows)
    return int(any(missing for *_, missing in rows))
