"""Whether what is made across all subjects is current, where runs were given another root."""

import dataclasses

import dagster as dg
import pytest

from openlib_assets.cli import across_subjects
from openlib_assets.cli.across_subjects import across_subjects_is_current
from openlib_assets.defs.jobs import ACROSS
from openlib_assets.lake.warehouse import versions
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import GOLD, SERVING, SILVER, Pipeline, Place

# All that something across subjects is made from, and what that is made from.
TABLES = ("raw_works", "raw_details", *SILVER, *GOLD, *SERVING)


def test_what_is_made_at_another_root_neither_brings_this_one_up_to_date_nor_outdates_it(
    place: Place, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Below the root, where a place that begins alike is not this one's.
    trial = dataclasses.replace(place, root=f"{place.root}/trial")
    storages = place.open(), trial.open()

    def across(root: Place) -> None:
        assert pipeline.run(job=ACROSS, root=root.root).success

    def make(subject: str, root: Place, assets: tuple[str, ...] = TABLES) -> None:
        """Make assets of a subject, at a root that is given where it is not the deployment's own."""
        assert pipeline.run(subject, only=assets, root=None if root is place else root.root).success

    def current() -> tuple[bool, bool]:
        here, there = (across_subjects_is_current(instance, storage, None) for storage in storages)
        return here, there

    with Sandbox(SandboxConfig({"a": 4, "c": 4})) as sandbox:
        pipeline = Pipeline(place, instance, sandbox.url, OPENLIB_DETAILS="off")
        make("a", place)
        assert current() == (False, False)
        across(place)
        assert current() == (True, False)
        make("a", trial)
        assert current() == (True, False)
        across(trial)
        assert current() == (True, True)
        make("c", place)
        assert current() == (False, True)
        # Later than what was made of c here, so that all that was recorded last is of the trial.
        sandbox.add_work("a")
        make("a", trial)
        across(trial)
        assert current() == (False, True)
        across(place)
        assert current() == (True, True)
        # One table is enough.
        sandbox.add_work("a")
        make("a", trial, ("raw_works", "books"))
        assert current() == (True, False)
    warehouse = versions.current(pipeline.storage)
    assert warehouse
    assert set(warehouse.subjects) == {"a", "c"}
    # Of more than are looked through, it is taken that one is of this root.
    monkeypatch.setattr(across_subjects, "_LOOKED_AT", 1)
    assert not across_subjects_is_current(instance, pipeline.storage, None)
