"""The partitions: one per subject, keyed by Open Library's own normalised subject key."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

SUBJECTS = "subjects"

subjects = dg.DynamicPartitionsDefinition(name=SUBJECTS)


@contextmanager
def still_registered() -> Iterator[None]:
    """Fail the step in one line where a subject of its run is no longer registered."""
    try:
        yield
    except dg.DagsterInvalidInvocationError as error:
        raise dg.Failure(
            f"a subject was removed while its run waited ({' '.join(str(error).split())}); "
            "add it again with: openlib subjects add --register, or run the others without it",
            allow_retries=False,
        ) from None
