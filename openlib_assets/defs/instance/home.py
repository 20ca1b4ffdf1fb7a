"""The Dagster instance that the command line works on: the same one that `dagster dev` shows."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from openlib_assets.defs.instance.moved_modules import follow_moves, replace_file
from openlib_assets.storage import absolute_path
from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    import dagster as dg

DEFAULT_HOME = ".dagster_home"
_EVENTS_AT_ONCE = "1000"
# Of a settings file that is no YAML, the first line says neither where nor what.
_LONGEST_REASON = 1_000

_UNCAPTURED = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


class InstanceError(OpenlibError):
    """The Dagster instance cannot be opened."""


def prepare_home() -> Path:
    """Settle DAGSTER_HOME: absolute, there, and with a dagster.yaml that this release can read; return the folder."""
    home = absolute_path(os.environ.get("DAGSTER_HOME") or DEFAULT_HOME)
    try:
        home.mkdir(parents=True, exist_ok=True)
        settings = home / "dagster.yaml"
        if not settings.exists():
            replace_file(settings, files("openlib_assets.defs.instance").joinpath("dagster.yaml").read_bytes())
    except OSError as error:
        raise InstanceError(f"DAGSTER_HOME={home}: {error.strerror}; set it to a writable folder") from error
    _follow_moves(settings)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def open_instance(*, captures_output: bool = True) -> "dg.DagsterInstance":
    """Open the instance in DAGSTER_HOME, made where there is none; raises InstanceError.

    Unless it `captures_output`, what a run in this process prints goes to the terminal itself. Dagster would send it
    there by way of two files and four processes a run, a twentieth of what a small one costs.
    """
    home = prepare_home()
    # What a run plans to make is then stored at once, not an asset of a subject at a time; all else is as it happens.
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", _EVENTS_AT_ONCE)
    import dagster as dg  # noqa: PLC0415 - slow, and not every command gets here
    from dagster._core.instance.ref import InstanceRef  # noqa: PLC0415 - as above

    try:
        with _alone(home):
            return dg.DagsterInstance.from_ref(
                InstanceRef.from_dir(str(home), overrides=None if captures_output else _UNCAPTURED)
            )
    except Exception as error:
        reason = (" ".join(str(error).split()) or type(error).__name__)[:_LONGEST_REASON]
        if not os.access(home, os.W_OK):
            reason += "; set it to a writable folder"
        raise InstanceError(f"DAGSTER_HOME={home}: the Dagster instance cannot be opened: {reason}") from error


def _follow_moves(settings: Path) -> None:
    try:
        new_names = follow_moves(settings)
    except OSError as error:
        raise InstanceError(
            f"{settings}: {error.strerror}; openlib must write the new names of moved modules into it"
        ) from error
    if new_names:
        print(f"openlib: {settings}: modules have moved; it now names {', '.join(new_names)}", file=sys.stderr)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one command at a time open the instance: two that make the same tables in a new one fail in Dagster.

    The lock is not in the home itself, which is read-only in a container.
    """
    # Windows has no such number, and gives each user a folder of their own for temporary files.
    user = os.getuid() if hasattr(os, "getuid") else ""
    name = hashlib.sha256(f"{user} {home}".encode()).hexdigest()[:16]
    with FileLock(Path(tempfile.gettempdir()) / f"openlib-{name}.lock"):
        yield
