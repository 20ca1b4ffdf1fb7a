"""How the process of a command uses memory and threads: the libraries' defaults suit no run, short or long."""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Objects created between two garbage collections. With its default of 700, Python examines again and again what the
# modules of Dagster keep for good: a tenth of the time of a small run.
_BETWEEN_COLLECTIONS = 10_000

# mallopt(3). The GNU C library keeps more and more freed memory for later: 70 MB after ten subjects of 3,000 works.
_M_TRIM_THRESHOLD = -1
_FREE_BYTES_KEPT = 1 << 20

# Of NumPy, which pyarrow loads. For each further core it starts a thread that spins, though nothing here multiplies
# matrices: 0.12 CPU seconds a process on two cores.
_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "1")


def begin() -> None:
    """Collect garbage rarely, return freed memory, if the C library can be told to, and start no thread in vain.

    To be called before NumPy is imported.
    """
    os.environ.setdefault(*_BLAS_THREADS)
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    with suppress(OSError, AttributeError, TypeError):  # another C library, or Windows
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, _FREE_BYTES_KEPT)


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage in the block, nor ever what it loads, which stays: another twentieth of a small run."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def end() -> None:
    """Leave the rest to the system: a last garbage collection would take another tenth of the time of a small run."""
    gc.freeze()
