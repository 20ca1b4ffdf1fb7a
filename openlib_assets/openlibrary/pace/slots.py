"""What a keeper of slots does for the pace."""

from dataclasses import dataclass
from typing import Protocol

# Requests leave a little late, never early; this much air keeps every ten-second window within its bound all the same.
_AIR = 1.02

RATE_REMEMBERED_SECONDS = 30.0
"""For how long a rate counts after its process last asked for a slot."""

LONGEST_WAIT_SECONDS = 86_400.0
"""A slot or a pause further ahead is a mistake, of a clock for example, and is forgotten."""


@dataclass(frozen=True)
class Slot:
    """A reserved slot: how many seconds it is away, how far apart slots lie, and its time by the keeper's clock."""

    seconds: float
    spacing: float
    at: float


class Slots(Protocol):
    """Keeps the next free slot for everybody who shares it; every method raises SourceError where it cannot."""

    def reserve(self) -> Slot:
        """Reserve the next free slot, at the lowest rate that anybody lately asked with."""
        ...

    def paused_beyond(self, slot: Slot) -> bool:
        """Tell whether a pause began meanwhile that a slot lies in."""
        ...

    def pause(self, seconds: float) -> None:
        """Grant no slot within so many seconds from now; never shortens a pause."""
        ...


def spacing(rate: float) -> float:
    """Return the seconds between two slots at a rate of requests a second."""
    return _AIR / rate
