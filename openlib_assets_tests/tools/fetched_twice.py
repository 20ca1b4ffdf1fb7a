"""A root with a warehouse: subjects that share works, fetched twice, and a store that sells some of the books.

It is made once for all processes of the tests, by the fixture `twice`; who changes something takes a root of their own.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from openlib_assets.cli.runs import execute
from openlib_assets.lake import layout
from openlib_assets.lake.contract import STORE_TABLES, Layer
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place
from openlib_assets_tests.tools.instances import temporary_instance

SIZES = {"detective_stories": 80, "place:são_paulo_(brazil)": 60, "1984": 40}
CHANGED = "detective_stories"
_STORE_ROWS = 60
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# What is made across subjects and tells where it lies, so that it is never copied; and what the store says, with it.
_ACROSS = (
    *(layout.CATALOG, layout.WAREHOUSE_DATABASE, layout.COMPARISON, layout.DIGEST_PAGE, layout.DIGEST_FEED),
    *(layout.shared_table_file(table.layer, table.name) for table in STORE_TABLES),
)
# Nobody is asked any more.
_NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Changes:
    """What differs between the fetches of `CHANGED`, by the works' keys."""

    added: str
    removed: str
    retitled: str


def fetch_twice(folder: Path) -> None:
    """Leave in a folder the root, the instance and the store after the second run, and last what differs."""
    with Sandbox(SandboxConfig(SIZES)) as sandbox, temporary_instance() as instance:
        sandbox.write_store_catalogue(_store(folder), _STORE_ROWS)
        pipeline = Pipeline(_on_disk(folder), instance, sandbox.url, **_variables(folder))
        _run_for_all(pipeline, "read_store_catalogue")
        _run(pipeline)
        gone, retitled = [work["key"] for work in sandbox.works(CHANGED)][:2]
        sandbox.remove_work(CHANGED, gone)
        sandbox.change_work(CHANGED, retitled, title="Retitled")
        new = sandbox.add_work(CHANGED)["key"]
        _run(pipeline)
        shutil.copytree(instance.root_directory, _home(folder))
    changes = Changes(*(key.removeprefix("/works/") for key in (new, gone, retitled)))
    _told(folder).write_text(json.dumps(asdict(changes)), encoding="utf-8")


def is_fetched(folder: Path) -> bool:
    """Tell whether all of it is there."""
    return _told(folder).exists()


@contextmanager
def fetched_twice(
    folder: Path, place: Place | None = None, *, across: bool = True
) -> Iterator[tuple[Pipeline, Changes]]:
    """Lend the pipeline after its second run, where it was made or with its files in another place.

    There, what is made across subjects is made anew, or, not `across`, the warehouse is copied and the rest left out.
    """
    changes = Changes(**json.loads(_told(folder).read_text(encoding="utf-8")))
    with temporary_instance(_home(folder)) as instance:
        pipeline = Pipeline(place or _on_disk(folder), instance, _NOWHERE, **_variables(folder))
        if place:
            _copy(Path(_on_disk(folder).root), pipeline, warehouse=not across)
            for job in ("read_store_catalogue", "across_subjects") if across else ():
                _run_for_all(pipeline, job)
        yield pipeline, changes


def _on_disk(folder: Path) -> Place:
    return Place(str(folder / "root"), {})


def _store(folder: Path) -> Path:
    return folder / "store.csv"


def _home(folder: Path) -> Path:
    return folder / "home"


def _told(folder: Path) -> Path:
    return folder / "changes.json"


def _variables(folder: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(folder / "cache"), "OPENLIB_STORE_CATALOGUE": str(_store(folder))}


def _copy(root: Path, pipeline: Pipeline, *, warehouse: bool) -> None:
    for file in root.rglob("*"):
        path = file.relative_to(root).as_posix()
        if file.is_file() and path not in _ACROSS and (warehouse or not path.startswith(f"{Layer.WAREHOUSE}/")):
            pipeline.storage.write(path, file.read_bytes())


def _run(pipeline: Pipeline) -> None:
    assert pipeline.run(*SIZES).success
    _run_for_all(pipeline, "across_subjects")


def _run_for_all(pipeline: Pipeline, job: str) -> None:
    with pipeline.environment():
        assert execute(pipeline.instance, pipeline.definitions.resolve_job_def(job), _QUIET).success
