"""Builds of dumps in this process, on a Dagster instance: what `openlib dump build` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import click
import dagster as dg
from rich.console import Console

from openlib_assets.cli.across_subjects import run_across_subjects
from openlib_assets.cli.output import progress_console, say_aside
from openlib_assets.cli.runs import QUIET, execute, reason_of
from openlib_assets.cli.stopped_runs import interrupted
from openlib_assets.definitions import build_defs
from openlib_assets.defs.assets.dumps import dump_records
from openlib_assets.defs.instance.home import open_instance
from openlib_assets.defs.instance.run_launcher import fail_dead_runs
from openlib_assets.defs.jobs import BUILD_DUMP
from openlib_assets.defs.partitions import DUMPS
from openlib_assets.defs.resources import DumpsResource
from openlib_assets.lake import layout
from openlib_assets.lake.dumps.files import downloaded_files
from openlib_assets.lake.dumps.lakes import complete_lakes, table_of
from openlib_assets.openlibrary.dumps import Archive, DumpFolder
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage, open_storage
from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    from openlib_assets.lake.dumps.files import Listener


class BuildFailedError(OpenlibError):
    """A table of a dump could not be made; the text says which and why."""


def build_and_print(day: date | None, *, force: bool = False) -> None:
    """Build the dump of a day, or the newest, show progress, and print what there is then.

    `force`: its files may have far fewer lines than those of the dump before. Raises OpenlibError, and
    KeyboardInterrupt when interrupted; the same call then goes on.
    """
    settings = Settings.from_env()
    storage = open_storage(settings.storage)
    named = str(_resolved(settings, storage, day))
    console = progress_console()
    with open_instance(captures_output=False) as instance:
        with progress(console) as listener:
            definitions = build_defs(settings, resources={"dumps": DumpsResource.heard_by(listener)})
            build_dump(instance, definitions, named, force=force)
        if named not in complete_lakes(storage):
            raise BuildFailedError(
                f"the tables of the dump of {named} are not of one piece, as where the dump before it was built again "
                f"meanwhile; once that has ended, make those that differ with: openlib dump build {named}"
            )
        if storage.exists(layout.CATALOG):  # whose views are of the dump before
            run_across_subjects(instance, build_defs(settings))
    works, subjects, bad = (
        table_of(storage, table, named).rows for table in ("catalogue_works", "catalogue_subjects", "catalogue_rejects")
    )
    click.echo(f"the dump of {named} is built: {works:,} works, {subjects:,} subjects, {bad:,} lines set aside")
    click.echo("find subjects with: openlib dump subjects TEXT; run one with: openlib run --source dump SUBJECT")


def _resolved(settings: Settings, storage: Storage, day: date | None) -> date:
    """Return the date of the dump that is meant, once for all its files: what is newest may change meanwhile."""
    if settings.dumps:
        return DumpFolder(settings.dumps).resolve(day).day
    if day and downloaded_files(settings, storage, day):
        return day
    return Archive(settings, heard=say_aside).resolve(day).day


def build_dump(instance: dg.DagsterInstance, definitions: dg.Definitions, date: str, *, force: bool = False) -> None:
    """Register a dump, and make all its tables that are not as they should be.

    Raises BuildFailedError, and KeyboardInterrupt when interrupted; the same call then goes on.
    """
    fail_dead_runs(instance)
    instance.add_dynamic_partitions(DUMPS, [date])
    config = QUIET | {"ops": {dump_records.op.name: {"config": {"force": force}}}}
    result = execute(instance, definitions.resolve_job_def(BUILD_DUMP), config, {"dagster/partition": date})
    if interrupted(result):
        raise KeyboardInterrupt
    if not result.success:
        failures = [f"{event.step_key}: {reason_of(event, result)}" for event in result.get_step_failure_events()]
        raise BuildFailedError("; ".join(failures) or f"the run failed; see run {result.run_id}")


@contextmanager
def progress(console: Console) -> Iterator["Listener"]:
    """Show what is under way, with bytes and time left where they are known; without a terminal, a line for each."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("", total=None, visible=False)
    under_way: list[str] = []

    def listener(what: str, done: int, due: int) -> None:
        if under_way[-1:] != [what]:
            under_way.append(what)
            bar.reset(task, description=what, total=due or None, visible=True)
            if not console.is_terminal:
                console.print(what, markup=False, emoji=False, soft_wrap=True)
        bar.update(task, completed=done)

    with bar:
        yield listener
