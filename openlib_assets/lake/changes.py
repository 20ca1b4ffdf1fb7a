"""What changed in the storage, from events about files that were put there, by this project or by others."""

from collections.abc import Collection
from dataclasses import dataclass

from openlib_assets.lake import layout


@dataclass(frozen=True)
class Changes:
    """Whether the watch list may have changed, and the names of the folders in which a new snapshot may be."""

    watch_list: bool = False
    folders: frozenset[str] = frozenset()


def changes_of(addresses: Collection[str], root: str, watch_list: str) -> Changes:
    """Return what new files mean, given by their full addresses; other files mean nothing."""
    prefix = f"{root}/"
    below = [address.removeprefix(prefix) for address in addresses if address.startswith(prefix)]
    folders = (layout.folder_of_snapshot(path) for path in below)
    return Changes(
        watch_list=watch_list in addresses,
        folders=frozenset(folder for folder in folders if folder is not None),
    )
