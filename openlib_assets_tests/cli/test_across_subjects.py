"""Whether what is made across all subjects is current, where runs were given another root."""

import dataclasses

import dagster as dg
import pytest

from openlib_assets.cli import across_subjects
from openlib_assets.cli.across_subjects import across_subjects_is_current
from openlib_assets.cli.runs import QUIET, execute
from openlib_assets.defs.jobs import ACROSS, ALL
from openlib_assets.defs.partitions import run_tags
from openlib_assets.lake.warehouse import versions
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place


def test_what_is_made_at_another_root_neither_brings_this_one_up_to_date_nor_outdates_it(
    place: Place, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Below the root, where a place that begins alike is not this one's.
    trial = dataclasses.replace(place, root=f"{place.root}/trial")

    def run(job: str, root: Place) -> None:
        given = {"resources": {"storage": {"config": {"root": root.root}}}}
        tags = {} if job == ACROSS else run_tags(["a"])
        with pipeline.environment():
            assert execute(instance, pipeline.definitions.resolve_job_def(job), {**QUIET, **given}, tags).success

    def current() -> tuple[bool, bool]:
        here, there = (across_subjects_is_current(instance, root.open(), None) for root in (place, trial))
        return here, there

    with Sandbox(SandboxConfig({"a": 4, "b": 4, "c": 4})) as sandbox:
        pipeline = Pipeline(place, instance, sandbox.url)
        assert pipeline.run("a", "b").success
        assert current() == (False, False)
        run(ACROSS, place)
        assert current() == (True, False)
        run(ALL, trial)
        assert current() == (True, False)
        run(ACROSS, trial)
        assert current() == (True, True)
        assert pipeline.run("c").success
        assert current() == (False, True)
        # Later than what was made of c here, so that all that was recorded last is of the trial.
        sandbox.add_work("a")
        run(ALL, trial)
        run(ACROSS, trial)
        assert current() == (False, True)
        run(ACROSS, place)
        assert current() == (True, True)
        sandbox.add_work("a")
        run(ALL, trial)
        assert current() == (True, False)
    warehouse = versions.current(pipeline.storage)
    assert warehouse
    assert set(warehouse.subjects) == {"a", "b", "c"}
    # Of more than are looked through, it is taken that one is of this root.
    monkeypatch.setattr(across_subjects, "_LOOKED_AT", 1)
    assert not across_subjects_is_current(instance, pipeline.storage, None)
