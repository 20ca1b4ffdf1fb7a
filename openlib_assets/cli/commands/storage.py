"""`openlib storage`: copies of a storage root."""

from typing import TYPE_CHECKING

import click

from openlib_assets.cli.given_subjects import given_keys
from openlib_assets.settings import WATCH_LIST, storage_root

if TYPE_CHECKING:
    from openlib_assets.storage import Storage


@click.group()
def storage() -> None:
    """Copy a storage root."""


@storage.command()
@click.option("--from", "source_root", required=True, metavar="ROOT", help="A folder or s3://bucket/prefix.")
@click.option("--to", "target_root", required=True, metavar="ROOT", help="A folder or s3://bucket/prefix.")
@click.option(
    "--subject",
    "names",
    multiple=True,
    metavar="SUBJECT",
    help="Only this subject; may be repeated. Default: all subjects, and the watch list.",
)
def copy(source_root: str, target_root: str, names: tuple[str, ...]) -> int:
    """Copy subjects from one root to another.

    The files of subjects, the watch list and the comparison are copied, and each is compared by SHA-256. Can be
    repeated: files that are already there are compared and left alone. Nothing is removed.
    """
    from openlib_assets.lake.catalog import write_catalog
    from openlib_assets.lake.copying import Copied, copy_each
    from openlib_assets.lake.subject_files import subjects_with_data
    from openlib_assets.storage import open_storage

    wanted = given_keys(names)
    source, target = open_storage(_root(source_root, "--from")), open_storage(_root(target_root, "--to"))
    if source.uri() == target.uri():
        raise click.UsageError("--from and --to are the same place")
    subjects = wanted or subjects_with_data(source)
    if not subjects:
        click.echo(f"{source.uri()}: there are no subjects to copy", err=True)
        return 1
    failed, copied = 0, list[str]()
    for subject, outcome in copy_each(source, target, subjects):
        if isinstance(outcome, Copied):
            copied.append(subject)
            click.echo(
                f"{subject}: {outcome.files} files, {outcome.bytes:,} bytes, equal by SHA-256; "
                f"{outcome.written} written, {outcome.files - outcome.written} were already there"
            )
        else:
            failed += 1
            click.echo(f"FAILED {subject}: {outcome}", err=True)
    if not wanted:
        failed += not _watch_list_copied(source, target)
        _copy_comparison(source, target, copied)
    if copied:
        _copy_warehouse(source, target, copied)
        _, left_out = write_catalog(target)
        for line in left_out:
            click.echo(line, err=True)
    click.echo(f"{len(copied)} of {len(subjects)} subjects are at {target.uri()}{', with a catalog' if copied else ''}")
    return int(failed > 0)


def _root(given: str, option: str) -> str:
    """Return a root without slashes at its end; raises click.UsageError for what is none."""
    try:
        return storage_root(given.strip())
    except ValueError as error:
        reason = f": {error}" if str(error) else ""
        raise click.UsageError(
            f"{option} {given!r} names no place{reason}; give a folder or s3://bucket/prefix"
        ) from error


def _watch_list_copied(source: "Storage", target: "Storage") -> bool:
    """Copy the watch list, if there is one; print why not and return false where the target's list would lose entries.

    What either list says must be known for that.
    """
    from openlib_assets.lake.copying import copy_file
    from openlib_assets.lake.watch_list import WatchListError, read_or_empty
    from openlib_assets.storage import read_if_there

    listed = read_if_there(source, WATCH_LIST)
    if listed is None:
        return True
    if read_if_there(target, WATCH_LIST) != listed:
        try:
            here, there = (read_or_empty(storage.uri(WATCH_LIST)) for storage in (source, target))
        except WatchListError as error:
            click.echo(f"FAILED {error}", err=True)
            return False
        if there.problems:
            click.echo(f"FAILED {there.problems[0]}; correct it first, so that it is not lost", err=True)
            return False
        if more := sorted(set(there.keys) - set(here.keys)):
            click.echo(
                f"FAILED {target.uri(WATCH_LIST)}: contains {', '.join(more)}, which the list to copy does not; merge "
                "the two lists by hand",
                err=True,
            )
            return False
        copy_file(source, target, WATCH_LIST)
    click.echo(f"watch list: {target.uri(WATCH_LIST)}")
    return True


def _copy_warehouse(source: "Storage", target: "Storage", copied: list[str]) -> None:
    """Copy the warehouse, if there is one; a target with subjects that were not copied gets one of all that it has."""
    from datetime import UTC, datetime

    from openlib_assets.lake import layout
    from openlib_assets.lake.copying import copy_file
    from openlib_assets.lake.subject_files import subjects_with_data
    from openlib_assets.lake.warehouse import versions
    from openlib_assets.lake.warehouse.refreshing import BUSY, LOCK_SECONDS, refresh
    from openlib_assets.storage import hold_lock

    now, there = datetime.now(UTC), subjects_with_data(target)
    version = versions.current(source)
    if version is None:
        return
    if version.subjects.keys() == set(there) == set(copied):
        with hold_lock(target, layout.WAREHOUSE_LOCK, error_message=BUSY, patience=LOCK_SECONDS) as check:
            for path in source.paths(version.folder):
                copy_file(source, target, path)
            check()
            versions.publish(target, version, now)
    else:
        # Of files alone it is not known which of them changed.
        for line in refresh(target, lambda: dict.fromkeys(there, f"copied {now.isoformat()}"), now).left_out:
            click.echo(line, err=True)


def _copy_comparison(source: "Storage", target: "Storage", copied: list[str]) -> None:
    """Copy the comparison, unless the target has subjects that were not copied: the next run there makes it again."""
    from openlib_assets.lake import layout
    from openlib_assets.lake.copying import copy_file
    from openlib_assets.lake.subject_files import subjects_with_data

    if not source.exists(layout.COMPARISON):
        return
    if set(subjects_with_data(target)) <= set(copied):
        copy_file(source, target, layout.COMPARISON)
        click.echo(f"comparison: {target.uri(layout.COMPARISON)}")
    else:
        click.echo(
            f"comparison: not copied, since {target.uri()} has subjects that were not copied; "
            "the next run there makes it again"
        )
