"""The search for works, `/search.json`: its queries by subject and key, and its documents.

What Open Library's parser cannot read is no error there: it becomes free text, and is answered like any other.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from openlib_assets.sandbox.catalogue import ordering, works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details.documents import chosen_fields
from openlib_assets.sandbox.catalogue.works import Record
from openlib_assets.sandbox.http.api import INTERNAL_SERVER_ERROR, Page, Reply, encoded, json_reply
from openlib_assets.sandbox.http.parameters import WorkSearchParameters

WORK_SEARCH = "/search.json"

_SUBJECT = re.compile(r'(?P<kind>subject|person|place|time)_key:(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+))')
_KEY = r'"?(/works/OL[0-9]+[WM])"?'
_KEYS = re.compile(rf"key:(?:{_KEY}|\({_KEY}(?: OR {_KEY})*\))")
_RANGE = re.compile(rf"key:(?P<open>[\[{{])(?P<low>\*|{_KEY}) TO (?P<high>\*|{_KEY})(?P<close>[\]}}])")
_ONE_KEY = re.compile(_KEY)
_DOCUMENTATION = "https://openlibrary.org/dev/docs/api/search"


class WorkQuery(NamedTuple):
    """What a query asks for: works of a subject, of some keys, between two keys; or, failing all that, by words."""

    subject: str | None = None
    keys: frozenset[str] | None = None
    range: re.Match[str] | None = None
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
        else:
            return WorkQuery(words=tuple(re.findall(r"\w+", q.lower())))
    return found


def work_page(
    catalogue: Catalogue,
    query: WorkQuery,
    asked: WorkSearchParameters,
    order: ordering.Clauses,
    *,
    moment: int,
    missing: frozenset[str] = frozenset(),
) -> Page:
    """The documents of a query, before they become JSON; a replica of the index may lag behind by some works."""
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
    if missing:
        codes = [code for code in codes if works.key(code) not in missing]

    listed = codes[asked.offset : asked.offset + asked.limit]
    fields = {"work_count": len(codes), "q": asked.q, "offset": asked.given_offset}
    return Page(fields, _documents(catalogue, listed, chosen_fields(asked.fields)), asked.offset, moment, _reply)


def _documents(catalogue: Catalogue, codes: Sequence[int], fields: frozenset[str]) -> list[Record]:
    if fields == {"key"}:
        return [{"key": works.key(code)} for code in codes]
    return [catalogue.document(code, fields) for code in codes]


def _everywhere(catalogue: Catalogue, query: WorkQuery) -> list[int]:
    """The works of all subjects, in key order, whose titles hold all words."""
    codes = {code for subject in catalogue.counts() for code in catalogue.codes(subject)}
    if query.words:
        codes = {code for code in codes if set(query.words) <= set(_words(catalogue.record(code)))}
    return sorted(codes, key=works.key)


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


def _reply(page: Page) -> Reply:
    """The documents as JSON; where the index failed, which has no count, an error."""
    if page.fields["work_count"] is None:
        return INTERNAL_SERVER_ERROR
    return json_reply(
        {
            "numFound": page.fields["work_count"],
            "start": page.offset,
            "numFoundExact": True,
            "num_found": page.fields["work_count"],
            "documentation_url": _DOCUMENTATION,
            "q": page.fields["q"],
            "offset": page.fields["offset"],
            "docs": [encoded(_known(document)) for document in page.works],
        }
    )


def _known(document: Record) -> Record:
    """A document without the years that a fault took."""
    if document.get("first_publish_year", 0) is not None:
        return document
    return {name: value for name, value in document.items() if name != "first_publish_year"}
