"""How the process of a command uses memory: the habits of Python and of the C library suit no run, short or long."""

import ctypes
import gc
from contextlib import suppress

# Objects made between two looks for garbage. Python's own 700 makes it look again and again at all that the modules of
# Dagster leave for good: a tenth of what a small run costs.
_BETWEEN_COLLECTIONS = 10_000

# mallopt(3). The GNU C library keeps ever more of what is freed, for fear of asking for it again: of ten subjects of
# 3,000 works, 70 MB.
_M_TRIM_THRESHOLD = -1
_FREE_BYTES_KEPT = 1 << 20


def begin() -> None:
    """Look for garbage rarely, and give freed memory back, where the C library can be told so."""
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    with suppress(OSError, AttributeError, TypeError):  # another C library, or Windows
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, _FREE_BYTES_KEPT)


def end() -> None:
    """Leave what is left to the system: looking through it once more would take a tenth of a small run again."""
    gc.freeze()
