"""The rows of a store's catalogue, and the truth about them: which work each one is, if Open Library has it at all."""

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import dice, labels, stories, works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details.editions import Edition, editions
from openlib_assets.sandbox.catalogue.details.isbns import is_isbn_13, isbn_13
from openlib_assets.sandbox.store import spellings

COLUMNS = ("isbn", "title", "author", "price", "units_sold")

# How many rows in a hundred are of which kind; the rest are books of the catalogue.
_SHARES = {"unknown": 9, "clash": 4, "repeated": 4, "no book": 2}
_GOODS = ("Gift card 25", "Tote bag", "Bookmark, leather", "Reading lamp", "2027 Calendar: Cats")
_UNLISTED_ISBN = 0.07  # of the books are of an edition that Open Library has not heard of
_TRANSLATED = 0.04
_NUMBERS = 45_000_000


class StoreBook(NamedTuple):
    """A row of the store's catalogue, with the truth about it.

    `kind` is `book`, `unknown` (a book that no subject lists), `clash` (the ISBN is that of another book), `repeated`
    (a book that is in another row, too) or `no book`. `work_keys` are the keys of the works that the row is: none, one,
    or two if Open Library has the book twice. Of a clash it is the one with the title.
    """

    isbn: str
    title: str
    author: str
    price: str
    units_sold: str
    kind: str = "book"
    work_keys: frozenset[str] = frozenset()


def store_books(catalogue: Catalogue, rows: int, *, seed: int = 1) -> list[StoreBook]:
    """Make the catalogue of a store that sells works of a catalogue's subjects, those with many editions more likely.

    The same seed gives the same rows. A work is sold at most once, save in rows that are repeated on purpose.
    """
    chance = random.Random(f"store/{seed}")
    kinds = chance.choices((*_SHARES, "book"), (*_SHARES.values(), 100 - sum(_SHARES.values())), k=rows)
    elsewhere = Catalogue({}, seed=catalogue.world.seed + 1, this_year=catalogue.world.this_year)
    sold = _sold(catalogue, rows + kinds.count("clash"), chance)
    found: list[StoreBook] = []
    for kind in kinds:
        if kind == "no book":
            found.append(_goods(chance))
        elif kind == "unknown":
            found.append(_book(elsewhere, works.generated_code(chance.randrange(10, _NUMBERS)), chance, kind))
        elif kind == "repeated" and (books := [book for book in found[-50:] if book.kind == "book"]):
            found.append(_repeated(chance.choice(books), chance))
        elif sold:
            book = _book(catalogue, sold.pop(), chance)
            found.append(_clashing(book, catalogue, sold.pop()) if kind == "clash" and sold else book)
    return found


def write_store_catalogue(path: Path, books: Iterable[StoreBook]) -> None:
    """Write the rows of a store's catalogue as CSV, without the truth about them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(book[: len(COLUMNS)] for book in books)


def _sold(catalogue: Catalogue, count: int, chance: random.Random) -> list[int]:
    """Codes of so many works, or of all: of two that are drawn, the one with more editions comes first."""
    codes = sorted(catalogue.all_codes())
    drawn = chance.sample(codes, min(len(codes), 2 * count))
    pairs = [drawn[place : place + 2] for place in range(0, len(drawn), 2)]
    for pair in pairs:
        pair.sort(key=lambda code: works.edition_count(dice.roll(catalogue.world.seed, code >> 1)))
    winners, losers = [pair[-1] for pair in pairs], [pair[0] for pair in pairs if len(pair) == 2]
    return [*winners, *losers][:count][::-1]


def _book(catalogue: Catalogue, code: int, chance: random.Random, kind: str = "book") -> StoreBook:
    """A row of an edition of a work, as the store writes it."""
    record, number = catalogue.record(code), code >> 1
    rolled = dice.roll(catalogue.world.seed, number)
    story = stories.story_of(catalogue.world.seed, number, rolled)
    edition = _edition(editions(catalogue.world, code, record, rolled), story.language, chance)
    language = next(iter(edition.languages), story.language) if edition else story.language
    told = story if language in (story.language, "und") else stories.Story(story.dice, language)
    isbn = _isbn(edition, chance)
    return StoreBook(
        spellings.isbn(chance, isbn) if isbn else "",
        spellings.title(chance, stories.plain_title(rolled, told), told.language),
        spellings.author(chance, [author["name"] for author in record["authors"]]),
        _price(chance),
        _units(chance),
        kind,
        _same_books(catalogue.world.seed, code) if kind == "book" else frozenset(),
    )


def _edition(made: Sequence[Edition], language: str, chance: random.Random) -> Edition | None:
    """One with an ISBN in the language of the work; sometimes a translation, and any if there is none of these."""
    numbered = [edition for edition in made if _number(edition)]
    own = [edition for edition in numbered if language in edition.languages or not edition.languages]
    pools = (numbered, made) if chance.random() < _TRANSLATED else (own, numbered, made)
    return next((chance.choice(pool) for pool in pools if pool), None)


def _number(edition: Edition) -> str | None:
    return next(filter(is_isbn_13, edition.isbns), None)


def _isbn(edition: Edition | None, chance: random.Random) -> str | None:
    """That of the edition; or one that Open Library has not."""
    unlisted = isbn_13(f"{chance.randrange(10**9):09}")
    if chance.random() < _UNLISTED_ISBN:
        return unlisted
    return _number(edition) if edition else None


def _repeated(book: StoreBook, chance: random.Random) -> StoreBook:
    """The same book in another row, at another price and now and then without its ISBN."""
    return book._replace(isbn=chance.choice((book.isbn, "")), price=_price(chance), kind="repeated")


def _clashing(book: StoreBook, catalogue: Catalogue, other: int) -> StoreBook:
    """The book with the ISBN of another one, if that has any."""
    made = editions(catalogue.world, other, catalogue.record(other), dice.roll(catalogue.world.seed, other >> 1))
    isbn = next(filter(None, map(_number, made)), None)
    return book._replace(isbn=isbn, kind="clash") if isbn else book


def _goods(chance: random.Random) -> StoreBook:
    """What else a bookshop sells, which has a number as well."""
    ean = isbn_13(f"{chance.randrange(10**9):09}", "501")
    return StoreBook(ean, chance.choice(_GOODS), "", _price(chance), _units(chance), "no book")


def _price(chance: random.Random) -> str:
    return "" if chance.random() < 0.04 else f"{4.99 + int(chance.expovariate(1 / 11)):.2f}"


def _units(chance: random.Random) -> str:
    return "" if chance.random() < 0.03 else str(int(3 * chance.paretovariate(1)) - 3)


def _same_books(seed: int, code: int) -> frozenset[str]:
    """The work, and the one that it duplicates or that duplicates it."""
    key = works.key(code).removeprefix("/works/")
    following = works.key(works.generated_code((code >> 1) + 1)).removeprefix("/works/")
    second = following if labels.same_book_as(seed, following) == key else None
    return frozenset(filter(None, (key, labels.same_book_as(seed, key), second)))
