"""A server of prebuilt pages: each answer of a sandbox is asked for once, then served again as it was.

A sandbox makes each page anew, which takes longer than to read it; a server that is to be no bottleneck must not.

`python -m benchmarks.tools.prebuilt SANDBOX_URL PORT` serves it; `prebuilt_pages` starts it.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from openlib_assets_tests.tools.deployment import PROJECT_ROOT, environment, running, wait_until
from openlib_assets_tests.tools.ports import free_port

_ANSWER_SECONDS = 600
_START_SECONDS = 60


@contextmanager
def prebuilt_pages(sandbox_url: str, folder: Path) -> Iterator[str]:
    """Serve a sandbox's answers in a process of its own for the block, and give the base URL."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.tools.prebuilt", sandbox_url, str(port)]
    env = environment(folder, sandbox_url, PYTHONPATH=str(PROJECT_ROOT))
    with running(command, env, folder / f"prebuilt-{port}.log"):
        wait_until(lambda: _listens(port), _START_SECONDS, what="the server of prebuilt pages")
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _serve(sandbox_url: str, port: int) -> None:
    answers: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body leave together

        def do_GET(self) -> None:
            body = answers.get(self.path)
            if body is None:
                answer = requests.get(sandbox_url + self.path, timeout=_ANSWER_SECONDS)
                answer.raise_for_status()
                body = answers[self.path] = answer.content
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
