"""A signal while DuckDB reads the lines of a file: the reading ends there, and so does the process, as it should."""

import gzip
import subprocess
import sys
from pathlib import Path

from openlib_assets_tests.tools.dump_lines import DATE, author

# Each is one of the pieces in which a file is read.
PIECES, PIECE_BYTES = 24, 8 << 20
READING = """
import os, signal, sys
from pathlib import Path
from openlib_assets.lake.dumps.lakes import building
from openlib_assets.lake.dumps.steps import FILES
from openlib_assets.storage import open_storage

heard = []

def interrupt(done):
    heard.append(done)
    if len(heard) == 2:
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
(authors,) = [file for file in FILES if file.name == "authors"]
try:
    with building(open_storage(sys.argv[1]), sys.argv[2]) as build:
        build.read(authors, Path(sys.argv[3]), "digest", interrupt)
except KeyboardInterrupt:
    print(len(heard))
"""


def test_an_interrupted_reading_ends_within_a_few_pieces_and_leaves_no_thread_behind(tmp_path: Path) -> None:
    line = author("OL1A", "x" * 1000) + "\n"
    piece = (line * (PIECE_BYTES // len(line))).encode()
    file = tmp_path / f"ol_dump_authors_{DATE}.txt.gz"
    file.write_bytes(gzip.compress(piece, 1) * PIECES)
    command = [sys.executable, "-c", READING, str(tmp_path / "root"), DATE, str(file)]
    # A thread that is still at work when Python ends is the end of the process by SIGABRT.
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert 2 <= int(done.stdout) < PIECES
    assert [path for path in (tmp_path / "root").rglob("*") if path.is_file() and path.suffix == ".parquet"] == []
