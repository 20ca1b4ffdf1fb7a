"""The pace: one ceiling on requests over all threads, runs and processes that share the slots.

Each request reserves the next free slot and sleeps until then, so that nobody starves: a thread holds one reservation
at a time and slots are given in the order of asking. A 429 pauses everybody. If those who share
it have different rates, the lowest of the last seconds applies. Who shares the slots depends on where they are kept:
`host` is for all processes of a user on one host, `postgres` for all hosts that share a database.
"""

import threading
import time

from openlib_assets.openlibrary.errors import InterruptedFetchError, SourceError
from openlib_assets.openlibrary.pace.host import HostSlots, pace_file, pace_name
from openlib_assets.openlibrary.pace.slots import Slots
from openlib_assets.settings import PACE_IN_POSTGRES, Settings

_LATE_SECONDS = 0.05
# Where slots lie this close, being late by one of them is noise and asking again would cost more than it saves.
_CLOSE_SPACING_SECONDS = 0.01


class Pace:
    """The shared pace towards one API; safe to use from several threads."""

    def __init__(self, slots: Slots, stop: threading.Event) -> None:
        self._slots = slots
        self._stop = stop

    def wait_for_slot(self) -> None:
        """Return when it is this caller's turn to send one request.

        Raises InterruptedFetchError when the run is asked to stop meanwhile.
        """
        while True:
            slot = self._slots.reserve()
            due = time.monotonic() + slot.seconds
            if self._stop.wait(max(0.0, slot.seconds)):
                raise InterruptedFetchError("interrupted while waiting to send a request")
            # A late sleeper would crowd those behind it, and a pause may have begun while it slept.
            behind = time.monotonic() - due
            late = slot.spacing > _CLOSE_SPACING_SECONDS and behind > max(slot.spacing, _LATE_SECONDS)
            slept = slot.seconds > 0
            if not late and not (slept and self._slots.paused_beyond(slot)):
                return

    def pause(self, seconds: float) -> None:
        """Block all requests for so many seconds from now."""
        self._slots.pause(seconds)


def open_pace(settings: Settings, stop: threading.Event) -> Pace:
    """Return the pace that the settings choose; raises SourceError where its slots cannot be kept."""
    rate = settings.requests_per_second
    if settings.pace != PACE_IN_POSTGRES:
        return Pace(HostSlots(pace_file(settings.api_url), rate), stop)
    try:
        # Its driver comes with an extra, which those who stay on one host do not need.
        from openlib_assets.openlibrary.pace.postgres import PostgresSlots  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SourceError(
            f"OPENLIB_PACE={PACE_IN_POSTGRES} needs {error.name}, which is not installed; run: "
            "pip install -c constraints.txt -e '.[deploy]'"
        ) from error
    return Pace(PostgresSlots(pace_name(settings.api_url), rate, stop), stop)
