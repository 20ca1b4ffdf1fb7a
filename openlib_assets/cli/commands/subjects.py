"""`openlib subjects`: the watch list and the registered partitions."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from openlib_assets.cli.given_subjects import given_keys
from openlib_assets.cli.output import LocalPath
from openlib_assets.openlibrary.subject_keys import as_argument, is_key, subject_key

if TYPE_CHECKING:
    from datetime import datetime

    from openlib_assets.cli.subject_states import SubjectState

_DIGEST_DAYS = 7


@click.group()
def subjects() -> None:
    """The watch list, the registered subjects and their state."""


@subjects.command()
@click.argument("names", nargs=-1, required=True, metavar="SUBJECT...")
@click.option("--register", is_flag=True, help="Also register the partitions now, instead of waiting for the sensor.")
def add(names: tuple[str, ...], *, register: bool) -> None:
    """Add each SUBJECT to the watch list. The sensor registers and runs the new ones."""
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.defs.partitions import SUBJECTS
    from openlib_assets.lake.watch_list import change_watch_list
    from openlib_assets.settings import Settings

    keys = given_keys(names)
    address = Settings.from_env().subjects
    before = change_watch_list(address, add=keys)
    for key in keys:
        click.echo(f"{key}: {'already on' if key in before.keys else 'added to'} {address}")
    if register:
        with open_instance() as instance:
            instance.add_dynamic_partitions(SUBJECTS, sorted(keys))
        click.echo(f"registered: {', '.join(keys)}")


@subjects.command()
@click.argument("names", nargs=-1, required=True, metavar="SUBJECT...")
@click.option("--delete-data", is_flag=True, help="Also delete the subject's files, including all snapshots.")
def remove(names: tuple[str, ...], *, delete_data: bool) -> int:
    """Remove each SUBJECT, but not its files.

    It is removed from the watch list and from the registered partitions. A partition that is not a subject key, such as
    one mistyped in the UI, is removed by its exact name.
    """
    from contextlib import ExitStack

    from openlib_assets.defs.instance.automation_history import forget_evaluations
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.defs.partitions import SUBJECTS
    from openlib_assets.defs.steps.writing import locked
    from openlib_assets.lake.subject_files import subject_files, subject_folders
    from openlib_assets.lake.watch_list import change_watch_list
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    settings = Settings.from_env()
    storage = open_storage(settings.storage)
    unknown = 0
    with open_instance() as instance, ExitStack() as stack:
        registered = instance.get_dynamic_partitions(SUBJECTS)
        mistyped = [name for name in dict.fromkeys(names) if name in registered and not is_key(name)]
        keys = given_keys(name for name in names if name not in mistyped)
        if delete_data:
            # Before anything is removed, so that either all the subjects go or none.
            locks = {key: stack.enter_context(locked(storage, key, waits=False)) for key in keys}
        watched = change_watch_list(settings.subjects, remove=keys)
        for name in mistyped:
            instance.delete_dynamic_partition(SUBJECTS, name)
            forget_evaluations(instance, name)
            click.echo(f"{name}: removed; it is not a subject key, and has no files")
        for key in keys:
            if key in registered:
                instance.delete_dynamic_partition(SUBJECTS, key)
            forgotten = forget_evaluations(instance, key)  # also of a partition that was deleted in the UI
            files = list(subject_files(storage, key))
            folders = subject_folders(storage, key) if delete_data else []
            if not (key in watched.keys or key in registered or files or folders or forgotten):
                click.echo(f"{key}: neither watched nor registered, and has no files", err=True)
                unknown += 1
                continue
            if delete_data:
                locks[key]()
                for path in files:
                    storage.delete(path)
                # Also what a killed process was writing.
                for folder in folders:
                    storage.clear(folder)
            state = f"its {len(files)} files are deleted" if delete_data else f"its {len(files)} files stay"
            click.echo(f"{key}: removed; {state}, its run history stays")
            if delete_data and files:
                click.echo("the warehouse, the catalog and the comparison have it until: openlib warehouse", err=True)
    return int(unknown > 0)


@subjects.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_(*, as_json: bool) -> None:
    """List subjects and their state.

    Subjects are listed that are on the watch list, registered, or in the storage.
    """
    from dataclasses import asdict

    from openlib_assets.cli.output import print_json, print_rows
    from openlib_assets.cli.subject_states import (
        FILES_MISSING,
        NOT_REGISTERED,
        TABLES_FAILED,
        before_store,
        outdated,
        subject_states,
    )
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.lake.subject_files import subjects_with_data
    from openlib_assets.lake.watch_list import read_or_empty
    from openlib_assets.settings import DETAILS_ON, Settings
    from openlib_assets.storage import open_storage

    settings = Settings.from_env()
    watched = read_or_empty(settings.subjects)
    stored = subjects_with_data(open_storage(settings.storage))
    with open_instance() as instance:
        states = subject_states(instance, watched.keys, stored, details=settings.details == DETAILS_ON)
        made_before = outdated(instance)
        ordered_before = before_store(instance)
    if as_json:
        print_json([asdict(state) for state in states])
    else:
        print_rows(("subject", "watched", "registered", "state", "works", "snapshot", "verified"), map(_row, states))
    for tables in sorted({tuple(names) for names in made_before.values()}):
        _advise(
            [subject for subject, names in made_before.items() if tuple(names) == tables],
            f"made by an earlier version of the code: {', '.join(tables)} of",
            "make them again with: openlib run {0}",
        )
    _advise(
        ordered_before,
        "made before what the store sells was read again: what to order of",
        "make it again with: openlib run {0}",
    )
    for problem in watched.problems:
        click.echo(f"skipped: {problem}", err=True)
    remedies = {
        TABLES_FAILED: "see why, and make them again, with: openlib run {0}",
        NOT_REGISTERED: "register and refresh with: openlib run {0}; or delete with: "
        "openlib subjects remove --delete-data {0}",
        FILES_MISSING: "make them again with: openlib run {0}; or give it up with: openlib subjects remove {0}",
    }
    for name, advice in remedies.items():
        _advise([state.subject for state in states if state.state == name], f"{name}:", advice)


def _advise(keys: list[str], matter: str, advice: str) -> None:
    """Print what to do about subjects, with the first as the example."""
    if keys:
        others = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        click.echo(f"{matter} {keys[0]}{others}; {advice.format(as_argument(keys[0]))}", err=True)


def _row(state: "SubjectState") -> tuple[object, ...]:
    watched, registered = ("yes" if flag else "no" for flag in (state.watched, state.registered))
    return (state.subject, watched, registered, state.state, state.works, state.snapshot, state.verified)


@subjects.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many to print at most.")
def search(text: str, *, limit: int) -> int:
    """Find subjects, with their keys and sizes.

    The subjects are those that Open Library's subject search finds.
    """
    from openlib_assets.cli.output import print_rows, say_aside
    from openlib_assets.openlibrary.client import Client
    from openlib_assets.settings import Settings

    hits = Client(Settings.from_env(), heard=say_aside).search_subjects(text, limit=limit)
    rows = [(hit["key"].removeprefix("/subjects/"), hit.get("name"), hit.get("work_count")) for hit in hits]
    if not rows:
        click.echo(f"no subject matches {text!r}", err=True)
        return 1
    print_rows(("key", "name", "works"), rows)
    return 0


@subjects.command()
@click.argument("subject")
@click.option("--limit", type=click.IntRange(1, 40), default=20, show_default=True, help="How many to print at most.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def related(subject: str, *, limit: int, as_json: bool) -> int:
    """Find the subjects that most often stand beside SUBJECT on its works.

    Those that do so most beyond chance come first. A lift of 2 is twice as often as among the works of all fetched
    subjects.
    """
    from openlib_assets.cli.output import print_json, print_rows
    from openlib_assets.lake import layout
    from openlib_assets.lake.catalog import ask, by_name
    from openlib_assets.lake.contract import BOOKS
    from openlib_assets.lake.transform import Row
    from openlib_assets.report.related import beside_fetched
    from openlib_assets.report.words import add_command, share
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    key = subject_key(subject)
    storage = open_storage(Settings.from_env().storage)
    if not storage.exists(layout.table_file(BOOKS.layer, BOOKS.name, key)):
        click.echo(f"{key}: there is no table of its books yet; make it with: openlib run {as_argument(key)}", err=True)
        return 1
    only = Row({"subject": key}).query()
    found, left_out = ask(storage, by_name([BOOKS]), lambda connection: beside_fetched(connection, only)[:limit])
    for line in left_out:
        click.echo(line, err=True)
    if as_json:
        print_json([{name: value for name, value in row.items() if name != "subject"} for row in found])
        return 0
    print_rows(
        ("subject", "works", "share", "lift", "add it with"),
        (
            (
                row["name"],
                row["works"],
                share(row["share"], 1),
                None if row["lift"] is None else f"{row['lift']:.1f}",
                "fetched" if row["fetched"] else add_command(row["key"]),
            )
            for row in found
        ),
    )
    if found and found[0]["lift"] is None:
        click.echo("no other subject is fetched, so chance is not known: those on most works come first", err=True)
    return 0


@subjects.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day from which on snapshots are told of (UTC); by default seven days ago.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "html", "atom"]),
    default="text",
    show_default=True,
    help="How to write it.",
)
@click.option(
    "--to",
    "file",
    type=LocalPath(dir_okay=False),
    help="Write it into a file, instead of printing it.",
)
def digest(*, since: "datetime | None", form: str, file: Path | None) -> None:
    """Tell what is new in all subjects.

    Works that came and went, new authors, which of the new works to order, and how each subject grew.
    """
    from datetime import UTC, datetime, timedelta

    from openlib_assets.lake.catalog import ask
    from openlib_assets.lake.watch_list import read_or_empty
    from openlib_assets.report.digest import news, written
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    settings = Settings.from_env()
    write = {"text": written.digest_text, "html": written.digest_html, "atom": written.digest_atom}[form]
    moment = since.replace(tzinfo=UTC) if since else datetime.now(UTC) - timedelta(days=_DIGEST_DAYS)
    (found, known), left_out = ask(
        open_storage(settings.storage),
        news.TABLES,
        lambda connection: (news.digest_of(connection, moment), news.subjects_of(connection)),
    )
    for line in left_out:
        click.echo(line, err=True)
    missing = [key for key in read_or_empty(settings.subjects).keys if key not in known]
    if missing:
        click.echo(f"watched, and not in the warehouse yet: {', '.join(missing)}", err=True)
    if file is None:
        click.echo(write(found), nl=False)
        return
    target = open_storage(str(file.parent))
    with target.writing(file.name) as opened:
        opened.write_text(write(found), encoding="utf-8")
    click.echo(target.uri(file.name))
