"""The stocking list and the order list in plain Python, from the rules in docs/definitions.md.

A part of `reference`; the same holds: the standard library only, and nothing of the package under test.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from math import floor, log
from operator import add
from typing import Any

from openlib_assets_tests.tools.reference_details import isbn13

Row = dict[str, Any]

WEIGHTS = {"demand": 5.0, "recency": 3.0, "author": 2.0, "no_free": 1.0}
EBOOKS = {"public": 0.0, "borrowable": 0.5}
ORDERED = 200


def stocking_list(
    *,
    books: Iterable[Row],
    authors: Iterable[Row],
    author_books: Iterable[Row],
    duplicates: Iterable[Row],
    details: Iterable[Row],
    this_year: int,
    in_store: Sequence[Row] | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> list[Row]:
    """Rank the works of a subject; `in_store` are those that the store sells, or may sell."""
    works = {book["work_key"]: _work(book) for book in books}
    for row in details:
        if row["languages"] is not None:
            works[row["work_key"]].update(_readers(row))
    _add_authors(works, list(authors), list(author_books), _sold_as(in_store or ()))
    _add_criteria(works, this_year)
    for work in works.values():
        known = {name: weight for name, weight in weights.items() if work[name] is not None}
        total = sum(known.values())
        work["score"] = _rounded(_added(known[name] * work[name] for name in known) / total) if total else 0.0
    ranked = sorted(works.values(), key=lambda work: (-work["score"], work["work_key"]))
    for rank, work in enumerate(ranked, start=1):
        work["rank"] = rank
    _add_duplicates(works, duplicates)
    _add_store(works, in_store)
    asked = any(work["document"] for work in works.values())
    return [
        {
            "rank": work["rank"],
            "work_key": work["work_key"],
            "title": work["title"],
            "author_names": work["names"],
            "year": work["year"],
            "languages": work["languages"],
            **{name: work[name] for name in ("demand", "recency", "author", "no_free", "score")},
            "in_store": work["in_store"],
            "duplicate_of": work["duplicate_of"],
            "reason": _reason(work, readers_are_known=asked),
        }
        for work in ranked
    ]


def order_list(
    stocking: Iterable[Row], editions: Mapping[str, Row] | None, languages: Sequence[str] = ("eng",)
) -> list[Row]:
    """List what to order, with the editions found of works; None if none were asked for."""
    rows: list[Row] = []
    settled: set[str] = set()
    for listed in stocking:
        book = listed["duplicate_of"] or listed["work_key"]
        foreign = listed["languages"] and not set(listed["languages"]) & set(languages)
        sold = listed["in_store"] in ("yes", "review")
        if book in settled or (foreign and not sold):
            continue
        settled.add(book)
        if sold or len(rows) == ORDERED:
            continue
        edition = (editions or {}).get(listed["work_key"])
        names = ("edition_key", "isbn13", "title", "publisher", "publish_date", "language")
        of_edition: Row = edition or {**dict.fromkeys(names), "title": listed["title"]}
        missing = (
            " Editions were not asked for."
            if editions is None
            else f" No edition with an ISBN was found in {', '.join(languages)}."
        )
        rows.append(
            {
                "rank": listed["rank"],
                "work_key": listed["work_key"],
                **{name: of_edition[name] for name in names[:3]},
                "author_names": listed["author_names"],
                **{name: of_edition[name] for name in names[3:]},
                "score": listed["score"],
                "reason": listed["reason"] + ("" if edition else missing),
            }
        )
    return rows


def edition_to_order(documents: Mapping[str, Mapping[str, Any]], languages: Iterable[str]) -> Row | None:
    """Choose the edition of a work, by what the search says of the work when asked in each language."""
    for language in languages:
        for edition in documents[language]["editions"]["docs"]:
            isbns = [
                (thirteen != given.replace("-", ""), thirteen)
                for given in edition.get("isbn", [])
                if (thirteen := isbn13(given))
            ]
            if isbns and language in edition.get("language", []):
                return {
                    "edition_key": edition["key"].rpartition("/")[2],
                    "isbn13": min(isbns)[1],
                    "title": _utf8(edition.get("title")),
                    **{name: _utf8(edition.get(name, [None])[0]) for name in ("publisher", "publish_date")},
                    "language": language,
                }
    return None


def orders(lists: Mapping[str, Sequence[Row]], stocks: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Put the order lists of subjects together, by their stocking lists, `stocks`.

    Each book is there once, from where it scores best, less works that may be sold and books that surely are.
    """
    stocked = [row for rows in stocks.values() for row in rows]
    books: dict[str, set[str]] = {row["work_key"]: {row["work_key"]} for row in stocked}
    for row in stocked:
        if row["duplicate_of"]:
            together = books[row["work_key"]] | books[row["duplicate_of"]]
            books.update(dict.fromkeys(together, together))
    surely = {row["work_key"] for row in stocked if row["in_store"] == "yes"}
    sold = {row["work_key"] for row in stocked if row["in_store"] == "review" or books[row["work_key"]] & surely}
    best: dict[str, tuple[float, str, Row]] = {}
    subjects: dict[str, list[str]] = defaultdict(list)
    for subject, rows in sorted(lists.items()):
        for row in rows:
            key = row["work_key"]
            if key in sold:
                continue
            subjects[key].append(subject)
            if key not in best or row["score"] > best[key][0]:
                best[key] = (row["score"], subject, row)
    ordered: list[str] = []
    for key in sorted(best, key=lambda it: (-best[it][0], it)):
        if not books[key].intersection(ordered):
            ordered.append(key)
    return [{**best[key][2], "rank": rank, "subjects": subjects[key]} for rank, key in enumerate(ordered, start=1)]


def _added(numbers: Iterable[float]) -> float:
    """Add one number after the other, as SQL does; from Python 3.12 on, `sum` loses less."""
    return reduce(add, numbers, 0.0)


def _work(book: Row) -> Row:
    editions = book["edition_count"]
    return {
        "work_key": book["work_key"],
        "title": book["title"],
        "year": book["first_publish_year"] if book["year_status"] == "ok" else None,
        "editions": editions if editions is not None and editions >= 0 else None,
        "document": False,
        "languages": None,
        "wanted": None,
        "readers": None,
        "votes": 0,
        "stars": 0,
        "no_free": None,
        "names": [],
        "books": None,
        "others_sold": 0,
        "duplicate_of": None,
    }


def _readers(row: Row) -> Row:
    """What a document says; a count that it leaves out is 0."""
    average, votes = row["ratings_average"], row["ratings_count"] or 0
    rated = average is not None and 1 <= average <= 5 and votes > 0
    return {
        "document": True,
        "languages": row["languages"],
        "wanted": max(0, row["want_to_read"] or 0),
        "readers": max(0, row["currently_reading"] or 0) + max(0, row["already_read"] or 0),
        "votes": votes if rated else 0,
        "stars": floor(votes * average + 0.5) if rated else 0,
        "no_free": None if row["ebook_access"] is None else EBOOKS.get(row["ebook_access"], 1.0),
    }


def _sold_as(in_store: Iterable[Row]) -> dict[str, dict[int, int]]:
    """The rows of the store that surely are a work, each with the copies sold of it."""
    sold: dict[str, dict[int, int]] = defaultdict(dict)
    for row in in_store:
        if row["decision"] == "yes":
            sold[row["work_key"]][row["row"]] = max(0, row["units_sold"] or 0)
    return sold


def _add_authors(
    works: Mapping[str, Row], authors: Sequence[Row], author_books: Sequence[Row], sold: Mapping[str, Mapping[int, int]]
) -> None:
    by_key = {row["author_key"]: row for row in authors}
    sales: dict[str, dict[int, int]] = defaultdict(dict)
    for pair in author_books:
        sales[pair["author_key"]].update(sold.get(pair["work_key"], {}))
    for pair in sorted(author_books, key=lambda pair: pair["author_position"]):
        work, author = works[pair["work_key"]], by_key[pair["author_key"]]
        if author["author_name"] is not None:
            work["names"].append(author["author_name"])
        work["books"] = max(work["books"] or 0, author["book_count"])
        own = sold.get(pair["work_key"], {})
        others = sum(units for row, units in sales[pair["author_key"]].items() if row not in own)
        work["others_sold"] = max(work["others_sold"], others)
    most = max((row["book_count"] for row in authors), default=1)
    most_sold = max((work["others_sold"] for work in works.values()), default=0)
    for work in works.values():
        shares = (_scaled(work["books"], most), _scaled(work["others_sold"], most_sold))
        work["author"] = None if work["books"] is None else _rounded(max(shares))


def _add_criteria(works: Mapping[str, Row], this_year: int) -> None:
    all_works = list(works.values())
    most = {
        name: max((work[name] for work in all_works if work[name] is not None), default=0)
        for name in ("wanted", "readers", "editions")
    }
    votes = sum(work["votes"] for work in all_works)
    mean = sum(work["stars"] for work in all_works) / votes if votes else None
    for work in all_works:
        parts: list[tuple[int, float]] = []
        if work["document"]:
            parts += [(4, _scaled(work["wanted"], most["wanted"])), (3, _scaled(work["readers"], most["readers"]))]
            if mean is not None:
                parts.append((1, ((10 * mean + work["stars"]) / (10 + work["votes"]) - 1) / 4))
        if work["editions"] is not None:
            parts.append((2, _scaled(work["editions"], most["editions"])))
        weight = sum(weight for weight, _ in parts)
        work["demand"] = _rounded(_added(weight * part for weight, part in parts) / weight) if parts else None
        age = None if work["year"] is None else this_year - work["year"]
        work["recency"] = None if age is None else _rounded(min(1.0, max(0.0, 1 - age / 50)))


def _add_duplicates(works: Mapping[str, Row], duplicates: Iterable[Row]) -> None:
    into = {row["work_key"]: row["into_work_key"] for row in duplicates if row["score"] >= 0.6}
    same: dict[str, list[Row]] = defaultdict(list)
    for key, work in works.items():
        root = key
        while root in into:
            root = into[root]
        same[root].append(work)
    for group in same.values():
        best = min(group, key=lambda work: work["rank"])
        for work in group:
            work["same"] = group
            work["duplicate_of"] = None if work is best else best["work_key"]


def _add_store(works: Mapping[str, Row], in_store: Iterable[Row] | None) -> None:
    decisions: dict[str, set[str]] = defaultdict(set)
    for row in in_store or ():
        decisions[row["work_key"]].add(row["decision"])
    for key, work in works.items():
        sold = any("yes" in decisions[other["work_key"]] for other in work["same"])
        work["may_be_sold"] = "review" in decisions[key]
        work["in_store"] = (
            None
            if in_store is None
            else "yes"
            if "yes" in decisions[key]
            else "review"
            if sold or work["may_be_sold"]
            else "no"
        )


def _reason(work: Row, *, readers_are_known: bool) -> str:
    editions = "editions unknown" if work["editions"] is None else _counted(work["editions"], "edition")
    if work["document"]:
        rated = (
            f"rated {_rounded(work['stars'] / work['votes'], 1):.1f} of 5 by {work['votes']:,}" if work["votes"] else ""
        )
        demand = ", ".join(
            [
                "wanted by nobody" if not work["wanted"] else f"wanted by {_counted(work['wanted'], 'reader')}",
                "read by nobody" if not work["readers"] else f"read by {work['readers']:,}",
                rated or "not rated",
                editions,
            ]
        )
    elif readers_are_known:
        demand = f"{editions} (nothing is known of its readers)"
    else:
        demand = f"{editions} (demand by editions only: nothing is known of readers)"
    parts = [demand[0].upper() + demand[1:]]
    parts.append("year unknown" if work["year"] is None else f"first published in {work['year']}")
    if work["books"] is None:
        parts.append("no author listed")
    elif work["books"] == 1:
        parts.append("its author has no other book here")
    else:
        parts.append(f"its author has {work['books']:,} books here")
    if work["others_sold"]:
        parts.append(f"the store sold {work['others_sold']:,} of the author's other books")
    if work["no_free"] is not None:
        parts.append(
            {0.0: "a free e-book exists", 0.5: "an e-book can be borrowed", 1.0: "no free e-book"}[work["no_free"]]
        )
    if work["in_store"]:
        sells = {"yes": "sells it", "no": "does not sell it", "review": "sells what may be the same book"}
        maybe = work["in_store"] == "review" and work["may_be_sold"]
        parts.append(f"the store {'may sell it' if maybe else sells[work['in_store']]}")
    if work["duplicate_of"]:
        parts.append(f"may be the same book as {work['duplicate_of']}")
    return "; ".join(parts) + "."


def _utf8(text: str | None) -> str | None:
    """Put U+FFFD in place of each lone surrogate, which UTF-8 cannot hold."""
    return text and text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _scaled(number: int | None, most: int) -> float:
    return log(1 + (number or 0)) / log(1 + max(1, most))


def _rounded(share: float, digits: int = 4) -> float:
    unit: int = 10**digits
    return floor(share * unit + 0.5) / unit
