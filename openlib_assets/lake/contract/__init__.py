"""The data contract: every table's layer, grain, key, columns and checks, written once.

The Parquet schema, the column metadata in the Dagster UI, the data dictionary and the checks all derive from here.
A table's SQL is in `sql/<layer>/<table>.sql`. `model` says what a table is; the other modules hold the tables by layer.
"""

from openlib_assets.lake.contract.bronze import (
    RAW_DETAILS,
    RAW_WORKS,
    REFRESH_DAYS,
    REFRESHED_LATELY,
    SNAPSHOT_TABLES,
)
from openlib_assets.lake.contract.columns import SQL_TYPES
from openlib_assets.lake.contract.details import WORK_DETAILS, WORK_ISBNS
from openlib_assets.lake.contract.dumps import (
    CATALOGUE_AVERAGES,
    CATALOGUE_SUBJECTS,
    CATALOGUE_TABLES,
    CATALOGUE_WORKS,
)
from openlib_assets.lake.contract.duplicates import POSSIBLE_DUPLICATE_BOOKS, POSSIBLE_SAME_AUTHORS
from openlib_assets.lake.contract.gold import AUTHOR_AVERAGES, AUTHOR_YEARLY_COUNTS, SUBJECT_CHANGES, SUBJECT_SUMMARY
from openlib_assets.lake.contract.model import SCHEMA_VERSION, Check, Column, Layer, Table
from openlib_assets.lake.contract.silver import AUTHOR_BOOKS, AUTHORS, BOOKS, REJECTED_WORKS
from openlib_assets.lake.contract.stocking import ORDER_LIST, STOCKING_LIST
from openlib_assets.lake.contract.store import STORE_CATALOGUE, STORE_MATCHES
from openlib_assets.lake.contract.warehouse import (
    WAREHOUSE_AUTHORS,
    WAREHOUSE_AVERAGES,
    WAREHOUSE_ISBNS,
    WAREHOUSE_SUBJECTS,
    WAREHOUSE_YEARLY_COUNTS,
    WORK_AUTHORS,
    WORK_SUBJECTS,
    WORKS,
)
from openlib_assets.lake.contract.warehouse_by_subject import (
    SUBJECT_HISTORY,
    SUBJECT_YEARLY_COUNTS,
    WAREHOUSE_ORDER_LIST,
    WAREHOUSE_STOCKING_LIST,
)

# Of a subject, in an order in which each table stands after those it is made from.
DERIVED_TABLES = (
    REJECTED_WORKS,
    BOOKS,
    AUTHOR_BOOKS,
    AUTHORS,
    POSSIBLE_SAME_AUTHORS,
    POSSIBLE_DUPLICATE_BOOKS,
    WORK_ISBNS,
    WORK_DETAILS,
    AUTHOR_YEARLY_COUNTS,
    AUTHOR_AVERAGES,
    SUBJECT_SUMMARY,
    SUBJECT_CHANGES,
    STOCKING_LIST,
    ORDER_LIST,
)
SUBJECT_TABLES = (*SNAPSHOT_TABLES, *DERIVED_TABLES)
# One for all subjects.
STORE_TABLES = (STORE_CATALOGUE, STORE_MATCHES)
ALL_TABLES = (*SUBJECT_TABLES, *STORE_TABLES)
CSV_TABLES = (AUTHORS, BOOKS, AUTHOR_BOOKS, AUTHOR_YEARLY_COUNTS, AUTHOR_AVERAGES)

# In an order in which each table stands after those it refers to, and those it is made from.
WAREHOUSE_TABLES = (
    WAREHOUSE_SUBJECTS,
    WORKS,
    WORK_SUBJECTS,
    WAREHOUSE_AUTHORS,
    WORK_AUTHORS,
    WAREHOUSE_ISBNS,
    WAREHOUSE_YEARLY_COUNTS,
    WAREHOUSE_AVERAGES,
    SUBJECT_YEARLY_COUNTS,
    WAREHOUSE_STOCKING_LIST,
    WAREHOUSE_ORDER_LIST,
    SUBJECT_HISTORY,
)

__all__ = [
    "ALL_TABLES",
    "AUTHORS",
    "AUTHOR_AVERAGES",
    "AUTHOR_BOOKS",
    "AUTHOR_YEARLY_COUNTS",
    "BOOKS",
    "CATALOGUE_AVERAGES",
    "CATALOGUE_SUBJECTS",
    "CATALOGUE_TABLES",
    "CATALOGUE_WORKS",
    "CSV_TABLES",
    "DERIVED_TABLES",
    "ORDER_LIST",
    "POSSIBLE_DUPLICATE_BOOKS",
    "POSSIBLE_SAME_AUTHORS",
    "RAW_DETAILS",
    "RAW_WORKS",
    "REFRESHED_LATELY",
    "REFRESH_DAYS",
    "REJECTED_WORKS",
    "SCHEMA_VERSION",
    "SNAPSHOT_TABLES",
    "SQL_TYPES",
    "STOCKING_LIST",
    "STORE_CATALOGUE",
    "STORE_MATCHES",
    "STORE_TABLES",
    "SUBJECT_CHANGES",
    "SUBJECT_HISTORY",
    "SUBJECT_SUMMARY",
    "SUBJECT_TABLES",
    "SUBJECT_YEARLY_COUNTS",
    "WAREHOUSE_AUTHORS",
    "WAREHOUSE_AVERAGES",
    "WAREHOUSE_ISBNS",
    "WAREHOUSE_ORDER_LIST",
    "WAREHOUSE_STOCKING_LIST",
    "WAREHOUSE_SUBJECTS",
    "WAREHOUSE_TABLES",
    "WAREHOUSE_YEARLY_COUNTS",
    "WORKS",
    "WORK_AUTHORS",
    "WORK_DETAILS",
    "WORK_ISBNS",
    "WORK_SUBJECTS",
    "Check",
    "Column",
    "Layer",
    "Table",
]
