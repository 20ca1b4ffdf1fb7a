"""`openlib sandbox` serves what the dumps tell that it writes."""

from pathlib import Path
from urllib.parse import quote

import requests

from openlib_assets_tests.sandbox.dumped import indexed
from openlib_assets_tests.tools.deployment import environment, free_port, openlib_command, running, wait_until_up


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

    index = indexed(dumps)
    assert len(served) >= 80
    assert {key: {name: served[key][name] for name in it.record} for key, it in index.items()} == {
        key: it.record for key, it in index.items()
    }
    assert index.keys() == served.keys()
    assert f"dumps of 2026-08-31: {dumps}" in log.read_text(encoding="utf-8")
