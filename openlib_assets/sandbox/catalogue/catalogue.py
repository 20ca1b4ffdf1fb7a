"""Which works each subject lists, in which order, and what has been edited since the start."""

import threading
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from openlib_assets.sandbox.catalogue import dice, keys, ordering, settled, stories, words, works
from openlib_assets.sandbox.catalogue.details import best_edition, documents
from openlib_assets.sandbox.catalogue.details.best_edition import Condition, Sought
from openlib_assets.sandbox.catalogue.listing import Listing, Subject
from openlib_assets.sandbox.catalogue.works import Record

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


class Catalogue:
    """Subjects and their works. Safe to read and edit from several threads.

    A work is known by its code (see `works.key`). Codes are kept in key order, records are made when read. Where the
    catalogue is settled, all that it says of a work follows from one state of a database (see `settled`).
    """

    def __init__(self, sizes: Mapping[str, int], *, seed: int, this_year: int, settled: bool = False):
        self._listing = Listing(sizes, seed)
        self._subjects = self._listing.subjects
        spellings = (*words.SUBJECTS, *words.BROKEN_SUBJECTS) if settled else words.SUBJECTS
        strewn = tuple(name for name in spellings if keys.normalize(name) not in sizes)
        self.world = works.World(seed, this_year, strewn, settled)
        self._codes: dict[str, array[int]] = {}
        self._edits: dict[int, Record] = {}
        # Of a settled catalogue: which subjects list a work now, where that was edited, and edited names of authors.
        self._moved: dict[int, dict[str, bool]] = {}
        self._names: dict[str, str] = {}
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

    def all_codes(self) -> list[int]:
        """The codes of the works of all subjects now, each once, in key order."""
        with self._lock:
            codes = {code for subject in self._subjects for code in self._in_key_order(subject)}
        return sorted(codes, key=works.key)

    def record(self, code: int) -> Record:
        """The work's record now, without `availability`."""
        record = self._edited(code)
        return settled.settle(self.world.seed, record, self._names) if self.world.settled else record

    def document(self, code: int, fields: Collection[str], sought: Sought | None = None) -> Record:
        """The work as the search finds it now: of the `fields` those that have a value, and an edition if sought."""
        record = self.record(code)
        document = documents.search_document(self.world, record, fields)
        return {**document, "editions": best_edition.best_edition(self.world, record, sought)} if sought else document

    def is_found(self, code: int, conditions: Sequence[Condition], *, together: bool) -> bool:
        """Whether editions of a work meet conditions, see `best_edition.is_found`."""
        return best_edition.is_found(self.world, self.record(code), conditions, together=together)

    def holds(self, code: int) -> bool:
        """Whether any subject lists a work."""
        with self._lock:
            return any(_find(self._in_key_order(subject), code)[1] for subject in self._subjects)

    def records(self, subject: str) -> Iterator[Record]:
        """All records of a subject in key order, as they are when read."""
        return map(self.record, self.codes(subject))

    def about(self, code: int) -> dict[str, list[str]]:
        """What the index knows of a work beside its record: languages, publishers, people, places, times."""
        if self.world.settled:
            known = self.document(code, ("language", "publisher"))
            return {"language": [], "publisher": [], **known, **self.names(code)}
        return self._about(code) | self.names(code)

    def names(self, code: int) -> dict[str, list[str]]:
        """The people, places and times that a work is about, by kind."""
        known = self._about(code)
        names = {kind: [it for it in known[kind] if self._is_strewn(kind, it)] for kind in ("person", "place", "time")}
        for subject in self._lists(code):
            spelling = subject.spelling(code >> 1)
            if subject.kind != "subject" and spelling not in names[subject.kind]:
                names[subject.kind].append(spelling)
        return names

    def _about(self, code: int) -> dict[str, list[str]]:
        return {name: [value] if value else [] for name, value in works.about(self.world.seed, code).items()}

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
            keeps_subjects = not self.world.settled or "subject" in self._edits.get(code, {})
            if self._subjects[subject].kind == "subject" and keeps_subjects:
                spelling = self._subjects[subject].spelling(0)
                edits.setdefault("subject", [*self.record(code)["subject"], spelling])
            self._edit(code, edits, {**self._moved.get(code, {}), subject: True})
            codes.insert(place, code)
            return self.record(code)

    def remove_work(self, subject: str, work_key: str) -> None:
        """Take a work out of a subject; other subjects keep it."""
        with self._lock:
            place, code = self._place(subject, work_key), works.code(work_key)
            edits = self._edits.get(code, {})
            if self.world.settled and "subject" in edits:
                edits = {**edits, "subject": [it for it in edits["subject"] if keys.normalize(it) != subject]}
            self._edit(code, edits, {**self._moved.get(code, {}), subject: False})
            del self._in_key_order(subject)[place]

    def change_work(self, subject: str, work_key: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a work, in every subject that lists it."""
        with self._lock:
            self._place(subject, work_key)
            self._edit(works.code(work_key), fields)

    def _edit(self, code: int, fields: Mapping[str, Any], moved: Mapping[str, bool] | None = None) -> None:
        edits = {**self._edits.get(code, {}), **fields}
        if unknown := edits.keys() - self._edited(code).keys():
            raise ValueError(f"a work record has no {', '.join(sorted(unknown))}")
        if self.world.settled:
            before = self._moved.get(code, {})
            self._moved[code] = dict(before if moved is None else moved)
            try:
                listing = [key for key, subject in self._subjects.items() if subject in self._lists(code)]
                settled.check({**self._edited(code), **edits}, edits.keys(), self._subjects, listing)
            except ValueError:
                self._moved[code] = before
                raise
            self._names |= {author["key"]: author["name"] for author in fields.get("authors", ())}
        self._edits[code] = edits
        self._orders.clear()

    def _place(self, subject: str, work_key: str) -> int:
        place, listed = _find(self._in_key_order(subject), works.code(work_key))
        if not listed:
            raise KeyError(f"{subject} does not list {work_key}")
        return place

    def _in_key_order(self, subject: str) -> "array[int]":
        if subject not in self._codes:
            self._codes[subject] = array("Q", self._listing.codes(subject))
        return self._codes[subject]

    def _lists(self, code: int) -> list[Subject]:
        """The subjects that list a work: as generated, or now if the catalogue is settled."""
        listed, moved = self._listing.of_work(code), self._moved.get(code)
        if not moved:
            return listed
        return [subject for key, subject in self._subjects.items() if moved.get(key, subject in listed)]

    def _edited(self, code: int) -> Record:
        """The record as generated and edited."""
        own = [subject.spelling(code >> 1) for subject in self._lists(code) if subject.kind == "subject"]
        return works.record(self.world, code, own) | self._edits.get(code, {})

    def _is_strewn(self, kind: str, name: str) -> bool:
        """Whether a name of a person, a place or a time may be on any work: in a settled one if it is no subject's."""
        return not self.world.settled or f"{kind}:{keys.normalize(name)}" not in self._subjects

    def _sort_value(self, code: int, field: str) -> Any:
        """A value to sort by, without making the whole record."""
        if field == "key":
            return works.key(code)
        edits, rolled = self._edits.get(code, {}), dice.roll(self.world.seed, code >> 1)
        if field == "popularity":
            return rolled.popularity % 50
        if self.world.settled:
            edits = self.record(code)
        if field == "title":
            return edits["title"] if "title" in edits else stories.title(self.world.seed, code)
        if field == "edition_count":
            return edits.get("edition_count", works.edition_count(rolled))
        year = edits.get("first_publish_year", works.first_publish_year(rolled, self.world.this_year))
        return ordering.UNDATED[field] if year is None else year


def _find(codes: "array[int]", code: int) -> tuple[int, bool]:
    """Where a code is among codes in key order, or would be, and whether it is there."""
    place = bisect_left(codes, works.key(code), key=works.key)
    return place, place < len(codes) and codes[place] == code


def _matches(record: Record, fulltext_only: bool, published: tuple[int, int] | None) -> bool:
    if fulltext_only and not (record["lending_edition"] or record["public_scan"]):
        return False
    return published is None or any(published[0] <= year <= published[1] for year in works.edition_years(record))
