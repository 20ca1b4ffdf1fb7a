"""Storages that fail: a disk that fills up or turns read-only, an S3 that answers 500 and 503, or half of it."""

import http.client
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from openlib_assets_tests.tools.forked import Tampering

_FILLER = "filler"
_CHUNK = 1 << 16


class Disk:
    """A small disk: a file system in memory of its own, or a folder where none may be mounted.

    Commands have to be run with `tampering`: in a mere folder it is by that that every write fails.
    """

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.tampering = Tampering()
        self.mounted = mounted

    def fill(self) -> None:
        """Leave no byte free."""
        if not self.mounted:
            self.tampering = Tampering(refuses="No space left on device")
            return
        with (self.folder / _FILLER).open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(_CHUNK)) == _CHUNK:
                    pass
            except OSError:
                return

    def make_read_only(self) -> None:
        """Allow no change any more."""
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
        else:
            self.tampering = Tampering(refuses="Read-only file system")

    def restore(self) -> None:
        """Be a sound disk again."""
        self.tampering = Tampering()
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)
            (self.folder / _FILLER).unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[Disk]:
    """Return a disk of its own at `folder`; only root may mount one, and not everywhere."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield Disk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)


# The status that a request is answered with. Below zero: it is let through, and its answer gets lost on the way. `cut`
# lets it through, too, and ends the connection in the middle of the answer; `reset` ends it without an answer.
Fault = int | Literal["cut", "reset"]
# Given the number of a request, its method and its path: what befalls it, None to let it through.
Trouble = Callable[[int, str, str], Fault | None]

# As S3 words them: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_CODES = {500: "InternalError", 503: "SlowDown"}


class _Server(ThreadingHTTPServer):
    """Clients may be killed, and hang up."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of those that hang up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class TroubledS3:
    """Stands before an S3 and answers for it where `trouble` says so."""

    def __init__(self, url: str) -> None:
        self.trouble: Trouble = lambda *_: None
        self.faults = 0
        self._numbers = 0
        self._lock = threading.Lock()
        parts = urlsplit(url)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def __getattr__(self, name: str) -> Callable[[], None]:
                if name.startswith("do_"):
                    return self._pass_on
                raise AttributeError(name)

            def handle_expect_100(self) -> bool:
                """Let the client go on at once."""
                goes_on = super().handle_expect_100()
                self.wfile.flush()
                return goes_on

            def _pass_on(self) -> None:
                body = self._body()
                fault = outer.fault(self.command, self.path)
                if fault == "reset":
                    # Without lingering, to close is to reset.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    raise ConnectionResetError
                if fault is None or fault == "cut" or fault < 0:
                    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
                    headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                    headers.pop("Transfer-Encoding", None)
                    headers["Content-Length"] = str(len(body))
                    connection.request(self.command, self.path, body, headers)
                    with connection.getresponse() as answer:
                        content = answer.read()
                    connection.close()
                    if fault is None or fault == "cut":
                        self._send(answer.status, answer.getheaders(), content, cut=fault == "cut")
                        return
                status = abs(fault)
                self._send(status, [], f"<Error><Code>{_CODES[status]}</Code></Error>".encode())

            def _body(self) -> bytes:
                if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts_read = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts_read.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts_read)

            def _send(self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False) -> None:
                self.send_response_only(status)
                length = str(len(content))
                for name, value in headers:
                    if name.lower() == "content-length":
                        length = value if self.command == "HEAD" else length
                    elif name.lower() not in ("transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", length)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content[: len(content) // 2] if cut else content)
                self.close_connection = self.close_connection or cut

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "TroubledS3":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self._numbers += 1
            fault = self.trouble(self._numbers, method, path)
            self.faults += fault is not None
            return fault
