"""Dagster's migrations, read once in a process: alembic reads them for each database of an instance that is opened.

To import this module is enough. That was most of what it takes to open an instance, which every other test does.
"""

from alembic.config import Config
from alembic.script import ScriptDirectory

_read = ScriptDirectory.from_config
_kept: dict[str | None, ScriptDirectory] = {}


def _read_once(config: Config) -> ScriptDirectory:
    location = config.get_main_option("script_location")
    if location not in _kept:
        _kept[location] = _read(config)
    return _kept[location]


ScriptDirectory.from_config = _read_once  # type: ignore[method-assign]
