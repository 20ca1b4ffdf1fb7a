"""Bronze: what Open Library sent."""

from dataclasses import replace

from openlib_assets.lake.contract.columns import TEXT, WHOLE, WORK_KEY
from openlib_assets.lake.contract.model import Check, Column, Layer, Table

# A subject does not lose more than this share of its works between two snapshots, unless something broke.
LARGEST_FALL = 0.2
# So many works may be in one of bronze's two tables only, or so large a share of them if that is more.
MOST_WORKS_APART = 20
MOST_APART = 0.01
# A month, for the monthly refresh, and half a month more.
REFRESH_DAYS = 45
REFRESHED_LATELY = "refreshed_lately"

_DID_NOT_FALL = Check(
    "did_not_fall",
    f"Works fell by at most {LARGEST_FALL:.0%} since the snapshot before; a forced run accepts more.",
    "SELECT (SELECT works_reported FROM previous_snapshot) AS works_before, works_reported AS works FROM snapshot",
    f"works_before IS NULL OR works >= {1 - LARGEST_FALL} * works_before",
)


def _is_complete(table: str) -> Check:
    return Check(
        "is_complete",
        "There are as many works as Open Library last reported.",
        f"SELECT works_reported, (SELECT count(*) FROM {table}) AS works FROM snapshot",  # noqa: S608 - a table's name
        "works = works_reported",
    )


RAW_WORKS = Table(
    "raw_works",
    Layer.BRONZE,
    "a work record exactly as the source sent it",
    purpose="What was fetched is kept here, so that all other tables can be made again without asking Open Library.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("position", WHOLE, "Place in the enumeration by key, from 0."),
        Column("payload", TEXT, "The record as compact ASCII JSON: the same value, with its keys in the same order."),
    ),
    checks=(
        _is_complete("raw_works"),
        replace(_DID_NOT_FALL, apart=True),
        Check(
            REFRESHED_LATELY,
            f"The subject was fetched in the last {REFRESH_DAYS} days; evaluated again each day.",
            "SELECT 0 AS days_since_fetch",
            f"days_since_fetch <= {REFRESH_DAYS}",
            blocking=False,
            apart=True,
        ),
    ),
)

RAW_DETAILS = Table(
    "raw_details",
    Layer.BRONZE,
    "what Open Library's search says of a work, exactly as received",
    purpose="Languages, publishers, ISBNs, readers and ratings are kept here, which the list of works does not have.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("position", WHOLE, "Place in the enumeration by key, from 0."),
        Column("payload", TEXT, "The search document as compact ASCII JSON: the same value, with its keys in order."),
    ),
    columns_since=2,
    checks=(
        _is_complete("raw_details"),
        _DID_NOT_FALL,
        Check(
            "agrees_with_raw_works",
            f"At most {MOST_WORKS_APART} works are in only one of `raw_works` and `raw_details`, or {MOST_APART:.0%} "
            "of them if that is more.",
            """
            SELECT count(*) AS works,
                   count(*) FILTER (WHERE details.work_key IS NULL) AS without_details,
                   count(*) FILTER (WHERE raw_works.work_key IS NULL) AS only_in_details
            FROM raw_works
            FULL JOIN raw_details AS details USING (work_key)
            """,
            f"without_details + only_in_details <= greatest({MOST_WORKS_APART}, {MOST_APART} * works)",
        ),
    ),
)

# Their files are snapshots: one for each fetch that found something new.
SNAPSHOT_TABLES = (RAW_WORKS, RAW_DETAILS)
