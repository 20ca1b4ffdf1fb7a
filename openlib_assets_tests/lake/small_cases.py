"""Small cases of possible duplicates: a few works, and what is found of them, by two ways that must agree."""

from collections.abc import Sequence

import pyarrow as pa

from openlib_assets.lake.contract import AUTHOR_BOOKS, AUTHORS, BOOKS, POSSIBLE_DUPLICATE_BOOKS, POSSIBLE_SAME_AUTHORS
from openlib_assets.lake.transform import built
from openlib_assets_tests.tools import reference_duplicates as by_hand
from openlib_assets_tests.tools.reference import Row


def work(
    key: int, title: str | None, *authors: tuple[int, str | None], year: int | None = 2000, editions: int = 1
) -> Row:
    """A work; authors are (number, name)."""
    return {"key": key, "title": title, "authors": authors, "year": year, "editions": editions}


def inputs(works: Sequence[Row]) -> dict[str, pa.Table]:
    """Return the tables of works; an author's name is that of the last work that names them."""
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
    """Return the rows of both tables, once they were found equal to those computed by other means."""
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
    """Return (author, into, rule) of what is found of authors."""
    return [(row["author_key"], row["into_author_key"], row["rule"]) for row in found(works)[0]]


def merged_books(*works: Row) -> list[tuple[str, str, str, float]]:
    """Return (work, into, rule, score) of what is found of books."""
    return [(row["work_key"], row["into_work_key"], row["rule"], row["score"]) for row in found(works)[1]]
