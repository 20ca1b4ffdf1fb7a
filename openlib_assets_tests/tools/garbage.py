"""A plugin of pytest, named in `pyproject.toml` so that it comes first: Python looks for garbage rarely.

What is loaded to collect the tests is none, and nor is what is there when all is over. No process of the tests starts
NumPy's threads either, as none of `openlib` does.
"""

import gc
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
gc.set_threshold(100_000)


def pytest_collection_modifyitems() -> None:
    """Look at nothing that was loaded by now, and at the rest as often as `openlib` does."""
    gc.freeze()
    gc.set_threshold(10_000)


def pytest_unconfigure() -> None:
    """Leave what is there to the system, as `openlib` does."""
    gc.freeze()
