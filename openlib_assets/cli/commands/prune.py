"""`openlib prune`: remove old snapshots, old dumps and run history."""

import sys

import click


@click.command()
@click.option(
    "--keep", type=click.IntRange(min=1), default=2, show_default=True, help="Snapshots to keep of each subject."
)
@click.option(
    "--keep-dumps",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Dumps to keep, of those that are built.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(*, keep: int, keep_dumps: int, yes: bool) -> None:
    """Remove old bronze snapshots, old dumps, and the history of runs that newer ones replaced. Lists them, and asks.

    For an old dump, the tables made from it and the files downloaded for it are removed, after its snapshots in Iceberg
    tables, if there are any. Files in OPENLIB_DUMPS stay, and so does the dump that OPENLIB_SOURCE names. Files that an
    earlier release put under another name, since their subject has a long one, are removed, too, once the subject was
    fetched again.
    """
    from openlib_assets.cli.pruning import old_snapshots, replaced_runs
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.defs.partitions import DUMPS
    from openlib_assets.lake.dumps.lakes import old_dumps, remove_dump
    from openlib_assets.lake.iceberg.catalogue import Place
    from openlib_assets.lake.iceberg.record import registered
    from openlib_assets.lake.subject_files import outgrown_files
    from openlib_assets.openlibrary.dumps.disk import in_words
    from openlib_assets.settings import Settings, dump_wanted
    from openlib_assets.storage import open_storage

    settings = Settings.from_env()
    storage = open_storage(settings.storage)
    snapshots = old_snapshots(storage, keep)
    outgrown = [path for path in outgrown_files(storage) if path not in snapshots]
    dumps = old_dumps(storage, keep_dumps)
    pinned = dump_wanted(settings.source)
    if pinned and dumps.pop(pinned, None) is not None:
        click.echo(f"dump {pinned} stays, since OPENLIB_SOURCE names it")
    with open_instance() as instance:
        runs = replaced_runs(instance)
        for path in snapshots:
            click.echo(f"snapshot {storage.uri(path)}")
        for path in outgrown:
            click.echo(f"file {storage.uri(path)}")
        for date, size in dumps.items():
            click.echo(f"dump {date}, {in_words(size)}")
        for run_id in runs:
            click.echo(f"run {run_id}")
        some = {"files": len(outgrown), "dumps": len(dumps)}
        others = "".join(f", {number} {things}" for things, number in some.items() if number)
        found = f"{len(snapshots)} snapshots{others} and {len(runs)} runs"
        if not (snapshots or outgrown or dumps or runs):
            click.echo("nothing to remove")
            return
        if not yes and not _agreed(f"Remove these {found}?"):
            click.echo("nothing was removed")
            return
        for path in (*snapshots, *outgrown):
            storage.delete(path)
        for date in dumps:
            if (in_iceberg := registered(storage)) and date in in_iceberg.dumps:
                from openlib_assets.lake.iceberg.registering import withdraw_dump

                withdraw_dump(storage, Place.of(settings), date)
            remove_dump(storage, date)
            instance.delete_dynamic_partition(DUMPS, date)
        for run_id in runs:
            instance.delete_run(run_id)
    click.echo(f"removed {found}")


def _agreed(question: str) -> bool:
    """Ask on the terminal; raises click.UsageError where nobody can answer, as in a job of cron."""
    try:
        return click.confirm(question)
    except click.Abort as error:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nobody can answer here; give --yes to remove them") from error
