"""On S3, no object is downloaded twice in a run, and what a run wrote itself is not downloaded at all."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

import dagster as dg

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker

_DOWNLOAD = re.compile(r'"GET (/[^ ?]+) HTTP/1\.1" 20[06]')


class _Downloads(logging.Handler):
    """Counts the downloads in the log of the S3 server, by path below the root; locks are no data."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._below = root.removeprefix("s3:/") + "/"

    def emit(self, record: logging.LogRecord) -> None:
        found = _DOWNLOAD.search(record.getMessage())
        path = unquote(found[1]) if found else ""
        if path.startswith(self._below) and "/_locks/" not in path:
            self.counts[path.removeprefix(self._below)] += 1


@contextmanager
def downloads(root: str) -> Iterator[Counter[str]]:
    server, handler = logging.getLogger("werkzeug"), _Downloads(root)
    level = server.level
    server.setLevel(logging.INFO)
    server.addHandler(handler)
    try:
        yield handler.counts
    finally:
        server.removeHandler(handler)
        server.setLevel(level)


def test_each_object_is_downloaded_once_a_run_at_most(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    place = new_place("s3")
    with Sandbox(SandboxConfig({"love": 60})) as sandbox:

        def run(job: str) -> Counter[str]:
            """Run as a process of its own would, which knows nothing of what others downloaded."""
            pipeline = Pipeline(place, instance, sandbox.url, OPENLIB_PAGE_SIZE="25")
            with downloads(place.root) as counts:
                assert pipeline.run("love", job=job).success
            return counts

        assert run("all_assets") == {}, "a run knows what it wrote itself"
        unchanged = run("all_assets")
        tables = sorted(path.split("/")[1] for path in unchanged)
        assert tables == ["raw_details", "raw_works"], "what is made of them tells its digest itself"
        assert set(unchanged.values()) == {1}
        rebuilt = run("rebuild_from_bronze")
        assert any(path.startswith("bronze/raw_works/subject=love/") for path in rebuilt)
        assert set(rebuilt.values()) == {1}
