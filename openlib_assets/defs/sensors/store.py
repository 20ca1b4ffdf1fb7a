"""The sensor that watches the file of what the store sells."""

import dagster as dg
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG

from openlib_assets.defs.assets.store import is_read
from openlib_assets.defs.jobs import STORE
from openlib_assets.lake.store.catalogue import StoreFile
from openlib_assets.settings import Settings
from openlib_assets.storage import open_storage
from openlib_assets.storage.errors import OpenlibError

# Behind the stamp of a file whose run was killed, and that was asked for once more.
_AGAIN = " again"


@dg.sensor(
    name="store_file",
    job_name=STORE,
    minimum_interval_seconds=60,
    description=(
        "Watches OPENLIB_STORE_CATALOGUE: when that file has changed, store_catalogue is made from it, and keep_fresh "
        "makes store_matches and stocking lists again. A file that cannot be read is tried again when it changes, "
        "one whose run was killed once more at once."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def store_file(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request a run that reads the store's file, if that has other bytes than the last one read."""
    try:
        settings = Settings.from_env()
        file = StoreFile.of(settings)
        stamp = file.stamp() if file else "not set"
        if stamp == context.cursor and _was_killed(context.instance):
            return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=f"{stamp}{_AGAIN}")
        if context.cursor in (stamp, f"{stamp}{_AGAIN}"):
            return dg.SkipReason(f"{file.address} is as it was" if file else "no store catalogue is set")
        digest = file.digest() if file else None
        as_recorded = is_read(context.instance, open_storage(settings.storage), digest)
    except OpenlibError as error:
        raise dg.Failure(str(error)) from None
    requests = [] if as_recorded else [dg.RunRequest()]
    return dg.SensorResult(run_requests=requests, cursor=stamp)


def _was_killed(instance: dg.DagsterInstance) -> bool:
    """Tell whether the last run that was to read the file did not end by itself: another process then said so."""
    run = next(iter(instance.get_runs(dg.RunsFilter(job_name=STORE), limit=1)), None)
    return run is not None and run.status is dg.DagsterRunStatus.FAILURE and RUN_FAILURE_REASON_TAG not in run.tags
