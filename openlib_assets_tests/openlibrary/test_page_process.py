"""Pages read in a process beside this one: the same pages and complaints, whatever becomes of either process."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Never

import psutil
import pytest

from openlib_assets.openlibrary.answers import page_process
from openlib_assets.openlibrary.answers.checked import read_page
from openlib_assets.openlibrary.errors import TransientError
from openlib_assets.openlibrary.listings import WORKS
from openlib_assets.openlibrary.reading import page_reading
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.openlibrary.fetches import catalogue_of, fetch_of

ANSWER = rb'{"work_count": 2, "works": [{"key": "/works/OL1W", "title": "\ud800"}, {"key": "/works/OL2W", "n": 1e16}]}'
SECONDS = 60


class ReadHereError(Exception):
    """A page was read in this process."""


def reading() -> list[psutil.Process]:
    """Return the processes that read pages for this one."""
    children = psutil.Process().children()
    alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if page_process.__name__ in child.cmdline()]


def test_pages_and_complaints_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_here(*_: object, **__: object) -> Never:
        raise ReadHereError

    page = read_page(ANSWER, WORKS, offset=0, limit=2)
    with pytest.raises(TransientError) as complaint:
        read_page(b"<html>", WORKS, offset=0, limit=2)
    monkeypatch.setattr(page_process, "read_page", read_here)
    with page_process.page_process() as read:
        (process,) = reading()
        assert read(ANSWER, WORKS, offset=0, limit=2) == page
        process.send_signal(signal.SIGINT)  # of a terminal, which is for the process that asks
        with pytest.raises(TransientError) as complaint_there:
            read(b"<html>", WORKS, offset=0, limit=2)
        assert str(complaint_there.value) == str(complaint.value)
        assert read(ANSWER, WORKS, offset=0, limit=2) == page
        process.kill()
        for _ in range(2):
            with pytest.raises(ReadHereError):
                read(ANSWER, WORKS, offset=0, limit=2)
    assert reading() == []


def test_the_process_ends_when_the_one_that_asks_is_killed() -> None:
    code = (
        "import psutil\n"
        "from openlib_assets.openlibrary.answers.page_process import page_process\n"
        "with page_process():\n"
        "    print(psutil.Process().children()[0].pid, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        assert asking.stdout
        process = psutil.Process(int(asking.stdout.readline()))
        asking.kill()
    process.wait(SECONDS)


@pytest.mark.parametrize("works_worth_a_process", [150, 191])
def test_only_a_large_subject_has_one_and_is_whole_also_if_it_dies(
    works_worth_a_process: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page_reading, "_WORKS_WORTH_A_PROCESS", works_worth_a_process)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    seen: list[int] = []

    def look_and_kill_in_the_middle(number: int, *_: str) -> None:
        seen.append(len(reading()))
        if number == 12:
            for process in reading():
                process.kill()

    with Sandbox(SandboxConfig({"love": 200})) as sandbox:
        sandbox.on_request(look_and_kill_in_the_middle)
        assert fetch_of(sandbox, LocalStorage(tmp_path), page_size=10).keys() == catalogue_of(sandbox)
    assert seen[0] == 0
    assert max(seen) == int(works_worth_a_process < 191)
    assert reading() == []
