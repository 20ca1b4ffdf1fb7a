"""What becomes of a subject whose fetched works cannot be read, and of those beside it."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import (
    Pipeline,
    PlaceMaker,
    assert_tables_equal,
    failure_text,
    reference_tables,
    snapshot_paths,
)
from openlib_assets_tests.tools.copies import copy_of
from openlib_assets_tests.tools.instances import temporary_instance


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig({"alpha": 12, "beta": 12})) as sandbox:
        yield sandbox


def damaged(kind: str, whole: bytes, folder: Path) -> bytes:
    """Return a file as it may be found: half copied, empty, not Parquet, from an older release, somebody else's."""
    if kind == "half copied":
        return whole[: len(whole) // 2]
    if kind == "empty":
        return b""
    if kind == "text":
        return b"author_key,author_name\n"
    file = folder / "file.parquet"
    file.write_bytes(whole)
    table = pq.ParquetFile(file).read()
    metadata = {b"openlib_schema_version": b"0"} if kind == "older" else {}
    pq.write_table(table.replace_schema_metadata(metadata), file)
    return file.read_bytes()


DAMAGES = {
    "half copied": "not a readable Parquet file",
    "empty": "not a readable Parquet file",
    "text": "not a readable Parquet file",
    "older": "written with schema version 0, this release reads 1 to 2",
    "foreign": "written with schema version none, this release reads 1 to 2",
}


@pytest.fixture(scope="module")
def fetched(sandbox: Sandbox, new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Two subjects of which there is bronze alone; to be copied."""
    with temporary_instance() as instance:
        cache = str(tmp_path_factory.mktemp("cache"))
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run("alpha", "beta", job="extract").success
        yield pipeline


@pytest.fixture
def copied(fetched: Pipeline, sandbox: Sandbox) -> Iterator[Pipeline]:
    with copy_of(fetched, sandbox.url) as pipeline:
        yield pipeline


def damage_alpha(pipeline: Pipeline, kind: str, folder: Path) -> str:
    """Damage the works of a subject; return the line that is to tell of it."""
    (path,) = snapshot_paths(pipeline, "alpha")
    pipeline.storage.write(path, damaged(kind, pipeline.storage.read(path), folder))
    return f"alpha: {pipeline.storage.uri(path)}: {DAMAGES[kind]}; fetch it with: openlib run --force alpha"


@pytest.mark.parametrize("kind", DAMAGES)
def test_an_unusable_table_is_a_line_that_says_what_to_do(kind: str, copied: Pipeline, tmp_path: Path) -> None:
    line = damage_alpha(copied, kind, tmp_path)
    assert failure_text(copied.run("alpha", job="rebuild_from_bronze")) == line
    assert failure_text(copied.run("alpha", job="extract")) == line, "a fetch that cannot tell what it has says so"


@pytest.mark.parametrize("kind", ["half copied", "older"])
def test_an_unusable_table_harms_no_other_subject_and_what_its_line_advises_helps(
    kind: str, copied: Pipeline, sandbox: Sandbox, tmp_path: Path
) -> None:
    line = damage_alpha(copied, kind, tmp_path)
    result = copied.run("alpha", "beta", job="rebuild_from_bronze")
    assert not result.success
    assert failure_text(result) == line
    assert_tables_equal(copied, "beta", reference_tables(copied, "beta", list(sandbox.works("beta"))))
    assert not any("alpha" in path for path in copied.place.states() if not path.startswith("bronze"))

    assert failure_text(copied.run("alpha")) == line
    assert copied.run("alpha", force=True).success
    assert_tables_equal(copied, "alpha", reference_tables(copied, "alpha", list(sandbox.works("alpha"))))
