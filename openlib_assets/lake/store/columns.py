"""Which column of a store's file is which, by the names that people give them in several languages."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openlib_assets.settings import STORE_COLUMNS

# Without accents, and letters and digits only. Where a file has several of a kind, the first of these is taken; of
# ISBNs all are.
_NAMES: Mapping[str, Sequence[str]] = {
    "isbn": (
        *(
            "isbn13",
            "ean13",
            "gtin13",
            "ean",
            "gtin",
            "isbn",
            "isbnean",
            "eanisbn",
            "isbn13ean",
            "isbnnummer",
            "isbnnumber",
        ),
        *("eancode", "codeean", "barcode", "codebarre", "codebarres", "strichcode", "isbn10"),
    ),
    "title": (
        *(
            "title",
            "titel",
            "titre",
            "titulo",
            "titolo",
            "tytul",
            "booktitle",
            "producttitle",
            "buchtitel",
            "maintitle",
        ),
        *("haupttitel", "productname", "produktname", "bezeichnung", "designation", "name", "product", "artikel"),
    ),
    "author": (
        *(
            "author",
            "authors",
            "autor",
            "autoren",
            "autorin",
            "auteur",
            "auteurs",
            "autores",
            "autora",
            "autore",
            "autori",
        ),
        *(
            "authorname",
            "authornames",
            "verfasser",
            "verfasserin",
            "schrijver",
            "forfatter",
            "forfattare",
            "kirjailija",
        ),
        *("writer", "creator", "contributor", "contributors", "urheber"),
    ),
    "price": (
        *("price", "preis", "prix", "precio", "prezzo", "preco", "prijs", "pris", "cena", "retailprice", "salesprice"),
        *("sellingprice", "unitprice", "listprice", "ladenpreis", "verkaufspreis", "vkpreis", "vk", "prixttc", "pvp"),
        *("prixdevente", "rrp", "msrp"),
    ),
    "units_sold": (
        *(
            "unitssold",
            "soldunits",
            "quantitysold",
            "qtysold",
            "soldqty",
            "copiessold",
            "numbersold",
            "sold",
            "unitsales",
        ),
        *("salesunits", "salesqty", "verkauft", "verkauftestuck", "verkaufteexemplare", "absatz", "absatzmenge"),
        *(
            "quantitevendue",
            "quantitesvendues",
            "vendus",
            "ventes",
            "exemplairesvendus",
            "unidadesvendidas",
            "vendidas",
        ),
        *("vendidos", "ventas", "copievendute", "vendute", "venduti", "verkocht", "sales", "units", "copies", "qty"),
        *(
            "quantity",
            "menge",
            "anzahl",
            "stuck",
            "stuckzahl",
            "quantite",
            "cantidad",
            "quantita",
            "unidades",
            "aantal",
        ),
    ),
}
# What may follow a name: `Price (EUR)`, `Preis in €`.
_CURRENCY = re.compile(
    r"[\s(\[_-]+(in\s+)?(eur|euro|usd|gbp|chf|cad|aud|jpy|sek|nok|dkk|pln|us\$|[€$£¥])\W*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Columns:
    """The places of the columns in a row, by their names here, and what the file calls them; ISBNs may have several."""

    places: Mapping[str, Sequence[int]]
    called: Mapping[str, str]


def columns_of(header: Sequence[str], named: Mapping[str, str]) -> Columns | None:
    """Return the columns that a row names; None where it is no header, which has an ISBN or a title among them.

    `named` are those that somebody named, by their name here; a header has all of them.
    """
    plain = [plain_name(name) for name in header]
    places: dict[str, list[int]] = {}
    # What somebody names, no other column takes.
    for column in sorted(STORE_COLUMNS, key=lambda column: column not in named):
        names = [plain_name(named[column])] if column in named else _NAMES[column]
        taken = {place for some in places.values() for place in some}
        found = [place for name in names for place, its in enumerate(plain) if its == name and place not in taken]
        if found:
            places[column] = found if column == "isbn" else found[:1]
        elif column in named:
            return None
    if not {"isbn", "title"} & places.keys():
        return None
    called = {column: " and ".join(header[place].strip() for place in some) for column, some in places.items()}
    return Columns(places, called)


def plain_name(name: str) -> str:
    """Return a column's name without accents, punctuation, case, and a currency at its end."""
    plain = unicodedata.normalize("NFKD", _CURRENCY.sub("", name).lower())
    return "".join(character for character in plain if character.isalnum())
