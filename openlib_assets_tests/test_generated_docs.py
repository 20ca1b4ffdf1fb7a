"""The generated docs are what the code makes today; `make docs` makes them again."""

from pathlib import Path

import pytest

from openlib_assets_tests import generated

DOCS = Path(__file__).parent.parent / "docs"


def test_the_data_dictionary_is_current() -> None:
    assert (DOCS / generated.DATA_DICTIONARY).read_text(encoding="utf-8") == generated.data_dictionary()


def test_the_sql_for_other_dialects_is_current() -> None:
    folder = DOCS / generated.SQL_FOLDER
    kept = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in folder.glob("*/*")}
    assert kept == generated.sql_files()


def test_the_sample_output_is_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENLIB_API_URL", "OPENLIB_STORAGE", "OPENLIB_REQUESTS_PER_SECOND"):
        monkeypatch.setenv(name, "")  # so that what the run sets is undone afterwards
    made = generated.sample_files(tmp_path)
    kept = {path.name: path.read_bytes() for path in (DOCS / generated.SAMPLE_FOLDER).glob("*.csv")}
    assert kept == made
