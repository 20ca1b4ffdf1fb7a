"""An archive in a sandbox, and what tests do with it: settings that fit, and the requests for bytes of files."""

from datetime import date
from pathlib import Path
from typing import Any

from openlib_assets.openlibrary.dumps import Archive, Listener, download_dump, file_name
from openlib_assets.sandbox import FaultPlan, LoggedRequest, Planned, Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets_tests.tools.dump_files import SEPTEMBER, dump_bytes

NODE = "/node1/items/"


def sandbox_of(folder: Path, faults: FaultPlan | None = None) -> Sandbox:
    return Sandbox(SandboxConfig({}, dumps=folder, faults=faults or FaultPlan()))


def archive_of(sandbox: Sandbox, **changes: Any) -> Archive:
    return Archive(Settings(**{"dumps_url": sandbox.url, "timeout": 5.0, "retry_wait": 0.02, **changes}))


def download(
    archive: Archive, to: Path, *names: str, day: date = SEPTEMBER, listener: Listener | None = None
) -> dict[str, Path]:
    """Download files of a day."""
    chosen = names or ("works",)
    return download_dump(archive, archive.resolve(day, chosen), chosen, to, listener)


def at_first(fault: str, times: int = 1, **plan: Any) -> FaultPlan:
    """Plan a fault for the first requests for bytes."""
    return FaultPlan(planned=(Planned(fault, match=NODE, times=times),), **plan)


def always(fault: str, name: str = "works", day: date = SEPTEMBER, **plan: Any) -> FaultPlan:
    """Plan a fault for every request for the bytes of a file, or a damage of it."""
    return FaultPlan(permanent={file_name(name, day): fault}, **plan)


def sent(sandbox: Sandbox) -> list[LoggedRequest]:
    """Return the requests for bytes."""
    return [request for request in sandbox.requests if request.path.startswith(NODE)]


def leftovers(folder: Path) -> list[str]:
    """Return the names of what is in a folder besides whole files."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".txt.gz"))


def is_whole(path: Path, name: str = "works", day: date = SEPTEMBER) -> bool:
    """Tell whether a file is, byte by byte, the one that was served."""
    return path.name == file_name(name, day) and path.read_bytes() == dump_bytes(name, day)
