"""The documents of editions, and which one of a work the search shows: the best for a reader of a language."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import dice, works
from openlib_assets.sandbox.catalogue.details import printings
from openlib_assets.sandbox.catalogue.details.editions import Edition, editions
from openlib_assets.sandbox.catalogue.dice import Dice
from openlib_assets.sandbox.catalogue.stories import Story, plain_title, story_of
from openlib_assets.sandbox.catalogue.works import Record, World

FIELDS = frozenset(
    (
        *("cover_i", "ebook_access", "format", "isbn", "key", "language"),
        *("publish_date", "publisher", "subtitle", "title"),
    )
)
_TEXTS = frozenset(("title", "publisher"))
_LANGUAGE_SCORE, _COVER_SCORE = 40, 2
_ACCESS_SCORES = {"public": 10, "borrowable": 8, "printdisabled": 2}
_COVERS = 14_000_000
UNTITLED = "__None__"  # what the index says where neither the work nor an edition has a title


class Condition(NamedTuple):
    """A field of an edition and the values of which it must have one: texts have it if they have all its words."""

    field: str
    values: tuple[str, ...]

    def is_met_by(self, document: Record) -> bool:
        """Whether a document has one of the values."""
        found = document.get(self.field, [])
        if self.field not in _TEXTS:
            return not set(self.values).isdisjoint(found)
        known = set(_words(found if isinstance(found, str) else " ".join(found)))
        return any(known.issuperset(_words(value)) for value in self.values)


class Sought(NamedTuple):
    """Which edition is sought: for a reader of a language, of those that meet conditions; and what to say of it."""

    language: str
    fields: frozenset[str] = FIELDS
    conditions: tuple[Condition, ...] = ()


def with_documents(world: World, record: Record) -> list[tuple[Edition, Record]]:
    """All editions of a work, each with its document."""
    code = works.code(record["key"])
    rolled = dice.roll(world.seed, code >> 1)
    story = story_of(world.seed, code >> 1, rolled)
    made = editions(world, code, record, rolled)
    return [(edition, _document(world, edition, record, rolled, story)) for edition in made]


def best_edition(world: World, record: Record, sought: Sought) -> Record:
    """What the field `editions` of a work holds: how many editions meet the conditions, and the best of them.

    Without an edition in the language it is one in another.
    """
    found = [document for _, document in with_documents(world, record) if _meets(document, sought.conditions)]
    best = max(found, key=lambda document: _score(document, sought.language), default=None)
    return {
        "numFound": len(found),
        "start": 0,
        "numFoundExact": True,
        "docs": [] if best is None else [{name: best[name] for name in best if name in sought.fields}],
    }


def is_found(world: World, record: Record, conditions: Sequence[Condition], *, together: bool) -> bool:
    """Whether a work meets conditions on its editions: each by any of them, or all `together` by one.

    A work without editions has only its own title to meet them.
    """
    documents = [document for _, document in with_documents(world, record)]
    if together and documents:
        return any(_meets(document, conditions) for document in documents)
    documents.append({"title": record["title"]})
    return all(any(condition.is_met_by(document) for document in documents) for condition in conditions)


def _meets(document: Record, conditions: Sequence[Condition]) -> bool:
    return all(condition.is_met_by(document) for condition in conditions)


def _score(document: Record, language: str) -> int:
    return (
        _LANGUAGE_SCORE * (language in document.get("language", ()))
        + _ACCESS_SCORES.get(document["ebook_access"], 0)
        + _COVER_SCORE * ("cover_i" in document)
    )


def _document(world: World, edition: Edition, record: Record, rolled: Dice, story: Story) -> Record:
    chance = edition.looks
    title = _title(edition, record, rolled, story)
    known = {
        "key": f"/books/{edition.key}",
        "title": None if world.settled and record["title"] == UNTITLED else title,
        "subtitle": printings.SUBTITLES[chance // 100 % len(printings.SUBTITLES)] if chance % 100 < 41 else None,
        "language": list(edition.languages),
        "publisher": [edition.publisher] if edition.publisher else [],
        "publish_date": [edition.publish_date] if edition.publish_date else [],
        "format": [edition.format] if edition.format else [],
        "isbn": edition.isbns,
        "cover_i": _cover(edition, record),
        "ebook_access": works.ebook_access(record) if _is_scanned(edition, record, rolled) else "no_ebook",
    }
    return {name: value for name, value in known.items() if value is not None and value != []}


def _title(edition: Edition, record: Record, rolled: Dice, story: Story) -> str:
    """That of the work, or its translation."""
    language = next((it for it in edition.languages if it != "und"), story.language)
    if language == story.language:
        return str(record["title"])
    return plain_title(rolled, Story(story.dice, language))


def _cover(edition: Edition, record: Record) -> int | None:
    """The first edition has that of the work, if this comes from an edition; some others have their own."""
    if record["cover_edition_key"] is None:
        return None
    if edition.place == 0:
        return int(record["cover_id"])
    return edition.looks % _COVERS + 1 if edition.looks // 1000 % 5 < 2 else None


def _is_scanned(edition: Edition, record: Record, rolled: Dice) -> bool:
    """One edition of a work is scanned, if any."""
    return bool(record["has_fulltext"]) and edition.place == works.scanned_place(rolled, record)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
