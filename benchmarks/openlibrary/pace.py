"""The pace: how well several processes together keep to Open Library's limits, and how little they waste of them."""

import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.tools.figures import Baseline, Figure, Target
from openlib_assets.openlibrary.enumeration import page_offsets
from openlib_assets.sandbox import SandboxConfig
from openlib_assets_tests.tools.deployment import (
    DeploymentError,
    SandboxProcess,
    environment,
    openlib,
    openlib_command,
    running,
    sandbox_process,
    subject_of,
    tail,
    wait_until,
)

_RATE = 3
_PROCESSES = 4
_SECONDS = 60
_START_SECONDS = 120

_PAGES = 60
_LATENCY = 1.5
_IN_FLIGHT = 3


def figures() -> list[Figure]:
    """Measure the shared pace of four processes, and how well one process hides a slow API."""
    return [*shared_pace(), latency()]


def shared_pace(seconds: float = _SECONDS) -> list[Figure]:
    """Let four `openlib run` processes, who share nothing but the pace, fetch at once for a minute.

    The most requests in any ten seconds are those of the whole run, starts included. Total and shares are those of the
    minute that begins when the last of the four sends its first request. All from the sandbox's own log.
    """
    # A page of two works, overlapping by one: a request for each work, and more of them than the pace allows.
    subjects = {f"subject_{number}": int(_RATE * (seconds + _START_SECONDS)) for number in range(_PROCESSES)}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sandbox = stack.enter_context(sandbox_process(SandboxConfig(subjects), folder))
        logs = [_start(stack, folder, sandbox, subject) for subject in subjects]
        try:
            wait_until(
                lambda: len(_by_subject(sandbox)) == _PROCESSES, _START_SECONDS, what="a request of each process"
            )
        except DeploymentError as error:
            raise DeploymentError("\n".join([str(error), *map(tail, logs)])) from None
        time.sleep(seconds + 1)
        times = _by_subject(sandbox)
    begin = max(min(sent) for sent in times.values())
    within = {subject: sum(begin <= at < begin + seconds for at in sent) for subject, sent in times.items()}
    if 0 in within.values():
        raise DeploymentError(f"a process sent nothing: {within}")
    total, due = sum(within.values()), _RATE * seconds
    who = f"{_PROCESSES} processes at {_RATE} requests a second"
    return [
        Figure(
            f"{who}: most requests in any ten seconds",
            most_within(sorted(at for sent in times.values() for at in sent), 10),
            "requests",
            Target("<=", 10 * _RATE + 1),
        ),
        Figure(
            f"{who}: requests in {seconds:g} s",
            total,
            "requests",
            Target(">=", 0.9, of_ratio=True),
            Baseline("ceiling", due),
        ),
        Figure(
            f"{who}: the smallest share",
            min(within.values()),
            "requests",
            Target(">=", 0.5, of_ratio=True),
            Baseline("fair share", total / _PROCESSES),
        ),
    ]


def most_within(times: Sequence[float], seconds: float) -> int:
    """Return the most of the times, which are sorted, that lie in one window of so many seconds."""
    return max(bisect_left(times, start + seconds) - place for place, start in enumerate(times))


def latency(pages: int = _PAGES) -> Figure:
    """Fetch many pages from a slow API, and compare the time with that of the best possible schedule.

    The list of keys that proves them can be asked for only when all pages are there.

    The fetch lasts from the start of the first request to the last answer: the sandbox writes each request into its log
    right before it answers, so the time of the last write is that of the last answer.
    """
    page_size = 10
    works = page_size * pages
    if len(page_offsets(works, page_size)) != pages:
        raise DeploymentError("the subject has not as many pages as meant")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = SandboxConfig({"slow": works}, latency=_LATENCY)
        with sandbox_process(config, folder) as sandbox:
            env = environment(
                folder,
                sandbox.url,
                OPENLIB_REQUESTS_PER_SECOND=str(_RATE),
                OPENLIB_MAX_IN_FLIGHT=str(_IN_FLIGHT),
                OPENLIB_PAGE_SIZE=str(page_size),
            )
            result = openlib("run", "slow", env=env, seconds=60 + 4 * pages * _LATENCY)
            sent = sandbox.requests()
            taken = sandbox.log.stat().st_mtime - sent[0].at
    if result.status or len(sent) < pages:
        raise DeploymentError(f"the run failed, after {len(sent)} requests:\n{result.output}")
    return Figure(
        f"fetch of {pages} pages and the list of their keys, {_LATENCY:g} s an answer, "
        f"{_RATE} requests a second, {_IN_FLIGHT} in flight",
        taken,
        "s",
        Target("<=", 1.25, of_ratio=True),
        Baseline("best possible schedule", best_schedule(pages) + _LATENCY),
    )


def best_schedule(requests: int) -> float:
    """Return the seconds that so many requests take at least.

    Request i starts at max(start[i-1] + 1/rate, start[i-in_flight] + latency): neither sooner after the one before than
    the rate allows, nor before one of those in flight is answered; the last one then takes the latency. With three in
    flight and 1.5 s each, that is two requests a second. That nobody knows the number of pages before the first answer
    is not allowed for.
    """
    starts: list[float] = []
    for request in range(requests):
        after_last = starts[-1] + 1 / _RATE if starts else 0.0
        after_answer = starts[request - _IN_FLIGHT] + _LATENCY if request >= _IN_FLIGHT else 0.0
        starts.append(max(after_last, after_answer))
    return starts[-1] + _LATENCY


def _start(stack: ExitStack, folder: Path, sandbox: SandboxProcess, subject: str) -> Path:
    """Start an `openlib run` on an instance and a storage of its own, to be ended with the stack; give its output."""
    env = environment(
        folder / subject,
        sandbox.url,
        XDG_CACHE_HOME=str(folder / "cache"),
        OPENLIB_REQUESTS_PER_SECOND=str(_RATE),
        OPENLIB_PAGE_SIZE="2",
    )
    (folder / subject).mkdir()
    log = folder / subject / "output"
    stack.enter_context(running(openlib_command("run", subject), env, log))
    return log


def _by_subject(sandbox: SandboxProcess) -> dict[str, list[float]]:
    """Return when each subject was asked for, in seconds of the system-wide clock."""
    times: dict[str, list[float]] = {}
    for request in sandbox.requests():
        times.setdefault(subject_of(request), []).append(request.started)
    return times
