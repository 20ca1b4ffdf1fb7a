"""What an asset puts out: the files of its subjects, one subject after the other, for the IO manager to put in place.

An asset says how a subject's files are made; when, under which lock, and where they end is the IO manager's business.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from openlib_assets.defs.steps.run_state import Failed, failure
from openlib_assets.lake.transform import CheckOutcome
from openlib_assets.storage.errors import OpenlibError


@dataclass(frozen=True)
class Done:
    """What became of one subject: metadata to show, the version of its data, and the outcomes of checks.

    `unchanged`: the source was asked, and has nothing new; what is made from the subject may stay as it is.
    """

    metadata: Mapping[str, Any]
    data_version: str
    outcomes: Sequence[CheckOutcome] = ()
    unchanged: bool = False


@dataclass(frozen=True)
class SubjectOutput:
    """The files of one subject, by their paths below the storage root, each with the function that writes it.

    `done` tells what became of the subject, given the SHA-256 of each file.
    """

    files: Mapping[str, Callable[[Path], object]]
    done: Callable[[Mapping[str, str]], Done]


@dataclass
class SubjectOutputs:
    """The output of an asset: `make` lends the output of a subject, whose block ends once that is recorded.

    A block ends with an error if its subject was not recorded. Several are made at the same time in threads
    (`at_once`); `stop` is called when no more are wanted. `paths` are where a subject's files lie, and `version` gives
    the version of the data by their SHA-256: so is known whether they are there as they were recorded. Without `paths`,
    a subject is always made. `waits`: a subject that another run works on is waited for, instead of failing at once.
    `left` are subjects of the run that are not to be made. `tolerated`: of a subject that fails here, all else is made.

    `failed` and `complete` are filled by the IO manager: the subjects that failed here, with their reasons, and how
    many are as they should be. `fails_its_step`: the asset itself fails where one of them did.
    """

    make: Callable[[str], AbstractContextManager[SubjectOutput]]
    paths: Callable[[str], Sequence[str]] | None = None
    version: Callable[[Sequence[str]], str] = "".join
    at_once: int = 1
    stop: Callable[[], object] = lambda: None
    waits: bool = True
    left: frozenset[str] = frozenset()
    tolerated: bool = False
    failed: dict[str, Failed] = field(default_factory=dict)
    complete: int = 0
    fails_its_step: bool = False


def put_out(context: dg.AssetExecutionContext, outputs: SubjectOutputs) -> Iterator[dg.Output[Any]]:
    """Hand the output of an asset to the IO manager, and fail the step afterwards if any subject failed.

    What follows waits for the blocking checks, so these are told of when all subjects have been put in place, and not
    at all where none was: then the assets that follow do not start, unless they do without. Raises dg.Failure with a
    line for each subject.
    """
    outputs.fails_its_step = True
    yield dg.Output(outputs)
    if outputs.complete or outputs.tolerated or not outputs.failed:
        for spec in context.assets_def.check_specs:
            yield dg.Output(None, output_name=spec.get_python_identifier())
    if outputs.failed:
        raise failure(outputs.failed)


@contextmanager
def said_in_one_line() -> Iterator[None]:
    """Fail the step with the text of a foreseen error that concerns no single subject."""
    try:
        yield
    except OpenlibError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
