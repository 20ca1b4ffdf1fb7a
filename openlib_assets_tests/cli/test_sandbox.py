"""`openlib sandbox` serves what the dumps tell that it writes."""

import hashlib
import subprocess
from datetime import date
from pathlib import Path
from urllib.parse import quote

import requests
from click.testing import CliRunner

from openlib_assets.cli.commands.sandbox import sandbox
from openlib_assets.openlibrary.dumps import Archive
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets_tests.sandbox.dumped import indexed
from openlib_assets_tests.tools.deployment import environment, openlib_command, running, wait_until_up
from openlib_assets_tests.tools.ports import free_port


def test_the_sandbox_serves_what_its_dumps_tell(tmp_path: Path) -> None:
    port, log, dumps = free_port(), tmp_path / "output", tmp_path / "made" / "dumps"
    url = f"http://127.0.0.1:{port}"
    given = ("--subject", "love=80", "--subject", "place:oz=20", "--port", str(port))
    command = openlib_command("sandbox", *given, "--dumps", str(dumps), "--dump-date", "2026-08-31")
    with running(command, environment(tmp_path, url), log) as process:
        wait_until_up(f"{url}/search/subjects.json?q=*&limit=1", process, log)
        served = {
            work["key"]: work
            for subject in ("love", "place:oz")
            for work in requests.get(f"{url}/subjects/{quote(subject)}.json?limit=1000", timeout=10).json()["works"]
        }
        archived = Archive(Settings(dumps_url=url)).resolve(date(2026, 8, 31))

    index = indexed(dumps)
    assert len(served) >= 80
    assert {key: {name: served[key][name] for name in it.record} for key, it in index.items()} == {
        key: it.record for key, it in index.items()
    }
    assert index.keys() == served.keys()
    assert {file.file_name: (file.size, file.md5) for file in archived.files.values()} == {
        path.name: (path.stat().st_size, _md5(path)) for path in dumps.iterdir()
    }
    said = f"the dump of 2026-08-31: {dumps}; build it with OPENLIB_DUMPS_URL={url} openlib dump build"
    assert said in log.read_text(encoding="utf-8")


def test_the_list_of_faults_names_those_of_downloads_and_each_once() -> None:
    named = subprocess.run(
        openlib_command("sandbox", "--faults", "list"), capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"null_count", "stall_body", "range_ignored"} <= set(named)
    assert len(named) == len(set(named))


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_a_port_that_is_taken_is_named() -> None:
    with Sandbox(SandboxConfig({"love": 1})) as running:
        port = running.url.rpartition(":")[2]
        said = CliRunner().invoke(sandbox, ["--port", port])
    assert said.exit_code == 2
    assert f"port {port}: Address already in use; name another one" in said.output
