"""`openlib prune`: remove old snapshots and run history."""

import click


@click.command()
@click.option(
    "--keep", type=click.IntRange(min=1), default=2, show_default=True, help="Snapshots to keep of each subject."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(*, keep: int, yes: bool) -> None:
    """Remove old bronze snapshots, and the history of runs that newer ones replaced. Lists them first, and asks.

    Files that an earlier release put under another name, since their subject has a long one, are removed, too, once the
    subject was fetched again.
    """
    from openlib_assets.cli.pruning import old_snapshots, replaced_runs
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.lake.subject_files import outgrown_files
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    storage = open_storage(Settings.from_env().storage)
    snapshots = old_snapshots(storage, keep)
    outgrown = [path for path in outgrown_files(storage) if path not in snapshots]
    with open_instance() as instance:
        runs = replaced_runs(instance)
        for path in snapshots:
            click.echo(f"snapshot {storage.uri(path)}")
        for path in outgrown:
            click.echo(f"file {storage.uri(path)}")
        for run_id in runs:
            click.echo(f"run {run_id}")
        found = f"{len(snapshots)} snapshots{f', {len(outgrown)} files' if outgrown else ''} and {len(runs)} runs"
        if not (snapshots or outgrown or runs):
            click.echo("nothing to remove")
            return
        if not yes and not click.confirm(f"Remove these {found}?"):
            click.echo("nothing was removed")
            return
        for path in (*snapshots, *outgrown):
            storage.delete(path)
        for run_id in runs:
            instance.delete_run(run_id)
    click.echo(f"removed {found}")
