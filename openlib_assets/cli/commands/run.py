"""`openlib run`: the main job."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openlib_assets.cli import process
from openlib_assets.cli.given_subjects import given_keys

if TYPE_CHECKING:
    from rich.console import Console

    from openlib_assets.cli.runs import SubjectResult
    from openlib_assets.openlibrary.enumeration import Listener
    from openlib_assets.openlibrary.enumeration import Progress as FetchProgress


@click.command()
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option(
    "--force",
    is_flag=True,
    help="Write a snapshot even if nothing changed, and accept the loss of more than a fifth of the works.",
)
@click.option(
    "--source",
    metavar="SOURCE",
    help="Where works come from: api, dump (the latest that is built) or dump:DATE; by default OPENLIB_SOURCE, or api.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def run(subjects: tuple[str, ...], *, force: bool, source: str | None, as_json: bool) -> int:
    """Fetch each SUBJECT from Open Library and make all its tables and files.

    A subject is a name ("science fiction"), a key (place:france), a path or a URL of Open Library.
    """
    if source:
        os.environ["OPENLIB_SOURCE"] = source
    return run_and_print(given_keys(subjects), force=force, as_json=as_json)


def run_and_print(keys: list[str], *, force: bool, as_json: bool = False) -> int:
    """Run subjects, show progress, and print the results; return the exit status."""
    with process.loading():
        from openlib_assets.cli.across_subjects import (
            AcrossSubjectsError,
            across_subjects_is_current,
            read_store_file,
            run_across_subjects,
        )
        from openlib_assets.cli.output import print_json, progress_console
        from openlib_assets.cli.runs import run_subjects
        from openlib_assets.definitions import build_defs
        from openlib_assets.defs.instance.home import open_instance
        from openlib_assets.defs.resources import OpenLibraryResource
        from openlib_assets.lake.database.connecting import Target
        from openlib_assets.lake.dumps.lakes import lake_date
        from openlib_assets.lake.iceberg.catalogue import Place
        from openlib_assets.lake.store.catalogue import StoreFile
        from openlib_assets.openlibrary.source import open_source
        from openlib_assets.settings import Settings, dump_wanted, is_dump
        from openlib_assets.storage import open_storage

    settings = Settings.from_env()
    storage = open_storage(settings.storage)
    # Fails before anything is registered, if Open Library may not be asked, or its dump is not built.
    if is_dump(settings.source):
        lake_date(storage, dump_wanted(settings.source))
    else:
        open_source(settings)
    console = progress_console()
    with _interruptible(), open_instance(captures_output=False) as instance, _progress(console, keys) as listener:
        definitions = build_defs(settings, resources={"openlibrary": OpenLibraryResource.from_env().heard_by(listener)})
        store = StoreFile.of(settings)
        failed: list[str] = []
        with _kept_for_later(failed):
            read_store_file(instance, definitions, storage, store)
        results = run_subjects(instance, definitions, storage, keys, force=force)
        left_out: list[str] = []
        done = any(not result.error for result in results)
        places = Target.of(settings), Place.of(settings)
        if done and not across_subjects_is_current(instance, storage, store, *places):
            with _kept_for_later(failed):
                left_out = run_across_subjects(instance, definitions)
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        _print_table(results)
    for line in left_out:
        click.echo(line, err=True)
    if failed:
        raise AcrossSubjectsError("; ".join(failed))
    return int(any(result.reason for result in results))


@contextmanager
def _kept_for_later(failed: list[str]) -> Iterator[None]:
    """Keep the reason why something for all subjects could not be made, which is told after the subjects."""
    from openlib_assets.cli.across_subjects import AcrossSubjectsError

    try:
        yield
    except AcrossSubjectsError as error:
        failed.append(str(error))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn Dagster's own interruption, which is not a KeyboardInterrupt, into one."""
    from dagster import DagsterExecutionInterruptedError

    try:
        yield
    except DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None


@contextmanager
def _progress(console: "Console", keys: list[str]) -> Iterator["Listener"]:
    """Show pages, works and time left while fetching; without a terminal, one line for each subject."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from openlib_assets.openlibrary.listings import WORKS

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages, {task.fields[works]:,} works"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    tasks = {}
    finished: set[tuple[str, str]] = set()

    def listener(progress: "FetchProgress") -> None:
        fetch = progress.noun, progress.subject
        what = progress.subject if progress.noun == WORKS.noun else f"{progress.noun} of {progress.subject}"
        if fetch in finished:
            return  # its pages are read again where the subject changed, and its bar is gone
        if fetch not in tasks:
            tasks[fetch] = bar.add_task(what, total=progress.pages_due, works=0)
        task = tasks[fetch]
        bar.update(task, completed=progress.pages, total=progress.pages_due, works=progress.works)
        if progress.works and progress.pages == progress.pages_due:
            finished.add(fetch)
            bar.remove_task(task)
            done = sum(noun == progress.noun for noun, _ in finished)
            text = f"fetched {what}: {progress.works:,} works ({done} of {len(keys)})"
            console.print(text, markup=False, emoji=False)

    with bar:
        yield listener


def _link(files: str) -> str:
    """Return the style of a link to a folder on disk, which a terminal opens in spite of a `%` in its name."""
    return f"link {Path(files).as_uri()}" if files.startswith("/") else ""


def _print_table(results: list["SubjectResult"]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    good = [result for result in results if result.error is None]
    failed = [result for result in results if result.reason is not None]
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 200)
    if good:
        table = Table(box=box.SIMPLE)
        for heading in ("subject", "works", "authors", "dated", "pages", "seconds", "files"):
            table.add_column(heading, justify="left" if heading in ("subject", "files") else "right", overflow="fold")
        for result in good:
            dated = "" if result.dated_share is None else f"{result.dated_share:.1%}"
            notes = [note for note in ("unchanged", "resumed") if getattr(result, note)]
            state = f"{result.subject} ({', '.join(notes)})" if notes else result.subject
            numbers = [f"{result.works:,}", f"{result.authors:,}", dated, str(result.pages), f"{result.seconds:.1f}"]
            table.add_row(Text(state), *numbers, Text(result.files or "", style=_link(result.files or "")))
        console.print(table)
    for result in failed:
        console.print(f"FAILED {result.subject}: {result.reason}", markup=False, emoji=False)
    console.print(f"{len(results) - len(failed)} of {len(results)} subjects are complete.")
