"""What is served to a client: a sandbox with faults, or whatever a script sends."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from openlib_assets.openlibrary.answers.checked import Page
from openlib_assets.openlibrary.client import Client
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig

WORKS = 60
Script = Callable[[BaseHTTPRequestHandler], None]


def sandbox_of(*, works: int = WORKS, faults: FaultPlan | None = None, **config: Any) -> Sandbox:
    return Sandbox(SandboxConfig({"love": works}, faults=faults or FaultPlan(), **config))


def at_first(fault: str, times: int = 1, **plan: Any) -> FaultPlan:
    return FaultPlan(planned=(Planned(fault, times=times),), **plan)


def always(fault: str, **plan: Any) -> FaultPlan:
    return FaultPlan(permanent={"love": fault}, **plan)


def keys_of(sandbox: Sandbox, subject: str = "love") -> list[str]:
    return [key.removeprefix("/works/") for key in sandbox.keys(subject)]


@contextmanager
def scripted(script: Script) -> Iterator[str]:
    """Serve whatever `script` sends to each GET; give the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script(self)

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def page_of(client: Client, *, limit: int = 20, **asked: Any) -> Page:
    return client.page("love", offset=0, limit=limit, **asked)
