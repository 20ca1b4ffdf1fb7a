"""`openlib prune`: remove old snapshots and run history."""

import click


@click.command()
@click.option(
    "--keep", type=click.IntRange(min=1), default=2, show_default=True, help="Snapshots to keep of each subject."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(*, keep: int, yes: bool) -> None:
    """Remove old bronze snapshots, and the history of runs that newer ones replaced. Lists them first, and asks."""
    from openlib_assets.cli.pruning import old_snapshots, replaced_runs
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    storage = open_storage(Settings.from_env().storage)
    snapshots = old_snapshots(storage, keep)
    with open_instance() as instance:
        runs = replaced_runs(instance)
        for path in snapshots:
            click.echo(f"snapshot {storage.uri(path)}")
        for run_id in runs:
            click.echo(f"run {run_id}")
        if not snapshots and not runs:
            click.echo("nothing to remove")
            return
        if not yes and not click.confirm(f"Remove these {len(snapshots)} snapshots and {len(runs)} runs?"):
            click.echo("nothing was removed")
            return
        for path in snapshots:
            storage.delete(path)
        for run_id in runs:
            instance.delete_run(run_id)
    click.echo(f"removed {len(snapshots)} snapshots and {len(runs)} runs")
