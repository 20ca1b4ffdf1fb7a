"""`openlib storage`: the storage root as a whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from openlib_assets.openlibrary.subject_keys import subject_keys
from openlib_assets.settings import WATCH_LIST

if TYPE_CHECKING:
    from openlib_assets.storage import Storage


@click.group()
def storage() -> None:
    """The storage root as a whole."""


@storage.command()
@click.option("--from", "source_root", required=True, metavar="ROOT", help="A folder or s3://bucket/prefix.")
@click.option("--to", "target_root", required=True, metavar="ROOT", help="A folder or s3://bucket/prefix.")
@click.option(
    "--subject",
    "names",
    multiple=True,
    metavar="SUBJECT",
    help="Only this subject; may be given several times. Default: all of them, and the watch list.",
)
def copy(source_root: str, target_root: str, names: tuple[str, ...]) -> int:
    """Copy the files of subjects, watch list and comparison from one root to another, and compare each by SHA-256.

    Can be repeated: what is there already is compared and left alone. Removes nothing.
    """
    from openlib_assets.lake import layout
    from openlib_assets.lake.catalog import write_catalog
    from openlib_assets.lake.copying import Copied, copy_each, copy_file
    from openlib_assets.lake.subject_files import subjects_with_data
    from openlib_assets.lake.watch_list import read_or_empty
    from openlib_assets.storage import open_storage

    wanted = subject_keys(names)
    source, target = open_storage(source_root.rstrip("/")), open_storage(target_root.rstrip("/"))
    if source.uri() == target.uri():
        raise click.UsageError("--from and --to are the same place")
    subjects = wanted or subjects_with_data(source)
    if not subjects:
        click.echo(f"{source.uri()}: there are no subjects to copy", err=True)
        return 1
    failed = copied = 0
    for subject, outcome in copy_each(source, target, subjects):
        if isinstance(outcome, Copied):
            copied += 1
            click.echo(
                f"{subject}: {outcome.files} files, {outcome.bytes:,} bytes, equal by SHA-256; "
                f"{outcome.written} written, {outcome.files - outcome.written} were there"
            )
        else:
            failed += 1
            click.echo(f"FAILED {subject}: {outcome}", err=True)
    if not wanted and source.exists(WATCH_LIST):
        here, there = (set(read_or_empty(storage.uri(WATCH_LIST)).keys) for storage in (source, target))
        if there - here:
            failed += 1
            click.echo(
                f"FAILED {target.uri(WATCH_LIST)}: holds {', '.join(sorted(there - here))}, which the list to copy "
                "does not; bring them together by hand",
                err=True,
            )
        else:
            copy_file(source, target, WATCH_LIST)
            click.echo(f"watch list: {target.uri(WATCH_LIST)}")
    if not wanted and source.exists(layout.COMPARISON):
        click.echo(f"comparison: {_copy_comparison(source, target, subjects)}")
    if copied:
        _, left_out = write_catalog(target)
        for line in left_out:
            click.echo(line, err=True)
    click.echo(f"{copied} of {len(subjects)} subjects are at {target.uri()}{', with a catalog' if copied else ''}")
    return int(failed > 0)


def _copy_comparison(source: "Storage", target: "Storage", subjects: Sequence[str]) -> str:
    """Copy the page about all subjects of a root, unless there are more at the target; return what became of it."""
    from openlib_assets.lake import layout
    from openlib_assets.lake.copying import copy_file
    from openlib_assets.lake.subject_files import subjects_with_data

    if set(subjects_with_data(target)) <= set(subjects):
        copy_file(source, target, layout.COMPARISON)
        return target.uri(layout.COMPARISON)
    return f"not copied, there are more subjects at {target.uri()}; a run there makes it anew"
