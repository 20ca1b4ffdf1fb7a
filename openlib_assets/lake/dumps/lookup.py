"""Reads what a dump has of one subject, of some works or of some authors, without reading the rest of the lake."""

import atexit
import re
import shutil
import tempfile
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Literal

import duckdb
import pyarrow as pa

from openlib_assets.lake.contract import CATALOGUE_AVERAGES, CATALOGUE_SUBJECTS
from openlib_assets.lake.duckdb_storage import prepare
from openlib_assets.lake.dumps.lakes import table_of
from openlib_assets.lake.dumps.relations import rows_of
from openlib_assets.lake.transform import is_of_files, quoted
from openlib_assets.openlibrary.subject_keys import InvalidSubjectError, subject_key
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError, first_line

_EDITIONS = "catalogue_editions"
_SUBJECT_WORKS = "catalogue_subject_works"
_MEMORY_LIMIT = "1GB"
# What a key has as its name has it (openlibrary/subject_keys.py): who looks for such a text in names finds it in keys.
_IN_KEYS = re.compile(r"[a-z0-9 _.'()!*~-]*")
# What `İ` has beside an `i` as a small letter, and nobody types.
_DOT_ABOVE = "\u0307"
_starting = threading.Lock()


class UnreadableLakeError(OpenlibError):
    """A file of a lake cannot be read; the text says which and what to run."""


def works_of_subject(
    storage: Storage, date: str, subject: str, column: Literal["payload", "document"], rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield a column of the works of a subject in the order of their keys, some at a time, and `works`: how many."""
    query = f"SELECT {column}, count(*) OVER () AS works {_of_subject(storage, date, subject)} ORDER BY work_key"
    with _reading(storage, date) as connection:
        yield from connection.sql(query).to_arrow_reader(rows)


def editions_version(storage: Storage, date: str) -> str:
    """Return the version of the table that editions of works are looked up in."""
    return table_of(storage, _EDITIONS, date).version


def editions_of_works(storage: Storage, date: str, work_keys: Sequence[str]) -> list[dict[str, object]]:
    """Return all editions of some works that have an ISBN, by work and edition."""
    keys = ", ".join(map(quoted, work_keys)) or "NULL"
    source = rows_of(storage, table_of(storage, _EDITIONS, date))
    query = f"FROM {source} WHERE work_key IN ({keys}) AND len(isbn13) > 0 ORDER BY work_key, edition_key"
    with _reading(storage, date) as connection:
        rows: list[dict[str, object]] = connection.execute(query).to_arrow_table().to_pylist()
        return rows


def averages_of_authors(storage: Storage, date: str, author_keys: Sequence[str]) -> dict[str, dict[str, object]]:
    """Return what some authors wrote in all, by their keys: the rows of those that have a work in the dump."""
    keys = ", ".join(map(quoted, author_keys)) or "NULL"
    source = rows_of(storage, table_of(storage, CATALOGUE_AVERAGES.name, date))
    with _reading(storage, date) as connection:
        rows = connection.execute(f"FROM {source} WHERE author_key IN ({keys})").to_arrow_table().to_pylist()
    return {row["author_key"]: row for row in rows}


def works_of_subjects(storage: Storage, date: str, subjects: Sequence[str]) -> dict[str, int]:
    """Return how many works some subjects have in the dump, by their keys; none of those that it does not have."""
    keys = ", ".join(map(quoted, subjects)) or "NULL"
    source = rows_of(storage, table_of(storage, CATALOGUE_SUBJECTS.name, date))
    with _reading(storage, date) as connection:
        return dict(connection.execute(f"FROM {source} SELECT subject, works WHERE subject IN ({keys})").fetchall())


def find_subjects(storage: Storage, date: str, text: str, limit: int) -> list[dict[str, object]]:
    """Return the subjects whose key or name has a text in it, in whatever case, or that it names; largest first."""
    source = rows_of(storage, table_of(storage, CATALOGUE_SUBJECTS.name, date))
    sought = text.strip().lower()
    # There are ten million, and to read their names as well takes more than twice as long.
    by_name = "false" if _IN_KEYS.fullmatch(sought) else f"contains(lower(name), {quoted(sought)})"
    in_key = quoted(sought.replace(" ", "_"))
    query = f"""
        FROM {source}
        WHERE contains(subject, {in_key}) OR {by_name} OR subject = {quoted(_named(text))}
            OR (contains(subject, '{_DOT_ABOVE}') AND contains(replace(subject, '{_DOT_ABOVE}', ''), {in_key}))
        ORDER BY works DESC, subject
        LIMIT {limit}
    """
    with _reading(storage, date) as connection:
        found: list[dict[str, object]] = connection.execute(query).to_arrow_table().to_pylist()
        return found


def _named(text: str) -> str:
    """Return the key of the subject that a text names, as it is run by; an empty one where it names none."""
    with suppress(InvalidSubjectError):
        return subject_key(text)
    return ""


def _of_subject(storage: Storage, date: str, subject: str) -> str:
    """Return the end of a query for the rows of a subject, which are all in one part."""
    made = table_of(storage, _SUBJECT_WORKS, date)
    place = max(0, bisect_right(made.firsts, subject) - 1)
    return f"FROM {rows_of(storage, made, place)} WHERE subject = {quoted(subject)}"


@contextmanager
def _reading(storage: Storage, date: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with _starting:
        engine = _engine(storage.uri())
    with engine.cursor() as connection:
        try:
            # Credentials of S3 are for a while only.
            prepare(connection, storage)
            connection.execute("SET enable_progress_bar = false; SET parquet_metadata_cache = true")
            yield connection
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            if not is_of_files(error):
                raise
            line = first_line(error)
            remedy = (
                "a machine with more memory, or fewer subjects at once, may do"
                if isinstance(error, duckdb.OutOfMemoryException)
                else f"remove a file that is damaged, and make it again with: openlib dump build {date}"
            )
            raise UnreadableLakeError(f"{line}; {remedy}") from error


@cache
def _engine(_root: str) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB of the process for the lakes below a root; it keeps what it has read of the ends of files.

    So little is read at a time that waking a second thread would take longer.
    """
    spill = tempfile.mkdtemp(prefix="openlib-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    return duckdb.connect(config={"memory_limit": _MEMORY_LIMIT, "threads": 1, "temp_directory": spill})
