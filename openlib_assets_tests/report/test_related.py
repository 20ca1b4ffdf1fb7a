"""Related subjects: against a computation in plain Python, with all the ways in which editors spell a subject."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import duckdb
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openlib_assets.lake.transform import connected
from openlib_assets.report.related import beside_fetched, beside_one, to_fetch
from openlib_assets.sandbox import Sandbox, SandboxConfig

Row = dict[str, Any]
Works = Mapping[str, Sequence[str]]

TEA: Works = {
    "OL1W": ["Tea", "Fiction", "fiction", " FICTION ", "nyt:hardcover-fiction=2010-02-21", "Cups"],
    "OL2W": ["tea", "FICTION", "Cups", "In library", "Protected DAISY", "protected daisy"],
    "OL3W": ["Cups", "fiction", "Accessible book"],
    "OL4W": [],
}
CUPS: Works = {"OL2W": TEA["OL2W"], "OL3W": TEA["OL3W"], "OL5W": ["Cups", "Saucers"], "OL6W": ["Cups", "Saucers"]}


@contextmanager
def books(subjects: Mapping[str, Works]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a connection that knows the books of these subjects."""
    with connected({}) as connection:
        connection.execute("CREATE TEMP TABLE books (subject VARCHAR, work_key VARCHAR, subjects VARCHAR[])")
        rows = [(subject, key, list(typed)) for subject, works in subjects.items() for key, typed in works.items()]
        connection.executemany("INSERT INTO books VALUES (?, ?, ?)", rows)
        connection.execute("CREATE TEMP VIEW works AS SELECT DISTINCT ON (work_key) work_key, subjects FROM books")
        connection.execute("CREATE TEMP VIEW subjects AS SELECT DISTINCT subject FROM books")
        yield connection


def key_of(text: str) -> str:
    """Return the key of a subject as typed, by Open Library's rule, and once more without white space at its ends."""
    dropped = dict.fromkeys(map(ord, ';/?:@&=+$,<>#%"{}|\\^[]`\n\r'))
    return text.strip().lower().translate({ord(" "): "_"} | dropped).strip()


def counted(works: Works, subject: str, tags: set[str]) -> list[Row]:
    """Return what most works have beside a subject, without the tags with these keys and those for bestsellers."""
    spellings: dict[str, Counter[str]] = {}
    listed: dict[str, set[str]] = {}
    for work, typed in works.items():
        for spelling in set(typed):
            if not spelling.lower().startswith(("nyt:", "collectionid:")):
                spellings.setdefault(key_of(spelling), Counter())[spelling] += 1
                listed.setdefault(key_of(spelling), set()).add(work)
    rows = [
        {
            "key": key,
            "name": min(uses, key=lambda spelling: (-uses[spelling], spelling)).strip(),
            "works": len(listed[key]),
        }
        for key, uses in spellings.items()
        if key and key != subject and key not in tags
    ]
    return sorted(rows, key=lambda row: (-row["works"], row["key"]))


def test_spellings_count_together_and_tags_and_the_subject_itself_not_at_all() -> None:
    with books({"tea": TEA}) as connection:
        found = beside_one(connection, "tea")
    assert [(row["key"], row["name"], row["works"]) for row in found] == [
        ("cups", "Cups", 3),
        ("fiction", "fiction", 3),
    ]


def test_lift_is_how_many_times_as_often_as_among_the_works_of_all_subjects() -> None:
    with books({"tea": TEA, "cups": CUPS}) as connection:
        found = beside_fetched(connection, "SELECT 'cups'")
    works = {row["key"]: (row["works"], Fraction(row["lift"]).limit_denominator(100), row["fetched"]) for row in found}
    # Four works here, six in all; tea is on two of the six, and on one of these four.
    assert works == {
        "saucers": (2, Fraction(2 * 6, 4 * 2), False),
        "fiction": (2, Fraction(2 * 6, 4 * 3), False),
        "tea": (1, Fraction(1 * 6, 4 * 2), True),
    }
    assert [row["key"] for row in found] == ["saucers", "fiction", "tea"], "most beyond chance first"


def test_of_a_single_subject_chance_is_not_known_and_those_on_most_works_come_first() -> None:
    with books({"cups": CUPS}) as connection:
        found = beside_fetched(connection, "SELECT 'cups'")
    assert [(row["key"], row["works"], row["lift"]) for row in found] == [
        ("fiction", 2, None),
        ("saucers", 2, None),
        ("tea", 1, None),
    ]


def test_what_to_fetch_next_is_what_most_works_have_and_nobody_has_fetched() -> None:
    with books({"tea": TEA, "cups": CUPS}) as connection:
        found = to_fetch(connection)
    assert [tuple(row.values()) for row in found] == [
        ("fiction", "fiction", 3, 3 / 6, 2, "tea", 3),
        ("saucers", "Saucers", 2, 2 / 6, 1, "cups", 2),
    ]


def test_keys_that_cannot_be_subjects_are_left_out_and_what_only_looks_like_a_tag_is_not() -> None:
    typed = ["...", "?", "", " ", "a\tb", "x" * 3000, "Tea", "Grade: 5", "Upgrade: a tale", "Good & well"]
    with books({"tea": {"OL1W": typed}}) as connection:
        assert [row["key"] for row in beside_one(connection, "tea")] == ["good__well", "upgrade_a_tale"]


def test_the_most_frequent_are_those_of_a_plain_count_however_many_there_are() -> None:
    with Sandbox(SandboxConfig({"tea": 3000})) as sandbox:
        works = {record["key"].removeprefix("/works/"): record["subject"] for record in sandbox.works("tea")}
    tags = "Accessible book, In library, Protected DAISY, Large type books, Open Library Staff Picks, "
    tags += "New York Times bestseller, Long Now Manual for Civilization"
    wanted = counted(works, "tea", set(map(key_of, tags.split(", "))))
    assert len(wanted) > 20
    with books({"tea": works}) as connection:
        assert beside_one(connection, "tea") == [{"subject": "", **row} for row in wanted[:20]]


def keys_in_sql(texts: Sequence[str]) -> list[str]:
    with connected({}) as connection:
        query = "SELECT subject_key(text) FROM (SELECT unnest($1::VARCHAR[]) AS text)"
        return [key for (key,) in connection.execute(query, [list(texts)]).fetchall()]


@pytest.mark.parametrize("pattern", ["a{}b", "{}a", "a{}"])
def test_a_key_in_sql_is_open_librarys_whatever_the_letter(pattern: str) -> None:
    told_apart = (chr(code) for code in range(1, 0x30000) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Lo"))
    texts = [pattern.format(letter) for letter in told_apart]
    found = zip(texts, keys_in_sql(texts), strict=True)
    assert [(text, key) for text, key in found if key != key_of(text)] == []


# A sigma is the only letter whose lower case depends on those around it.
SIGMAS = ["ΟΔΟΣ", "ΟΔΟΣ, ΑΘΗΝΑ", "Σ", "ΑΣΑ", "ΟΔΟΣ.", "Ο.Δ.Σ. ΑΘΗΝΑ", "ΟΔΟΣ'", "ΣΑΣ ΣΑΣ", "ΟΔΌΣ\u0301", "ΟΔΟΣ 2"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0Σ")), max_size=50))
@hypothesis.settings(max_examples=30)
@hypothesis.example(SIGMAS)
def test_a_key_in_sql_is_open_librarys_for_any_text(texts: list[str]) -> None:
    assert keys_in_sql(texts) == list(map(key_of, texts))
