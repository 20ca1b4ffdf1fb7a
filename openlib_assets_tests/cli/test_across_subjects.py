"""Whether what is made across all subjects is current, where runs were given another root."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import dagster as dg
import pytest

from openlib_assets.cli import across_subjects
from openlib_assets.cli.across_subjects import across_subjects_is_current
from openlib_assets.defs.jobs import ACROSS
from openlib_assets.lake.warehouse import versions
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import GOLD, SERVING, SILVER, Pipeline, Place, PlaceMaker

# All that something across subjects is made from, and what that is made from.
TABLES = ("raw_works", "raw_details", *SILVER, *GOLD, *SERVING)


@dataclass
class Roots:
    """The deployment's own root and another one, below it, where a place that begins alike is not this one's."""

    pipeline: Pipeline

    @cached_property
    def here(self) -> Place:
        return self.pipeline.place

    @cached_property
    def trial(self) -> Place:
        return dataclasses.replace(self.here, root=f"{self.here.root}/trial")

    def make(self, subject: str, root: Place, assets: tuple[str, ...] = TABLES) -> None:
        """Make assets of a subject, at a root that is given where it is not the deployment's own."""
        assert self.pipeline.run(subject, only=assets, root=None if root is self.here else root.root).success

    def across(self, root: Place) -> None:
        assert self.pipeline.run(job=ACROSS, root=root.root).success

    def current(self) -> tuple[bool, bool]:
        """Tell of each whether what was made across subjects is current there."""
        instance = self.pipeline.instance
        here, there = (across_subjects_is_current(instance, root.open(), None) for root in (self.here, self.trial))
        return here, there


def test_what_is_made_at_another_root_neither_brings_this_one_up_to_date_nor_outdates_it(
    new_place: PlaceMaker, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(SandboxConfig({"a": 4, "c": 4})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, OPENLIB_DETAILS="off")
        roots = Roots(pipeline)
        roots.make("a", roots.here)
        assert roots.current() == (False, False)
        roots.across(roots.here)
        assert roots.current() == (True, False)
        roots.make("a", roots.trial)
        assert roots.current() == (True, False)
        roots.across(roots.trial)
        assert roots.current() == (True, True)
        roots.make("c", roots.here)
        assert roots.current() == (False, True)
        # Later than what was made of c here, so that all that was recorded last is of the trial.
        sandbox.add_work("a")
        roots.make("a", roots.trial)
        roots.across(roots.trial)
        assert roots.current() == (False, True)
        roots.across(roots.here)
        assert roots.current() == (True, True)
        # One table is enough.
        sandbox.add_work("a")
        roots.make("a", roots.trial, ("raw_works", "books"))
        assert roots.current() == (True, False)
    warehouse = versions.current(pipeline.storage)
    assert warehouse
    assert set(warehouse.subjects) == {"a", "c"}
    # Of more than are looked through, it is taken that one is of this root.
    monkeypatch.setattr(across_subjects, "_LOOKED_AT", 1)
    assert not across_subjects_is_current(instance, pipeline.storage, None)


def test_roots_in_a_bucket_are_told_apart_like_folders(new_place: PlaceMaker, instance: dg.DagsterInstance) -> None:
    with Sandbox(SandboxConfig({"a": 4})) as sandbox:
        roots = Roots(Pipeline(new_place("s3"), instance, sandbox.url, OPENLIB_DETAILS="off"))
        roots.make("a", roots.here)
        roots.across(roots.here)
        assert roots.current() == (True, False)
        sandbox.add_work("a")
        roots.make("a", roots.trial)
        assert roots.current() == (True, False)
        roots.across(roots.trial)
        assert roots.current() == (True, True)
