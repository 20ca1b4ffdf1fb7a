"""What one would write without this project: the least that fetches the same works and makes the same tables.

No checks, no retries, no pace, nothing atomic. Each function is called in a process of its own and gives the seconds
that it took; imports do not count.
"""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson
import pyarrow as pa
import requests

from openlib_assets.lake.contract import BOOKS, DERIVED_TABLES, REJECTED_WORKS
from openlib_assets.lake.transform import FUNCTIONS, OF_DETAILS, Row, sql_text
from openlib_assets.openlibrary.enumeration import page_offsets


class Fetch(NamedTuple):
    """How long a fetch took, in seconds, and how much of that it waited for answers."""

    seconds: float
    waiting: float


def fetch(api_url: str, subject: str, works: int, page_size: int, file: Path) -> Fetch:
    """Request the pages of a subject one after the other, parse them, and append each record to a compressed file."""
    started = time.monotonic()
    records, waiting = 0, 0.0
    with requests.Session() as session, pa.CompressedOutputStream(str(file), "zstd") as output:
        session.trust_env = False  # no proxy on the way to this machine
        for offset in page_offsets(works, page_size):
            url = f"{api_url}/subjects/{subject}.json?limit={page_size}&offset={offset}&sort=key"
            asked = time.monotonic()
            body = session.get(url, timeout=60).content
            waiting += time.monotonic() - asked
            page = _parsed(body)["works"]
            records += len(page)
            for record in page:
                output.write(_text(record) + b"\n")
    if records < works:
        raise ValueError(f"{records} records where {works} were due")
    return Fetch(time.monotonic() - started, waiting)


def make_tables(bronze: Path, details: Path, snapshot: Row, folder: Path) -> float:
    """Run the SQL of every silver and gold table in DuckDB, from Parquet files to Parquet files.

    `bronze` is the file of raw works, `details` that of raw details, `snapshot` the table of one row that the SQL sees
    beside them.
    """
    started = time.monotonic()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE snapshot AS {snapshot.query()}")
        connection.execute(f"CREATE VIEW raw_works AS FROM read_parquet('{bronze}')")
        connection.execute(f"CREATE VIEW raw_details AS FROM read_parquet('{details}')")
        for name in (*FUNCTIONS, "helpers/received"):
            connection.execute(sql_text(name))
        connection.execute("CREATE TABLE previous_snapshot AS FROM snapshot LIMIT 0")
        for table in DERIVED_TABLES:
            for name in OF_DETAILS:
                if name in sql_text(table.sql):
                    connection.execute(sql_text(f"helpers/{name}"))
            file = folder / f"{table.name}.parquet"
            connection.execute(f"COPY ({sql_text(table.sql)}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
            connection.execute(f"CREATE VIEW {table.name} AS FROM read_parquet('{file}')")
            if table is REJECTED_WORKS:
                connection.execute(sql_text("helpers/works"))
                connection.execute("CREATE TABLE previous_author_lists AS FROM author_lists LIMIT 0")
            if table is BOOKS:
                connection.execute("CREATE TABLE previous_books AS FROM books LIMIT 0")
    return time.monotonic() - started


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # half of a character, which the slower parser takes
        return json.loads(body)


def _text(record: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(record)
    except orjson.JSONEncodeError:
        return json.dumps(record).encode()
