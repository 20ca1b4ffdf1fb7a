"""What a sensor's tick leaves to the next one, in its cursor."""

from typing import TypeVar

import dagster as dg
from pydantic import TypeAdapter, ValidationError

Kind = TypeVar("Kind")


def left_by_tick_before(context: dg.SensorEvaluationContext, kind: type[Kind], nothing: Kind) -> Kind:
    """Return what the cursor holds, as JSON; `nothing` before the first tick.

    What another release left beside it is dropped. One that cannot be read, as after somebody edited it in the UI, is
    taken for none, with a warning.
    """
    if not context.cursor:
        return nothing
    try:
        return TypeAdapter(kind).validate_json(context.cursor)
    except ValidationError:
        context.log.warning(f"the cursor cannot be read, so this tick is like the first: {context.cursor[:80]!r}")
        return nothing
