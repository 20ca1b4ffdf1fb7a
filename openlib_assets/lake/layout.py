"""Where everything lies below the storage root (a contract: others read these paths)."""

import re

from openlib_assets.lake.contract import Layer
from openlib_assets.lake.key_names import name_of_key

STAGING = "_staging"
_WORKS = "raw_works"
SNAPSHOTS = f"{Layer.BRONZE}/{_WORKS}"
CATALOG = "catalog.duckdb"
WAREHOUSE_DATABASE = "warehouse.duckdb"
EXPORTS = "exports"
REPORTS = "reports"
COMPARISON = f"{REPORTS}/index.html"
DIGEST_PAGE = f"{REPORTS}/digest.html"
DIGEST_FEED = "digest.atom"
# Which version of the warehouse is current; and the lock of who makes the next one.
WAREHOUSE_POINTER = f"{Layer.WAREHOUSE}/current.json"
WAREHOUSE_LOCK = f"{Layer.WAREHOUSE}/_lock"
# Which version the database holds that people named.
WAREHOUSE_LOADED = f"{Layer.WAREHOUSE}/loaded.json"
# The metadata of Iceberg tables, whose data are the files that lie elsewhere; what is registered, and the lock.
ICEBERG = "iceberg"
ICEBERG_REGISTERED = f"{ICEBERG}/registered.json"
ICEBERG_LOCK = f"{ICEBERG}/_lock"

PARTITION = "subject="
_SNAPSHOT_FILE = r"snapshot=[0-9]{8}T[0-9]{6}Z/part-0\.parquet"
# Of a table that there is once for each dump.
DUMP = "dump="
DUMP_LAKES = "dumps"
# Where steps put what does not fit into memory; never data.
SPILL = "_spill"


def table_file(layer: str, table: str, subject: str) -> str:
    """Return the path of a table of a subject, in any layer but bronze."""
    return f"{table_folder(layer, table, subject)}/part-0.parquet"


def shared_table_file(layer: str, table: str) -> str:
    """Return the path of a table that there is once for all subjects."""
    return f"{layer}/{table}/part-0.parquet"


def table_folder(layer: str, table: str, subject: str) -> str:
    """Return the folder of a table of a subject."""
    return f"{layer}/{table}/{subject_folder(subject)}"


def snapshots_folder(subject: str, table: str = _WORKS) -> str:
    """Return the folder of the snapshots of a subject in a table of bronze."""
    return table_folder(Layer.BRONZE, table, subject)


def snapshot_file(subject: str, snapshot: str, table: str = _WORKS) -> str:
    """Return the path of one bronze snapshot, named by the end of its fetch (`YYYYMMDDTHHMMSSZ`)."""
    return f"{snapshots_folder(subject, table)}/snapshot={snapshot}/part-0.parquet"


def subject_folder(subject: str) -> str:
    """Return the name that the folder of a subject has in the folder of each table."""
    return f"{PARTITION}{name_of_key(subject)}"


def folder_of_snapshot(path: str) -> str | None:
    """Return the name of the folder of the subject whose snapshot lies at a path, None if none does."""
    match = re.fullmatch(rf"{SNAPSHOTS}/({PARTITION}[^/]+)/{_SNAPSHOT_FILE}", path)
    return match[1] if match else None


def is_snapshot_file(path: str) -> bool:
    """Tell whether a path is named as that of a snapshot; somebody's copy beside one is not."""
    return re.search(f"/{_SNAPSHOT_FILE}$", path) is not None


def exports_folder(subject: str) -> str:
    """Return the folder of a subject's CSV files."""
    return f"{EXPORTS}/{name_of_key(subject)}"


def csv_file(subject: str, table: str) -> str:
    """Return the path of a CSV file of a subject."""
    return f"{exports_folder(subject)}/{table}.csv"


def workbook_file(subject: str, table: str) -> str:
    """Return the path of a workbook of a subject."""
    return f"{exports_folder(subject)}/{table}.xlsx"


def reports_folder(subject: str) -> str:
    """Return the folder of a subject's report; that of the subject `index.html` is not where the comparison lies.

    Nor is that of `digest.html` where the digest does.
    """
    folder = f"{REPORTS}/{name_of_key(subject)}"
    return folder if folder not in (COMPARISON, DIGEST_PAGE) else folder.replace(".", "%2E")


def report_file(subject: str) -> str:
    """Return the path of a subject's report."""
    return f"{reports_folder(subject)}/index.html"


def staging_folder(subject: str, table: str = _WORKS) -> str:
    """Return the folder where fetched pages wait for the end of the fetch into a table of bronze; never data."""
    return f"{STAGING}/{table}/{name_of_key(subject)}"


def lock_file(subject: str) -> str:
    """Return the path of the lock that one fetch of a subject holds at a time."""
    return f"_locks/{name_of_key(subject)}"


def warehouse_version(version: str) -> str:
    """Return the folder of a version of the warehouse."""
    return f"{Layer.WAREHOUSE}/{version}"


def warehouse_file(version: str, table: str) -> str:
    """Return the path of a table of the warehouse, in one of its versions."""
    return f"{warehouse_version(version)}/{table}/part-0.parquet"


def warehouse_history_of_absent(version: str) -> str:
    """Return the path of the history of subjects that a version of the warehouse lacks; it is there if there is any."""
    return f"{warehouse_version(version)}/_history_of_absent.parquet"


def warehouse_link(table: str) -> str:
    """Return the path of the file that says, on S3, where the current version of a table lies."""
    return f"{Layer.WAREHOUSE}/_files/{table}/current.txt"


def dump_folder(layer: str, table: str, date: str) -> str:
    """Return the folder of a table of the dump of a date, which lies there in parts."""
    return f"{layer}/{table}/{DUMP}{date}"


def dump_lake(date: str) -> str:
    """Return the path of the file that says that all tables of a dump are there."""
    return f"{DUMP_LAKES}/{date}.json"


def dump_lake_made_again(date: str) -> str:
    """Return the path of the file that says that all tables of a dump were there, and are being made again."""
    return f"{DUMP_LAKES}/{date}.again"


def watch_list_lock(name: str) -> str:
    """Return the path of the lock of who changes the watch list of this name, below the folder of the list."""
    return f"_locks/list={name}"


def dump_lock(date: str) -> str:
    """Return the path of the lock of who makes the tables of a dump."""
    return f"_locks/{DUMP}{date}"
