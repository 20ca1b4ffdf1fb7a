"""The rows of a store's file as texts: CSV in whatever encoding and with whatever delimiter, Excel, Parquet.

What a file is, its first bytes tell, since names of files lie.
"""

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from openlib_assets.lake.store.columns import Columns, columns_of
from openlib_assets.settings import DELIMITERS
from openlib_assets.storage.errors import OpenlibError, first_line

# A header may have a title, a date or empty lines above it.
_HEADER_WITHIN = 20
# A quotation mark that is never closed swallows what follows; no cell has so many lines.
_MOST_LINES = 100
# No cell of a file ends with this, unless a quotation mark is open at its end.
_END = "\x00end-of-file\x00"
# What no file has.
_NO_DELIMITER = "\x1f"
_PARQUET = b"PAR1"
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Four bytes in a row that are not ASCII: Western languages, for which cp1252 is, have no such words.
_NOT_WESTERN = re.compile(rb"[\x80-\xff]{4}")
# What `amount` (sql/helpers/store_cells.sql) takes for thousands.
_LIKE_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
_SETTING = "OPENLIB_STORE_FORMAT"

Row = Sequence[str]


class UnreadableStoreFileError(OpenlibError):
    """The store's file cannot be read; the text says why and what to do."""


@dataclass(frozen=True)
class Cells:
    """The rows of a file behind its header, the columns that this names, and how they were found."""

    columns: Columns
    rows: Iterator[Row]
    how: Mapping[str, str]


def read_cells(file: Path, said: Mapping[str, str]) -> Cells:
    """Return the rows of a file, given what is said of it.

    Raises UnreadableStoreFileError, also while they are read.
    """
    with file.open("rb") as opened:
        beginning = opened.read(4)
    if not beginning:
        raise UnreadableStoreFileError("the file is empty")
    if beginning == _PARQUET:
        return _parquet(file, said)
    return _excel(file, said) if beginning in _EXCEL else _csv(file.read_bytes(), said)


def _parquet(file: Path, said: Mapping[str, str]) -> Cells:
    try:
        names = pq.read_schema(file).names
    except (pa.ArrowException, OSError) as error:
        raise UnreadableStoreFileError("not a readable Parquet file; write it again") from error
    columns = columns_of(names, said)
    if columns is None:
        raise _no_header([names], said)
    wanted = [names[place] for places in columns.places.values() for place in places]

    def rows() -> Iterator[Row]:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(columns=wanted):
                # By place, since a file may have two columns of a name.
                for values in zip(*map(_values, batch.columns), strict=True):
                    yield [_text(value) for value in values]

    kept = columns_of([name for name in names if name in wanted], said)
    return Cells(kept or columns, rows(), {"format": "Parquet"})


def _values(column: pa.Array) -> list[Any]:
    """Return the values of a column; a float of 32 bits as it is written, not with the digits of one of 64."""
    if pa.types.is_float32(column.type):
        column = column.cast(pa.string()).cast(pa.float64())
    values: list[Any] = column.to_pylist()
    return values


def _excel(file: Path, said: Mapping[str, str]) -> Cells:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - only for those who have such a file

    try:
        workbook = CalamineWorkbook.from_path(file)
        if "sheet" in said and said["sheet"] not in workbook.sheet_names:
            there = ", ".join(workbook.sheet_names)
            raise UnreadableStoreFileError(f"there is no sheet {said['sheet']!r}, only: {there}; correct {_SETTING}")
        sheets = [said["sheet"]] if "sheet" in said else workbook.sheet_names
        tables = {name: workbook.get_sheet_by_name(name).to_python() for name in sheets}
    except CalamineError as error:
        reason = first_line(error)
        raise UnreadableStoreFileError(
            f"not a readable Excel file ({reason}); save it again, without a password"
        ) from error
    texts = {name: [[_text(value) for value in row] for row in table] for name, table in tables.items()}
    found = {name: _with_header(rows, said) for name, rows in texts.items()}
    best = max(found, key=lambda name: _known(found[name]))
    return _cells(found[best], texts[best], said, {"format": "Excel", "sheet": best})


def _csv(data: bytes, said: Mapping[str, str]) -> Cells:
    encoding = said.get("encoding") or _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _foreign(data, error.start, f"is not {encoding}") from error
    given, text = _given_delimiter(text)
    chosen = DELIMITERS[said["delimiter"]] if "delimiter" in said else given
    tried = {
        mark: _with_header(_first_records(text, mark), said) for mark in ([chosen] if chosen else DELIMITERS.values())
    }
    mark = max(tried, key=lambda mark: _known(tried[mark]))
    if not chosen and _is_title_alone(tried[mark], _first_records(text, mark)):
        mark = _NO_DELIMITER
        tried[mark] = _with_header(_first_records(text, mark), said)
    names = {_NO_DELIMITER: "none", **{value: name for name, value in DELIMITERS.items()}}
    how = {"format": "CSV", "encoding": encoding, "delimiter": names.get(mark, mark)}
    return _cells(tried[mark], _records(text, mark), said, how)


def _is_title_alone(found: tuple[int, Columns | None], rows: Sequence[Row]) -> bool:
    """Tell whether a header is that of titles and nothing else, so that what seems a delimiter is one title's comma."""
    place, columns = found
    return columns is not None and "title" in columns.places and len(rows[place]) == 1


def _encoding(data: bytes) -> str:
    """Return the encoding of a text: what its mark says, UTF-8 if it is that, UTF-16 by its zeros, else cp1252."""
    for mark, name in _BOMS.items():
        if data.startswith(mark):
            return name
    beginning = data[:2000]
    for name, zeros in (("utf-16-le", beginning[1::2].count(0)), ("utf-16-be", beginning[::2].count(0))):
        if zeros > len(beginning) / 8:
            return name
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if _NOT_WESTERN.search(data):
            raise _foreign(data, error.start, "is not UTF-8, and the file is in no Western encoding") from error
        # Of the bytes that cp1252 leaves out, Latin-1 has control characters.
        return "latin-1" if re.search(rb"[\x81\x8d\x8f\x90\x9d]", data) else "cp1252"
    return "utf-8"


def _foreign(data: bytes, place: int, wrong: str) -> UnreadableStoreFileError:
    line = data[:place].count(b"\n") + 1
    return UnreadableStoreFileError(
        f"line {line}: byte 0x{data[place]:02x} {wrong}; save it as UTF-8, or name its encoding as in "
        f"{_SETTING}=encoding=cp1251"
    )


def _given_delimiter(text: str) -> tuple[str | None, str]:
    """Return the delimiter that a first line `sep=;` names, which Excel writes and reads, and what follows that."""
    given = re.match(r"sep=(.)\r?\n", text)
    return (given[1], text[given.end() :]) if given else (None, text)


def _records(text: str, delimiter: str) -> Iterator[Row]:
    """Yield the records of a CSV file; raises UnreadableStoreFileError where a quotation mark stays open."""
    before = 0
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in chain(io.StringIO(text, newline=""), [_END]):
            read.append(line)
            yield line

    try:
        for record in csv.reader(lines(), delimiter=delimiter):
            if record == [_END]:
                return
            if len(read) > 1:
                _refuse_open_mark(record, read, before, delimiter)
            before += len(read)
            read.clear()
            yield record
    except csv.Error as error:
        raise UnreadableStoreFileError(
            f"line {before + 1}: {error}; if a quotation mark is opened and never closed, close or remove it"
        ) from error


def _refuse_open_mark(record: Row, lines: Sequence[str], before: int, delimiter: str) -> None:
    """Refuse a record of several lines whose quotation mark is closed by another cell's, or by none.

    Between such two lie other records, which would be lost without a word. Within one line nothing is.
    """
    if len(lines) > _MOST_LINES or record[-1].endswith(_END):
        raise UnreadableStoreFileError(
            f"line {before + 1}: a quotation mark is opened and never closed; close or remove it"
        )
    try:
        next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadableStoreFileError(
            f"line {before + 1}: a quotation mark is opened and closed only by that of another cell, in line "
            f"{before + len(lines)}; close or remove it"
        ) from error


def _first_records(text: str, delimiter: str) -> list[Row]:
    """Return the first records; by a delimiter that is none, quotation marks may seem open that are not."""
    records: list[Row] = []
    with suppress(UnreadableStoreFileError):
        records.extend(islice(_records(text, delimiter), _HEADER_WITHIN))
    return records


def _with_header(rows: Sequence[Row], said: Mapping[str, str]) -> tuple[int, Columns | None]:
    """Return the place of the header among the first rows, the one that names most columns, and these."""
    found = [(place, columns_of(row, said)) for place, row in enumerate(rows[:_HEADER_WITHIN])]
    return max(found, key=_known, default=(0, None))


def _known(found: tuple[int, Columns | None]) -> int:
    return len(found[1].places) if found[1] else 0


def _cells(
    found: tuple[int, Columns | None], rows: Iterable[Row], said: Mapping[str, str], how: Mapping[str, str]
) -> Cells:
    remaining = iter(rows)
    above = list(islice(remaining, found[0] + 1))
    if found[1] is None:
        raise _no_header(above, said)
    return Cells(found[1], remaining, how)


def _no_header(above: Iterable[Row], said: Mapping[str, str]) -> UnreadableStoreFileError:
    header = next((row for row in above if any(cell.strip() for cell in row)), [])
    shown = ", ".join(repr(cell.strip()) for cell in header[:8])
    named = [name for column, name in said.items() if column not in ("encoding", "delimiter", "sheet")]
    wanted = f"all of {', '.join(map(repr, named))}" if named else "an ISBN or a title"
    return UnreadableStoreFileError(
        f"no row of the first {_HEADER_WITHIN} names {wanted} as columns; it begins with {shown[:200]}; "
        f"name the columns as in {_SETTING}=isbn=EAN,title=Titel"
    )


def _text(value: Any) -> str:
    """Return a typed cell as somebody would write it, numbers so that a point in them is that of decimals."""
    if value is None:
        return ""
    if isinstance(value, bytes):  # what older engines write texts as
        return value.decode(errors="replace")
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    return _number(value) if isinstance(value, float | Decimal) else str(value)


def _number(value: float | Decimal) -> str:
    if not math.isfinite(value):
        return ""
    if value == int(value):
        return str(int(value))
    text = repr(float(value))
    return f"{text}0" if _LIKE_THOUSANDS.fullmatch(text) else text
