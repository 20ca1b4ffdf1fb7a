"""The entry point: finds the command, and turns errors into one line and an exit status."""

import errno
import os
import signal
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import click

from openlib_assets.cli import process
from openlib_assets.cli.output import escape_what_cannot_be_shown
from openlib_assets.storage.errors import OpenlibError, WrongUseError, first_line

# By name, which is that of the module in commands/ too: one line of help.
_COMMANDS = {
    "run": "Fetch subjects and make everything from them.",
    "demo": "Try it on three subjects of a sandbox Open Library, offline.",
    "estimate": "Estimate the works, requests and minutes of a run.",
    "subjects": "Manage the watch list and the registered subjects.",
    "export": "Write the CSV files of a subject into a folder.",
    "orders": "Print what to order for subjects, or write it into a file.",
    "sql": "Query the tables of all subjects.",
    "dump": "Build the whole catalogue from a monthly dump, and find its subjects.",
    "warehouse": "Bring what is made across all subjects up to date.",
    "iceberg": "Register warehouse and dumps as Iceberg tables, and list these.",
    "storage": "Copy the storage root, from disk to S3 or back.",
    "prune": "Remove old bronze snapshots and run history.",
    "doctor": "Check settings, storage, API and instance.",
    "sandbox": "Serve the sandbox Open Library.",
}

_FAILED, _WRONG_USE, _INTERRUPTED = 1, 2, 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_CONTINUE = "interrupted; no half-written files are left; to continue, give the same command again"
# Those that this process got.
_signals: list[int] = []


class _Commands(click.Group):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"openlib_assets.cli.commands.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("openlib-assets"), prog_name="openlib")
def openlib() -> None:
    """Every work of an Open Library subject, as trusted tables."""


def main() -> None:
    """Run the command line; exit 0 if all went well, 1 if not, 2 for wrong use, 130 when interrupted."""
    process.begin()
    _open_what_is_closed()
    escape_what_cannot_be_shown()
    # Also where a shell started us in the background, which makes SIGINT ignored.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = openlib.main(standalone_mode=False)
    except WrongUseError as error:
        status = _say(str(error), _WRONG_USE)
    except OpenlibError as error:
        status = _say(str(error), _FAILED)
    except click.UsageError as error:
        error.show()
        status = _WRONG_USE
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        status = _say(_CONTINUE, _INTERRUPTED)
    except RuntimeError:
        # What DuckDB makes of a KeyboardInterrupt where it works in this thread.
        if not _signals:
            raise
        status = _say(_CONTINUE, _INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        _drop_output()
        status = _FAILED
    except Exception as error:
        line = _of_a_file(error) or _of_a_database(error)
        if line is None:
            raise
        status = _say(line, _FAILED)
    process.end()
    sys.exit(status or 0)


def _open_what_is_closed() -> None:
    """Let what is printed go nowhere where the process was started without an output, as by `>&-`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends


def _drop_output() -> None:
    """Let what is still to be written to standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _of_a_file(error: Exception) -> str | None:
    """Return the line for an error of the system, also one that the writer of a workbook wraps; None for any other."""
    reason = next((one for one in (error, *error.args) if isinstance(one, OSError)), None)
    if reason is None or (reason.filename is None and reason.errno not in _NO_ROOM):
        return None
    if reason.filename is None:
        _drop_output()
        return f"the output cannot be written: {first_line(reason)}"
    return f"{reason.filename}: {reason.strerror}; make room there, or name another place"


def _of_a_database(error: Exception) -> str | None:
    """Return the line for an error of the database of the Dagster instance; None for any other."""
    import sqlite3

    is_wrapped = type(error).__module__ == "sqlalchemy.exc"
    if not is_wrapped and not isinstance(error, sqlite3.Error):
        return None
    reason = first_line(getattr(error, "orig", None) or error)
    home = os.environ.get("DAGSTER_HOME", "")
    return f"the database of the Dagster instance in DAGSTER_HOME={home} failed: {reason}; mend that, and run it again"


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _signals.append(number)
    raise KeyboardInterrupt


def _say(line: str, status: int) -> int:
    click.echo(f"openlib: {line}", err=True)
    return status
