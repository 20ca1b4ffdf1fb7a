"""How often the tables of possible duplicates are right: the sandbox knows which books and which authors are one."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from openlib_assets.lake.contract import (
    AUTHOR_BOOKS,
    AUTHORS,
    BOOKS,
    POSSIBLE_DUPLICATE_BOOKS,
    POSSIBLE_SAME_AUTHORS,
    RAW_WORKS,
    REJECTED_WORKS,
)
from openlib_assets.lake.transform import Relation, built
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.labels import same_book_as, same_person_as
from openlib_assets_tests.tools.reference import Record

_THIS_YEAR = 2026


@dataclass(frozen=True)
class Verdict:
    """A row of a table of possible duplicates, and whether its two keys are one."""

    rule: str
    score: float
    right: bool


@dataclass(frozen=True)
class Accuracy:
    """The verdicts on all rows of a table, and how many keys would go if whatever is one were merged."""

    verdicts: Sequence[Verdict]
    duplicates: int

    def from_score(self, score: float) -> "Accuracy":
        """Return the accuracy of the rows with this score or more."""
        return Accuracy([it for it in self.verdicts if it.score >= score], self.duplicates)

    def by_rule(self) -> dict[str, "Accuracy"]:
        """Return the accuracy of each rule, as many rows first."""
        rules = [rule for rule, _ in Counter(it.rule for it in self.verdicts).most_common()]
        return {rule: Accuracy([it for it in self.verdicts if it.rule == rule], self.duplicates) for rule in rules}

    @property
    def precision(self) -> float:
        """The share of the rows that are right; 1 of none."""
        return self._right / len(self.verdicts) if self.verdicts else 1.0

    @property
    def recall(self) -> float:
        """The share of the keys that should go that do; 1 if none should."""
        return self._right / self.duplicates if self.duplicates else 1.0

    @property
    def _right(self) -> int:
        return sum(it.right for it in self.verdicts)


def tables_of(records: Iterable[Record]) -> dict[str, pa.Table]:
    """Make the silver tables of work records."""
    works = {record["key"].removeprefix("/works/"): json.dumps(record) for record in records}
    keys = sorted(works)
    raw_works = pa.table([keys, range(len(keys)), [works[key] for key in keys]], schema=RAW_WORKS.schema)
    snapshot = {
        "works_reported": [len(works)],
        "snapshot_year": [_THIS_YEAR],
        "fetched_at": [datetime(_THIS_YEAR, 1, 1, tzinfo=UTC)],
        "source": ["https://openlibrary.org/subjects/tea.json"],
    }
    tables: dict[str, Relation] = {RAW_WORKS.name: raw_works, "snapshot": pa.table(snapshot)}
    for table in (REJECTED_WORKS, BOOKS, AUTHOR_BOOKS, AUTHORS, POSSIBLE_SAME_AUTHORS, POSSIBLE_DUPLICATE_BOOKS):
        inputs = {name: made for name, made in tables.items() if name in (*table.made_from, "snapshot")}
        with built(table, inputs) as made:
            tables[table.name] = made.connection.table(table.name).to_arrow_table()
    return tables


def sandbox_tables(subject: str, works: int, *, seed: int = 1) -> dict[str, pa.Table]:
    """Make the silver tables of a sandbox subject."""
    return tables_of(Catalogue({subject: works}, seed=seed, this_year=_THIS_YEAR).records(subject))


def books_accuracy(tables: Sequence[dict[str, pa.Table]], *, seed: int = 1) -> Accuracy:
    """Judge `possible_duplicate_books` of subjects from the sandbox of a seed."""
    return _accuracy(tables, "books", "possible_duplicate_books", "work_key", lambda key: same_book_as(seed, key))


def authors_accuracy(tables: Sequence[dict[str, pa.Table]]) -> Accuracy:
    """Judge `possible_same_authors` of subjects from the sandbox."""
    return _accuracy(tables, "authors", "possible_same_authors", "author_key", same_person_as)


def _accuracy(
    tables: Sequence[dict[str, pa.Table]], all_of: str, pairs: str, key: str, same_as: Callable[[str], str | None]
) -> Accuracy:
    verdicts, duplicates = [], 0
    for subject in tables:
        truth = {it: same_as(it) or it for it in subject[all_of][key].to_pylist()}
        duplicates += len(truth) - len(set(truth.values()))
        verdicts += [
            Verdict(row["rule"], row["score"], truth[row[key]] == truth[row[f"into_{key}"]])
            for row in subject[pairs].to_pylist()
        ]
    return Accuracy(verdicts, duplicates)
