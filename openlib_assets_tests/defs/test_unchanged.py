"""A subject that has nothing new is asked for and recorded as unchanged, and nothing is made of it, unless need be."""

import dataclasses
from collections.abc import Iterator

import dagster as dg
import pytest

from openlib_assets import definitions
from openlib_assets.cli.subject_states import outdated
from openlib_assets.defs import assets, partitions
from openlib_assets.defs.assets import ASSETS, authors
from openlib_assets.defs.assets.tables import table_asset
from openlib_assets.lake.contract import AUTHORS
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import (
    BRONZE,
    Pipeline,
    PlaceMaker,
    assert_tables_equal,
    failure_text,
    reference_tables,
    snapshot_paths,
)
from openlib_assets_tests.tools.copies import copy_of
from openlib_assets_tests.tools.instances import temporary_instance

SUBJECTS = ("u1", "u2", "u3")
SIZES = dict(zip(SUBJECTS, (30, 31, 32), strict=True))


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A pipeline whose subjects were all fetched and made."""

    sandbox: Sandbox
    pipeline: Pipeline

    def made_again(self, *subjects: str, force: bool = False) -> dict[str, set[str]]:
        """Run subjects again; give what was recorded, by subject."""
        result = self.pipeline.run(*subjects, force=force)
        assert result.success, failure_text(result)
        made: dict[str, set[str]] = {}
        for event in result.get_asset_materialization_events():
            made.setdefault(str(event.partition), set()).add(event.asset_key.to_user_string())  # type: ignore[union-attr]
        return made


@pytest.fixture(scope="module")
def made(new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """All subjects made; not to be changed."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with Sandbox(SandboxConfig(SIZES)) as sandbox, temporary_instance() as instance:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run(*SUBJECTS).success
        yield pipeline


@pytest.fixture
def fetched(made: Pipeline) -> Iterator[Fetched]:
    with Sandbox(SandboxConfig(SIZES)) as sandbox, copy_of(made, sandbox.url) as pipeline:
        yield Fetched(sandbox, pipeline)


def test_nothing_new_is_asked_for_recorded_and_nothing_is_made(fetched: Fetched) -> None:
    asked, before = len(fetched.sandbox.requests), fetched.pipeline.place.states()
    for subjects in (SUBJECTS, SUBJECTS[:1]):
        assert fetched.made_again(*subjects) == {subject: {*BRONZE} for subject in subjects}
    assert {r.path for r in fetched.sandbox.requests[asked:]} == {
        "/search.json",
        *(f"/subjects/{s}.json" for s in SUBJECTS),
    }
    assert fetched.pipeline.place.states() == before


def test_of_several_only_the_one_that_changed_is_made(fetched: Fetched) -> None:
    elsewhere = {work["key"] for subject in ("u1", "u3") for work in fetched.sandbox.works(subject)}
    key = next(work["key"] for work in fetched.sandbox.works("u2") if work["key"] not in elsewhere)
    fetched.sandbox.change_work("u2", key, title="Another title")
    made = fetched.made_again(*SUBJECTS)
    assert made["u1"] == made["u3"] == {*BRONZE}
    assert {"books", "subject_changes", "subject_csv", "subject_report"} <= made["u2"]
    works = list(fetched.sandbox.works("u2"))
    assert_tables_equal(fetched.pipeline, "u2", reference_tables(fetched.pipeline, "u2", works))


@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_a_file_that_is_not_there_as_recorded_is_made_again_and_only_that(how: str, fetched: Fetched) -> None:
    storage = fetched.pipeline.storage
    lost = {
        "authors": "silver/authors/subject=u1/part-0.parquet",
        "subject_csv": "exports/u2/books.csv",
        "subject_report": "reports/u3/index.html",
    }
    before = {path: storage.read(path) for path in lost.values()}
    for path, content in before.items():
        if how == "lost":
            storage.delete(path)
        else:
            storage.write(path, content[:-1])
    assert fetched.made_again(*SUBJECTS) == {
        subject: {*BRONZE, asset} for subject, asset in zip(SUBJECTS, lost, strict=True)
    }
    assert {path: storage.read(path) for path in before} == before


def test_a_new_version_of_the_code_is_applied_to_what_did_not_change(
    fetched: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = table_asset(dataclasses.replace(AUTHORS, code_version="3"))
    newer_assets = [newer if asset is authors else asset for asset in ASSETS]
    monkeypatch.setattr(definitions, "ASSETS", newer_assets)
    again = Pipeline(fetched.pipeline.place, fetched.pipeline.instance, fetched.sandbox.url)
    assert outdated(again.instance) == {}
    monkeypatch.setattr(assets, "ASSETS", newer_assets)
    assert outdated(again.instance) == {subject: ["authors"] for subject in SUBJECTS}
    made = Fetched(fetched.sandbox, again).made_again(*SUBJECTS[1:])
    assert outdated(again.instance) == {SUBJECTS[0]: ["authors"]}
    made |= Fetched(fetched.sandbox, again).made_again(SUBJECTS[0])
    assert outdated(again.instance) == {}
    assert made == {subject: {*BRONZE, "authors"} for subject in SUBJECTS}, "equal bytes leave the rest as it is"


def test_force_makes_everything_again(fetched: Fetched) -> None:
    everything = {
        spec.key.to_user_string()
        for asset in ASSETS
        for spec in asset.specs
        if spec.partitions_def == partitions.subjects
    }
    assert fetched.made_again(*SUBJECTS, force=True) == dict.fromkeys(SUBJECTS, everything)
    assert len(snapshot_paths(fetched.pipeline, "u1")) == 2


def test_a_small_subject_costs_at_most_55_events(
    made: Pipeline, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with Sandbox(SandboxConfig({"u1": 30})) as sandbox:
        assert Pipeline(new_place("local"), instance, sandbox.url).run("u1").success
    one, three = events(instance), events(made.instance)
    assert (three - one) / 2 <= 55


def events(instance: dg.DagsterInstance) -> int:
    """Count the events of the one run of an instance."""
    (run,) = instance.get_runs()
    return sum(entry.is_dagster_event for entry in instance.all_logs(run.run_id))
