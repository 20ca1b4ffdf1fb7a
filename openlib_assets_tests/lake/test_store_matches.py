"""The store's books among works: what is decided by which evidence, and how often that is right."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from openlib_assets.lake.contract import STORE_CATALOGUE, STORE_MATCHES
from openlib_assets.lake.store.matching import find_in_store
from openlib_assets.lake.table_files import TableFile, table_file, write_table
from openlib_assets.lake.transform import connected
from openlib_assets_tests.tools.labelled_store import answers, labelled_store, precision, read_catalogue, recall

Book = tuple[str | None, str | None, str | None]

# By key: title, author, editions, ISBNs.
WORKS: Mapping[str, tuple[str | None, str | None, int | None, Sequence[str]]] = {
    "dune": ("Dune", "Frank Herbert", 120, ["9780441013593"]),
    "children": ("Children of Dune", "Frank Herbert", 40, []),
    "hobbit": ("The Hobbit", "J. R. R. Tolkien", 300, ["9783608938005"]),
    "hamlet": ("Hamlet", "William Shakespeare", 500, ["9780743477123"]),
    "hamlet again": ("HAMLET", "Shakespeare, William, 1564-1616", 20, []),
    "emma": ("Emma", "Jane Austen", 100, []),
    "emma again": ("Emma", "Jane Austen", 90, []),
    "foundation": ("Foundation", "Isaac Asimov", 80, []),
    "europe ii": ("A History of Europe: Volume II", "John Smith", 5, []),
    "europe iii": ("A History of Europe: Volume III", "John Smith", 5, []),
    "sapiens": ("Sapiens", "Yuval Noah Harari", 60, []),
    "dickinson": ("Poems", "Emily Dickinson", 3, []),
    "frost": ("Poems", "Robert Frost", 2, []),
    "left hand": ("The Left Hand of Darkness", "Ursula K. Le Guin", 70, []),
    "robbers": ("Die Räuber", "Friedrich Schiller", None, []),
    "no letters": ("!!!", "Frank Herbert", 4, []),
    "no title": (None, "Frank Herbert", 4, ["9780306406157"]),
    "no author": ("Nobody's Book of Tea", None, 4, []),
    "war": ("Война и мир", "Лев Толстой", 200, []),
    "chinese": ("三国志 上", "陳壽", 4, []),
    "cyrillic": ("Мастерон", "Лев Толстой", 4, []),
    "two": ("Two of Them", "Ann One", 3, ["9780804429573"]),
    "other two": ("Something Else", "Bob Two", 3, ["9780804429573"]),
}


def matched(folder: Path, *books: Book) -> list[tuple[Any, ...]]:
    """Return work, decision and rule of each of a store's books, given as ISBN, title and author."""
    return [row[:3] for row in found(folder, *books)["store_matches"]]


def found(folder: Path, *books: Book) -> Mapping[str, list[tuple[Any, ...]]]:
    keys = list(WORKS)
    isbns = [(key, isbn) for key, work in WORKS.items() for isbn in work[3]]
    named = [(key, work[1]) for key, work in WORKS.items() if work[1]]
    tables = {
        "books": pa.table(
            {
                "work_key": keys,
                "title": [work[0] for work in WORKS.values()],
                "edition_count": [work[2] for work in WORKS.values()],
            }
        ),
        "authors": pa.table({"author_key": [key for key, _ in named], "author_name": [name for _, name in named]}),
        "author_books": pa.table({"work_key": [key for key, _ in named], "author_key": [key for key, _ in named]}),
        "work_isbns": pa.table({"work_key": [key for key, _ in isbns], "isbn13": [isbn for _, isbn in isbns]}),
    }
    with connected(tables) as connection:
        find_in_store(connection, catalogue_of(folder, books))
        queries = {
            "store_matches": "SELECT work_key, decision, rule, score, margin FROM store_matches ORDER BY row",
            "works_in_store": "FROM works_in_store ORDER BY ALL",
        }
        return {name: connection.execute(query).fetchall() for name, query in queries.items()}


def catalogue_of(folder: Path, books: Sequence[Book]) -> TableFile:
    rows = [
        {"row": row, "isbn13": isbn, "title": title, "author": author, "price": None, "units_sold": row}
        for row, (isbn, title, author) in enumerate(books)
    ]
    file = folder / "catalogue.parquet"
    write_table(file, pa.Table.from_pylist(rows, STORE_CATALOGUE.schema).to_batches(), STORE_CATALOGUE.schema)
    return table_file(file)


def test_an_isbn_is_evidence_that_title_and_author_can_contradict(tmp_path: Path) -> None:
    assert matched(
        tmp_path,
        ("9780441013593", "DUNE", "Herbert, Frank"),
        ("9780441013593", None, None),
        ("9780441013593", "Dune - Deluxe", "F. Herbert"),
        ("9783608938005", "Der kleine Hobbit", "J.R.R. Tolkien"),
        ("9780441013593", "Dune", "Anna Schmidt"),
        ("9780441013593", "Cooking for Two", "Anna Schmidt"),
        ("9780441013593", "Children of Dune", "Frank Herbert"),
        ("9780306406157", "A title that the work lacks", "Frank Herbert"),
        ("9780000000019", "Foundation", "Isaac Asimov"),
    ) == [
        ("dune", "yes", "isbn"),
        ("dune", "yes", "isbn"),
        ("dune", "yes", "isbn"),
        ("hobbit", "review", "isbn, title clash"),
        ("dune", "review", "isbn, author clash"),
        ("dune", "review", "isbn, title and author clash"),
        # The ISBN of another book than title and author say.
        ("children", "review", "title and author, isbn of another work"),
        ("no title", "yes", "isbn"),
        # An ISBN that no work has says nothing.
        ("foundation", "yes", "title and author"),
    ]


def test_of_works_with_one_isbn_the_title_tells_which(tmp_path: Path) -> None:
    assert matched(tmp_path, ("9780804429573", "Two of Them", "Ann One"), ("9780804429573", None, None)) == [
        ("two", "yes", "isbn"),
        ("other two", "review", "isbn"),
    ]


def test_title_and_author_are_compared_spelling_apart(tmp_path: Path) -> None:
    books: dict[str, list[tuple[str, str]]] = {
        "hobbit": [
            ("Hobbit, The", "Tolkien, J.R.R."),
            ("the hobbit", "John Ronald Reuel Tolkien"),
            ("The Hobbit (Paperback)", "TOLKIEN"),
        ],
        "dune": [("Dune (Dune Chronicles, #1)", "Frank Herbert & Brian Herbert"), ("Dune: A Novel", "Herbert, Frank")],
        "sapiens": [("Sapiens: A Brief History of Humankind", "Yuval N. Harari")],
        "left hand": [("The Left Hnad of Darkness", "Ursula Le Guin"), ("Left Hand of Darknes", "LeGuin, Ursula K.")],
        "robbers": [("Die Raüber", "Friedrich von Schiller"), ("Räuber, Die", "Schiller, Friedrich")],
        "war": [("ВОЙНА И МИР", "Толстой, Лев")],
    }
    asked = [(key, (None, title, author)) for key, some in books.items() for title, author in some]
    assert matched(tmp_path, *(book for _, book in asked)) == [(key, "yes", "title and author") for key, _ in asked]


def test_what_is_near_is_not_the_same(tmp_path: Path) -> None:
    nothing = (None, "no", None)
    assert matched(
        tmp_path,
        (None, "Foundation 3", "Isaac Asimov"),
        (None, "Foundation: Volume 2", "Isaac Asimov"),
        (None, "A History of Europe: Volume II", "John Smith"),
        (None, "Dune Messiah", "Frank Herbert"),
        (None, "Emma", "Charlotte Brontë"),
        (None, "Summary: Sapiens", "Yuval Noah Harari"),
        (None, None, "Frank Herbert"),
        (None, "?!", "Frank Herbert"),
    ) == [
        nothing,
        nothing,
        ("europe ii", "yes", "title and author"),
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
    ]


def test_letters_are_counted_and_no_bytes(tmp_path: Path) -> None:
    """Of five letters none may be wrong, and of eight one."""
    books = [(None, "三国志 下", "陳壽"), (None, "Мастерпл", "Лев Толстой")]
    assert [decision for _, decision, _ in matched(tmp_path, *books)] == ["review", "review"]


def test_without_an_author_a_title_is_for_review(tmp_path: Path) -> None:
    result = found(
        tmp_path,
        (None, "The Left Hand of Darkness", None),
        (None, "Poems", "N/A"),
        (None, "Poems", "Frost"),
        (None, "Nobody's Book of Tea", "Somebody Known"),
    )
    assert [row[:3] for row in result["store_matches"]] == [
        ("left hand", "review", "title"),
        ("dickinson", "review", "title"),
        ("frost", "yes", "title and author"),
        ("no author", "review", "title"),
    ]
    assert [margin for *_, margin in result["store_matches"]] == [None, 0.0, None, None]


def test_of_duplicates_the_one_with_three_times_the_editions_is_it(tmp_path: Path) -> None:
    result = found(tmp_path, (None, "Hamlet", "William Shakespeare"), (None, "Emma", "Jane Austen"))
    assert [row[:3] for row in result["store_matches"]] == [
        ("hamlet", "yes", "title and author"),
        ("emma", "review", "title and author"),
    ]
    # The store sells the book, as whichever work Open Library lists it.
    assert result["works_in_store"] == [
        ("emma", 1, "review", 1),
        ("emma again", 1, "review", 1),
        ("hamlet", 0, "yes", 0),
        ("hamlet again", 0, "yes", 0),
    ]


def test_a_store_that_is_not_set_sells_nothing() -> None:
    tables = {"books": pa.table({"work_key": ["a"]})}
    with connected(tables) as connection:
        find_in_store(connection, None)
        assert connection.execute("FROM works_in_store").fetchall() == []


def test_most_books_are_found_and_hardly_any_wrongly(tmp_path: Path) -> None:
    store = labelled_store(works=1500, rows=600)
    found = answers(store, read_catalogue(store.books, tmp_path))
    assert len(found) == 600
    assert precision(found) >= 0.99
    assert recall(found) >= 0.9


@pytest.mark.parametrize("check", STORE_MATCHES.checks, ids=lambda check: check.name)
def test_answers_that_do_not_fit_together_fail_a_check(check: Any) -> None:
    rows = [(0, "a", "yes", "isbn", 1.0, None), (0, None, "yes", None, 2.0, None)]
    table = pa.Table.from_pylist(
        [dict(zip(STORE_MATCHES.schema.names, row, strict=True)) for row in rows], STORE_MATCHES.schema
    )
    with connected({"store_matches": table, "store_catalogue": pa.table({"row": [0]})}) as connection:
        query = f"SELECT {check.passes} FROM ({check.numbers})"  # noqa: S608 - from the contract
        assert connection.execute(query).fetchall() == [(False,)]
