"""How often the books of a store are found among works: the sandbox knows which work each of its rows is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from openlib_assets.lake.contract import STORE_CATALOGUE
from openlib_assets.lake.store.catalogue import StoreFile
from openlib_assets.lake.store.matching import find_in_store
from openlib_assets.lake.table_files import TableFile, table_file, write_table
from openlib_assets.lake.transform import connected
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details.documents import search_document
from openlib_assets.sandbox.store.books import StoreBook, store_books, write_store_catalogue
from openlib_assets_tests.tools.labelled import tables_of

_THIS_YEAR = 2026
_SEED = 1


@dataclass(frozen=True)
class LabelledStore:
    """The tables of a subject, and a store's books with the truth about them."""

    tables: dict[str, pa.Table]
    books: Sequence[StoreBook]


@dataclass(frozen=True)
class Answer:
    """What was said of a row of the store, and the truth about it."""

    book: StoreBook
    decision: str
    rule: str | None
    work_key: str | None

    @property
    def is_right(self) -> bool:
        """Whether the work is what the row is."""
        return self.work_key in self.book.work_keys


def labelled_store(works: int, rows: int) -> LabelledStore:
    """Make the tables of a sandbox subject of so many works, and a store of so many rows that sells some of them."""
    catalogue = Catalogue({"labelled": works}, seed=_SEED, this_year=_THIS_YEAR)
    records = list(catalogue.records("labelled"))
    tables = {name: table for name, table in tables_of(records).items() if name in ("books", "authors", "author_books")}
    isbns = [
        (record["key"].removeprefix("/works/"), isbn)
        for record in records
        for isbn in search_document(catalogue.world, record, ("isbn",)).get("isbn", [])
    ]
    given = pa.table({"work_key": [key for key, _ in isbns], "text": [isbn for _, isbn in isbns]})
    with connected({"given": given}) as connection:
        query = """
            SELECT DISTINCT work_key, isbn13_of(bare) AS isbn13
            FROM (SELECT work_key, bare_isbn(text) AS bare FROM given)
            WHERE isbn_fault(bare) IS NULL
        """
        tables["work_isbns"] = connection.sql(query).to_arrow_table()
    return LabelledStore(tables, store_books(catalogue, rows))


def answers(store: LabelledStore, catalogue: TableFile) -> list[Answer]:
    """Find the books of a store, as read_catalogue gives them, among its works."""
    with connected(store.tables) as connection:
        find_in_store(connection, catalogue)
        found = connection.execute("SELECT row, decision, rule, work_key FROM store_matches ORDER BY row").fetchall()
    return [Answer(store.books[row], *answer) for row, *answer in found]


def read_catalogue(books: Sequence[StoreBook], folder: Path) -> TableFile:
    """Return the table that is made of a store's file; both files lie in a folder."""
    source, made = folder / "store.csv", folder / "store_catalogue.parquet"
    write_store_catalogue(source, books)
    with StoreFile(str(source), {}).built() as catalogue:
        write_table(made, catalogue.table.batches(), STORE_CATALOGUE.schema)
    return table_file(made)


def precision(some: Sequence[Answer]) -> float:
    """Return the share of the rows that are certain which are right."""
    sure = [answer for answer in some if answer.decision == "yes"]
    return sum(answer.is_right for answer in sure) / len(sure)


def recall(some: Sequence[Answer]) -> float:
    """Return the share of the rows of known works for which these are named, for certain or for review."""
    known = [answer for answer in some if answer.book.work_keys]
    return sum(answer.is_right for answer in known) / len(known)
