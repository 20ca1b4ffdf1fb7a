"""The assets, by layer, each to import by its name: thin functions that take tables in and put tables out."""

import warnings

import dagster as dg

with warnings.catch_warnings():
    # Backfill policies are beta, partitioned checks a preview; the Dagster version is pinned for that reason too.
    warnings.simplefilter("ignore", dg.BetaWarning)
    warnings.simplefilter("ignore", dg.PreviewWarning)
    from openlib_assets.defs.assets.across_subjects import catalog, comparison
    from openlib_assets.defs.assets.bronze import raw_details, raw_works
    from openlib_assets.defs.assets.database import database
    from openlib_assets.defs.assets.dumps import catalogue_assets, dump_files, dump_records
    from openlib_assets.defs.assets.iceberg import iceberg_catalogue, iceberg_warehouse
    from openlib_assets.defs.assets.ordering import order_list, stocking_list
    from openlib_assets.defs.assets.serving import subject_csv, subject_report
    from openlib_assets.defs.assets.store import store_catalogue, store_matches
    from openlib_assets.defs.assets.tables import (
        author_averages,
        author_books,
        author_yearly_counts,
        authors,
        books,
        possible_duplicate_books,
        possible_same_authors,
        rejected_works,
        subject_changes,
        subject_summary,
        work_details,
        work_isbns,
    )
    from openlib_assets.defs.assets.warehouse import warehouse

ASSETS = [
    raw_works,
    raw_details,
    rejected_works,
    books,
    author_books,
    authors,
    possible_same_authors,
    possible_duplicate_books,
    work_isbns,
    work_details,
    author_yearly_counts,
    author_averages,
    subject_summary,
    subject_changes,
    stocking_list,
    order_list,
    subject_csv,
    subject_report,
    store_catalogue,
    store_matches,
    warehouse,
    catalog,
    comparison,
    database,
    dump_files,
    dump_records,
    *catalogue_assets,
]
# Where there is a catalogue to register tables in.
ICEBERG_ASSETS = [iceberg_warehouse, iceberg_catalogue]

__all__ = [
    "ASSETS",
    "ICEBERG_ASSETS",
    "author_averages",
    "author_books",
    "author_yearly_counts",
    "authors",
    "books",
    "catalog",
    "comparison",
    "database",
    "dump_files",
    "dump_records",
    "iceberg_catalogue",
    "iceberg_warehouse",
    "order_list",
    "possible_duplicate_books",
    "possible_same_authors",
    "raw_details",
    "raw_works",
    "rejected_works",
    "stocking_list",
    "store_catalogue",
    "store_matches",
    "subject_changes",
    "subject_csv",
    "subject_report",
    "subject_summary",
    "warehouse",
    "work_details",
    "work_isbns",
]
