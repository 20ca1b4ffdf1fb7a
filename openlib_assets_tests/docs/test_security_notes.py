"""The security notes: every guard that they name is there."""

import ast
import re
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, failure_text
from openlib_assets_tests.tools.deployment import PROJECT_ROOT

TESTS = Path(__file__).parents[1]
NOTES = (PROJECT_ROOT / "docs/security.md").read_text(encoding="utf-8")


def test_every_test_that_the_notes_name_is_there() -> None:
    named = re.findall(r"`((?:\w+/)*\w+\.py)(?:::(\w+))?`", NOTES)
    assert len(named) > 15
    for file, name in named:
        defined = {node.name for node in ast.walk(ast.parse((TESTS / file).read_text())) if hasattr(node, "name")}
        assert not name or name in defined, f"{file}::{name}"


def test_every_threat_names_a_test_that_guards_against_it() -> None:
    table = NOTES.split("what prevents it | test |")[1].split("\n\n")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and "---" not in row]
    assert len(rows) > 12
    assert [row for row in rows if not re.search(r"\.py::test_\w+`[^|]*\|$", row)] == []


@pytest.mark.parametrize(
    "key", ["..", "../../etc", "/etc/passwd", "love/../hate", "Love", "a\x00b", "person:", "@host"]
)
def test_a_partition_key_that_is_no_subject_key_is_refused_and_nothing_is_written(
    key: str, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with Sandbox(SandboxConfig({"love": 3})) as sandbox:
        pipeline = Pipeline(Place(str(tmp_path / "root"), {}), instance, sandbox.url)
        result = pipeline.run(key)
        assert not result.success
        assert "is not a" in failure_text(result)
        assert sandbox.requests == []
    assert list(tmp_path.rglob("*")) == []
