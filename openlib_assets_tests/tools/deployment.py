"""The project as real processes: a sandbox, the `openlib` command, `dagster dev`, and what memory they take.

A toolbox for benchmarks and for tests that run as users do. Everything listens on this machine only and keeps all its
files in the folder that it is given. Every process is in a session of its own and is ended by its id.

`python -m openlib_assets_tests.tools.deployment CONFIG PORT` serves a sandbox; `sandbox_process` starts it.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

import orjson
import psutil
import requests

from openlib_assets.sandbox import FaultPlan, LoggedRequest, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.tools.ports import free_port

PROJECT_ROOT = Path(__file__).parents[2]

# What is only slow is waited for. What would never come ends a test after so long.
PATIENCE_SECONDS = 600
_STOP_SECONDS = 20
_POLL_SECONDS = 0.1
_OF_WORKS = "q=key%3A"
_LISTED = re.compile(r'(\w+)_key:"([^"]*)"')


class DeploymentError(Exception):
    """A process did not start, ended badly or took too long; the text holds the end of what it printed."""


def environment(folder: Path, api_url: str, **variables: str) -> dict[str, str]:
    """Return the whole environment of a process that keeps to `folder`, its ceiling on requests lifted.

    Nothing else of the caller's reaches the process. `variables` come last.
    """
    kept = ("PATH", "LANG", "TMPDIR", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "DAGSTER_HOME": str(folder / "home"),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "OPENLIB_STORAGE": str(folder / "data"),
        "OPENLIB_API_URL": api_url,
        "OPENLIB_REQUESTS_PER_SECOND": "1000000",
        "OPENLIB_RETRY_WAIT": "0.1",
        **variables,
    }


@contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], log: Path, *, folder: Path = PROJECT_ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in a folder for the block, its output in the file `log`; it and all that it started end with it."""
    heed_interrupts()
    with log.open("wb") as output:
        # A session of its own: signals reach it from here only.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def heed_interrupts() -> None:
    """Let SIGINT end this process and what it starts, also where the shell that started it has it ignored."""
    in_main_thread = threading.current_thread() is threading.main_thread()  # elsewhere Python sets no handler
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its process group, politely first."""
    for by in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, by)
                process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):  # whoever outlived their parent
        os.killpg(process.pid, signal.SIGKILL)


def wait_until(met: Callable[[], bool], seconds: float, *, what: str, every: float = _POLL_SECONDS) -> None:
    """Wait until `met` says yes; raises DeploymentError after so many seconds. `what` is what is waited for.

    It is asked every so many seconds: rarely, where an answer costs much of the time of who is waited for.
    """
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise DeploymentError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


@dataclass(frozen=True)
class SandboxProcess:
    """A sandbox in a process of its own; `log` holds its requests."""

    url: str
    subjects: Collection[str]
    log: Path
    process: subprocess.Popen[bytes]

    def requests(self) -> list[LoggedRequest]:
        """Return all requests so far, in the order in which they came."""
        return request_log(self.log)

    def warm(self) -> None:
        """Let it bring every subject into order now, which it would do at the first request."""
        for subject in self.subjects:
            _get(f"{self.url}/subjects/{quote(subject, safe=':')}.json?sort=key&limit=1", PATIENCE_SECONDS)


@contextmanager
def sandbox_process(config: SandboxConfig, folder: Path) -> Iterator[SandboxProcess]:
    """Serve a sandbox in a process of its own for the block; its log is written into `folder`."""
    port = free_port()
    log, output = folder / f"sandbox-{port}.requests", folder / f"sandbox-{port}.log"
    text = orjson.dumps(replace(config, log=None)).decode()
    command = [sys.executable, "-m", "openlib_assets_tests.tools.deployment", text, str(port), str(log)]
    sandbox_url = f"http://127.0.0.1:{port}"
    with running(command, environment(folder, sandbox_url), output) as process:
        # Not a subject's address: those in the log are the caller's own.
        wait_until_up(f"{sandbox_url}/search/subjects.json?q=*&limit=1", process, output)
        yield SandboxProcess(sandbox_url, config.subjects.keys(), log, process)


def request_log(file: Path) -> list[LoggedRequest]:
    """Read the requests for subjects from a sandbox's log, in the order in which they came."""
    whole = file.read_bytes().rpartition(b"\n")[0]
    found = [LoggedRequest(**orjson.loads(line)) for line in whole.splitlines()]
    of_subjects = (request for request in found if request.path.startswith("/subjects/"))
    return sorted(of_subjects, key=lambda request: request.number)


def subjects_of(requests: Iterable[LoggedRequest]) -> set[str]:
    """Return the keys of the subjects that were asked for; who asks for the editions of works names none."""
    return {subject_of(request) for request in requests if not request.query.startswith(_OF_WORKS)}


def subject_of(request: LoggedRequest) -> str:
    """Return the key of the subject of which works, or what the search says of them, were asked for."""
    if listed := _LISTED.search(unquote_plus(request.query)):
        return listed[2] if listed[1] == "subject" else f"{listed[1]}:{listed[2]}"
    return unquote(request.path).removeprefix("/subjects/").removesuffix(".json")


@dataclass(frozen=True)
class Finished:
    """What became of an `openlib` command; `peak_bytes` is the most resident memory that it had at once."""

    status: int
    output: str
    seconds: float
    peak_bytes: int


def openlib(*arguments: str, env: Mapping[str, str], seconds: float) -> Finished:
    """Run an `openlib` command to its end; raises DeploymentError where that is not within so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "output"
        started = time.monotonic()
        with running(openlib_command(*arguments), env, log) as process, MemorySampler(process.pid) as memory:
            try:
                status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise DeploymentError(f"openlib {arguments[0]}: not within {seconds:g} s\n{tail(log)}") from None
            taken = time.monotonic() - started
        return Finished(status, log.read_text(encoding="utf-8"), taken, memory.peak_of_one)


def openlib_command(*arguments: str) -> list[str]:
    """Return the command line of an `openlib` command of this environment."""
    return [str(Path(sys.executable).with_name("openlib")), *arguments]


@dataclass(frozen=True)
class Dagster:
    """A running `dagster dev`."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask what the UI would; raises DeploymentError where GraphQL itself reports an error."""
        body = {"query": query, "variables": variables}
        with _session() as session:
            answer = session.post(f"{self.url}/graphql", json=body, timeout=PATIENCE_SECONDS).json()
        if "errors" in answer:
            raise DeploymentError(f"GraphQL: {answer['errors']}")
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def dagster_dev(env: Mapping[str, str], *, module: str | None = None) -> Iterator[Dagster]:
    """Run `dagster dev`, web server and daemon, on the instance that `env` names; gives it when it answers.

    It serves `module`, or where none is given what the project's own files name.
    """
    home = Path(env["DAGSTER_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), home / "dagster-dev.log"
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    if module:
        command += ["-m", module]
    with running(command, env, log) as process:
        server = Dagster(f"http://127.0.0.1:{port}", log, process)
        wait_until_up(f"{server.url}/server_info", process, log)
        yield server


def shipped_instance(home: Path) -> None:
    """Put the `dagster.yaml` that ships with the package into a new DAGSTER_HOME."""
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_bytes(files("openlib_assets.defs.instance").joinpath("dagster.yaml").read_bytes())


class MemorySampler:
    """How much memory processes take at most while the block runs: a process and all that descend from it.

    `chosen`, given the command line, says which of them count. Read often, in a thread; Linux only.

    `peak_together` is the greatest sum, in bytes, of what the processes take at one time, with memory that they share
    counted once (PSS); it is read only where `together` is asked for, since reading it takes time. `peak_of_one` is
    the greatest resident memory that any one of them ever had.
    """

    def __init__(
        self,
        root: int,
        *,
        chosen: Callable[[Sequence[str]], bool] = lambda _: True,
        together: bool = False,
        interval: float = 0.15,
    ) -> None:
        self.peak_together = 0
        self.peak_of_one = 0
        self._root = root
        self._chosen = chosen
        self._together = together
        self._interval = interval
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> "MemorySampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._interval):
            sum_now = 0
            for process in self._processes():
                with contextlib.suppress(psutil.Error, FileNotFoundError, ProcessLookupError):
                    self.peak_of_one = max(self.peak_of_one, _greatest_resident(process.pid))
                    sum_now += process.memory_full_info().pss if self._together else 0
            self.peak_together = max(self.peak_together, sum_now)

    def _processes(self) -> Iterator[psutil.Process]:
        try:
            root = psutil.Process(self._root)
            family = [root, *root.children(recursive=True)]
        except psutil.Error:
            return
        for process in family:
            with contextlib.suppress(psutil.Error):
                if self._chosen(process.cmdline()):
                    yield process


def executes_a_run(command_line: Collection[str]) -> bool:
    """Tell whether a process below `dagster dev` executes a run, or a step of one: Dagster spawns these."""
    return any("spawn_main" in part for part in command_line)


def _greatest_resident(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def tail(log: Path, characters: int = 3000) -> str:
    """Return the end of what a process printed."""
    return log.read_text(encoding="utf-8", errors="replace")[-characters:]


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a process answers at an address; raises DeploymentError where it ends before, or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            _get(url)
            return
        time.sleep(_POLL_SECONDS)
    raise DeploymentError(f"{url} did not come up:\n{tail(log)}")


def _get(url: str, seconds: float = 5) -> requests.Response:
    with _session() as session:
        response = session.get(url, timeout=seconds)
    response.raise_for_status()
    return response


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy on the way to this machine
    return session


def _serve(text: str, port: str, log: str) -> None:
    about = orjson.loads(text)
    faults = about.pop("faults")
    planned = tuple(Planned(**one) for one in faults.pop("planned"))
    config = SandboxConfig(**{**about, "log": Path(log)}, faults=FaultPlan(**faults, planned=planned))
    with contextlib.suppress(KeyboardInterrupt):
        Sandbox(config, port=int(port)).serve_forever()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
