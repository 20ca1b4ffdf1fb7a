"""`openlib sandbox`: serve the sandbox Open Library."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

# The subjects, with their sizes, of the demo and of a sandbox without --subject.
DEMO_SUBJECTS = {"science_fiction": 2500, "place:france": 400, "person:sherlock_holmes": 60}
STORE_ROWS = 300


@click.command()
@click.option(
    "--subject", "subjects", multiple=True, metavar="KEY=WORKS", help="A subject and its size; may be repeated."
)
@click.option(
    "--size", type=click.IntRange(min=1), metavar="WORKS", help="Works of science_fiction, if no --subject is given."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generated catalogue.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8077, show_default=True, help="Port on 127.0.0.1; 0 for any."
)
@click.option(
    "--latency", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="Wait before each answer."
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="Answer 429 beyond this rate (Open Library: 3).",
)
@click.option(
    "--burst", type=click.IntRange(min=0), default=25, show_default=True, help="Requests queued beyond the rate."
)
@click.option(
    "--delay",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many of those are answered without a delay.",
)
@click.option(
    "--ban-after",
    type=click.IntRange(min=1),
    metavar="N",
    help="Refuse all connections for a while after N answers 429.",
)
@click.option(
    "--faults",
    default="",
    metavar="NAME=SHARE,...",
    help="Faults by name, or all=0.02, transient=0.02, archive=0.02; --faults list names them.",
)
@click.option(
    "--faults-at",
    default="/",
    show_default=True,
    metavar="PATH",
    help="Faults only for paths that begin like this: /subjects/, /search.json, /metadata/.",
)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Write the catalogue of a store that sells some of the books, {STORE_ROWS} rows of CSV, to this file.",
)
@click.option(
    "--dumps",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a monthly dump to this folder, serve what it tells, and the dump as archive.org does.",
)
@click.option(
    "--dump-date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date of the dump; the last day of last month by default.",
)
@click.option(
    "--log", type=click.Path(dir_okay=False, path_type=Path), help="Write each request to this file, as a line of JSON."
)
def sandbox(
    subjects: tuple[str, ...],
    *,
    size: int | None,
    seed: int,
    port: int,
    latency: float,
    rate: float | None,
    burst: int,
    delay: int,
    ban_after: int | None,
    faults: str,
    faults_at: str,
    store: Path | None,
    dumps: Path | None,
    dump_date: datetime | None,
    log: Path | None,
) -> None:
    """Serve a sandbox Open Library on this machine, until interrupted."""
    from openlib_assets.sandbox import ARCHIVE_FAULTS, FAULTS, FaultPlan, Sandbox, SandboxConfig, parse_subjects

    if faults == "list":
        click.echo("\n".join(dict.fromkeys((*FAULTS, *ARCHIVE_FAULTS))))
        return
    dump_day = dump_date.date() if dump_date else last_of_last_month()
    sizes = DEMO_SUBJECTS | ({"science_fiction": size} if size else {})
    try:
        config = SandboxConfig(
            subjects=parse_subjects(subjects) if subjects else sizes,
            seed=seed,
            latency=latency,
            requests_per_second=rate,
            burst=burst,
            delay=delay,
            ban_after=ban_after,
            faults=FaultPlan.parse(faults, at=faults_at),
            settled=dumps is not None,
            log=log,
            dumps=dumps,
        )
        server = Sandbox(config, port=port)
        if store is not None:
            server.write_store_catalogue(store, STORE_ROWS)
        if dumps is not None:
            server.write_dumps(dumps, dump_day)
    except OSError as error:
        where = error.filename or f"port {port}"
        raise click.UsageError(f"{where}: {error.strerror or error}; name another one") from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"sandbox Open Library at {server.url}; use it with OPENLIB_API_URL={server.url}")
    for key, works in config.subjects.items():
        click.echo(f"  {key}: {works:,} works")
    if store is not None:
        click.echo(f"  a store that sells some of them: {store}")
    if dumps is not None:
        build = f"OPENLIB_DUMPS_URL={server.url} openlib dump build"
        click.echo(f"  the dump of {dump_day}: {dumps}; build it with {build}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped")


def last_of_last_month() -> date:
    """Return the date that a dump has which Open Library makes now."""
    return datetime.now(UTC).date().replace(day=1) - timedelta(1)
