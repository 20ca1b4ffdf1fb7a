"""What a sandbox holds and how it behaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from openlib_assets.sandbox.http.faults import FaultPlan


def _this_year() -> int:
    return datetime.now(UTC).year


@dataclass(frozen=True)
class SandboxConfig:
    """What a sandbox holds and how it behaves. The defaults are a fast, faultless Open Library."""

    subjects: Mapping[str, int]  # normalised key -> number of works
    seed: int = 1
    this_year: int = field(default_factory=_this_year)
    settled: bool = False  # the index is up to date with the database: what dumps hold gives every answer
    latency: float = 0.0  # seconds before each answer
    requests_per_second: float | None = None  # Open Library: 3
    burst: int = 25
    delay: int = 10
    ban_after: int | None = None  # this many 429s, then no answers
    ban_seconds: float = 60.0
    require_user_agent: bool = False
    search_rows: int | None = None  # documents in an answer of the search, at most; Open Library has no maximum
    faults: FaultPlan = field(default_factory=FaultPlan)
    log: Path | None = None  # every request as a line of JSON
    dumps: Path | None = None  # the folder of the files ol_dump_<name>_<date>.txt.gz that archive.org has
