"""Where everything lies below the storage root (a contract: others read these paths)."""

import re

from openlib_assets.lake.contract import Layer
from openlib_assets.openlibrary.subject_keys import decoded_key, encoded_key

STAGING = "_staging"
_WORKS = "raw_works"
SNAPSHOTS = f"{Layer.BRONZE}/{_WORKS}"
CATALOG = "catalog.duckdb"
COMPARISON = "reports/index.html"

_PARTITION = "subject="


def table_file(layer: str, table: str, subject: str) -> str:
    """Return the path of a table of a subject, in any layer but bronze."""
    return f"{table_folder(layer, table, subject)}/part-0.parquet"


def shared_table_file(layer: str, table: str) -> str:
    """Return the path of a table that there is once for all subjects."""
    return f"{layer}/{table}/part-0.parquet"


def table_folder(layer: str, table: str, subject: str) -> str:
    """Return the folder of a table of a subject."""
    return f"{layer}/{table}/{_PARTITION}{encoded_key(subject)}"


def snapshots_folder(subject: str, table: str = _WORKS) -> str:
    """Return the folder of the snapshots of a subject in a table of bronze."""
    return table_folder(Layer.BRONZE, table, subject)


def snapshot_file(subject: str, snapshot: str, table: str = _WORKS) -> str:
    """Return the path of one bronze snapshot, named by the end of its fetch (`YYYYMMDDTHHMMSSZ`)."""
    return f"{snapshots_folder(subject, table)}/snapshot={snapshot}/part-0.parquet"


def subject_of_snapshot(path: str) -> str | None:
    """Return the subject whose snapshot of works lies at a path, None if none does."""
    match = re.fullmatch(rf"{SNAPSHOTS}/([^/]+)/snapshot=[^/]+/part-0\.parquet", path)
    return subject_of_folder(match[1]) if match else None


def subject_of_folder(name: str) -> str | None:
    """Return the subject whose partition a folder of a table is, by its name; None if it is none."""
    return decoded_key(name.removeprefix(_PARTITION)) if name.startswith(_PARTITION) else None


def exports_folder(subject: str) -> str:
    """Return the folder of a subject's CSV files."""
    return f"exports/{encoded_key(subject)}"


def csv_file(subject: str, table: str) -> str:
    """Return the path of a CSV file of a subject."""
    return f"{exports_folder(subject)}/{table}.csv"


def workbook_file(subject: str, table: str) -> str:
    """Return the path of a workbook of a subject."""
    return f"{exports_folder(subject)}/{table}.xlsx"


def reports_folder(subject: str) -> str:
    """Return the folder of a subject's report."""
    return f"reports/{encoded_key(subject)}"


def report_file(subject: str) -> str:
    """Return the path of a subject's report."""
    return f"{reports_folder(subject)}/index.html"


def staging_folder(subject: str, table: str = _WORKS) -> str:
    """Return the folder where fetched pages wait for the end of the fetch into a table of bronze; never data."""
    return f"{STAGING}/{table}/{encoded_key(subject)}"


def lock_file(subject: str) -> str:
    """Return the path of the lock that one fetch of a subject holds at a time."""
    return f"_locks/{encoded_key(subject)}"
