"""The `openlib` command in processes of its own, quick to start and ready to be killed.

They are forked from a process that has imported everything, which saves each of them some seconds. What no variable
of the environment can ask for is asked for by `Tampering`: a lease on S3 that soon runs out, a disk that refuses, and
a signal that the process sends to itself at a given moment, since nobody outside could hit a moment that lasts a
thousandth of a second. The kernel makes no difference between a process that kills itself and one that is killed.
"""

import atexit
import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from openlib_assets_tests.tools.deployment import environment
from openlib_assets_tests.tools.instances import new_home

# Nothing has to be quick: only what hangs ends here, on the busiest machine too.
_SECONDS = 600.0
_POLL_SECONDS = 0.05
_IMPORTED = [
    "boto3",
    "dagster_aws.s3",
    "openlib_assets.cli.across_subjects",
    "openlib_assets.cli.main",
    "openlib_assets.cli.commands.dump.builds",
    "openlib_assets.cli.commands.run",
    "openlib_assets.cli.commands.sql",
    "openlib_assets.cli.commands.subjects",
    "openlib_assets.cli.output",
    "openlib_assets.lake.catalog",
    "openlib_assets.lake.iceberg.registering",
    "openlib_assets.definitions",
    "openlib_assets.defs.instance.event_log",
    "openlib_assets.defs.instance.home",
    "openlib_assets.cli.runs",
    "openlib_assets.cli.subject_states",
    "openlib_assets.storage.s3",
    "openlib_assets_tests.tools.alembic_files",
    "openlib_assets_tests.tools.botocore_files",
    "openlib_assets_tests.tools.forked",
    # By DuckDB, once it is given rows, and with it Pandas.
    "pyarrow.dataset",
    "pyiceberg.catalog.sql",
    "rich.progress",
    "rich.table",
    "xlsxwriter",
]


@dataclass(frozen=True)
class Tampering:
    """What is done to a process.

    `moment` is one of these, for files whose path begins with `path`:

    - `within`: the bytes are written, but the file is not in its place yet
    - `after`: the file is in its place
    - `before clear`, `after clear`: the folder, staged pages, is about to be thrown away, or was

    Then the process sends `number` to itself.

    `refuses` is the reason with which the disk refuses to keep what was written to it, `refuses_share` how often.

    Without `across`, what there is once for all subjects is taken for made.
    """

    lease_seconds: float = 60.0
    s3_attempts: int = 8
    refuses: str = ""
    refuses_share: float = 1.0
    seed: int = 0
    moment: str = ""
    path: str = ""
    number: int = signal.SIGKILL
    across: bool = True


@dataclass
class Forked:
    """A command under way, or at its end."""

    process: ForkServerProcess
    log: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def output(self) -> str:
        """What it has printed so far, on both streams."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stopped(self) -> bool:
        """Tell whether it has stopped itself and waits to be let go on."""
        return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def running(self) -> bool:
        return self.process.is_alive()

    def status(self, seconds: float = _SECONDS) -> int:
        """Wait until it ends; give its exit status, that of a killed one below zero."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"no end within {seconds:g} s:\n{self.output}"
        return self.process.exitcode

    def kill(self) -> None:
        """Kill it the hard way, and see it end."""
        self.process.kill()
        assert self.status() in (0, 1, -signal.SIGKILL)

    def results(self) -> dict[str, dict[str, Any]]:
        """Return what `openlib run --json` printed, by subject."""
        text = self.output
        found = json.loads(text[text.index("[\n") : text.rindex("]") + 1])
        return {result["subject"]: result for result in found}


@dataclass
class Commands:
    """The `openlib` command with its settings: files, cache and instance below `folder`, the storage where it is said.

    Whatever was started ends with the block that `commands` opens.
    """

    folder: Path
    variables: Mapping[str, str]
    started: list[Forked] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return Path(self.variables["DAGSTER_HOME"])

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Open the instance of the commands in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", str(self.home))
            with dg.DagsterInstance.get() as instance:
                yield instance

    def start(self, *arguments: str, tampering: Tampering | None = None, **variables: str) -> Forked:
        """Start a command."""
        handle, log = tempfile.mkstemp(prefix="output-", dir=self.folder)
        os.close(handle)
        about = (arguments, {**self.variables, **variables}, log, tampering or Tampering())
        process = forks().Process(target=_command, args=about, daemon=True)
        process.start()
        forked = Forked(process, Path(log))
        self.started.append(forked)
        return forked

    def run(self, *arguments: str, tampering: Tampering | None = None, **variables: str) -> Forked:
        """Run a command to its end."""
        forked = self.start(*arguments, tampering=tampering, **variables)
        forked.status()
        return forked


@contextmanager
def commands(folder: Path, api_url: str, home: Path | None = None, /, **variables: str) -> Iterator[Commands]:
    """Return the command with settings that suit a sandbox, and end in the end what was started.

    Its instance begins as a copy of the one in `home`, or of a new one, unless there is one in `folder` already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    it = Commands(folder, environment(folder, api_url, **variables))
    if not it.home.exists():
        shutil.copytree(home or new_home(), it.home)
    try:
        yield it
    finally:
        for forked in it.started:
            if forked.running():
                forked.process.kill()
                forked.process.join(_SECONDS)
            forked.process.close()


def wait_until(met: Callable[[], object], what: str, seconds: float = _SECONDS) -> None:
    """Look again and again until `met` says yes; to look takes time, on S3 as much as some requests."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(_POLL_SECONDS)


def forks() -> multiprocessing.context.ForkServerContext:
    """Return the context in which a process begins with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    # Whoever else forks, as Dagster's executor does, would have less imported.
    forkserver.ensure_running()
    return context


def begin(variables: Mapping[str, str], printed: Mapping[int, Path | str]) -> None:
    """Set the environment of a process that was forked for a test, and the file that each stream is printed into."""
    for stream, file in printed.items():
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.environ.clear()
    os.environ.update(variables)


def _command(arguments: tuple[str, ...], variables: Mapping[str, str], log: str, tampering: Tampering) -> None:
    """Be an `openlib` command."""
    os.setsid()
    begin(variables, {1: log, 2: log})
    sys.argv = ["openlib", *arguments]
    _tamper(tampering)
    from openlib_assets.cli import main  # noqa: PLC0415 - not for the process that starts this one

    try:
        main()
    finally:
        for written in (sys.stdout, sys.stderr):
            written.flush()
        atexit._run_exitfuncs()  # a forked process ends without


def _tamper(tampering: Tampering) -> None:
    from botocore.config import Config  # noqa: PLC0415

    from openlib_assets.cli import across_subjects  # noqa: PLC0415
    from openlib_assets.storage import LocalStorage, s3, s3_lease  # noqa: PLC0415

    s3_lease.LEASE_SECONDS = tampering.lease_seconds
    s3._ATTEMPTS = tampering.s3_attempts
    s3._CLIENT = s3._CLIENT.merge(Config(retries={"total_max_attempts": tampering.s3_attempts}))
    if tampering.refuses:
        _refuse(tampering)
    if not tampering.across:
        across_subjects.across_subjects_is_current = lambda *_: True
    if tampering.moment:
        for storage in (LocalStorage, s3.S3Storage):
            _signal_at_moment(storage, tampering)


def _refuse(tampering: Tampering) -> None:
    sync, dice = os.fsync, random.Random(tampering.seed)

    def refuse(handle: int) -> None:
        if dice.random() < tampering.refuses_share:
            raise OSError(errno.ENOSPC, tampering.refuses)
        sync(handle)

    # What is written is synced before it is put in its place.
    os.fsync = refuse  # type: ignore[assignment]


def _signal_at_moment(storage: Any, tampering: Tampering) -> None:
    writing, clear = storage.writing, storage.clear

    def signal_if(moment: str, path: str) -> None:
        if moment == tampering.moment and path.startswith(tampering.path):
            os.kill(os.getpid(), tampering.number)

    @contextmanager
    def writing_with_signals(self: Any, path: str) -> Iterator[Path]:
        with writing(self, path) as file:
            yield file
            signal_if("within", path)
        signal_if("after", path)

    def clear_with_signals(self: Any, folder: str) -> None:
        signal_if("before clear", folder)
        clear(self, folder)
        signal_if("after clear", folder)

    storage.writing = writing_with_signals
    storage.clear = clear_with_signals
