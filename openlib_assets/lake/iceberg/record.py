"""What of the lake is registered as Iceberg tables, so that nobody removes files that a snapshot needs."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field

from openlib_assets.lake import layout
from openlib_assets.storage import Storage, read_if_there
from openlib_assets.storage.errors import OpenlibError

# Of versions of the warehouse, the last one of so many months is kept, and the newest ones.
_MONTHS = 13
_NEWEST = 2


class RecordError(OpenlibError):
    """What is registered cannot be read; the text says what to do."""


@dataclass(frozen=True)
class Registered:
    """What the catalogue at an address, told without secrets, has snapshots of, or was about to have.

    `versions`: of the warehouse, oldest first; `whole`: the newest of which all tables have one. `dumps`: their dates.
    """

    catalogue: str
    versions: list[str] = field(default_factory=list)
    whole: str | None = None
    dumps: list[str] = field(default_factory=list)


def registered(storage: Storage) -> Registered | None:
    """Return what is registered, None where nothing ever was; raises RecordError."""
    recorded = read_if_there(storage, layout.ICEBERG_REGISTERED)
    if recorded is None:
        return None
    try:
        return Registered(**json.loads(recorded))
    except (ValueError, TypeError) as error:
        raise RecordError(
            f"{storage.uri(layout.ICEBERG_REGISTERED)}: this does not tell what is registered; remove it, then run: "
            "openlib iceberg register"
        ) from error


def record(storage: Storage, what: Registered) -> None:
    """Say what is registered."""
    storage.write(layout.ICEBERG_REGISTERED, json.dumps(asdict(what), indent=1).encode())


def needed_versions(storage: Storage) -> list[str]:
    """Return the versions of the warehouse whose files snapshots need; raises RecordError."""
    found = registered(storage)
    return found.versions if found else []


def kept_versions(versions: Collection[str]) -> list[str]:
    """Return which versions stay registered: the newest ones, and the last one of each month for a year."""
    ordered = sorted(versions)
    last_of_months = list({version[:6]: version for version in ordered}.values())
    return sorted({*ordered[-_NEWEST:], *last_of_months[-_MONTHS:]})
