"""The partitions: one per subject, keyed by Open Library's own normalised key, and runs of many; one per dump."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby

import dagster as dg

SUBJECTS = "subjects"

# How many subjects a run takes that Dagster starts: a process and its imports cost more than a small subject, and
# several runs share the cores.
SUBJECTS_A_RUN = 25

subjects = dg.DynamicPartitionsDefinition(name=SUBJECTS)

_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
# Says which subjects a stretch had when its run was asked for: one that is removed and added again stands elsewhere.
_STRETCH = "openlib/subjects"

# By their dates, such as 2026-08-31.
DUMPS = "dumps"
dumps = dg.DynamicPartitionsDefinition(name=DUMPS)


def stretches(registered: Sequence[str], wanted: Collection[str], longest: int | None = None) -> Iterator[list[str]]:
    """Cut the wanted subjects into stretches without gaps of the order in which they are registered.

    A run over several partitions covers such a stretch, since that is all that Dagster can say of them.
    """
    chosen = set(wanted)
    for is_wanted, group in groupby(registered, chosen.__contains__):
        stretch = list(group) if is_wanted else []
        step = longest or max(1, len(stretch))
        for start in range(0, len(stretch), step):
            yield stretch[start : start + step]


def run_tags(stretch: Sequence[str]) -> Mapping[str, str]:
    """Return the tags by which a run covers a stretch of subjects."""
    if len(stretch) == 1:
        return {"dagster/partition": stretch[0]}
    return {_FIRST: stretch[0], _LAST: stretch[-1], _STRETCH: _digest(stretch)}


def _digest(stretch: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(stretch)).encode()).hexdigest()[:16]


@contextmanager
def still_registered(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Fail the step in one line where a subject of its run is no longer registered, or not where it was."""
    try:
        tags = context.run.tags
        if tags.get(_STRETCH, "") not in ("", _digest(context.partition_keys)):
            raise dg.Failure(
                f"from {tags[_FIRST]!r} to {tags[_LAST]!r} there are other subjects than when this run was asked for, "
                "as after one was removed and added again; run those that are meant with: openlib run SUBJECT...",
                allow_retries=False,
            )
        yield
    except dg.DagsterInvalidInvocationError as error:
        raise dg.Failure(
            f"a subject was removed while its run waited ({' '.join(str(error).split())}); "
            "run the others with: openlib run SUBJECT...",
            allow_retries=False,
        ) from None
