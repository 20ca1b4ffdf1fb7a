"""The server logs what it was asked, and needs nothing of the package around it."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.sandbox.asking import ask


def test_every_request_is_logged(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    plan = FaultPlan(planned=(Planned("http_503", request=2), Planned("reset", request=4)))
    with Sandbox(SandboxConfig({"love": 5}, faults=plan, log=log)) as sandbox:
        for path in ("/subjects/love.json?limit=1", "/subjects/love.json", "/nowhere?x=%20"):
            ask(sandbox, path, headers={"User-Agent": "tester/1.0"})
        with pytest.raises(requests.ConnectionError):
            ask(sandbox, "/subjects/love.json")
        logged = sandbox.requests
        lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert [(r.number, r.path, r.query, r.status, r.fault) for r in logged] == [
        (1, "/subjects/love.json", "limit=1", 200, None),
        (2, "/subjects/love.json", "", 503, "http_503"),
        (3, "/nowhere", "x=%20", 404, None),
        (4, "/subjects/love.json", "", None, "reset"),
    ]
    assert {r.user_agent for r in logged[:3]} == {"tester/1.0"}
    assert all(earlier.started <= later.started for earlier, later in pairwise(logged))
    assert logged[0].bytes > 100
    assert [line["fault"] for line in lines] == [r.fault for r in logged]
    assert lines[0]["number"] == 1


def test_it_stands_alone() -> None:
    """It starts fast and knows nothing of the package around it."""
    program = (
        "import sys, openlib_assets.sandbox\n"
        "heavy = ('dagster', 'pandas', 'pyarrow', 'numpy', 'requests')\n"
        "own = 'openlib_assets.sandbox'\n"
        "print([name for name in sys.modules if name.split('.')[0] in heavy\n"
        "    or name.startswith('openlib_assets.') and not name.startswith(own)])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
