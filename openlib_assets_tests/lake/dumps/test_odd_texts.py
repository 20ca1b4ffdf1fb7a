"""The rules for years, subjects, ISBNs and JSON on texts at which they could part: DuckDB reads each as Python does."""

import json
import unicodedata
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from openlib_assets.lake.dumps.lookup import find_subjects
from openlib_assets.lake.functions import all_functions
from openlib_assets.lake.transform import sql_text
from openlib_assets.storage import open_storage
from openlib_assets_tests.conftest import assert_same_rows
from openlib_assets_tests.tools.dump_lakes import build_lake, catalogue_tables
from openlib_assets_tests.tools.dump_lines import DATE, work, write_dump
from openlib_assets_tests.tools.odd_texts import odd_dates, odd_isbns, odd_literals, odd_subjects, odd_titles
from openlib_assets_tests.tools.reference_catalogue import isbn13_of_entry, subject_key, year_of
from openlib_assets_tests.tools.reference_dump import text

AT_ONCE = 20_000
# Above, there are no digits.
PLANE_OF_IDEOGRAPHS = 0x20000
# What is read of the lines of editions, and a subject's key as it is made of that.
READ = f"""
    SELECT publish_year, isbn13, title, index_keys('', subjects) AS subjects
    FROM ({sql_text("dumps/dump_editions")})
    ORDER BY line
"""  # noqa: S608 - the project's own


def in_a_list(field: str) -> Callable[[str], str]:
    return lambda given: json.dumps({field: [given]})


def isbns(given: str) -> list[str]:
    found = isbn13_of_entry(text(given) or "")
    return [found] if found else []


def keys(given: str) -> list[str]:
    key = subject_key(str(text(given)))
    return [key] if key else []


def dates(many: int, seed: int) -> list[str]:
    """Draw dates of characters that this Python knows: DuckDB's Unicode is newer, and has more digits."""
    return [date for date in odd_dates(many, seed) if "Cn" not in map(unicodedata.category, date)]


def as_json(given: str) -> str:
    return json.dumps({"title": given})


def from_json(given: str) -> str | None:
    """Two halves that meet are a character, once they have been written as JSON."""
    return text(json.loads(as_json(given))["title"])


Draw = Callable[[int, int], list[str]]
Case = tuple[Draw, Callable[[str], str], str, Callable[[str], object]]

# How texts are drawn, the record with one, the column that is read of it, and what should be in that.
CASES: dict[str, Case] = {
    "dates": (dates, lambda given: json.dumps({"publish_date": given}), "publish_year", year_of),
    "subjects": (odd_subjects, in_a_list("subjects"), "subjects", keys),
    "isbn_10": (odd_isbns, in_a_list("isbn_10"), "isbn13", isbns),
    "isbn_13": (odd_isbns, in_a_list("isbn_13"), "isbn13", isbns),
    "titles": (odd_titles, as_json, "title", from_json),
    "literals": (odd_literals, lambda given: f'{{"title": {given}}}', "title", lambda given: text(json.loads(given))),
}


@pytest.mark.parametrize(
    "many", [AT_ONCE, pytest.param(1_000_000, marks=pytest.mark.dumps)], ids=["20,000", "1,000,000"]
)
@pytest.mark.parametrize("case", list(CASES))
def test_a_text_is_read_as_python_reads_it(case: str, many: int) -> None:
    draw, record, column, wanted = CASES[case]
    with duckdb.connect() as connection:
        connection.execute(all_functions())
        for seed in islice(count(1), many // AT_ONCE):
            texts = draw(AT_ONCE, seed)
            found = read(connection, [record(given) for given in texts], column)
            assert_same_rows(list(zip(texts, found, strict=True)), [(given, wanted(given)) for given in texts])


def read(connection: duckdb.DuckDBPyConnection, records: list[str], column: str) -> list[object]:
    """Return a column of what is read of records of editions."""
    lines = [
        {"line": line, "line_text": "", "type": "/type/edition", "key": f"/books/OL{line}M", "record": record}
        for line, record in enumerate(records)
    ]
    connection.register("lines", pa.Table.from_pylist(lines))
    return [value for (value,) in connection.execute(f"SELECT {column} FROM ({READ})").fetchall()]  # noqa: S608


def test_a_digit_of_any_script_counts_as_python_counts_it_and_one_that_python_does_not_know_not_at_all() -> None:
    letters = [chr(code) for code in range(PLANE_OF_IDEOGRAPHS) if not 0xD800 <= code < 0xE000]
    with duckdb.connect() as connection:
        connection.execute(all_functions())
        connection.register("letters", pa.table({"letter": letters}))
        year = "year_of_digits(nullif(year_digits('2' || letter || '04'), ''))"
        found = connection.execute(f"SELECT letter, {year} FROM letters WHERE {year} IS NOT NULL").fetchall()  # noqa: S608
    assert dict(found) == {letter: int(f"2{letter}04") for letter in letters if letter.isdecimal()}


def test_a_subject_is_found_by_what_its_key_or_its_name_has_in_it(tmp_path: Path) -> None:
    names = ["C++", "Love, fiction", "A_b c", "Crème brûlée", "Science fiction", "FICTION / General", "O'Brien (Flann)"]
    names += ["\u0130stanbul (Turkey)", "Detective stories American"]
    storage = open_storage(str(tmp_path / "root"))
    build_lake(storage, write_dump(tmp_path, DATE, {"works": [work("OL1W", subjects=[*names, "100% wool"])]}), DATE)
    subjects = catalogue_tables(storage, DATE)["catalogue_subjects"]
    texts = ["c++", "C", "love, F", "love f", "a_b", "a b", "crème B", "BRÛ", "fiction", "n / g", "0% w", "_", "-"]
    for given in texts:
        sought = given.lower()
        wanted = {
            subject["subject"]
            for subject in subjects
            if sought.replace("_", " ") in subject["subject"].replace("_", " ") or sought in subject["name"].lower()
        }
        assert {found["subject"] for found in find_subjects(storage, DATE, f" {given} ", 99)} == wanted, given
    for given in ("istanbul", "\u0130stanbul", "ISTANBUL (TURKEY)"):
        (found,) = find_subjects(storage, DATE, given, 99)
        assert found["name"] == "\u0130stanbul (Turkey)"
    # Neither in the key nor in the name, but openlib run takes it for that subject.
    (found,) = find_subjects(storage, DATE, "Detective stories, American", 99)
    assert found["subject"] == "detective_stories_american"
