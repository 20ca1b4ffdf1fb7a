"""A sandbox Open Library: an HTTP server that behaves as the real one does, over a generated catalogue.

It can be slow, strict and faulty on request. It imports nothing else of this package.
"""

from openlib_assets.sandbox.catalogue.catalogue import parse_subjects
from openlib_assets.sandbox.catalogue.keys import subject_key
from openlib_assets.sandbox.dumps.lines import BadLine
from openlib_assets.sandbox.http.config import SandboxConfig
from openlib_assets.sandbox.http.faults import (
    ARCHIVE_FAULTS,
    DAMAGES,
    FAULTS,
    PERMANENT,
    TRANSIENT,
    FaultPlan,
    Planned,
)
from openlib_assets.sandbox.http.server import LoggedRequest, Sandbox

__all__ = [
    "ARCHIVE_FAULTS",
    "DAMAGES",
    "FAULTS",
    "PERMANENT",
    "TRANSIENT",
    "BadLine",
    "FaultPlan",
    "LoggedRequest",
    "Planned",
    "Sandbox",
    "SandboxConfig",
    "parse_subjects",
    "subject_key",
]
