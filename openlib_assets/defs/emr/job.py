"""The job: makes all tables of a dump on the Spark that it was submitted to, and tells of each to who started it."""

import os
import sys
from collections.abc import Sequence
from logging import Logger

from dagster_pipes import open_dagster_pipes

from openlib_assets.defs.emr import ACCEPTS_LOSS
from openlib_assets.lake.dumps.building import Built
from openlib_assets.lake.dumps.engines import Engine
from openlib_assets.lake.dumps.files import require_files
from openlib_assets.lake.dumps.lakes import building, publish_lake
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.spark.session import SUBMITTED
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage, open_storage
from openlib_assets.storage.errors import OpenlibError


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the tables of the dump of the date that comes first.

    The other arguments are settings, `NAME=value`, and ACCEPTS_LOSS.
    """
    date, *others = sys.argv[1:] if arguments is None else arguments
    variables = (one.partition("=") for one in others if one != ACCEPTS_LOSS)
    os.environ.update({name: value for name, _, value in variables})
    accepts_loss = ACCEPTS_LOSS in others
    with open_dagster_pipes() as pipes:
        try:
            storage = open_storage(Settings.from_env().storage)
            build_dump(storage, date, SparkEngine(SUBMITTED), pipes.log, accepts_loss=accepts_loss)
        except OpenlibError as error:
            sys.exit(str(error))


def build_dump(storage: Storage, date: str, engine: Engine, log: Logger, *, accepts_loss: bool = False) -> None:
    """Make the tables of a dump that are not there yet, from its files where they lie.

    Raises what makes a table not be made: MissingDumpError, DumpFileError, CheckFailedError, SparkError, StorageError.
    """
    with building(storage, date, engine, accepts_loss=accepts_loss) as build:
        files = require_files(storage, date)
        for file in FILES:
            _tell(log, build.read(file, files.uri(file.name), files.content(file.name)))
        for step in STEPS:
            _tell(log, build.make(step))
        publish_lake(build)


def _tell(log: Logger, built: Built) -> None:
    made = built.made
    state = f"made in {made.seconds:.1f} s" if built.changed else "there already"
    log.info(f"{made.table}: {made.rows:,} rows, {state}")
    for outcome in built.outcomes:
        if not outcome.passed:
            log.warning(f"{made.table}: {outcome.line()}")
