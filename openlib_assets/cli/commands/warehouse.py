"""`openlib warehouse`: what is made across all subjects, brought up to date."""

import click


@click.command()
def warehouse() -> None:
    """Bring the warehouse up to date, and with it the catalog, the comparison and the database.

    Every run does so at its end. After subjects were removed, or files were copied here, this does it without a run.
    """
    from openlib_assets.cli.across_subjects import run_across_subjects
    from openlib_assets.definitions import build_defs
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.lake.warehouse import versions
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    settings = Settings.from_env()
    storage = open_storage(settings.storage)
    with open_instance(captures_output=False) as instance:
        left_out = run_across_subjects(instance, build_defs(settings))
    for line in left_out:
        click.echo(line, err=True)
    current = versions.existing(storage)
    click.echo(f"{len(current.subjects)} subjects, {current.rows['works']:,} works: {storage.uri(current.folder)}")
