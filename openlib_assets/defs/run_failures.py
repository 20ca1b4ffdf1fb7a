"""The subjects that failed in a run of several: remembered with the run, so that all its steps know of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

# A run tag that the UI does not show; tags are what the steps of a run share, whatever process each has.
_TAG = ".dagster/openlib_failed_subjects"


@dataclass(frozen=True)
class Failed:
    """Why a subject failed: the asset, the kind of error, and its text."""

    asset: str
    kind: str
    reason: str


def failed_subjects(instance: dg.DagsterInstance, run_id: str) -> dict[str, Failed]:
    """Give the subjects that failed so far in a run of several, with their reasons."""
    run = instance.get_run_by_id(run_id)
    text = run.tags.get(_TAG, "{}") if run else "{}"
    return {subject: Failed(**about) for subject, about in json.loads(text).items()}


def remember_failed(instance: dg.DagsterInstance, run_id: str, failed: Mapping[str, Failed]) -> None:
    """Put the failed subjects of a run in place of those remembered before."""
    text = json.dumps({subject: vars(about) for subject, about in failed.items()})
    instance.add_run_tags(run_id, {_TAG: text})
