"""What the sandbox answers: pure functions from a catalogue and a request to a status and a body."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from openlib_assets.sandbox.catalogue import facets, keys, works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.ordering import Clauses, Order
from openlib_assets.sandbox.catalogue.works import Record
from openlib_assets.sandbox.http.content import Part
from openlib_assets.sandbox.http.parameters import SearchParameters, SubjectParameters

_GREATEST_OFFSET = 2**31 - 1  # Solr refuses greater ones
_TURN = 50  # how far ties move, at most, between two requests
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"
_SUBJECTS = "/subjects/"
SUBJECT_SEARCH = "/search/subjects.json"


class Reply(NamedTuple):
    """An HTTP answer. A `part` of something large takes the place of the body."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    part: Part | None = None

    @property
    def length(self) -> int:
        """How many bytes are sent after the headers."""
        return self.part.length if self.part else len(self.body)

    def chunks(self, length: int) -> Iterable[bytes]:
        """The first bytes after the headers, as many as `length` says."""
        if self.part:
            return self.part.content.chunks(self.part.start, length)
        return (self.body[:length],)


def json_reply(body: object, status: int = 200) -> Reply:
    """JSON as FastAPI sends it."""
    return Reply(status, orjson.dumps(body), headers=FROM_APP)


def subject_reply(page: "Page") -> Reply:
    """A page of a subject as JSON."""
    return json_reply({**page.fields, "works": [encoded(record) for record in page.works]})


class Page(NamedTuple):
    """The answer about a subject's works before `reply` makes JSON of it.

    `works` takes the place of `fields["works"]`; `fields["work_count"]` is how many there are in all.
    """

    fields: Mapping[str, Any]
    works: list[Record]
    offset: int
    moment: int
    reply: Callable[["Page"], Reply] = subject_reply


FROM_APP = {"X-Served-By": "FastAPI"}
INTERNAL_SERVER_ERROR = Reply(500, b"Internal Server Error", "text/plain; charset=utf-8")
METHOD_NOT_ALLOWED = Reply(405, b'{"detail":"Method Not Allowed"}', headers={**FROM_APP, "Allow": "GET"})
URI_TOO_LONG = Reply(414, b"<html><body><h1>414 Request-URI Too Large</h1></body></html>\n", "text/html")
FORBIDDEN = Reply(403, b"<html><body><h1>403 Forbidden</h1></body></html>\n", "text/html")


def subject_path(path: str) -> str | None:
    """What stands between `/subjects/` and `.json` in a decoded path, if that is what the path looks like."""
    if path.startswith(_SUBJECTS) and path.endswith(".json"):
        return path[len(_SUBJECTS) : -len(".json")]
    return None


def not_found(path: str) -> Reply:
    """The answer for everything that is not here."""
    return Reply(404, orjson.dumps({"error": "notfound", "key": path.removesuffix(".json")}))


def lower_case_redirect(path: str, query: str, host: str) -> Reply | None:
    """The way from an upper-case path to the lower-case one, by http whatever the client came by."""
    if path == path.lower():
        return None
    target = quote(path.lower(), safe=_PATH_CHARACTERS) + ("?" + query if query else "")
    return Reply(301, headers={**FROM_APP, "Location": f"http://{host}{target}"})


def subject_page(
    catalogue: Catalogue,
    path: str,
    parameters: SubjectParameters,
    order: Clauses,
    *,
    moment: int,
    missing: frozenset[str] = frozenset(),
) -> Page:
    """A page of a subject's works, but for `missing` keys.

    `moment` sets equal requests apart: other loans, ties in another order.
    """
    subject, published = keys.subject_key(path), parameters.published
    prefix, name = keys.split_prefix(path)
    fields: dict[str, Any] = {
        "key": _SUBJECTS + path,
        "name": name.replace("_", " "),
        "subject_type": keys.subject_type(path),
        "solr_query": f'{keys.subject_type(path)}_key:"{subject.removeprefix(prefix)}"',
        "work_count": 0,
        "works": [],
    }
    if published:
        fields["solr_query"] += f" publish_year:[{published[0]} TO {published[1]}]"
    chance, codes = random.Random(moment), []
    if parameters.offset > _GREATEST_OFFSET:
        fields["work_count"] = None
    elif parameters.limit == 0 and not (published or parameters.has_fulltext or parameters.details or missing):
        fields["work_count"] = catalogue.count(subject)
    else:
        found = catalogue.search(subject, order, fulltext_only=parameters.has_fulltext, published=published)
        if missing:
            found = Order([code for code in found.codes if works.key(code) not in missing])
        fields["work_count"] = len(found.codes)
        codes = found.page(parameters.offset, parameters.limit, chance.randrange(_TURN))
        if parameters.details:
            fields |= facets.details(catalogue, found.codes, fields["key"])
    if parameters.has_fulltext:
        fields["ebook_count"] = fields["work_count"]
    listed = list(with_availability(map(catalogue.record, codes), chance))
    return Page(fields, listed, parameters.offset, moment)


def subject_search(catalogue: Catalogue, parameters: SearchParameters) -> Reply:
    """Subjects whose names have a word that begins with each word of the question; all for `*`."""
    sought = [word for word in keys.normalize(parameters.q).replace("*", "").split("_") if word]
    found = []
    for subject, work_count in sorted(catalogue.counts().items(), key=lambda item: (-item[1], item[0])):
        name = keys.split_prefix(subject)[1].replace("_", " ")
        if all(any(word.startswith(part) for word in name.split()) for part in sought):
            kind = keys.subject_type(subject)
            found.append(
                {
                    "key": _SUBJECTS + subject,
                    "name": name,
                    "subject_type": kind,
                    "work_count": work_count,
                    "type": kind,
                    "count": work_count,
                }
            )
    docs = found[parameters.offset : parameters.offset + parameters.limit]
    return json_reply({"numFound": len(found), "start": parameters.offset, "numFoundExact": True, "docs": docs})


def encoded(record: Record) -> orjson.Fragment:
    """A record as JSON; lone surrogates, which UTF-8 cannot hold, are escaped."""
    try:
        return orjson.Fragment(orjson.dumps(record))
    except orjson.JSONEncodeError:
        return orjson.Fragment(json.dumps(record, separators=(",", ":")))


def with_availability(records: Iterable[Record], loans: random.Random) -> Iterator[Record]:
    """Records with what archive.org says of their scans; works without a scan have no such field."""
    for record in records:
        yield (record if record["ia"] is None else {**record, "availability": works.availability(record, loans)})
