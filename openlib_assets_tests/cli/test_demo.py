"""`openlib demo --dumps` builds a catalogue from a dump, and takes its subjects from there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openlib_assets_tests.tools.forked import commands

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the demo says."""
    folder = tmp_path_factory.mktemp("demo")
    with commands(folder, NOBODY) as openlib:
        own: dict[str, Any] = {
            "OPENLIB_SOURCE": "api",
            "OPENLIB_DATABASE": "postgresql://nobody@127.0.0.1:9/nowhere",
            "OPENLIB_ICEBERG": f"sqlite:///{folder}/tables.db",
            "OPENLIB_STORE_FORMAT": "isbn=No such column",
        }
        done = openlib.run("demo", "--dumps", "--to", str(folder / "demo"), **own)
        # What is invented goes into nothing that is the user's own.
        assert not (folder / "tables.db").exists()
        assert done.status() == 0, done.output
    return done.output


def test_its_subjects_come_from_the_dump_that_it_built(demo: str) -> None:
    assert re.search(
        r"^the dump of \S+ is built: 2,9\d\d works, \d+ subjects, [1-9]\d* lines set aside$", demo, re.MULTILINE
    )
    assert "3 of 3 subjects are complete." in demo
    (first,) = re.findall(r"^Open first: +(\S+)", demo, re.MULTILINE)
    report = Path(first).read_text(encoding="utf-8")
    assert re.search(r">dump:\d{4}-\d\d-\d\d/works/science_fiction<", report)
    assert re.search(r"<li>The store sells \d+ of the 2,500 works", report)


@pytest.mark.parametrize(
    ("heading", "wanted"),
    [
        ("Other subjects", r"place:france +place +France +400"),
        ("All authors", r"OL\d+A +\S+"),
        ("Lines set aside", r"authors +\d+ +not "),
    ],
)
def test_what_it_says_to_ask_has_answers(demo: str, heading: str, wanted: str) -> None:
    (command,) = re.findall(rf"^{heading}: +(.*)$", demo, re.MULTILINE)
    # As a reader has it who activated the environment.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=True, env=os.environ | {"PATH": path}
    )
    assert re.search(wanted, done.stdout), done.stdout
