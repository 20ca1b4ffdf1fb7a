"""The store's catalogue is as untidy as a store's, and the truth about it is known."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.store.books import StoreBook, store_books


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue({"love": 8000, "place:france": 500}, seed=1, this_year=2026)


@pytest.fixture(scope="module")
def books(catalogue: Catalogue) -> list[StoreBook]:
    return store_books(catalogue, 2000)


def folded(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def test_there_are_as_many_rows_as_asked_for_and_the_same_ones_again(
    catalogue: Catalogue, books: list[StoreBook]
) -> None:
    assert len(books) == 2000
    assert store_books(catalogue, 2000) == books
    assert store_books(catalogue, 2000, seed=2) != books


def test_rows_are_of_every_kind(books: list[StoreBook]) -> None:
    kinds = Counter(book.kind for book in books)
    assert set(kinds) == {"book", "unknown", "clash", "repeated", "no book"}
    assert kinds["book"] > 0.75 * len(books)
    assert min(kinds.values()) > 20


def test_the_truth_is_known_of_every_row(catalogue: Catalogue, books: list[StoreBook]) -> None:
    works = {work["key"].removeprefix("/works/"): work for work in catalogue.records("love")}
    works |= {work["key"].removeprefix("/works/"): work for work in catalogue.records("place:france")}
    for book in books:
        assert (book.work_keys == set()) == (book.kind in ("unknown", "no book"))
    meant = [(book, [works[key] for key in book.work_keys if key in works]) for book in books if book.work_keys]
    assert all(found for _, found in meant)
    same = [any(folded(work["title"]) == folded(book.title) for work in found) for book, found in meant]
    assert 0.4 < sum(same) / len(same) < 0.9
    sold = Counter(book.work_keys for book in books if book.kind == "book")
    assert max(sold.values()) <= 2  # where Open Library has the book twice
    assert any(len(book.work_keys) == 2 for book in books)


def test_an_isbn_means_the_book_unless_it_is_of_another_one(catalogue: Catalogue, books: list[StoreBook]) -> None:
    isbns: dict[str, set[str]] = {}
    for subject in ("love", "place:france"):
        for code in catalogue.codes(subject):
            document = catalogue.document(code, {"key", "isbn"})
            for isbn in filter(str.strip, document.get("isbn", [])):
                isbns.setdefault(isbn, set()).add(document["key"].removeprefix("/works/"))

    def right(kind: str) -> list[bool]:
        return [bool(isbns[book.isbn] & book.work_keys) for book in books if book.kind == kind and book.isbn in isbns]

    assert sum(right("book")) > 0.99 * len(right("book")) > 500
    assert not any(right("clash"))
    assert not any(right("unknown"))
    assert any(book.isbn not in isbns for book in books if book.kind == "book" and len(book.isbn) == 13)


def test_isbns_titles_and_authors_are_spelled_in_every_way(books: list[StoreBook]) -> None:
    isbns = [book.isbn for book in books]
    for example in ("9.78E+12", "", "978-", ".0", "'978", "ISBN 978"):
        assert any(example == isbn or (example and example in isbn) for isbn in isbns), example
    assert {9, 10, 13, 17} <= set(map(len, isbns))
    titles = [book.title for book in books]
    for ending in (", The", ": a novel", "(Paperback)"):
        assert any(title.endswith(ending) for title in titles), ending
    assert any(" & " in title for title in titles)
    assert any(title.isupper() for title in titles)
    assert any(title.islower() for title in titles)
    authors = [book.author for book in books]
    assert 0.3 < sum("," in author for author in authors) / len(authors) < 0.6
    assert any("; " in author for author in authors)
    assert 0 < sum(not author for author in authors) < 0.2 * len(authors)
    assert 0 < sum(not book.price for book in books) < 0.1 * len(books)
    assert any(int(book.units_sold or 0) > 300 for book in books)


def test_it_is_written_as_a_file_without_the_truth(tmp_path: Path) -> None:
    sandbox = Sandbox(SandboxConfig({"love": 100}))
    books = sandbox.write_store_catalogue(tmp_path / "store.csv", rows=30)
    sandbox.stop()
    with (tmp_path / "store.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)

    assert header == ["isbn", "title", "author", "price", "units_sold"]
    assert rows == [list(book[:5]) for book in books]


def test_a_store_cannot_sell_more_than_there_is() -> None:
    small = Catalogue({"love": 20}, seed=1, this_year=2026)
    books = store_books(small, 200)

    assert 20 < len(books) < 200
    assert sum(book.kind in ("book", "clash") for book in books) <= 20
