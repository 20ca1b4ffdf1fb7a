"""The records of works, editions and authors: what an index builder reads, and gets from it what the catalogue says."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from openlib_assets.sandbox.catalogue import works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details import readers
from openlib_assets.sandbox.catalogue.details.best_edition import UNTITLED, with_documents
from openlib_assets.sandbox.catalogue.details.documents import search_document
from openlib_assets.sandbox.catalogue.details.editions import Edition
from openlib_assets.sandbox.catalogue.details.isbns import indexed, other_form
from openlib_assets.sandbox.catalogue.works import Record
from openlib_assets.sandbox.dumps import prose

Fields = dict[str, Any]

_LISTS_OF_SUBJECTS = {"person": "subject_people", "place": "subject_places", "time": "subject_times"}
_ISBN_13_LENGTH = 12  # shorter entries stand among the ISBN-10


class Told(NamedTuple):
    """What a catalogue tells of a work: records, documents, and the editions by key with their documents."""

    code: int
    record: Record
    document: Record
    names: Mapping[str, Sequence[str]]
    editions: Sequence[tuple[Edition, Record]]

    @classmethod
    def of(cls, catalogue: Catalogue, code: int) -> "Told":
        """What it tells now."""
        world, record = catalogue.world, catalogue.record(code)  # made once for all that follows from it
        document = search_document(world, record, {"subtitle", *readers.FIELDS})
        return cls(code, record, document, catalogue.names(code), with_documents(world, record))

    @property
    def is_orphan(self) -> bool:
        """Whether it is an edition without a work."""
        return bool(self.code & 1)


def work(told: Told, gone: Sequence[str], chance: random.Random) -> Fields:
    """The record of a work. Some list authors among those `gone`, of whom the index knows nothing.

    A work may leave to its editions what the index would take from them: the title, the cover.
    """
    record = told.record
    fields = prose.of_work(chance) | _subjects(told)
    fields |= {name: told.document[name] for name in ("subtitle",) if name in told.document}
    title_of_edition = next((document["title"] for _, document in told.editions if "title" in document), UNTITLED)
    fields |= _title(record["title"], chance, may_lack=title_of_edition == record["title"])
    covers_of_editions = [document["cover_i"] for _, document in told.editions if "cover_i" in document]
    fields |= _covers(record["cover_id"], chance, may_lack=covers_of_editions[:1] == [record["cover_id"]])
    if entries := _authors([author["key"] for author in record["authors"]], gone, chance):
        fields["authors"] = entries
    return fields


def edition(told: Told, place: int, gone: Sequence[str], chance: random.Random) -> Fields:
    """The record of the edition at a place, which now and then lists a work among those `gone`, too.

    An orphaned one lists no work, but authors, of whom some are among those `gone`.
    """
    (made, document), record = told.editions[place], told.record
    fields = prose.of_edition(chance) | _numbers(made.isbns, chance)
    fields |= _title(document.get("title", UNTITLED), chance) | _covers(document.get("cover_i"), chance)
    fields |= {name: document[name] for name in ("subtitle",) if name in document}
    authors = [{"key": author["key"]} for author in record["authors"]]
    if told.is_orphan:
        fields |= _subjects(told) | {"authors": [*authors, *_gone_author(gone, chance)]}
        if chance.random() < 0.3:
            fields["works"] = []
    else:
        fields["works"] = _works(works.key(told.code), gone, chance)
        fields |= {"authors": authors} if authors and chance.random() < 0.85 else {}
        fields |= {"subjects": [prose.prose(chance, 2)]} if chance.random() < 0.1 else {}
    if made.publisher:
        fields["publishers"] = [made.publisher]
    if made.publish_date:
        fields["publish_date"] = made.publish_date
    if made.languages:
        fields["languages"] = [{"key": f"/languages/{language}"} for language in made.languages]
    if made.format:
        fields["physical_format"] = made.format
    if made.pages is not None:
        fields["number_of_pages"] = (
            made.pages if chance.random() < 0.97 else chance.choice(("{}", " {} ")).format(made.pages)
        )
    if document["ebook_access"] != "no_ebook":
        fields["ocaid"] = record["ia"]
    return fields


def author(name: str, chance: random.Random) -> Fields:
    """The record of an author; where the name is empty, some say none."""
    fields = prose.of_author(chance, name)
    if name or chance.random() < 0.3:
        fields["name"] = name
    elif chance.random() < 0.5:
        fields["name"] = None
    return fields


def _subjects(told: Told) -> Fields:
    """The lists of subjects that are not empty."""
    lists = {"subjects": told.record["subject"]}
    lists |= {name: list(told.names[kind]) for kind, name in _LISTS_OF_SUBJECTS.items()}
    return {name: subjects for name, subjects in lists.items() if subjects}


def _title(title: str, chance: random.Random, *, may_lack: bool = False) -> Fields:
    if title != UNTITLED and not (may_lack and chance.random() < 0.01):
        return {"title": title}
    return chance.choice(({}, {"title": None}, {"title": ""}))


def _covers(cover: int | None, chance: random.Random, *, may_lack: bool = False) -> Fields:
    """The cover comes first but for deleted ones."""
    if cover is None or (may_lack and chance.random() < 0.3):
        return chance.choice(({}, {}, {}, {"covers": [-1]}, {"covers": [None]}, {"covers": []}))
    if chance.random() < 0.9:
        return {"covers": [cover]}
    return {"covers": [*chance.choice(([], [-1], [-1, -1])), cover, cover + 1]}


def _authors(keys: Sequence[str], gone: Sequence[str], chance: random.Random) -> list[Fields]:
    """The authors with their roles, in every shape, and entries that the index leaves out."""
    entries: list[Fields] = [
        {"type": _role(chance), "author": key if chance.random() < 0.01 else {"key": key}} for key in keys
    ]
    for other in _gone_author(gone, chance):
        entries.insert(chance.randrange(len(entries) + 1), {"type": _role(chance), "author": other})
    if chance.random() < 0.01:
        entries.insert(chance.randrange(len(entries) + 1), chance.choice(({"type": _role(chance)}, {"key": gone[0]})))
    return entries


def _role(chance: random.Random) -> str | Fields:
    return "/type/author_role" if chance.random() < 0.7 else {"key": "/type/author_role"}


def _gone_author(gone: Sequence[str], chance: random.Random) -> list[Fields]:
    return [{"key": chance.choice(gone)}] if chance.random() < 0.02 else []


def _works(key: str, gone: Sequence[str], chance: random.Random) -> list[Fields]:
    entries = [{"key": key}]
    if chance.random() < 0.01:
        entries.insert(chance.randrange(2), {"key": chance.choice((key, chance.choice(gone)))})
    return entries


def _numbers(isbns: Sequence[str], chance: random.Random) -> Fields:
    """The ISBNs; the index makes the other form of one that is written in one form only."""
    choices = [[it for it in isbns if len(it) != dropped or other_form(it) is None] for dropped in (10, 13, 0)]
    # A number with blanks in it gives its other form, which would give one without.
    written = chance.choice([choice for choice in choices if set(indexed(choice)) == set(isbns)])
    lists = {
        "isbn_10": [isbn for isbn in written if len(isbn) < _ISBN_13_LENGTH],
        "isbn_13": [isbn for isbn in written if len(isbn) >= _ISBN_13_LENGTH],
    }
    return {name: numbers for name, numbers in lists.items() if numbers}
