"""What queries of DuckDB's need beside their SQL: a way to read below the root of a storage, and an end on a signal."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from importlib.resources import files
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

import duckdb

from openlib_assets.storage import LocalStorage, Storage
from openlib_assets.storage.s3_options import given_endpoint

# How often a query is told to end until it does: there may be another one after it.
_INSIST_SECONDS = 0.1
# After how long a signal is noticed at the latest.
_SIGNAL_SECONDS = 0.5
_replacing = threading.Lock()

Result = TypeVar("Result")
# What a setting of DuckDB's may be.
Option: TypeAlias = str | bool | int | float | list[str]


def interruptibly(
    connection: duckdb.DuckDBPyConnection, work: Callable[[], Result], cancel: Callable[[], None] = lambda: None
) -> Result:
    """Return what `work` does with a connection, in a thread of its own; whatever interrupts this one ends it at once.

    `cancel` ends what it does elsewhere. DuckDB looks for signals between its tasks only, and a task may read a whole
    file.
    """
    # Not a pool's: one whose thread a signal keeps from being noted down never ends it.
    under_way: Future[Result] = Future()

    def do() -> None:
        if under_way.set_running_or_notify_cancel():
            try:
                under_way.set_result(work())
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                under_way.set_exception(error)

    try:
        threading.Thread(target=do).start()
        # A signal that the system hands to another thread does not wake this one, which has to handle it.
        while not wait([under_way], _SIGNAL_SECONDS).done:
            continue
        return under_way.result()
    finally:
        under_way.cancel()
        while not under_way.done():
            connection.interrupt()
            cancel()
            wait([under_way], _INSIST_SECONDS)


def prepare(connection: duckdb.DuckDBPyConnection, storage: Storage) -> None:
    """Let a connection read below the root of a storage; raises DuckDB's errors."""
    if storage.kind != LocalStorage.kind:
        _load_httpfs(connection)
        secret = _s3_secret()
        # Connections of one database share it: one that replaces it while another one does is refused.
        with _replacing:
            connection.execute(secret)


def _load_httpfs(connection: duckdb.DuckDBPyConnection) -> None:
    """Load DuckDB's extension for S3: the one installed as a package, else the one that DuckDB downloads."""
    try:
        packaged = files("duckdb_extension_httpfs").joinpath(
            "extensions", f"v{duckdb.__version__}", "httpfs.duckdb_extension"
        )
    except ModuleNotFoundError:
        packaged = None
    if packaged and packaged.is_file():
        connection.execute(f"LOAD '{packaged}'")
    else:
        connection.execute("INSTALL httpfs; LOAD httpfs")


def _s3_secret() -> str:
    """Return the SQL that hands AWS's standard variables and credential chain to DuckDB; it stays in memory."""
    import boto3  # noqa: PLC0415 - only those who chose S3 should wait for it

    session = boto3.Session()
    credentials = session.get_credentials()
    options = {"REGION": session.region_name or "us-east-1"}
    if credentials:
        frozen = credentials.get_frozen_credentials()
        options |= {"KEY_ID": frozen.access_key or "", "SECRET": frozen.secret_key or ""}
        options |= {"SESSION_TOKEN": frozen.token or ""}
    if endpoint := given_endpoint():
        parts = urlsplit(endpoint)
        options |= {
            "ENDPOINT": parts.netloc + parts.path.rstrip("/"),
            "USE_SSL": str(parts.scheme == "https").lower(),
            "URL_STYLE": "path",
        }
    given = ", ".join(f"{name} '{value.replace(chr(39), 2 * chr(39))}'" for name, value in options.items())
    return f"CREATE OR REPLACE SECRET openlib_s3 (TYPE s3, {given})"
