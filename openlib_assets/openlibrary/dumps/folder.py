"""Dumps in a folder or on S3, where somebody put them: nobody said how large they should be, or of which bytes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path, PurePosixPath

from openlib_assets.openlibrary.dumps.beginnings import BEGINNING_BYTES, check_beginning
from openlib_assets.openlibrary.dumps.names import DUMP_FILES, Dump, DumpFile, parts_of_file_name
from openlib_assets.openlibrary.errors import DamagedDumpError, MissingDumpError
from openlib_assets.storage import LocalStorage, open_storage

# Every month changes some of them, while of the others, where they are small, nothing may be new.
_NEVER_THE_SAME = ("works", "editions", "authors")
# At the end of a gzip file stand checksum and length of what it unpacks to.
_ENDING_BYTES = 8


class DumpFolder:
    """The dumps whose files lie below a root, in whatever folders; every method raises StorageError."""

    def __init__(self, root: str) -> None:
        self._storage = open_storage(root)

    def available(self) -> list[Dump]:
        """Return all dumps, the newest first; one may be without some of its files."""
        found: dict[date, dict[str, DumpFile]] = defaultdict(dict)
        # Of files of one name, the one nearest to the top, which is looked at last.
        for path in sorted(self._storage.paths(""), key=lambda path: (-path.count("/"), path)):
            if parts := parts_of_file_name(PurePosixPath(path).name):
                name, day = parts
                found[day][name] = DumpFile(name, day, path, self._storage.size(path))
        return [Dump(day, self._storage.uri(), found[day]) for day in sorted(found, reverse=True)]

    def resolve(self, day: date | None = None, names: Sequence[str] = DUMP_FILES) -> Dump:
        """Return the dump of a date, by default the newest.

        Raises MissingDumpError where a file of it is missing, and DamagedDumpError where one is that of the dump before
        in the folder.
        """
        dumps = self.available()
        chosen = next((dump for dump in dumps if day in (None, dump.day)), None)
        if chosen is None:
            named = f"put files such as ol_dump_works_{day or '2026-08-31'}.txt.gz there, or correct OPENLIB_DUMPS"
            listed = f"the newest are {', '.join(str(dump.day) for dump in dumps[:3])}" if dumps else named
            raise MissingDumpError(f"{self._storage.uri()}: there is no dump of {day or 'any date'}; {listed}")
        before = next((dump for dump in dumps if dump.day < chosen.day), None)
        for file in chosen.require(names, "put it there, or name another date"):
            if before and (earlier := before.files.get(file.name)):
                self.require_another(file, before.day, earlier.size, self.ending(earlier))
        return chosen

    def ending(self, file: DumpFile) -> str:
        """Return the last bytes of a file in hex, which differ where its content does."""
        return self._storage.read_end(file.path, _ENDING_BYTES).hex()

    def require_another(self, file: DumpFile, day: date, size: int, ending: str) -> None:
        """Raise DamagedDumpError if a file is that of an earlier day, which has this size and this ending."""
        if file.name in _NEVER_THE_SAME and file.size == size and self.ending(file) == ending:
            raise DamagedDumpError(
                f"{self.uri(file)}: has the same content as the one of {day}, so it is not of {file.day}; "
                "put the right one there, or name another date"
            )

    def uri(self, file: DumpFile) -> str:
        """Return the full address of a file."""
        return self._storage.uri(file.path)

    def stamp(self, file: DumpFile) -> str:
        """Return what stands for the content of a file, without reading it: on a disk its size and time."""
        if isinstance(self._storage, LocalStorage):
            with self._storage.local_copy(file.path) as path:
                state = path.stat()
            return f"{state.st_size} {state.st_mtime_ns}"
        return self._storage.stamp(file.path)

    def check_beginning(self, file: DumpFile) -> None:
        """Read the beginning of a file; raises DamagedDumpError where it is not that of such a file."""
        try:
            check_beginning(self._storage.read_beginning(file.path, BEGINNING_BYTES), file)
        except DamagedDumpError as error:
            raise DamagedDumpError(f"{self._storage.uri(file.path)}: {error}") from error

    @contextmanager
    def local_copy(self, file: DumpFile) -> Iterator[Path]:
        """Lend a file as one on the local disk, which must not be changed, or used after the block.

        Raises DamagedDumpError where its beginning is not that of such a file.
        """
        self.check_beginning(file)
        with self._storage.local_copy(file.path) as path:
            yield path
