"""The generated docs are what the code makes today; `make docs` makes them again."""

from pathlib import Path

from pypdf import PdfReader

from openlib_assets_tests.docs import generated, presentation

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / generated.DOCS


def test_the_data_dictionary_is_current() -> None:
    assert (DOCS / generated.DATA_DICTIONARY).read_text(encoding="utf-8") == generated.data_dictionary()


def test_the_sql_for_other_dialects_is_current() -> None:
    folder = DOCS / generated.SQL_FOLDER
    kept = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in folder.glob("*/*")}
    assert kept == generated.sql_files()


def test_the_tables_of_the_glue_catalogue_are_current() -> None:
    assert (PROJECT / generated.GLUE_TABLES).read_text(encoding="utf-8") == generated.glue_tables()


def test_the_sample_output_is_current(tmp_path: Path) -> None:
    made = generated.sample_files(tmp_path)
    kept = {path.name: path.read_bytes() for path in (DOCS / generated.SAMPLE_FOLDER).glob("*.csv")}
    assert kept == made


def test_the_presentation_is_current_on_the_web_and_on_paper() -> None:
    folder = DOCS / "presentation"
    html = folder / presentation.HTML
    assert html.read_text(encoding="utf-8") == presentation.built_html(folder)
    pdf = PdfReader(folder / presentation.PDF)
    assert pdf.metadata is not None
    assert str(pdf.metadata[presentation.PRINTED_FROM]) == presentation.digest(html), (
        "print it again: make presentation"
    )
    slides = html.read_text(encoding="utf-8").count("<section ")
    assert len(pdf.pages) == slides <= 12
