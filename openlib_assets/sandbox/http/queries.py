"""The queries of `/search.json` that Open Library's parser can read, and the works that they mean.

What it cannot read is no error there: it becomes free text, and is answered like any other.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import ordering, works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details.best_edition import Condition
from openlib_assets.sandbox.catalogue.works import Record

_SUBJECT = re.compile(r'(?P<kind>subject|person|place|time)_key:(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+))')
_KEY = r'"?(/works/OL[0-9]+[WM])"?'
_KEYS = re.compile(rf"key:(?:{_KEY}|\({_KEY}(?: OR {_KEY})*\))")
_RANGE = re.compile(rf"key:(?P<open>[\[{{])(?P<low>\*|{_KEY}) TO (?P<high>\*|{_KEY})(?P<close>[\]}}])")
_ONE_KEY = re.compile(_KEY)
_CONDITION = re.compile(
    r'(?P<field>isbn|language|publisher|title):(?:"(?P<quoted>[^"]*)"|\((?P<group>[^()]*)\)|(?P<bare>[^\s"()]+))'
)


class WorkQuery(NamedTuple):
    """What a query asks for: works of a subject, of some keys, between two keys, with some editions; else by words."""

    subject: str | None = None
    keys: frozenset[str] | None = None
    range: re.Match[str] | None = None
    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()


def parse_query(q: str) -> WorkQuery:
    """Read a query such as `subject_key:"love" AND key:{"/works/OL9W" TO *}`."""
    found = WorkQuery()
    for clause in q.split(" AND "):
        if match := _SUBJECT.fullmatch(clause):
            prefix = "" if match["kind"] == "subject" else f"{match['kind']}:"
            found = found._replace(subject=prefix + (match["bare"] if match["quoted"] is None else match["quoted"]))
        elif _KEYS.fullmatch(clause):
            found = found._replace(keys=frozenset(_ONE_KEY.findall(clause)))
        elif match := _RANGE.fullmatch(clause):
            found = found._replace(range=match)
        elif match := _CONDITION.fullmatch(clause):
            found = found._replace(conditions=(*found.conditions, _condition(match)))
        else:
            return WorkQuery(words=tuple(re.findall(r"\w+", q.lower())))
    return found


def found(catalogue: Catalogue, query: WorkQuery, order: ordering.Clauses, *, one_edition: bool) -> Sequence[int]:
    """The works that a query means. `one_edition` must meet all conditions on editions, or any edition each."""
    if query.subject is not None:
        codes: Sequence[int] = catalogue.search(query.subject, order).codes
    elif query.keys is not None:
        codes = sorted(filter(catalogue.holds, map(works.code, query.keys)), key=works.key)
    else:
        codes = _everywhere(catalogue, query)
    if query.range is not None and order[0] == ordering.BY_KEY:
        codes = _cut(codes, query.range)
    elif query.range is not None:
        codes = [code for code in codes if _within(works.key(code), query.range)]
    if query.keys is not None:
        codes = [code for code in codes if works.key(code) in query.keys]
    if query.conditions:
        codes = [code for code in codes if catalogue.is_found(code, query.conditions, together=one_edition)]
    return codes


def _everywhere(catalogue: Catalogue, query: WorkQuery) -> list[int]:
    """The works of all subjects, in key order, whose titles hold all words."""
    codes = catalogue.all_codes()
    return [code for code in codes if set(query.words) <= set(_words(catalogue.record(code)))] if query.words else codes


def _words(record: Record) -> list[str]:
    return re.findall(r"\w+", str(record["title"]).lower())


def _cut(codes: Sequence[int], between: re.Match[str]) -> Sequence[int]:
    """What lies within a range of codes in key order."""
    low, high = between["low"].strip('"'), between["high"].strip('"')
    above, below = (bisect_left if between[end] in "[}" else bisect_right for end in ("open", "close"))
    start = 0 if low == "*" else above(codes, low, key=works.key)
    stop = len(codes) if high == "*" else below(codes, high, key=works.key)
    return codes[start:stop]


def _within(key: str, between: re.Match[str]) -> bool:
    low, high = between["low"].strip('"'), between["high"].strip('"')
    above = low == "*" or key > low or (key == low and between["open"] == "[")
    below = high == "*" or key < high or (key == high and between["close"] == "]")
    return above and below


def _condition(match: re.Match[str]) -> Condition:
    """A lone ISBN is understood with its hyphens, too; in a group it has to be as the index has it."""
    if match["group"] is not None:
        return Condition(match["field"], tuple(value.strip('" ') for value in match["group"].split(" OR ")))
    value = match["bare"] if match["quoted"] is None else match["quoted"]
    return Condition(match["field"], (value.replace("-", "") if match["field"] == "isbn" else value,))
