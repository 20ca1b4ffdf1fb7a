"""Which works each subject lists, in which order, and what has been edited since the start."""

import random
import threading
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from openlib_assets.sandbox.catalogue import dice, keys, ordering, stories, words, works
from openlib_assets.sandbox.catalogue.details import best_edition, documents
from openlib_assets.sandbox.catalogue.details.best_edition import Condition, Sought
from openlib_assets.sandbox.catalogue.works import Record

# Numbers of works come in blocks of ten. The first of every block is common stock: each subject takes
# every tenth work from it, so that subjects overlap. The other nine are a subject's own (or nearly so).
_BLOCK = 10
_BLOCKS = 4_500_007  # a prime, so that every stride visits every block; 45 million works, as in Open Library
_LARGEST_SUBJECT = _BLOCK * (_BLOCKS - 1)
_NEW_WORKS = 50_000_000  # works added while running get the highest numbers, as in life
_REMEMBERED_ORDERS = 8


def parse_subjects(specs: Iterable[str]) -> dict[str, int]:
    """Sizes of subjects from texts such as `science_fiction=25000`.

    >>> parse_subjects(["Science Fiction=25000", "person:sherlock_holmes=80"])
    {'science_fiction': 25000, 'person:sherlock_holmes': 80}
    """
    sizes = {}
    for spec in specs:
        subject, _, size = spec.rpartition("=")
        if not (subject and size.isascii() and size.isdigit()):
            raise ValueError(f"{spec!r} is not of the form <subject>=<number of works>")
        sizes[keys.subject_key(subject)] = int(size)
    return sizes


class Stride(NamedTuple):
    """A walk through all blocks in an order of its own."""

    start: int
    step: int
    inverse: int

    @classmethod
    def named(cls, seed: int, name: str) -> "Stride":
        """The walk of a subject, or of the common stock."""
        chance = random.Random(blake2b(f"{seed}/{name}".encode()).digest())
        step = chance.randrange(1, _BLOCKS)
        return cls(chance.randrange(_BLOCKS), step, pow(step, -1, _BLOCKS))

    def block(self, place: int) -> int:
        """The block at a place of the walk."""
        return (self.start + place * self.step) % _BLOCKS

    def place(self, block: int) -> int:
        """Where the walk meets a block."""
        return (block - self.start) * self.inverse % _BLOCKS


class _Subject(NamedTuple):
    """A subject as generated, before anyone edits it."""

    kind: str
    size: int
    stride: Stride
    spellings: tuple[str, ...]

    def spelling(self, number: int) -> str:
        """How the editors of a work spell this subject."""
        return self.spellings[number // _BLOCK % len(self.spellings)]


class Catalogue:
    """Subjects and their works. Safe to read and edit from several threads.

    A work is known by its code (see `works.key`). Codes are kept in key order, records are made when read.
    """

    def __init__(self, sizes: Mapping[str, int], *, seed: int, this_year: int):
        for subject, size in sizes.items():
            if keys.subject_key(subject) != subject or not keys.split_prefix(subject)[1]:
                raise ValueError(f"{subject!r} is not a normalised subject key")
            if not 0 <= size <= _LARGEST_SUBJECT:
                raise ValueError(f"{subject}: {size} works, but it must be from 0 to {_LARGEST_SUBJECT}")
        self.seed = seed
        self.this_year = this_year
        self._subjects = {
            key: _Subject(keys.subject_type(key), size, Stride.named(seed, key), _spellings(key))
            for key, size in sizes.items()
        }
        self._walks = [(it, it.stride.start, it.stride.inverse, it.size) for it in self._subjects.values()]
        self._common = Stride.named(seed, "")
        strewn = tuple(name for name in words.SUBJECTS if keys.normalize(name) not in sizes)
        self._world = works.World(seed, this_year, strewn)
        self._codes: dict[str, array[int]] = {}
        self._edits: dict[int, Record] = {}
        self._orders: dict[object, ordering.Order] = {}
        self._added = 0
        self._lock = threading.RLock()

    def counts(self) -> dict[str, int]:
        """The number of works of every subject."""
        with self._lock:
            return {subject: self.count(subject) for subject in self._subjects}

    def count(self, subject: str) -> int:
        """The number of works of a subject, without making any; 0 if it is unknown."""
        if subject in self._codes:
            return len(self._codes[subject])
        return self._subjects[subject].size if subject in self._subjects else 0

    def codes(self, subject: str) -> "array[int]":
        """The codes of a subject's works now, in key order."""
        with self._lock:
            return self._in_key_order(subject)[:]

    def record(self, code: int) -> Record:
        """The work's record now, without `availability`."""
        own = [subject.spelling(code >> 1) for subject in self._lists(code) if subject.kind == "subject"]
        generated = works.record(self._world, code, own)
        edits = self._edits.get(code)
        return {**generated, **edits} if edits else generated

    def document(self, code: int, fields: Collection[str], sought: Sought | None = None) -> Record:
        """The work as the search finds it now: of the `fields` those that have a value, and an edition if sought."""
        seed, record = self.seed, self.record(code)
        document = documents.search_document(seed, record, fields)
        return {**document, "editions": best_edition.best_edition(seed, record, sought)} if sought else document

    def is_found(self, code: int, conditions: Sequence[Condition], *, together: bool) -> bool:
        """Whether editions of a work meet conditions, see `best_edition.is_found`."""
        return best_edition.is_found(self.seed, self.record(code), conditions, together=together)

    def holds(self, code: int) -> bool:
        """Whether any subject lists a work."""
        with self._lock:
            return any(_find(self._in_key_order(subject), code)[1] for subject in self._subjects)

    def records(self, subject: str) -> Iterator[Record]:
        """All records of a subject in key order, as they are when read."""
        return map(self.record, self.codes(subject))

    def about(self, code: int) -> dict[str, list[str]]:
        """What the index knows of a work beside its record: languages, publishers, people, places, times."""
        known = {name: [value] if value else [] for name, value in works.about(self.seed, code).items()}
        for subject in self._lists(code):
            spelling = subject.spelling(code >> 1)
            if subject.kind != "subject" and spelling not in known[subject.kind]:
                known[subject.kind].append(spelling)
        return known

    def search(
        self,
        subject: str,
        clauses: ordering.Clauses,
        *,
        fulltext_only: bool = False,
        published: tuple[int, int] | None = None,
    ) -> ordering.Order:
        """The works of a subject (none if it is unknown) that pass the filters, in an order."""
        if subject not in self._subjects:
            return ordering.Order(())
        with self._lock:
            in_key_order = self._in_key_order(subject)
            unfiltered = not fulltext_only and published is None
            if unfiltered and clauses[0] == ordering.BY_KEY:
                return ordering.Order(in_key_order[:])
            question = (subject, clauses, fulltext_only, published)
            if question not in self._orders:
                matching = (
                    code for code in in_key_order if unfiltered or _matches(self.record(code), fulltext_only, published)
                )
                self._orders[question] = ordering.arrange(matching, clauses, self._sort_value)
                if len(self._orders) > _REMEMBERED_ORDERS:
                    del self._orders[next(iter(self._orders))]
            return self._orders[question]

    def add_work(self, subject: str, fields: Mapping[str, Any]) -> Record:
        """Add a work to a subject: a new one, or the one with the given `key` and other fields."""
        with self._lock:
            edits = dict(fields)
            if "key" not in edits:
                self._added += 1
                edits["key"] = works.key(2 * (_NEW_WORKS + self._added))
            code = works.code(edits["key"])
            codes = self._in_key_order(subject)
            place, listed = _find(codes, code)
            if listed:
                raise ValueError(f"{subject} lists {edits['key']} already")
            if self._subjects[subject].kind == "subject":
                spelling = self._subjects[subject].spelling(0)
                edits.setdefault("subject", [*self.record(code)["subject"], spelling])
            self._edit(code, edits)
            codes.insert(place, code)
            return self.record(code)

    def remove_work(self, subject: str, work_key: str) -> None:
        """Take a work out of a subject; other subjects keep it."""
        with self._lock:
            del self._in_key_order(subject)[self._place(subject, work_key)]
            self._orders.clear()

    def change_work(self, subject: str, work_key: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a work, in every subject that lists it."""
        with self._lock:
            self._place(subject, work_key)
            self._edit(works.code(work_key), fields)

    def _edit(self, code: int, fields: Mapping[str, Any]) -> None:
        edits = {**self._edits.get(code, {}), **fields}
        if unknown := edits.keys() - self.record(code).keys():
            raise ValueError(f"a work record has no {', '.join(sorted(unknown))}")
        self._edits[code] = edits
        self._orders.clear()

    def _place(self, subject: str, work_key: str) -> int:
        place, listed = _find(self._in_key_order(subject), works.code(work_key))
        if not listed:
            raise KeyError(f"{subject} does not list {work_key}")
        return place

    def _in_key_order(self, subject: str) -> "array[int]":
        if subject not in self._codes:
            generated = (self._code(subject, index) for index in range(self._subjects[subject].size))
            self._codes[subject] = array("Q", sorted(generated, key=works.key))
        return self._codes[subject]

    def _code(self, subject: str, index: int) -> int:
        place, within = divmod(index, _BLOCK)
        stride = self._subjects[subject].stride if within else self._common
        return works.generated_code(_BLOCK * (stride.block(place) + 1) + within)

    def _lists(self, code: int) -> list[_Subject]:
        """The subjects that list a work as generated."""
        number = code >> 1
        block, within = divmod(number - _BLOCK, _BLOCK)
        if not 0 <= block < _BLOCKS or code != works.generated_code(number):
            return []
        if within == 0:
            index = _BLOCK * self._common.place(block)
            return [subject for subject in self._subjects.values() if index < subject.size]
        return [
            subject
            for subject, start, inverse, size in self._walks  # Stride.place, but faster for a thousand subjects
            if (block - start) * inverse % _BLOCKS * _BLOCK + within < size
        ]

    def _sort_value(self, code: int, field: str) -> Any:
        """A value to sort by, without making the whole record."""
        if field == "key":
            return works.key(code)
        edits, rolled = self._edits.get(code, {}), dice.roll(self.seed, code >> 1)
        if field == "popularity":
            return rolled.popularity % 50
        if field == "title":
            return edits["title"] if "title" in edits else stories.title(self.seed, code)
        if field == "edition_count":
            return edits.get("edition_count", works.edition_count(rolled))
        year = edits.get("first_publish_year", works.first_publish_year(rolled, self._world.this_year))
        return ordering.UNDATED[field] if year is None else year


def _find(codes: "array[int]", code: int) -> tuple[int, bool]:
    """Where a code is among codes in key order, or would be, and whether it is there."""
    place = bisect_left(codes, works.key(code), key=works.key)
    return place, place < len(codes) and codes[place] == code


def _spellings(subject: str) -> tuple[str, ...]:
    """How editors write a subject: all of it means the same key."""
    name = keys.split_prefix(subject)[1]
    plain = name.replace("_", " ")
    written = (*[plain.capitalize()] * 6, plain, plain, plain.title(), plain.upper())
    return tuple(spelling for spelling in written if keys.normalize(spelling) == name) or (name,)


def _matches(record: Record, fulltext_only: bool, published: tuple[int, int] | None) -> bool:
    if fulltext_only and not (record["lending_edition"] or record["public_scan"]):
        return False
    return published is None or any(published[0] <= year <= published[1] for year in works.edition_years(record))
