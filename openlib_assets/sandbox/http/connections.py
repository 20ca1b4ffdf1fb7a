"""Connections: HTTP on a port of this machine, a thread for each client, and whatever answers behind it."""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Protocol

from openlib_assets.sandbox.http.answering import Outcome
from openlib_assets.sandbox.http.faults import BREAKING_OFF


class Answerer(Protocol):
    """What stands behind the connections."""

    def handle(self, method: str, target: str, headers: Mapping[str, str]) -> Outcome:
        """Answer one request. The names of its headers are in small letters."""
        ...

    def stall(self) -> None:
        """Let a client wait for nothing."""
        ...


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    server: "Server"

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The method for every HTTP verb, by the name that the base class looks for."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def version_string(self) -> str:
        """The Server header."""
        return "openlibrary-sandbox"

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answerer = self.server.answerer
        reply, fault = answerer.handle(self.command, self.path, headers)
        if self.command != "GET":
            self.close_connection = True  # a body that nobody reads may follow
        if reply is None:
            if fault == "stall":
                answerer.stall()
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(reply.length))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        breaks_off = fault in BREAKING_OFF
        if self.command != "HEAD":
            for chunk in reply.chunks(reply.length // 2 if breaks_off else reply.length):
                self.wfile.write(chunk)
        if fault == "stall_body":
            self.wfile.flush()
            answerer.stall()
        self.close_connection = self.close_connection or breaks_off

    def log_message(self, *_: object) -> None:
        """Say nothing: the sandbox keeps its own log."""


class Server(ThreadingMixIn, TCPServer):
    """A thread for every connection, and a way to end them all."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answerer: Answerer):
        self.answerer = answerer
        self._connections: set[socket.socket] = set()
        self._all_closed = threading.Condition()
        super().__init__(address, _Handler)

    def serve(self) -> None:
        """Take connections until shut down."""
        self.serve_forever(poll_interval=0.02)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection, and serve it in a thread."""
        with self._all_closed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and forget it."""
        super().shutdown_request(request)
        with self._all_closed:
            self._connections.discard(request)
            self._all_closed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong, unless it is the client that went."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Close the port, then the connections; threads end as they notice."""
        self.server_close()
        with self._all_closed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._all_closed.wait_for(lambda: not self._connections, timeout=2)
