"""Modules that a `dagster.yaml` of an earlier release names, and that have moved since."""

import os
import re
import shutil
from pathlib import Path

_MOVED = {
    b"openlib_assets.instance_storage": b"openlib_assets.defs.instance.event_log",
    b"openlib_assets.run_launcher": b"openlib_assets.defs.instance.run_launcher",
}
_NAMED = re.compile(
    rb"""(?P<key>\bmodule["']?\s*:\s*["']?)(?P<module>%s)(?![\w.])""" % b"|".join(re.escape(name) for name in _MOVED)
)


def follow_moves(settings: Path) -> list[str]:
    """Write the new names of moved modules into a `dagster.yaml`, and nothing else; return them."""
    file = settings.resolve()
    before = file.read_bytes()
    after = _NAMED.sub(lambda found: found["key"] + _MOVED[found["module"]], before)
    if after != before:
        replace_file(file, after)
    return sorted({_MOVED[found["module"]].decode() for found in _NAMED.finditer(before)})


def replace_file(file: Path, content: bytes) -> None:
    """Write a file that is whole whenever somebody looks, or as it was; raises OSError."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        if file.exists():
            shutil.copymode(file, new)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
