"""How a store writes ISBNs, titles and authors that another catalogue has in its own way."""

import random

from openlib_assets.sandbox.catalogue import people, words
from openlib_assets.sandbox.catalogue.details import isbns

_SUBTITLES = (": a novel", " - A Novel", ": the bestseller", " (Paperback)", " (Book 2)", " [New Edition]")
_AND = {"eng": " and ", "fre": " et ", "ger": " und ", "spa": " y "}


def isbn(chance: random.Random, isbn_13: str) -> str:
    """An ISBN-13, in the form that somebody typed or a spreadsheet made of it; now and then none."""
    body, prefix = isbn_13[3:-1], isbn_13[:3]
    ten = isbns.isbn_10(body) if prefix == "978" else isbn_13
    forms = (
        *[isbn_13] * 48,
        *[isbns.hyphenated(isbn_13)] * 14,
        *[ten] * 12,
        *[isbns.hyphenated(ten)] * 5,
        *[f"{int(isbn_13):.2E}"] * 5,
        *[ten.lstrip("0")] * 2,
        *[f"{isbn_13}.0"] * 2,
        f"'{isbn_13}",
        f"ISBN {isbn_13}",
        *[""] * 10,
    )
    return chance.choice(forms)


def title(chance: random.Random, title: str, language: str) -> str:
    """A title in the way of a store: most as it is, some with the article behind, shouted, with a typo and so on."""
    articles = words.ARTICLES.get(language, ())
    article = next((it for it in articles if title.startswith(it)), "")
    moved = f"{title.removeprefix(article)}, {article.strip()}" if article else title
    place = chance.randrange(1, len(title)) if len(title) > 1 else 0
    forms = (
        *[title] * 45,
        *[title.upper()] * 8,
        *[title.lower()] * 5,
        *[title + chance.choice(_SUBTITLES)] * 11,
        *[moved] * 10,
        *[title.removeprefix(article)] * 3,
        *[title.replace(_AND.get(language, " & "), " & ")] * 6,
        *[people.without_accents(title)] * 4,
        *[title[:place] + title[place + 1 :]] * 4,
        *[title[: place - 1] + title[place - 1 : place + 1][::-1] + title[place + 1 :]] * 3,
        f"  {title} ",
    )
    return chance.choice(forms)


def author(chance: random.Random, names: list[str]) -> str:
    """Authors in the way of a store: one or all of them, half of them with the last name first."""
    names = [name.strip() for name in names if name.strip()]
    if not names:
        return ""
    first = names[0]
    forms = (
        *[first] * 40,
        *[_inverted(first)] * 36,
        *[first.upper()] * 5,
        *[_inverted(first).upper()] * 2,
        *[_initials(first)] * 4,
        *["; ".join(map(_inverted, names))] * 5,
        *[" & ".join(names)] * 4,
        *[people.without_accents(first)] * 2,
        *[""] * 2,
    )
    return chance.choice(forms)


def _inverted(name: str) -> str:
    given, space, last = name.rpartition(" ")
    return f"{last}, {given}" if space and "," not in name else name


def _initials(name: str) -> str:
    given, space, last = name.rpartition(" ")
    return f"{''.join(f'{part[0]}.' for part in given.split())} {last}" if space and "," not in name else name
