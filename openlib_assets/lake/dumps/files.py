"""The files of a dump, wherever they come from: those that somebody put into a folder, or downloaded ones.

Downloads wait on the local disk until their lines have been read: beside the data, or, where that is on S3, in the
user's cache folder. A record says which they are, so that nobody has to be asked about them again.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

from platformdirs import user_cache_path

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Layer
from openlib_assets.lake.dumps.made import read_made
from openlib_assets.lake.dumps.steps import FILES, STEPS, layer_of
from openlib_assets.openlibrary.dumps import (
    DUMP_FILES,
    Archive,
    Dump,
    DumpFile,
    DumpFolder,
    Progress,
    download_dump,
    needed_bytes,
    require_free_bytes,
    share_disk,
)
from openlib_assets.openlibrary.errors import MissingDumpError
from openlib_assets.openlibrary.retries import Heard
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage, Storage, read_if_there

FILES_TABLE = "dump_files"
_RECORD = "files.json"
# Of the size of the files: the tables have about as many bytes as these, and as many are left to sort them.
_ROOM = 2.0

# Hears of what so many bytes are done, and how many there are in all; 0 where nobody knows.
Listener = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Files:
    """The files of the dump of a day at an `address`, by their names: of each its path there, size, and MD5 if known.

    `folder` is where downloaded ones are on the local disk; None where somebody put the files at the address. `endings`
    are the last bytes of each in hex, by which the same file is known under the name of another day.
    """

    day: str
    address: str
    folder: str | None
    paths: Mapping[str, str]
    sizes: Mapping[str, int]
    md5: Mapping[str, str | None]
    endings: Mapping[str, str] = field(default_factory=dict)

    @property
    def are_there(self) -> bool:
        """Whether downloaded files are all on the disk, as far as their sizes tell; those of others may be."""
        return self.folder is None or all(
            path.is_file() and path.stat().st_size == self.sizes[name] for name, path in self._downloaded().items()
        )

    def uri(self, name: str) -> str:
        """Return the full address of a file."""
        return str(self._downloaded()[name]) if self.folder else DumpFolder(self.address).uri(self._put_there(name))

    def content(self, name: str) -> str:
        """Return what stands for the content of a file, without reading it; raises StorageError."""
        return self.md5[name] or "" if self.folder else DumpFolder(self.address).stamp(self._put_there(name))

    def check_beginning(self, name: str) -> None:
        """Look at how a file begins that somebody put there; raises DamagedDumpError and StorageError."""
        DumpFolder(self.address).check_beginning(self._put_there(name))

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Lend a file on the local disk; raises SourceError and StorageError."""
        if self.folder:
            yield self._downloaded()[name]
        else:
            with DumpFolder(self.address).local_copy(self._put_there(name)) as path:
                yield path

    def _put_there(self, name: str) -> DumpFile:
        return DumpFile(name, date.fromisoformat(self.day), self.paths[name], self.sizes[name])

    def _downloaded(self) -> dict[str, Path]:
        return {name: Path(self.folder or "") / path.rpartition("/")[2] for name, path in self.paths.items()}


def fetch_files(
    settings: Settings, storage: Storage, day: date, listener: Listener, *, told: Heard | None = None
) -> Files:
    """Return the files of the dump of a day, downloaded unless they were, or the settings name a folder that has them.

    `told` hears, before each wait to ask archive.org again, what failed and how long it is. Raises MissingDumpError and
    DamagedDumpError, and what archive.org, the disk or the storage did.
    """
    if settings.dumps:
        given = DumpFolder(settings.dumps)
        dump = given.resolve(day)
        files = _files(dump, settings.dumps, None)
        for name in DUMP_FILES:
            files.check_beginning(name)
        if before := _fetched_before(storage, str(day)):
            _require_others(given, dump, before)
    elif downloaded := downloaded_files(settings, storage, day):
        return downloaded
    else:
        archive = Archive(settings, heard=told)
        dump = archive.resolve(day)
        folder = _place(storage, str(day))
        files = _files(dump, dump.address, folder)
        recorded = recorded_files(storage, str(day))
        is_built = storage.exists(layout.dump_lake(str(day))) and (recorded is None or recorded.md5 == files.md5)
        if not is_built:
            _require_room_for_all(storage, files, folder, needed_bytes(dump.files.values(), folder))

        def heard(progress: Progress) -> None:
            listener(progress.file_name, progress.bytes_done, progress.bytes_due)

        download_dump(archive, dump, DUMP_FILES, folder, heard)
        given = DumpFolder(str(folder))
        dump = given.resolve(day)
    files = replace(files, endings={name: given.ending(dump.files[name]) for name in DUMP_FILES})
    storage.write(_record_path(str(day)), json.dumps(asdict(files), indent=1).encode())
    return files


def downloaded_files(settings: Settings, storage: Storage, day: date) -> Files | None:
    """Return the files of the dump of a day that were downloaded from where the settings say and are all here.

    None where one is missing. Nobody has to be asked about them, so that a build goes on while the archive is away.
    """
    files = recorded_files(storage, str(day))
    if settings.dumps or files is None or files.folder != str(_place(storage, str(day))):
        return None
    return files if files.address == Archive(settings).address(day) and files.are_there else None


def fetched_days(storage: Storage) -> list[str]:
    """Return the days of the dumps of which any files were fetched, the latest last."""
    return sorted(name.removeprefix(layout.DUMP) for name in storage.folders(f"{Layer.BRONZE}/{FILES_TABLE}"))


def recorded_files(storage: Storage, day: str) -> Files | None:
    """Return the files of the dump of a day as they were last fetched; None if they were not."""
    recorded = read_if_there(storage, _record_path(day))
    with suppress(ValueError, TypeError):  # a record of another release
        return Files(**json.loads(recorded)) if recorded else None
    return None


def require_files(storage: Storage, day: str) -> Files:
    """Return the files of the dump of a day as they were last fetched; raises MissingDumpError if they are gone."""
    files = recorded_files(storage, day)
    if files is None or not files.are_there:
        raise MissingDumpError(
            f"the files of the dump of {day} are not here; fetch them with: openlib dump build {day}"
        )
    return files


def remove_files(storage: Storage, day: str) -> None:
    """Remove what was downloaded of the dump of a day, and forget which files it has."""
    shutil.rmtree(_place(storage, day), ignore_errors=True)
    storage.clear(layout.dump_folder(Layer.BRONZE, FILES_TABLE, day))


def require_room(storage: Storage, files: Files) -> None:
    """Raise StorageError if the tables of a dump would not fit on the disk, with what sorting them puts there.

    Those that are there, as after an interruption, need no more room.
    """
    require_free_bytes(_place_of_tables(storage), _due(storage, files), f"the tables of the dump of {files.day} need")


def _require_room_for_all(storage: Storage, files: Files, folder: Path, missing: int) -> None:
    """Raise StorageError if the tables would not fit once the bytes that are missing were downloaded into a folder."""
    place = _place_of_tables(storage)
    if share_disk(folder, place):
        what = f"the missing files of the dump of {files.day} and its tables need"
        require_free_bytes(place, missing + _due(storage, files), what)
    else:
        require_room(storage, files)


def _due(storage: Storage, files: Files) -> int:
    """Return how many bytes the tables of a dump that are not there yet put on a disk, sorting them included."""
    there = (read_made(storage, layer_of(one.table), one.table, files.day) for one in (*FILES, *STEPS))
    return max(0, int(_ROOM * sum(files.sizes.values())) - sum(made.bytes for made in there if made))


def _place_of_tables(storage: Storage) -> Path:
    """Return where tables are made: what is put on S3 is a temporary file before."""
    return Path(storage.uri() if isinstance(storage, LocalStorage) else tempfile.gettempdir())


def _fetched_before(storage: Storage, day: str) -> Files | None:
    """Return the files of the last dump before a day of which any were fetched."""
    days = (earlier for earlier in reversed(fetched_days(storage)) if earlier < day)
    return next((files for earlier in days if (files := recorded_files(storage, earlier))), None)


def _require_others(given: DumpFolder, dump: Dump, before: Files) -> None:
    """Raise DamagedDumpError if a file of a dump in a folder is that of the one that was fetched before it."""
    for name, ending in before.endings.items():
        given.require_another(dump.files[name], date.fromisoformat(before.day), before.sizes[name], ending)


def _files(dump: Dump, address: str, folder: Path | None) -> Files:
    files = {name: dump.files[name] for name in DUMP_FILES}
    return Files(
        day=str(dump.day),
        address=address,
        folder=None if folder is None else str(folder),
        paths={name: file.path for name, file in files.items()},
        sizes={name: file.size for name, file in files.items()},
        md5={name: file.md5 for name, file in files.items()},
    )


def _place(storage: Storage, day: str) -> Path:
    if isinstance(storage, LocalStorage):
        return Path(storage.uri(layout.dump_folder(Layer.BRONZE, FILES_TABLE, day)))
    # So that two roots neither write the same files at once nor remove each other's.
    root = hashlib.sha256(storage.uri().encode()).hexdigest()[:16]
    return user_cache_path("openlib_assets") / "dumps" / root / day


def _record_path(day: str) -> str:
    return f"{layout.dump_folder(Layer.BRONZE, FILES_TABLE, day)}/{_RECORD}"
