"""A function in a process of its own."""

import multiprocessing
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def in_own_process(
    seconds: float, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Call a function of a module in a new process and give what it returns; its time limit is in seconds."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # ended with the block, whatever happens in it
        return pool.apply_async(function, args, kwargs).get(seconds)
