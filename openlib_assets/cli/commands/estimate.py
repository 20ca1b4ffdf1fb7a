"""`openlib estimate`: what a run would cost."""

import click

from openlib_assets.cli.given_subjects import given_keys


@click.command()
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
def estimate(subjects: tuple[str, ...]) -> int:
    """Estimate the works, requests and minutes of a run of each SUBJECT, with one request per subject."""
    from openlib_assets.cli.output import print_rows, say_aside
    from openlib_assets.openlibrary.client import Client
    from openlib_assets.openlibrary.enumeration import requests_of_run
    from openlib_assets.openlibrary.errors import BannedError, SourceError
    from openlib_assets.settings import Settings, is_dump

    settings = Settings.from_env()
    if is_dump(settings.source):
        click.echo("OPENLIB_SOURCE names a dump, from which a run takes no request; this is one from the API", err=True)
    client = Client(settings, heard=say_aside)
    rows: list[tuple[str, int, int, float]] = []
    failed = 0
    for key in given_keys(subjects):
        try:
            works = client.work_count(key)
        except BannedError:
            raise
        except SourceError as error:
            click.echo(f"FAILED {key}: {error}", err=True)
            failed += 1
            continue
        if works == 0:
            click.echo(f"FAILED {key}: Open Library has no work under this subject", err=True)
            failed += 1
            continue
        requests = requests_of_run(works, settings)
        rows.append((key, works, requests, requests / settings.requests_per_second / 60))
    if len(rows) > 1:
        rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows), sum(row[3] for row in rows)))
    table = [(key, works, requests, f"{minutes:,.1f}") for key, works, requests, minutes in rows]
    print_rows(("subject", "works", "requests", "minutes"), table)
    return int(failed > 0)
