"""Every command that the documents show, word for word, where there is just what `make demo` installs.

A copy of the project is installed by the README's first command, which takes what pip is told to take. The other
commands follow in the order of the documents, as one reader gives them, towards a sandbox Open Library and an S3 server
on this machine. What needs an extra comes last, after the line that installs the extra.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import boto3
import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import environment, s3_place
from openlib_assets_tests.docs.markdown import (
    CONTRIBUTING,
    DUMPS,
    OPERATIONS,
    README,
    TABLE_FORMATS,
    Block,
    Command,
    blocks,
    commands,
    forms,
)
from openlib_assets_tests.tools.deployment import (
    PATIENCE_SECONDS,
    PROJECT_ROOT,
    DeploymentError,
    running,
    tail,
    wait_until,
    wait_until_up,
)

SHELL = [
    block for document in (README, CONTRIBUTING, OPERATIONS, DUMPS, TABLE_FORMATS) for block in blocks(document, "sh")
]
PYTHON = blocks(OPERATIONS, "python")
TEXT = (README, OPERATIONS, DUMPS)
FIRST, *SHOWN = commands(SHELL, TEXT)

NOT_RUN = {
    "make test": "it is the suite that this one runs beside",
    "make bench": "it takes half an hour of a machine that does nothing else",
    "make bench-dumps": "the same",
    "aws s3 cp": "a program of AWS's, named for what it does",
    "dagster asset materialize --partition-range": "named as what does not work",
}
# What serves until it is stopped: the line that tells the address, and a page that answers there.
_UI = (r"Serving dagster-webserver on (\S+) in process", "/server_info")
_SANDBOX = (r"sandbox Open Library at (\S+);", "/search/subjects.json?q=*&limit=1")
SERVING = {
    "make dev": _UI,
    "make demo-ui": _UI,
    "dagster dev": _UI,
    "dg dev": _UI,
    "openlib sandbox": _SANDBOX,
    "openlib sandbox --dumps dumps": _SANDBOX,
}
NEED_AN_EXTRA = [command for command in SHOWN if "'.[" in command.text or command.text.startswith("dg ")]
NEED_NONE = [command for command in SHOWN if command not in NEED_AN_EXTRA and command.text not in NOT_RUN]

_SUBJECTS = {"science_fiction": 60, "place:france": 20, "detective_stories": 10, "love": 20, "time:1939-1945": 10}
_BUCKET = "bucket"  # as the documents call it
_DUMPS, _DUMP_DAY = "dumps", date(2026, 8, 31)  # the same
# It asks PyPI for everything.
_INSTALL_SECONDS = 1800
# The reader's own settings, and those of the `make` that runs this suite.
_FOREIGN = ("OPENLIB_", "AWS_", "DAGSTER_", "MAKE", "MFLAGS", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
_NOT_COPIED = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "data", "demo", "test-results")


@dataclass(frozen=True)
class Copy:
    """A copy of the project, and the environment variables of a shell in it."""

    folder: Path
    variables: Mapping[str, str]

    def run(self, script: str, seconds: float = PATIENCE_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a script of the shell to its end; to every question it answers no."""
        return subprocess.run(
            ["sh", "-ec", script],
            cwd=self.folder,
            env=self.variables,
            input="n\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )

    def assert_runs(self, script: str, seconds: float = PATIENCE_SECONDS) -> str:
        """Run a script that must end with 0; return what it printed."""
        done = self.run(script, seconds)
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def assert_serves(self, script: str, line: str, page: str) -> None:
        """Start a script, wait until it answers at the address that a line of its output tells, and stop it."""
        log = self.folder / "served.log"

        def told() -> list[str]:
            return re.findall(line, log.read_text(encoding="utf-8"))

        with running(["sh", "-ec", script], self.variables, log, folder=self.folder) as process:
            wait_until(lambda: bool(told()) or process.poll() is not None, PATIENCE_SECONDS, what=script)
            if not told():
                raise DeploymentError(f"{script}: ended\n{tail(log)}")
            wait_until_up(told()[0] + page, process, log)


def shell(command: Command) -> str:
    """Return the script that gives a command as its reader does; a setting shown alone must be one that works."""
    is_setting = command.text.startswith("export ")
    return "\n".join([*command.before, command.text, *(["openlib doctor"] if is_setting else [])])


@pytest.fixture(scope="module")
def copy(s3_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """Copy the project and give the README's first command."""
    folder = tmp_path_factory.mktemp("readme")
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    own |= {"PYTHON": sys.executable, "NO_PROXY": "127.0.0.1", "DAGSTER_DISABLE_TELEMETRY": "yes"}
    shutil.copytree(PROJECT_ROOT, folder / "project", ignore=_NOT_COPIED)
    Copy(folder / "project", own).assert_runs(FIRST.text, _INSTALL_SECONDS)
    s3 = s3_place(s3_url).variables
    with environment(s3):
        boto3.client("s3").create_bucket(Bucket=_BUCKET)
    dumps = folder / "project" / _DUMPS
    with Sandbox(SandboxConfig(_SUBJECTS, settled=True, dumps=dumps)) as sandbox:
        sandbox.write_dumps(dumps, _DUMP_DAY)
        variables = {
            "OPENLIB_API_URL": sandbox.url,
            "OPENLIB_DUMPS_URL": sandbox.url,
            "OPENLIB_REQUESTS_PER_SECOND": "1000",
            "XDG_CACHE_HOME": str(folder / "cache"),
            **s3,
            # Programs of others that the documents speak of, after all that the environment has itself.
            "PATH": os.pathsep.join([own["PATH"], str(_programs_of_others(folder))]),
        }
        yield Copy(folder / "project", own | variables)


def _programs_of_others(folder: Path) -> Path:
    programs = folder / "programs"
    programs.mkdir()
    (programs / "duckdb").symlink_to(Path(sys.executable).with_name("duckdb"))
    return programs


@pytest.mark.readme
def test_the_first_command_installs_no_extra(copy: Copy) -> None:
    programs = {file.name for file in (copy.folder / ".venv/bin").iterdir()}
    assert {"openlib", "dagster"} <= programs
    assert programs & {"pytest", "ruff", "dg", "duckdb"} == set()
    assert copy.run(".venv/bin/python -c 'import psycopg2'").returncode == 1


@pytest.mark.readme
@pytest.mark.parametrize("command", NEED_NONE, ids=str)
def test_the_command_works(copy: Copy, command: Command) -> None:
    if command.text in SERVING:
        copy.assert_serves(shell(command), *SERVING[command.text])
    else:
        copy.assert_runs(shell(command))


@pytest.mark.readme
@pytest.mark.parametrize(("name", "options"), forms(TEXT).items())
def test_the_form_is_that_of_a_command(copy: Copy, name: str, options: set[str]) -> None:
    told = copy.assert_runs(f". .venv/bin/activate\n{name} --help")
    assert [option for option in options if not re.search(rf"{option}\b", told)] == []


@pytest.mark.readme
@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_the_python_works(copy: Copy, block: Block) -> None:
    copy.assert_runs(f". .venv/bin/activate\npython -c {shlex.quote(block.text)}")


@pytest.mark.readme
def test_a_setting_that_needs_an_extra_says_how_to_install_it(copy: Copy) -> None:
    done = copy.run(". .venv/bin/activate\nOPENLIB_PACE=postgres openlib doctor")
    assert done.returncode == 1
    (install,) = re.findall(r"^WRONG  pace: .*(pip install .*)", done.stdout, re.MULTILINE)
    assert install in {command.text for command in NEED_AN_EXTRA}


@pytest.mark.readme
@pytest.mark.parametrize("command", NEED_AN_EXTRA, ids=str)
def test_the_command_of_an_extra_works(copy: Copy, command: Command) -> None:
    test_the_command_works(copy, command)


def test_what_is_said_of_commands_is_said_of_commands_that_are_shown() -> None:
    """Neither table keeps a command that the documents show no longer."""
    shown = {command.text for command in SHOWN}
    assert NOT_RUN.keys() | SERVING.keys() <= shown
    assert len(shown) > 25
