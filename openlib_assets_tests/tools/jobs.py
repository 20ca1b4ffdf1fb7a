"""Jobs as the processes of runs and of steps build them, from the environment.

Dagster keeps one for each argument, which is the storage root. Such a process imports this module and no other of the
tests.
"""

import os

import dagster as dg

from openlib_assets.definitions import GO_ON, build_defs

# A process for each takes longer than all else; the last two are made at once.
MADE_IN_PROCESSES = ("rejected_works", "books", "author_books")


def all_assets(_root: str) -> dg.JobDefinition:
    """Return the job that makes everything."""
    return build_defs().resolve_job_def("all_assets")


def extract(_root: str) -> dg.JobDefinition:
    """Return the job that fetches alone."""
    return build_defs().resolve_job_def("extract")


def build_dump(_root: str) -> dg.JobDefinition:
    """Return the job that makes the catalogue of a dump."""
    return build_defs().resolve_job_def("build_dump")


def in_processes(_root: str, **variables: str) -> dg.JobDefinition:
    """Return a job of some assets, each step in a process of its own, two at once.

    They are forked from one whose environment is another, so they are told the `variables` of theirs.
    """
    os.environ.update(variables)
    defs = build_defs()
    options = {"max_concurrent": 2, "start_method": {"forkserver": {}}}
    return dg.Definitions(
        assets=defs.assets,
        resources=defs.resources,
        jobs=[dg.define_asset_job("some", selection=["raw_works", *MADE_IN_PROCESSES])],
        executor=dg.multiprocess_executor.configured({**GO_ON, **options}),
    ).resolve_job_def("some")
