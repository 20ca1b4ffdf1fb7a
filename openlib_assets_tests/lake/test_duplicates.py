"""Possible duplicates: every rule on small cases, spellings in many scripts, and how often all of it is right."""

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from openlib_assets.lake.contract import (
    AUTHOR_BOOKS,
    AUTHORS,
    BOOKS,
    POSSIBLE_DUPLICATE_BOOKS,
    POSSIBLE_SAME_AUTHORS,
    Table,
)
from openlib_assets.lake.transform import CheckFailedError, built, connected, run_checks
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.labels import same_book_as, same_person_as
from openlib_assets_tests.tools import reference_duplicates as by_hand
from openlib_assets_tests.tools.labelled import Accuracy, authors_accuracy, books_accuracy, sandbox_tables
from openlib_assets_tests.tools.reference import Row

TOLKIEN = "John Ronald Tolkien"


def work(
    key: int, title: str | None, *authors: tuple[int, str | None], year: int | None = 2000, editions: int = 1
) -> Row:
    """A work; authors are (number, name)."""
    return {"key": key, "title": title, "authors": authors, "year": year, "editions": editions}


def inputs(works: Sequence[Row]) -> dict[str, pa.Table]:
    """Give the tables of works; an author's name is that of the last work that names them."""
    names = {number: name for it in works for number, name in it["authors"]}
    books = [
        {
            "work_key": f"OL{it['key']}W",
            "title": it["title"],
            "first_publish_year": it["year"],
            "year_status": "missing" if it["year"] is None else "ok" if it["year"] > 1000 else "implausible",
            "edition_count": it["editions"],
            "author_count": len(it["authors"]),
            "subjects": [],
        }
        for it in works
    ]
    pairs = [
        {"author_key": f"OL{number}A", "work_key": f"OL{it['key']}W", "author_position": place}
        for it in works
        for place, (number, _) in enumerate(it["authors"], start=1)
    ]
    authors = [
        {
            "author_key": f"OL{number}A",
            "author_name": name,
            "book_count": sum(row["author_key"] == f"OL{number}A" for row in pairs),
        }
        for number, name in names.items()
    ]
    rows = {BOOKS: books, AUTHOR_BOOKS: pairs, AUTHORS: authors}
    return {table.name: pa.Table.from_pylist(content, schema=table.schema) for table, content in rows.items()}


def found(works: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Give the rows of both tables, once they were found equal to those computed by other means."""
    tables = inputs(works)
    made = []
    for table, compute in (
        (POSSIBLE_SAME_AUTHORS, by_hand.possible_same_authors),
        (POSSIBLE_DUPLICATE_BOOKS, by_hand.possible_duplicate_books),
    ):
        sources = {name: tables[name] for name in table.made_from}
        with built(table, sources) as it:
            tables[table.name] = it.connection.table(table.name).to_arrow_table()
        rows = tables[table.name].to_pylist()
        assert rows == compute(*(source.to_pylist() for source in sources.values()))
        made.append(rows)
    return made[0], made[1]


def merged_authors(*works: Row) -> list[tuple[str, str, str]]:
    """Give (author, into, rule) of what is found of authors."""
    return [(row["author_key"], row["into_author_key"], row["rule"]) for row in found(works)[0]]


def merged_books(*works: Row) -> list[tuple[str, str, str, float]]:
    """Give (work, into, rule, score) of what is found of books."""
    return [(row["work_key"], row["into_work_key"], row["rule"], row["score"]) for row in found(works)[1]]


# Spellings


SAME_NAMES = [
    ("Jules Verne", "Verne, Jules"),
    ("Jules Verne", "VERNE, JULES, 1828-1905"),
    ("Jules Verne", "Verne, Jules, 1828-1905."),
    ("Jules Verne", "Verne, Jules, b. 1828"),
    ("Jules Verne", "Jules Verne (1828-1905)"),
    ("Jules Verne", "\u3000jules\u00a0 verne\u2003"),
    ("J. R. R. Tolkien", "J.R.R. Tolkien"),
    ("J. R. R. Tolkien", "JRR Tolkien"),
    ("J. R. R. Tolkien", "Tolkien, J. R. R., 1892-1973"),
    ("O'Brien, Ann", "Ann O\u2019Brien"),
    ("Zoë Löfroth", "Zoe\u0308 Lofroth"),
    ("Stanisław Øyen", "Stanislaw Oyen"),
    ("Juan de la Cruz, Jr.", "Juan de la Cruz Jr"),
    ("Νίκος Καζαντζάκης", "ΝΊΚΟΣ ΚΑΖΑΝΤΖΆΚΗΣ"),
    ("Νίκος Καζαντζάκης", "Καζαντζακης, Νικος"),
    ("Фёдор Достоевский", "Достоевский, Федор, 1821-1881"),
    ("نجيب محفوظ", "محفوظ, نجيب"),
    ("刘慈欣", "刘 慈欣"),
    ("村上春樹", "村上 春樹, 1949-"),
    ("רנאת, אתגר", "אתגר רנאת"),
]
OTHER_NAMES = [
    ("Jules Verne", "Julia Verne"),
    ("Jules Verne", "J. Verne"),
    ("Juan Cruz, Jr.", "Juan Cruz"),
    ("刘慈欣", "刘慈"),
    ("नाथ ठाकुर", "नथ ठाकुर"),
    ("がん まさ", "かん まさ"),
    ("Аркадий Натан", "Борис Натан"),
    ("Verne, Jules, 1828-1905", "Verne, Jules, 1950-"),
    ("!!! ???", "... ..."),
    ("", ""),
    ("\u3000", "\u3000"),
    (None, None),
]


@pytest.mark.parametrize(("one", "other"), SAME_NAMES)
def test_names_that_differ_by_spelling_only_are_the_same(one: str, other: str) -> None:
    found = merged_authors(work(1, "Sea", (1, one)), work(2, "Moon", (2, other)))
    assert [(author, into) for author, into, _ in found] == [("OL2A", "OL1A")]


@pytest.mark.parametrize(("one", "other"), OTHER_NAMES)
def test_names_that_differ_by_more_or_are_blank_are_never_the_same(one: str | None, other: str | None) -> None:
    assert merged_authors(work(1, "Sea", (1, one), (2, other))) == []


SAME_TITLES = [
    ("The Sea", "THE SEA."),
    ("The Sea", "Sea"),
    ("L'Étoile", "etoile"),
    ("Ο Δρόμος", "ΔΡΌΜΟΣ"),
    ("Catch-22", "Catch 22"),
    ("Ёлка", "елка"),
    ("三体", "《三体》"),
    ("Sea\u00a0and\nsky", "Sea and sky"),
    ("Cafe\u0301", "Café"),
    ("The", "the"),
]
OTHER_TITLES = [
    ("The Sea, volume 1", "The Sea, volume 2"),
    ("The Sea: volume 1", "The Sea"),
    ("The Sea: a novel", "The Sea: a play"),
    ("The Sea", "The Sea and the Sky"),
    ("C++", "C"),
    ("C#", "C++"),
    ("ملك", "ملكة"),
    ("!!!", "???"),
    ("", ""),
    (None, None),
]


@pytest.mark.parametrize(("one", "other"), SAME_TITLES)
def test_titles_that_differ_by_spelling_only_are_the_same(one: str, other: str) -> None:
    assert merged_books(work(1, one, (1, "Ann")), work(2, other, (1, "Ann"))) == [("OL2W", "OL1W", "same_title", 0.95)]


@pytest.mark.parametrize(("one", "other"), OTHER_TITLES)
def test_titles_that_differ_by_more_or_are_missing_are_never_the_same(one: str | None, other: str | None) -> None:
    assert merged_books(work(1, one, (1, "Ann")), work(2, other, (1, "Ann"))) == []


@pytest.mark.parametrize("text", sorted({str(it) for pair in (*SAME_NAMES, *OTHER_NAMES, *SAME_TITLES) for it in pair}))
def test_texts_are_folded_as_the_reference_folds_them(text: str) -> None:
    with connected({}) as connection:
        row = connection.execute("SELECT folded($1), title_key($1), folded(straight_name($1))", [text]).fetchone()
    words, _ = by_hand.name_parts(text)
    assert row == (by_hand.folded(text), by_hand.title_key(text), " ".join(words))


def test_every_character_is_folded_as_the_reference_folds_it() -> None:
    # Those that are as old as Unicode 3.2 do not depend on the release of Python or DuckDB.
    old = (
        chr(code) for code in range(sys.maxunicode + 1) if unicodedata.ucd_3_2_0.category(chr(code)) not in ("Cn", "Cs")
    )
    characters = [character for character in old if unicodedata.category(character)[0] != "M"]
    texts = [beside.format(character) for character in characters for beside in ("é{}y", "و{}ي")]
    with connected({"texts": pa.table({"place": range(len(texts)), "text": texts})}) as connection:
        found = connection.execute("SELECT folded(text) FROM texts ORDER BY place").fetchall()
    differ = [text for text, (words,) in zip(texts, found, strict=True) if words != by_hand.folded(text)]
    assert len(texts) > 100_000
    assert differ == []


# Authors


def test_what_speaks_for_one_person_is_told_by_rule() -> None:
    ann = "Ann Bell"
    assert merged_authors(work(1, "Sea", (1, ann), (2, ann))) == [("OL2A", "OL1A", "same_work")]
    assert merged_authors(work(1, "Sea", (1, ann)), work(2, "The sea", (2, ann))) == [("OL2A", "OL1A", "same_title")]
    assert merged_authors(work(1, "Sea", (1, ann)), work(2, "Sky", (2, ann))) == [("OL2A", "OL1A", "same_name")]
    long = merged_authors(work(1, "Sea", (1, TOLKIEN)), work(2, "Sky", (2, TOLKIEN)))
    assert long == [("OL2A", "OL1A", "same_long_name")]


def test_the_scores_of_the_rules_on_authors() -> None:
    def score(*works: Row) -> float:
        ((row,), _) = found(works)
        assert isinstance(row["score"], float)
        return row["score"]

    ann = "Ann Bell"
    assert score(work(1, "Sea", (1, ann), (2, ann))) == 0.95
    assert score(work(1, "Sea", (1, ann)), work(2, "Sea", (2, ann))) == 0.9
    assert score(work(1, "Sea", (1, TOLKIEN)), work(2, "Sky", (2, TOLKIEN))) == 0.7
    assert score(work(1, "Sea", (1, ann)), work(2, "Sky", (2, ann))) == 0.3


@pytest.mark.parametrize(("name", "rules"), [("Anonymous", []), ("刘慈欣", ["same_name"]), ("한강", ["same_name"])])
def test_a_name_of_one_word_alone_says_nothing_unless_its_script_has_no_spaces(name: str, rules: list[str]) -> None:
    alike = merged_authors(work(1, "Sea", (1, name)), work(2, "Sky", (2, name)))
    assert [rule for _, _, rule in alike] == rules
    assert merged_authors(work(1, "Sea", (1, name), (2, name))) == [("OL2A", "OL1A", "same_work")]


def test_the_author_with_more_books_stays_then_the_smaller_key() -> None:
    ann = "Ann Bell"
    assert merged_authors(work(1, "Sea", (1, ann)), work(2, "Sky", (2, ann)), work(3, "Ice", (2, ann))) == [
        ("OL1A", "OL2A", "same_name")
    ]
    assert merged_authors(work(1, "Sea", (10, ann)), work(2, "Sky", (9, ann))) == [("OL9A", "OL10A", "same_name")]


def test_a_group_of_three_goes_into_one() -> None:
    works = [work(number, f"Title {number}", (number, TOLKIEN)) for number in (1, 2, 3)]
    assert merged_authors(*works) == [("OL2A", "OL1A", "same_long_name"), ("OL3A", "OL1A", "same_long_name")]


def test_the_best_evidence_leads_even_to_an_author_who_is_merged_too() -> None:
    ann = "Ann Bell"
    chain = merged_authors(
        work(1, "Sea", (1, ann)), work(2, "Sky", (1, ann)), work(3, "Ice", (2, ann)), work(4, "Ice", (3, ann))
    )
    assert chain == [("OL2A", "OL1A", "same_name"), ("OL3A", "OL2A", "same_title")]


def test_namesakes_of_several_years_are_several_people() -> None:
    names = ["Bell, Ann, 1800-1850", "Ann Bell (1800-1850)", "Bell, Ann, 1950-", "Ann Bell", "Bell, Ann"]
    works = [work(number, "Sea", (number, name)) for number, name in enumerate(names, start=1)]
    assert merged_authors(*works) == [("OL2A", "OL1A", "same_title"), ("OL5A", "OL4A", "same_title")]
    del works[2]
    assert [into for _, into, _ in merged_authors(*works)] == ["OL1A"] * 3


# Books


@pytest.mark.parametrize(
    ("year", "rule", "score"),
    [
        (2010, "same_title", 0.95),
        (2011, "same_title_years_apart", 0.6),
        (None, "same_title_year_unknown", 0.85),
        (0, "same_title_year_unknown", 0.85),
    ],
)
def test_years_apart_or_unknown_lower_the_score(year: int | None, rule: str, score: float) -> None:
    pair = work(1, "Sea", (1, "Ann"), year=2000), work(2, "Sea", (1, "Ann"), year=year)
    assert merged_books(*pair) == [("OL2W", "OL1W", rule, score)]


def test_an_author_who_may_be_the_same_is_enough_if_that_is_sure() -> None:
    ann = "Ann Bell"
    assert merged_books(work(1, "Sea", (1, ann)), work(2, "Sea", (2, ann))) == [
        ("OL2W", "OL1W", "same_title_possible_author", 0.85)
    ]
    two_of_a_third = work(1, "Sea", (2, ann), (1, ann)), work(2, "Sky", (3, ann), (1, ann))
    assert merged_books(
        *two_of_a_third, work(3, "Ice", (2, ann)), work(4, "Ice", (3, ann)), work(5, "X", (1, ann))
    ) == [("OL4W", "OL3W", "same_title_possible_author", 0.85)]
    # The name is the same and no more: the titles are too, but for a subtitle.
    assert merged_books(work(1, "Sea", (1, ann)), work(2, "Sea: a novel", (2, ann))) == []


def test_without_a_common_author_a_title_says_nothing() -> None:
    assert merged_books(work(1, "Sea", (1, "Ann Bell")), work(2, "Sea", (2, "Bob Bell")), work(3, "Sea")) == []


@pytest.mark.parametrize(
    ("years", "rule", "score"),
    [((2000, 2010), "main_title", 0.6), ((2000, None), "main_title_year_unknown", 0.4)],
)
def test_a_subtitle_that_one_of_two_has(years: tuple[int, int | None], rule: str, score: float) -> None:
    for subtitled in ("Sea: a novel", "The sea (Large print)", "Sea; a story", "SEA：the story"):
        pair = work(1, "Sea", (1, "Ann"), year=years[0]), work(2, subtitled, (1, "Ann"), year=years[1])
        assert merged_books(*pair) == [("OL2W", "OL1W", rule, score)]


def test_a_subtitle_and_years_apart_are_too_much() -> None:
    assert merged_books(work(1, "Sea", (1, "Ann"), year=1900), work(2, "Sea: a novel", (1, "Ann"))) == []


def test_a_main_title_of_authors_who_may_be_the_same() -> None:
    ann = "Ann Bell"
    works = work(1, "Ice", (1, ann), (2, ann)), work(2, "Sea", (1, ann)), work(3, "Sea: a novel", (2, ann))
    assert merged_books(*works) == [("OL3W", "OL2W", "main_title_possible_author", 0.5)]


def test_the_work_with_more_editions_stays_then_the_smaller_key() -> None:
    group = work(1, "Sea", (1, "Ann")), work(2, "Sea", (1, "Ann"), editions=5), work(10, "Sea", (1, "Ann"), editions=5)
    assert merged_books(*group) == [("OL1W", "OL10W", "same_title", 0.95), ("OL2W", "OL10W", "same_title", 0.95)]


def test_each_shared_author_offers_its_greatest_work() -> None:
    ann, bob = (1, "Ann Bell"), (2, "Bob Bell")
    works = (
        work(1, "Sea", ann, year=1900, editions=9),
        work(2, "Sea", bob, year=2000, editions=5),
        work(3, "Sea", ann, bob, year=2000),
    )
    assert merged_books(*works) == [("OL3W", "OL2W", "same_title", 0.95)]


def test_the_example_of_the_definitions() -> None:
    authors, books = found(
        [
            work(1, "The Sea: a novel", (1, "Verne, Jules, 1828-1905"), year=1870, editions=9),
            work(2, "Sea", (2, "Jules Verne"), year=1871),
            work(3, "THE SEA!", (2, "Jules Verne"), year=None),
        ]
    )
    assert [list(row.values()) for row in authors] == [
        ["OL1A", "Verne, Jules, 1828-1905", "OL2A", "Jules Verne", "same_name", 0.3]
    ]
    assert [list(row.values()) for row in books] == [
        ["OL3W", "THE SEA!", "OL2W", "Sea", "same_title_year_unknown", 0.85]
    ]


def test_two_thousand_works_of_one_title_make_one_row_each() -> None:
    works = [work(number, "Poems", (1, "Ann Bell")) for number in range(1000, 3000)]
    assert {into for _, into, *_ in merged_books(*works)} == {"OL1000W"}
    assert len(merged_books(*works)) == len(works) - 1


# Checks


@pytest.mark.parametrize(
    ("table", "change", "check"),
    [
        (POSSIBLE_SAME_AUTHORS, "UPDATE possible_same_authors SET into_author_key = author_key", "every_merge_goes_up"),
        (POSSIBLE_SAME_AUTHORS, "UPDATE possible_same_authors SET into_author_key = 'OL9A'", "every_author_resolves"),
        (
            POSSIBLE_DUPLICATE_BOOKS,
            "UPDATE possible_duplicate_books SET into_work_key = work_key",
            "every_merge_goes_up",
        ),
        (POSSIBLE_DUPLICATE_BOOKS, "UPDATE possible_duplicate_books SET into_work_key = 'OL9W'", "every_work_resolves"),
    ],
)
def test_a_row_that_leads_nowhere_or_not_up_blocks(table: Table, change: str, check: str) -> None:
    tables = inputs([work(number, "Sea", (number, "Ann Bell")) for number in (1, 2)])
    with built(POSSIBLE_SAME_AUTHORS, tables) as made:
        tables["possible_same_authors"] = made.connection.table("possible_same_authors").to_arrow_table()
    with built(table, {name: tables[name] for name in table.made_from}) as made:
        made.connection.execute(change)
        with pytest.raises(CheckFailedError, match=f"check {check} failed"):
            run_checks(made.connection, table)


# How often it is right


@pytest.fixture(scope="module")
def labelled() -> list[dict[str, pa.Table]]:
    """Two subjects whose duplicates are known."""
    return [sandbox_tables(subject, 5_000) for subject in ("tea", "ice")]


def test_the_sandbox_has_duplicates_and_what_looks_like_them(labelled: list[dict[str, pa.Table]]) -> None:
    for tables in labelled:
        books = {row["work_key"]: row for row in tables["books"].to_pylist()}
        again = {key: original for key in books if (original := same_book_as(1, key))}
        assert again.keys() | set(again.values()) <= books.keys()
        assert 0.02 * len(books) < len(again) < 0.03 * len(books)
        assert any(books[key]["title"] != books[original]["title"] for key, original in again.items())

        names = {row["author_key"]: row["author_name"] for row in tables["authors"].to_pylist()}
        second = {key: first for key in names if (first := same_person_as(key)) in names}
        assert len(second) > 0.015 * len(names)
        assert any(names[key] != names[first] for key, first in second.items())

        first_names = [name for key, name in names.items() if name and not same_person_as(key)]
        by_chance = len(first_names) - len(set(first_names))
        assert 0 < by_chance < 0.02 * len(names)


def test_precision_and_recall_on_labelled_subjects(labelled: list[dict[str, pa.Table]]) -> None:
    def at_least(accuracy: Accuracy, precision: float, recall: float) -> None:
        assert accuracy.precision >= precision
        assert accuracy.recall >= recall

    books, authors = books_accuracy(labelled), authors_accuracy(labelled)
    at_least(books, 0.85, 0.7)
    at_least(books.from_score(0.8), 0.9, 0.5)
    at_least(authors, 0.6, 0.7)
    at_least(authors.from_score(0.8), 0.95, 0.55)
    # What cannot be told is there, too.
    assert max(books.precision, books.recall, authors.precision, authors.recall) < 0.99
    assert books.from_score(0.8).precision < 1
    rules = authors.by_rule()
    assert rules["same_name"].precision < rules["same_long_name"].precision < rules["same_work"].precision


def test_a_duplicate_lists_the_authors_of_its_original() -> None:
    records: dict[str, Any] = {
        record["key"].removeprefix("/works/"): record
        for record in Catalogue({"tea": 2_000}, seed=7, this_year=2026).records("tea")
    }

    def people(key: str) -> set[str]:
        keys = [author["key"].removeprefix("/authors/") for author in records[key]["authors"]]
        return {same_person_as(author) or author for author in keys}

    pairs = [(key, original) for key in records if (original := same_book_as(7, key))]
    assert pairs
    assert all(people(key) == people(original) for key, original in pairs)
    assert any(records[key]["authors"] != records[original]["authors"] for key, original in pairs)
