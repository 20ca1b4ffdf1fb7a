"""The lines of a dump's file, decompressed and cut at their tabs, a piece of the file at a time.

What a line lacks to be cut is said here; what its columns lack, where they are read (`sql/dumps/`). The text is not
copied: it is decompressed into memory of Arrow's, and the columns are views of that, since a whole dump has some 60 GB.
"""

import codecs
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from isal import igzip_threaded
from isal.igzip_lib import IsalError

from openlib_assets.storage.errors import OpenlibError

_PIECE_BYTES = 8 << 20
# Open Library's longest lines have some 8 MB (docs/dumps.md).
_LONGEST_LINE_BYTES = 64 << 20
# A file with so many lines that cannot be cut is none of a dump; they are held in memory.
_MOST_BAD_LINES = 200_000
# How long to wait at most for who reads: one who keeps the lines for good is not to keep us as well.
_LET_GO_SECONDS = 60
_TAB, _LF, _LAST_OF_ASCII = 9, 10, 127
_INLINE_BYTES, _PREFIX_BYTES = 12, 4
NOT_UTF_8 = "not UTF-8"

_Places = npt.NDArray[np.int64]
_Bytes = npt.NDArray[np.uint8]


class DumpFileError(OpenlibError):
    """A file of a dump cannot be read; the text says which and why."""


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be cut: its number from 1, why, and its text with what is no UTF-8 replaced."""

    line: int
    reason: str
    line_text: str


@dataclass
class LineReader:
    """Cuts the lines of a file into `columns`; those that cannot be cut are in `bad` once the batches have been read.

    A batch has the number of each line, its whole text, and its columns by name; a column that nobody wants is named
    by an empty text. `lines` is how many were read; `listener` hears how many bytes of the file have been. `error` is
    what ended the reading: who reads through DuckDB gets another one, of which only the text tells.
    """

    file: Path
    columns: tuple[str, ...]
    listener: Callable[[int], None] = lambda _: None
    lines: int = 0
    bad: list[BadLine] = field(default_factory=list)
    error: Exception | None = None

    def __post_init__(self) -> None:
        self._rest = self._pieces()
        self._in_use = threading.Lock()
        self._let_go = threading.Event()
        self._let_go.set()

    @property
    def schema(self) -> pa.Schema:
        """The schema of the batches."""
        named = [pa.field(name, pa.string_view()) for name in self.columns if name]
        return pa.schema([pa.field("line", pa.int64()), pa.field("line_text", pa.string_view()), *named])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the lines that can be cut; raises DumpFileError where the file is damaged or is none."""
        while True:
            with self._in_use:
                try:
                    batch = next(self._rest, None)
                except Exception as error:
                    self.error = error
                    raise
            if batch is None:
                return
            yield batch

    def stream(self) -> pa.RecordBatchReader:
        """Return the batches as what DuckDB reads; once, and the connection is to be closed before this is."""
        batches = self.batches()
        self._let_go.clear()
        weakref.finalize(batches, self._let_go.set)
        return pa.RecordBatchReader.from_batches(self.schema, batches)

    def close(self) -> None:
        """Let go of the file, and wait until who reads has let go of the stream.

        Arrow reads ahead for DuckDB in a thread of its own, also after the query was interrupted. One that still needs
        Python when that ends is the end of the process by SIGABRT, or never ends.
        """
        with self._in_use:
            self._rest.close()
        self._let_go.wait(_LET_GO_SECONDS)

    def _pieces(self) -> Generator[pa.RecordBatch, None, None]:
        rest = b""
        try:
            with self.file.open("rb") as compressed, _unpacked(compressed) as opened:
                while True:
                    buffer = pa.allocate_buffer(len(rest) + _PIECE_BYTES)
                    data = np.frombuffer(buffer, np.uint8)
                    data[: len(rest)] = np.frombuffer(rest, np.uint8)
                    read = opened.readinto(memoryview(buffer)[len(rest) :])
                    if not read:
                        break
                    self.listener(compressed.tell())
                    data = data[: len(rest) + read]
                    ends = np.flatnonzero(data == _LF)
                    whole = ends[-1] + 1 if len(ends) else 0
                    if whole:
                        yield self._batch(buffer, data[:whole], ends)
                    rest = data[whole:].tobytes()
                    if len(rest) > _LONGEST_LINE_BYTES:
                        raise DumpFileError(
                            f"{self.file}: line {self.lines + 1:,} does not end; this is no file of a dump"
                        )
        except (OSError, EOFError, IsalError) as error:  # type: ignore[misc]  # its stub takes the class for an instance
            raise DumpFileError(
                f"{self.file}: damaged after line {self.lines:,} ({error}); remove it, and fetch it again"
            ) from error
        if rest:
            data = np.frombuffer(rest, np.uint8)
            yield self._batch(_of_arrow(data), data, np.array([len(data)]))

    def _batch(self, buffer: pa.Buffer, data: _Bytes, ends: _Places) -> pa.RecordBatch:
        """Return the lines of a text that end at `ends`; the text is what the buffer begins with."""
        starts = np.concatenate(([0], ends[:-1] + 1))
        numbers = np.arange(self.lines + 1, self.lines + 1 + len(ends))
        self.lines += len(ends)
        tabs = np.flatnonzero(data == _TAB)
        due = len(self.columns) - 1
        # Of each line, the place of its first tab among all, and behind its last one.
        first, behind = np.searchsorted(tabs, starts), np.searchsorted(tabs, ends)
        good = behind - first == due
        if data.max() > _LAST_OF_ASCII:
            good &= _utf_8(data, starts, ends)
        if not good.all():
            self._set_aside(data, numbers, starts, ends, good)
            numbers, starts, ends, first = numbers[good], starts[good], ends[good], first[good]
        cuts = [starts - 1, *(tabs[first + place] for place in range(due)), ends]
        columns = [
            pa.Array.from_buffers(pa.int64(), len(numbers), [None, _of_arrow(numbers)]),
            _views(data, buffer, starts, ends),
        ]
        columns += [
            _views(data, buffer, cuts[place] + 1, cuts[place + 1]) for place, name in enumerate(self.columns) if name
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _set_aside(
        self, data: _Bytes, numbers: _Places, starts: _Places, ends: _Places, good: npt.NDArray[np.bool_]
    ) -> None:
        for place in np.flatnonzero(~good):
            line = data[starts[place] : ends[place]].tobytes()
            reason = not_so_many_columns(len(self.columns)) if _is_utf_8(line) else NOT_UTF_8
            self.bad.append(BadLine(int(numbers[place]), reason, line.decode(errors="replace")))
        if len(self.bad) > _MOST_BAD_LINES:
            raise DumpFileError(
                f"{self.file}: {len(self.bad):,} of {self.lines:,} lines are {reason}; this is no file of a dump"
            )


def not_so_many_columns(due: int) -> str:
    """Return why a line is rejected that does not have the four or five columns that are due."""
    return f"not {('four', 'five')[due - 4]} columns"


def _unpacked(compressed: BinaryIO) -> BufferedReader:
    """Return what is decompressed of a file, by a thread that runs ahead."""
    opened: BufferedReader = igzip_threaded.open(compressed, "rb", threads=1)  # type: ignore[no-untyped-call]
    return opened


def _utf_8(data: _Bytes, starts: _Places, ends: _Places) -> npt.NDArray[np.bool_]:
    """Tell of each line whether it is UTF-8."""
    if _is_utf_8(data.data):
        return np.ones(len(starts), dtype=bool)
    return np.array([_is_utf_8(data[start:end].data) for start, end in zip(starts, ends, strict=True)], dtype=bool)


def _is_utf_8(text: bytes | memoryview) -> bool:
    try:
        codecs.utf_8_decode(text, "strict", True)
    except UnicodeDecodeError:
        return False
    return True


def _views(data: _Bytes, buffer: pa.Buffer, starts: _Places, ends: _Places) -> pa.Array:
    """Return parts of a text as an array of Arrow's string views: a length, then the text itself or its place."""
    lengths = (ends - starts).astype(np.int32)
    words = np.zeros((len(starts), 4), np.int32)
    words[:, 0] = lengths
    long = lengths > _INLINE_BYTES
    letters = np.arange(_PREFIX_BYTES if long.all() else _INLINE_BYTES)
    inline = data[np.minimum(starts[:, None] + letters, len(data) - 1)]
    inline[letters >= lengths[:, None]] = 0
    words[:, 1 : 1 + len(letters) // _PREFIX_BYTES] = inline.view(np.int32)
    words[long, 2], words[long, 3] = 0, starts[long]
    return pa.Array.from_buffers(pa.string_view(), len(starts), [None, _of_arrow(words), buffer])


def _of_arrow(values: npt.NDArray[np.generic]) -> pa.Buffer:
    """Return a copy in memory of Arrow's own, which whatever thread of it can free without Python."""
    buffer = pa.allocate_buffer(values.nbytes)
    np.frombuffer(buffer, np.uint8)[:] = values.reshape(-1).view(np.uint8)
    return buffer
