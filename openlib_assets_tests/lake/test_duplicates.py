"""Possible duplicates: every rule on small cases."""

import pytest

from openlib_assets.lake.contract import POSSIBLE_DUPLICATE_BOOKS, POSSIBLE_SAME_AUTHORS, Table
from openlib_assets.lake.transform import CheckFailedError, built, run_checks
from openlib_assets_tests.lake.small_cases import found, inputs, merged_authors, merged_books, work
from openlib_assets_tests.tools.reference import Row

TOLKIEN = "John Ronald Tolkien"

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
