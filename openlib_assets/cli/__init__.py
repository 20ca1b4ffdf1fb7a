"""The `openlib` command.

`commands/` has a module a command; beside it lies what they need. Modules are loaded only for the command that is run,
and each imports what is slow (Dagster, Arrow, DuckDB) inside its functions, so that `openlib --help` answers at once.
"""

from openlib_assets.cli.main import main

__all__ = ["main"]
