"""`openlib demo`: the main job on the sandbox, offline."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the data and the Dagster instance.",
)
@click.option("--ui", is_flag=True, help="Afterwards serve the Dagster UI, and keep the sandbox running.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the UI.")
def demo(*, folder: Path, ui: bool, port: int) -> int:
    """Run three subjects of a sandbox Open Library, offline, into a separate folder.

    A store that sells some of the books is invented, too, so that there is something to order.
    """
    from openlib_assets.cli.commands.run import run_and_print
    from openlib_assets.cli.commands.sandbox import DEMO_SUBJECTS, STORE_ROWS
    from openlib_assets.lake import layout
    from openlib_assets.sandbox import Sandbox, SandboxConfig

    folder = folder.absolute()
    store = folder / "store_catalogue.csv"
    with Sandbox(SandboxConfig(subjects=DEMO_SUBJECTS)) as sandbox:
        folder.mkdir(parents=True, exist_ok=True)
        sandbox.write_store_catalogue(store, STORE_ROWS)
        os.environ |= {
            "OPENLIB_API_URL": sandbox.url,
            "OPENLIB_STORAGE": str(folder / "data"),
            "OPENLIB_SUBJECTS": str(folder / "data" / "subjects.yaml"),
            "OPENLIB_STORE_CATALOGUE": str(store),
            # The sandbox is our own; nobody else waits for it.
            "OPENLIB_REQUESTS_PER_SECOND": "1000",
            "DAGSTER_HOME": str(folder / "dagster_home"),
        }
        click.echo(f"a sandbox Open Library answers at {sandbox.url}; all its data is invented")
        status = run_and_print(list(DEMO_SUBJECTS), force=False)
        if status == 0:
            data = folder / "data"
            largest = max(DEMO_SUBJECTS, key=DEMO_SUBJECTS.__getitem__)
            click.echo(f"Open first:        {data / layout.report_file(largest)} (what to order, and why)")
            click.echo(f"All subjects:      {data / layout.COMPARISON}")
            click.echo(f"Order lists, CSV:  {data / 'exports'}")
            click.echo(f"Tables (Parquet):  {data / 'silver'} and {data / 'gold'}")
            click.echo(f"The store's books: {store} (invented, too)")
            click.echo(f"In the Dagster UI: make demo-ui, then open http://127.0.0.1:{port}")
        if ui:
            _serve_ui(port)
    return status


def _serve_ui(port: int) -> None:
    """Serve the Dagster UI until interrupted."""
    command = [sys.executable, "-m", "dagster", "dev", "-m", "openlib_assets.definitions", "-p", str(port)]
    server = subprocess.Popen(command)  # noqa: S603 - our own command
    try:
        server.wait()
    except KeyboardInterrupt:
        server.send_signal(signal.SIGINT)
        server.wait()
