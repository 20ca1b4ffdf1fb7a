"""A root with a warehouse: subjects that share works, fetched twice, and a store that sells some of the books."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openlib_assets.cli.runs import execute
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place
from openlib_assets_tests.tools.instances import temporary_instance

SIZES = {"detective_stories": 80, "place:são_paulo_(brazil)": 60, "1984": 40}
CHANGED = "detective_stories"
_STORE_ROWS = 60
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Changes:
    """What differs between the fetches of `CHANGED`, by the works' keys."""

    added: str
    removed: str
    retitled: str


@contextmanager
def fetched_twice(place: Place, folder: Path) -> Iterator[tuple[Pipeline, Changes]]:
    """Lend the pipeline after its second run; `folder` takes what the root does not."""
    with Sandbox(SandboxConfig(SIZES)) as sandbox, temporary_instance() as instance:
        store = folder / "store.csv"
        sandbox.write_store_catalogue(store, _STORE_ROWS)
        variables = {"XDG_CACHE_HOME": str(folder / "cache"), "OPENLIB_STORE_CATALOGUE": str(store)}
        pipeline = Pipeline(place, instance, sandbox.url, **variables)
        _run_for_all(pipeline, "read_store_catalogue")
        _run(pipeline)
        gone, retitled = [work["key"] for work in sandbox.works(CHANGED)][:2]
        sandbox.remove_work(CHANGED, gone)
        sandbox.change_work(CHANGED, retitled, title="Retitled")
        new = sandbox.add_work(CHANGED)["key"]
        _run(pipeline)
        yield pipeline, Changes(*(key.removeprefix("/works/") for key in (new, gone, retitled)))


def _run(pipeline: Pipeline) -> None:
    assert pipeline.run(*SIZES).success
    _run_for_all(pipeline, "across_subjects")


def _run_for_all(pipeline: Pipeline, job: str) -> None:
    with pipeline.environment():
        assert execute(pipeline.instance, pipeline.definitions.resolve_job_def(job), _QUIET).success
