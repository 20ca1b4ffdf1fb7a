"""Ports for servers that must be told theirs, and for tests of an address where nobody listens."""

import contextlib
import getpass
import random
import socket
import tempfile
from pathlib import Path

from filelock import FileLock

# Below what Linux (32768 to 60999), macOS and Windows (from 49152) give to whoever asks for any port: such a port is
# taken by a connection or by another server before the process that it is meant for has come to listen on it.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """Return a port of this machine on which nobody listens now, and which no other process of these tests is given.

    All tests of a user that share a folder for temporary files take their ports in turn, from a random one on.
    """
    last = Path(tempfile.gettempdir()) / f"openlib_assets_tests-{getpass.getuser()}.port"
    with FileLock(last.with_suffix(".lock")):
        port = int(last.read_text(encoding="ascii")) if last.exists() else random.choice(PORTS)
        while not _is_free(port := _after(port)):
            pass
        last.write_text(str(port), encoding="ascii")
    return port


def _after(port: int) -> int:
    return port + 1 if port + 1 in PORTS else PORTS.start


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
