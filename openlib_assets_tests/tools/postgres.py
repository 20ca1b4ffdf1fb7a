"""A real PostgreSQL server for tests: a folder of its own, a free port on this machine only, ended by its process id.

Needs PostgreSQL's server programs: Debian's package `postgresql`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from openlib_assets_tests.tools.deployment import (
    PATIENCE_SECONDS,
    DeploymentError,
    running,
    tail,
    wait_until,
)
from openlib_assets_tests.tools.ports import free_port

# Where Debian keeps them; elsewhere they are on the path.
_DEBIAN_FOLDERS = "/usr/lib/postgresql"


@dataclass(frozen=True)
class Postgres:
    """A running server; `variables` are libpq's. `crash` ends it at once, `start` starts it again."""

    variables: Mapping[str, str]
    crash: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def postgres_server(*, safe: bool = False) -> Iterator[Postgres]:
    """Run a server with an empty database for the block, in a folder that goes with it.

    One that is `safe` waits for the disk, as all do but those of tests.
    """
    user = _ordinary_user()
    variables = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(free_port()),
        "PGUSER": "dagster",
        "PGPASSWORD": "not-a-secret",
        "PGDATABASE": "postgres",
    }
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        secret, data, log = folder / "password", folder / "data", folder / "log"
        secret.write_text(variables["PGPASSWORD"])
        for path in (folder, secret):
            shutil.chown(path, user or os.geteuid())
        # Dagster connects anew for each query, and to check a password by SCRAM costs a third of a connection.
        subprocess.run(
            [_program("initdb"), "-D", data, "-U", "dagster", "-A", "md5", "--pwfile", secret, "-N"],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
        )
        processes: list[subprocess.Popen[bytes]] = []

        def start() -> None:
            process = stack.enter_context(
                running(_command(data, variables["PGPORT"], user, safe=safe), os.environ, log)
            )
            processes.append(process)
            wait_until(lambda: _is_up(process, variables, log), PATIENCE_SECONDS, what="PostgreSQL")

        def crash() -> None:
            processes[-1].send_signal(signal.SIGQUIT)
            processes[-1].wait(PATIENCE_SECONDS)

        start()
        yield Postgres(variables, crash, start)


def _is_up(process: subprocess.Popen[bytes], variables: Mapping[str, str], log: Path) -> bool:
    if process.poll() is not None:
        raise DeploymentError(f"PostgreSQL did not start:\n{tail(log)}")
    try:
        connect(variables).close()
    except psycopg2.OperationalError:
        return False
    return True


def _command(data: Path, port: str, user: str | None, *, safe: bool) -> list[str]:
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    if not safe:  # nothing of a test has to outlive a power cut
        settings["fsync"] = "off"
    command = [_program("postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    return [*as_user, *command]


def connect(variables: Mapping[str, str]) -> "psycopg2.extensions.connection":
    """Connect to the database that libpq's variables name."""
    return psycopg2.connect(
        host=variables["PGHOST"],
        port=variables["PGPORT"],
        user=variables["PGUSER"],
        password=variables["PGPASSWORD"],
        dbname=variables["PGDATABASE"],
    )


def _program(name: str) -> str:
    found = shutil.which(name) or max(map(str, Path(_DEBIAN_FOLDERS).glob(f"*/bin/{name}")), default=None)
    if found is None:
        raise DeploymentError(f"{name} is missing: install PostgreSQL's server (Debian: apt-get install postgresql)")
    return found


def _ordinary_user() -> str | None:
    """Return a user to run the server as, where we are root, whom it refuses."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
