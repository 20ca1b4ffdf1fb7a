"""What records hold beside what the index reads: descriptions, notes, numbers in other catalogues."""

import random
from typing import Any

from openlib_assets.sandbox.catalogue import words

Fields = dict[str, Any]

_WORDS = " ".join(words.NOUNS["eng"].split()).lower().split()
_JOINTS = ("of the", "and", "in a", "without", "behind the", "is a", "—", "who has seen the", "for every", "; or the")
_PLACES = ("London", "New York", "Paris", "Berlin", "Moskva", "Madrid", "Beijing", "al-Qāhirah", "[S.l.]")
_COUNTRIES = ("enk", "nyu", "fr ", "gw ", "ru ", "sp ", "cc ", "ua ", "xxu")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVZ"


def prose(chance: random.Random, length: int) -> str:
    """About so many words that mean nothing."""
    pieces = [f"{chance.choice(_WORDS)} {chance.choice(_JOINTS)}" for _ in range(length // 2)]
    return f"{' '.join(pieces)} {chance.choice(_WORDS)}.".capitalize()


def text(chance: random.Random, value: str) -> str | Fields:
    """A long text as records of two ages hold it."""
    return value if chance.random() < 0.5 else {"type": "/type/text", "value": value}


def of_work(chance: random.Random) -> Fields:
    """What some works say. `first_publish_date` is what somebody typed, and has to do with no edition."""
    fields: Fields = {}
    if chance.random() < 0.06:
        fields["description"] = text(chance, prose(chance, chance.randrange(20, 120)))
    if chance.random() < 0.08:
        fields["first_publish_date"] = chance.choice(("1850", "May 1999", "c1970", "n.d.", "12th century"))
    if chance.random() < 0.12:
        fields["lc_classifications"] = [classification(chance)]
        fields["dewey_number"] = [f"{chance.randrange(1000):03}.{chance.randrange(100)}"]
    if chance.random() < 0.02:
        title, url = prose(chance, 4), f"https://example.org/{chance.randrange(10**6)}"
        fields["links"] = [{"title": title, "url": url, "type": {"key": "/type/link"}}]
    if chance.random() < 0.01:
        fields["first_sentence"] = text(chance, prose(chance, 14))
    return fields


def of_edition(chance: random.Random) -> Fields:
    """What most editions say."""
    number = chance.randrange(10**8)
    fields: Fields = {"source_records": _sources(chance, number)}
    if chance.random() < 0.45:
        place = chance.randrange(len(_PLACES))
        fields |= {"publish_places": [_PLACES[place]], "publish_country": _COUNTRIES[place]}
    if chance.random() < 0.4:
        fields["pagination"] = f"{chance.choice(('x, ', 'xii, ', ''))}{chance.randrange(40, 900)} p. :"
    if chance.random() < 0.35:
        fields["oclc_numbers"] = [str(chance.randrange(10**6, 10**9))]
    if chance.random() < 0.24:
        fields["lccn"] = [f"{chance.randrange(50, 99)}{number % 10**6:06}"]
        fields["lc_classifications"] = [classification(chance)]
    if chance.random() < 0.2:
        fields["identifiers"] = _identifiers(chance)
    if chance.random() < 0.3:
        fields["notes"] = text(chance, prose(chance, chance.randrange(6, 40)))
    if chance.random() < 0.18:
        fields["series"] = [prose(chance, 4)]
    if chance.random() < 0.25:
        fields["by_statement"] = prose(chance, 5)
    if chance.random() < 0.2:
        fields["local_id"] = [f"urn:bwbsku:{chance.randrange(36**5)}-{number}"]
    if chance.random() < 0.25:
        fields["full_title"] = prose(chance, 10)
    return fields


def of_author(chance: random.Random, name: str) -> Fields:
    """What some authors say; dates are free texts."""
    fields: Fields = {"personal_name": name} if chance.random() < 0.6 else {}
    born = chance.randrange(1750, 1990)
    if chance.random() < 0.22:
        fields["birth_date"] = chance.choice((f"{born}", f"12 May {born}", f"(ca. {born}", "15th cent."))
    if chance.random() < 0.05:
        fields["death_date"] = chance.choice((f"{born + 60}", f"{born + 60}.", ""))
    if chance.random() < 0.02:
        fields["bio"] = text(chance, prose(chance, 30))
    if chance.random() < 0.07:
        fields["remote_ids"] = {"viaf": str(chance.randrange(10**8)), "wikidata": f"Q{chance.randrange(10**8)}"}
    if chance.random() < 0.04:
        fields["alternate_names"] = [f"{name} {chance.choice(('Jr.', 'II', '(author)'))}"]
    return fields


def classification(chance: random.Random) -> str:
    """A shelf mark of the Library of Congress: `PS3515.U274 B7 1998`."""
    subject = chance.choice(_LETTERS) + chance.choice(_LETTERS)
    return f"{subject}{chance.randrange(1, 9999)}.{chance.choice(_LETTERS)}{chance.randrange(10, 999)} {born(chance)}"


def born(chance: random.Random) -> int:
    """Some year."""
    return chance.randrange(1900, 2024)


def _sources(chance: random.Random, number: int) -> list[str]:
    sources = (
        f"marc:marc_loc_2016/BooksAll.2016.part{number % 43 + 1:02}.utf8:{number}:{number % 2000 + 500}",
        f"bwb:978{number:08}{number % 97:02}",
        f"amazon:{number:010}",
        f"promise:bwb_daily_pallets_{born(chance)}-03-{number % 28 + 1:02}",
    )
    return chance.sample(sources, chance.choice((1, 1, 2)))


def _identifiers(chance: random.Random) -> Fields:
    if chance.random() < 0.1:
        return {}
    made = {"goodreads": [str(chance.randrange(10**4, 10**8))], "librarything": [str(chance.randrange(10**7))]}
    return made | ({"amazon": [f"B{chance.randrange(10**9):09}"]} if chance.random() < 0.4 else {})
