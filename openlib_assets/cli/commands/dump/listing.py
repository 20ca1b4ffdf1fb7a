"""The dumps there are, and what is here of each: what `openlib dump list` prints."""

import click

from openlib_assets.cli.output import say_aside
from openlib_assets.lake.dumps.files import fetched_days, recorded_files
from openlib_assets.lake.dumps.lakes import complete_lakes
from openlib_assets.openlibrary.dumps import DUMP_FILES, Archive, Dump, DumpFolder
from openlib_assets.openlibrary.errors import SourceError
from openlib_assets.settings import Settings
from openlib_assets.storage import open_storage


def listed(most: int) -> list[tuple[str, int | None, str, str]]:
    """Return date, bytes, missing files and state of the newest dumps, that many at most, and of those that are here.

    Where the archive cannot be asked, those that are here are all, and a warning says so; raises SourceError if there
    are none, and StorageError.
    """
    settings = Settings.from_env()
    storage = open_storage(settings.storage)
    built = complete_lakes(storage)
    recorded = {day: files for day in fetched_days(storage) if (files := recorded_files(storage, day))}
    downloaded = [day for day, files in recorded.items() if files.folder and files.are_there]
    found = _found(settings, most, any_here=bool(built or downloaded))
    sizes = {day: sum(files.sizes.values()) for day, files in recorded.items()}
    sizes |= {str(dump.day): sum(file.size for file in dump.files.values()) for dump in found}
    missing = {str(dump.day): [name for name in DUMP_FILES if name not in dump.files] for dump in found}
    rows = []
    for day in sorted({*missing, *built, *downloaded}, reverse=True):
        state = "built" if day in built else "downloaded" if day in downloaded else ""
        rows.append((day, sizes.get(day), ", ".join(missing.get(day, [])), state))
    return rows


def _found(settings: Settings, most: int, *, any_here: bool) -> list[Dump]:
    if settings.dumps:
        return DumpFolder(settings.dumps).available()[:most]
    try:
        return Archive(settings, heard=say_aside).available(most)
    except SourceError as error:
        if not any_here:
            raise
        click.echo(f"{error}; listed is what is here", err=True)
        return []
