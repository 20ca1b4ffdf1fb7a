"""Changes on disk, told by the times of folders and of the watch list: what a queue of events is on S3."""

import os
from pathlib import Path

from openlib_assets.lake import layout
from openlib_assets.lake.changes import Changes

_OVERLAP_NANOSECONDS = 60 * 10**9


def changes_since(root: Path, before: int | None) -> tuple[Changes, int]:
    """Return the folders with a new snapshot since a time, and the time to ask from next; None only gives the time.

    Times are those of the file system, in nanoseconds, so that its clock need not be ours. What changed in the minute
    before is told again, since more can have changed while the folders were gone through.
    """
    times = {name: _latest(folder) for name, folder in _folders(root / layout.SNAPSHOTS).items()}
    newest = max(times.values(), default=0)
    if before is None:
        return Changes(), newest + 1
    changed = frozenset(name for name, time in times.items() if time >= before)
    return Changes(folders=changed), max(newest - _OVERLAP_NANOSECONDS, before)


def _latest(folder: Path) -> int:
    """Return when a folder of snapshots last changed: a new one appeared, or a file in the newest."""
    snapshots = _folders(folder)
    newest = snapshots[max(snapshots)] if snapshots else folder
    return max(_changed(folder), _changed(newest))


def _folders(folder: Path) -> dict[str, Path]:
    try:
        return {entry.name: Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()}
    except FileNotFoundError:
        return {}


def _changed(folder: Path) -> int:
    try:
        # Not the time of modification, which whoever moves or copies a folder may keep.
        return folder.stat().st_ctime_ns
    except FileNotFoundError:  # removed meanwhile
        return 0
