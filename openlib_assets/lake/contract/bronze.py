"""Bronze: what Open Library sent."""

from openlib_assets.lake.contract.columns import TEXT, WHOLE, WORK_KEY
from openlib_assets.lake.contract.model import Check, Column, Layer, Table

# A subject does not lose more than this share of its works between two snapshots, unless something broke.
LARGEST_FALL = 0.2
# A month, for the monthly refresh, and half a month more.
REFRESH_DAYS = 45
# So far the clocks of two machines may be apart.
CLOCKS_APART_SECONDS = 60
REFRESHED_LATELY = "refreshed_lately"

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
        Check(
            "is_complete",
            "There are as many works as Open Library last reported.",
            "SELECT works_reported, (SELECT count(*) FROM raw_works) AS works FROM snapshot",
            "works = works_reported",
        ),
        Check(
            "did_not_fall",
            f"Works fell by at most {LARGEST_FALL:.0%} since the snapshot before; a forced run accepts more.",
            """
            SELECT (SELECT works_reported FROM previous_snapshot) AS works_before, works_reported AS works
            FROM snapshot
            """,
            f"works_before IS NULL OR works >= {1 - LARGEST_FALL} * works_before",
            apart=True,
        ),
        Check(
            "was_fetched_by_now",
            "The fetch was not in the future, as if a clock was ahead; a forced run writes a snapshot of now.",
            "SELECT greatest(date_diff('second', now(), fetched_at), 0) AS seconds_ahead FROM snapshot",
            f"seconds_ahead <= {CLOCKS_APART_SECONDS}",
            blocking=False,
        ),
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
