"""What changed in the storage, from events about files that were put there, by this project or by others."""

from collections.abc import Collection
from dataclasses import dataclass

from openlib_assets.lake import layout


@dataclass(frozen=True)
class Changes:
    """Whether the watch list may have changed, and the keys of the subjects that may have a new snapshot."""

    watch_list: bool = False
    subjects: frozenset[str] = frozenset()


def changes_of(addresses: Collection[str], root: str, watch_list: str) -> Changes:
    """Return what new files mean, given by their full addresses; other files mean nothing."""
    prefix = f"{root}/"
    below = [address.removeprefix(prefix) for address in addresses if address.startswith(prefix)]
    keys = (layout.subject_of_snapshot(path) for path in below)
    return Changes(
        watch_list=watch_list in addresses,
        subjects=frozenset(key for key in keys if key is not None),
    )
