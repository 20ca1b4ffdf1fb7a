"""What a report shows first: what to order, and what is known of it."""

from collections import Counter
from typing import Any

from openlib_assets.report.counts import Row
from openlib_assets.report.numbers import Numbers
from openlib_assets.report.words import language_name

_IN_STORE = {"yes": "yes", "review": "maybe", "no": "no", None: None}
_EBOOKS = {0.0: "free", 0.5: "to borrow", 1.0: "none", None: None}


def orders(numbers: Numbers) -> dict[str, Any]:
    """Return what the section on what to order says before its table."""
    rows = numbers.rows["orders"]
    every = numbers.demand
    return {
        "works": sum(row["to_order"] for row in rows),
        "editions": sum(row["edition_key"] is not None for row in rows),
        "listed": numbers.has_order_list,
        "details_are_known": every["with_details"] > 0,
        "store_is_known": every["compared"] > 0,
    }


def order_rows(numbers: Numbers) -> dict[str, Any]:
    """Return what the table of what to order holds, and the languages to choose from, the commonest first."""
    rows = numbers.rows["orders"]
    languages = Counter(code for row in rows for code in row["languages"])
    ranked = sorted(languages, key=lambda code: (-languages[code], code))
    return {
        "rows": [{**row, "in_store": _IN_STORE[row["in_store"]]} for row in rows],
        "languages": [{"code": code, "name": language_name(code)} for code in ranked],
    }


def stock_rows(numbers: Numbers) -> list[Row]:
    """Return what the table of what to stock holds."""
    return [
        {**row, "in_store": _IN_STORE[row["in_store"]], "ebook": _EBOOKS[row["no_free"]]}
        for row in numbers.rows["stock"]
    ]
