"""Findings that name gaps: what is in demand, and what of it the store lacks. Made from the numbers, in words."""

from collections.abc import Iterator

from openlib_assets.report.counts import Row
from openlib_assets.report.numbers import Numbers
from openlib_assets.report.words import FEW, apart, count, counted, language_name, listed, share, titled

_NAMED = 3
# Codes of what is written in several languages, or in none that is known.
_NO_LANGUAGE = ("mul", "und", "zxx")
_AUTHORS_LOOKED_AT = 20
# The store lacks what it sells at most half as often as it would by its share of all works, and so many works fewer.
_LACKS_SHARE, _LACKS_WORKS = 0.5, 5


def gaps(numbers: Numbers) -> Iterator[str]:
    """Yield what is in demand, and what of it the store lacks, if its catalogue is set."""
    works = [row for row in numbers.rows["most_wanted"] if not row["is_duplicate"]]
    if numbers.demand["compared"]:
        yield from _most_wanted_unsold(works)
        yield from _store_against_subject(numbers)
        yield from _decade_in_demand(numbers)
    else:
        yield from _most_wanted(works)
        yield from _decade_in_demand(numbers)
        yield from _languages(numbers)
        yield from _authors_in_demand(numbers)


def _store_against_subject(numbers: Numbers) -> Iterator[str]:
    """Yield how much of the subject the store sells, and which decades, languages and authors it lacks."""
    every = numbers.demand
    if not every["sold"]:
        may = f", and may sell {count(every['maybe_sold'])}" if every["maybe_sold"] else ""
        yield f"The store is not known to sell any of the {counted(every['works'], 'work')}{may}."
        return
    yield (
        f"The store sells {count(every['sold'])} of the {counted(every['works'], 'work')} "
        f"({share(every['sold'], every['works'])}), and may sell {count(every['maybe_sold'])} more."
    )
    for row in _lacking(numbers, "decade"):
        yield f"Of the {row['label']}s it sells {_against(row, every)}"
    for row in _lacking(numbers, "language"):
        yield f"In {language_name(row['label'])} it sells {_against(row, every)}"
    authors = _of_kind(numbers, "author")[:_AUTHORS_LOOKED_AT]
    unsold = [row for row in authors if not row["sold"] and not row["maybe_sold"]]
    if unsold and len(authors) == _AUTHORS_LOOKED_AT:
        others = len(unsold) - _NAMED
        named = [_author(row) for row in unsold[:_NAMED]] + ([counted(others, "other")] if others > 0 else [])
        yield (
            f"Of the {count(len(authors))} authors most in demand, it sells nothing by {count(len(unsold))}: "
            f"{listed(named)}."
        )


def _most_wanted(works: list[Row]) -> Iterator[str]:
    first = [row for row in works[:_NAMED] if (row["edition_count"] if row["wanted"] is None else row["wanted"])]
    if first:
        yield f"Most in demand {'is' if len(first) == 1 else 'are'} {listed([_told(row) for row in first])}."


def _most_wanted_unsold(works: list[Row]) -> Iterator[str]:
    unsold = [row for row in works if row["in_store"] == "no"]
    if len(works) < FEW:
        return
    if not unsold:
        yield f"The store sells, or may sell, all of the {count(len(works))} works most in demand."
        return
    sold = sum(row["in_store"] == "yes" for row in works)
    yield (
        f"Of the {count(len(works))} works most in demand, the store sells {count(sold)}, may sell "
        f"{count(len(works) - sold - len(unsold))}, and does not sell {count(len(unsold))}: first of all "
        f"{listed([_told(row) for row in unsold[:_NAMED]])}."
    )


def _decade_in_demand(numbers: Numbers) -> Iterator[str]:
    every = numbers.demand
    # A work of which nothing is known is not one that nobody wants.
    decades = [row for row in _of_kind(numbers, "decade") if row["with_details"] >= FEW]
    if not decades or not every["wanted"]:
        return
    most = max(decades, key=lambda row: (_wanted_by(row), row["label"]))
    each, of_all = _wanted_by(most), _wanted_by(every)
    if each > of_all:
        yield (
            f"Of all decades, works of the {most['label']}s are wanted most: by {each:,.1f} readers each, on average, "
            f"against {of_all:,.1f} of all."
        )


def _wanted_by(row: Row) -> float:
    """Return how many readers want each work, on average, of those of which it is known."""
    return float((row["wanted"] or 0) / row["with_details"])


def _languages(numbers: Numbers) -> Iterator[str]:
    rows = sorted(_of_kind(numbers, "language"), key=lambda row: (-row["works"], row["label"]))[:_NAMED]
    if not rows:
        return
    first, *others = [f"in {language_name(row['label'])}" for row in rows]
    part = f"{count(rows[0]['works'])} of {counted(numbers.demand['works'], 'work')}"
    some = [f"{count(row['works'])} {name}" for row, name in zip(rows[1:], others, strict=True)]
    yield f"{listed([f'{part} can be had {first}', *some])}."


def _authors_in_demand(numbers: Numbers) -> Iterator[str]:
    rows = _of_kind(numbers, "author")
    if len(rows) >= FEW:
        yield f"The authors most in demand are {listed([_author(row) for row in rows[:_NAMED]])}."


def _lacking(numbers: Numbers, kind: str) -> list[Row]:
    """Return the groups of a kind that the store lacks, first the one that it lacks most."""
    lacking = []
    for row in _of_kind(numbers, kind):
        due = _due(row, numbers.demand)
        if row["works"] >= FEW and row["sold"] <= _LACKS_SHARE * due and due - row["sold"] >= _LACKS_WORKS:
            lacking.append(row)
    lacking.sort(key=lambda row: (row["sold"] - _due(row, numbers.demand), row["label"]))
    return lacking[:2]


def _due(row: Row, every: Row) -> float:
    """Return how many of a group's works the store would sell by its share of all works."""
    return float(row["works"] * every["sold"] / every["works"])


def _against(row: Row, every: Row) -> str:
    return (
        f"{count(row['sold'])} of {counted(row['works'], 'work')}; by its share of all works, it would be "
        f"{count(round(_due(row, every)))}."
    )


def _of_kind(numbers: Numbers, kind: str) -> list[Row]:
    rows = (row for row in numbers.rows["demand_by_group"] if row["kind"] == kind)
    return [row for row in rows if not (kind == "language" and row["label"] in _NO_LANGUAGE)]


def _author(row: Row) -> str:
    return f"{apart(row['name'] or row['label'])} ({counted(row['works'], 'work')})"


def _told(row: Row) -> str:
    """Return a work by its title and its authors, with what is known of its demand."""
    names = row["author_names"]
    by = f" by {apart(names[0])}" if names else ""
    others = " and others" if len(names) > 1 else ""
    if row["wanted"] is not None:
        demand = f"wanted by {counted(row['wanted'], 'reader')}"
        demand += f", read by {count(row['readers'])}" if row["readers"] else ""
    elif row["edition_count"] is not None:
        demand = counted(row["edition_count"], "edition")
    else:
        demand = "number of editions unknown"
    title = row["title"] if row["title"] and not row["title"].isspace() else row["work_key"]
    return f"{titled(title)}{by}{others} ({demand})"
