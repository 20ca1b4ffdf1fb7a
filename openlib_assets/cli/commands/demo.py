"""`openlib demo`: the main job on the sandbox, offline."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from openlib_assets.sandbox import Sandbox

# Of the lines of a dump, the share that nobody can use, so that there are rejects to look at.
_MESS = 0.005
_ALL_AUTHORS = "SELECT * FROM catalogue_author_averages ORDER BY book_count DESC LIMIT 10"
_REJECTS = "SELECT file, line, reason FROM catalogue_rejects"


@click.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the data and the Dagster instance.",
)
@click.option(
    "--dumps", is_flag=True, help="Take the works from a monthly dump, of which the whole catalogue is built."
)
@click.option("--ui", is_flag=True, help="Afterwards serve the Dagster UI, and keep the sandbox running.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the UI.")
def demo(*, folder: Path, dumps: bool, ui: bool, port: int) -> int:
    """Run three subjects of a sandbox Open Library, offline, into a separate folder.

    A store that sells some of the books is invented, too, so that there is something to order.
    """
    from openlib_assets.cli.commands.run import run_and_print
    from openlib_assets.cli.commands.sandbox import DEMO_SUBJECTS, STORE_ROWS
    from openlib_assets.sandbox import Sandbox, SandboxConfig
    from openlib_assets.settings import FROM_API, FROM_DUMP

    folder = folder.absolute()
    store = folder / "store_catalogue.csv"
    # A dump and the API tell the same only where Open Library has come to rest.
    with Sandbox(SandboxConfig(subjects=DEMO_SUBJECTS, settled=dumps)) as sandbox:
        folder.mkdir(parents=True, exist_ok=True)
        sandbox.write_store_catalogue(store, STORE_ROWS)
        # Databases, catalogues and jobs of the user's own are not for what is invented.
        for name in [name for name in os.environ if name.startswith("OPENLIB_")]:
            del os.environ[name]
        os.environ |= {
            "OPENLIB_API_URL": sandbox.url,
            "OPENLIB_STORAGE": str(folder / "data"),
            "OPENLIB_SUBJECTS": str(folder / "data" / "subjects.yaml"),
            "OPENLIB_STORE_CATALOGUE": str(store),
            "OPENLIB_SOURCE": FROM_DUMP if dumps else FROM_API,
            # The sandbox is our own; nobody else waits for it.
            "OPENLIB_REQUESTS_PER_SECOND": "1000",
            "DAGSTER_HOME": str(folder / "dagster_home"),
        }
        click.echo(f"a sandbox Open Library answers at {sandbox.url}; all its data is invented")
        if dumps:
            _build_dump(sandbox, folder / "dumps")
        status = run_and_print(list(DEMO_SUBJECTS), force=False)
        if status == 0:
            _say_what_to_open(folder, store)
            if dumps:
                _say_what_to_ask(folder)
            command = "openlib demo --dumps --ui" if dumps else "make demo-ui"
            click.echo(f"In the Dagster UI: {command}, then open http://127.0.0.1:{port}")
        if ui:
            _serve_ui(port)
    return status


def _build_dump(sandbox: "Sandbox", folder: Path) -> None:
    """Write the dump of a sandbox into a folder, and build the catalogue from it."""
    from openlib_assets.cli.commands.dump.builds import build_and_print
    from openlib_assets.cli.commands.sandbox import last_of_last_month

    day = last_of_last_month()
    bad = sandbox.write_dumps(folder, day, mess=_MESS)
    os.environ["OPENLIB_DUMPS"] = str(folder)
    click.echo(f"its dump of {day}, with {len(bad)} lines that nobody can use, is in {folder}")
    build_and_print(day)


def _say_what_to_open(folder: Path, store: Path) -> None:
    from openlib_assets.cli.commands.sandbox import DEMO_SUBJECTS
    from openlib_assets.lake import layout

    data = folder / "data"
    largest = max(DEMO_SUBJECTS, key=DEMO_SUBJECTS.__getitem__)
    click.echo(f"Open first:        {data / layout.report_file(largest)} (what to order, and why)")
    click.echo(f"All subjects:      {data / layout.COMPARISON}")
    click.echo(f"Order lists, CSV:  {data / 'exports'}")
    click.echo(f"Tables (Parquet):  {data / 'silver'} and {data / 'gold'}")
    click.echo(f"The store's books: {store} (invented, too)")


def _say_what_to_ask(folder: Path) -> None:
    asked = f"OPENLIB_STORAGE={shlex.quote(str(folder / 'data'))} openlib"
    click.echo(f"Other subjects:    {asked} dump subjects france")
    click.echo(f'All authors:       {asked} sql "{_ALL_AUTHORS}"')
    click.echo(f'Lines set aside:   {asked} sql "{_REJECTS}"')


def _serve_ui(port: int) -> None:
    """Serve the Dagster UI until interrupted."""
    command = [sys.executable, "-m", "dagster", "dev", "-m", "openlib_assets.definitions", "-p", str(port)]
    server = subprocess.Popen(command)  # noqa: S603 - our own command
    try:
        server.wait()
    except KeyboardInterrupt:
        server.send_signal(signal.SIGINT)
        server.wait()
