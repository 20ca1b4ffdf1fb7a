"""The same assets as Dagster would run them if nobody said anything: a run a subject, a process a step.

A code location to be served, as a baseline, on an instance without a `dagster.yaml`.
"""

import dagster as dg

from openlib_assets.definitions import build_defs


def build_default_defs() -> dg.Definitions:
    """Return the project's assets and resources with Dagster's own backfill policy and executor."""
    ours = build_defs()
    assets = [asset for asset in ours.assets or () if isinstance(asset, dg.AssetsDefinition)]
    one_subject_a_run = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)
    return dg.Definitions(
        assets=[asset.with_attributes(backfill_policy=one_subject_a_run) for asset in assets],
        resources=ours.resources,
        executor=dg.multi_or_in_process_executor,
    )


defs = build_default_defs()
