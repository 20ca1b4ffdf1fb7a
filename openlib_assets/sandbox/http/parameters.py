"""Query parameters, checked and refused in the words of FastAPI and pydantic, which Open Library uses."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

_INTEGER = re.compile(r"[+-]?[0-9]+(_[0-9]+)*(\.0+)?")
_LONGEST_INTEGER = 4300
_SHORTEST_QUERY = 3
_DEFAULT_FIELDS = (
    "author_key,author_name,cover_edition_key,cover_i,ebook_access,edition_count,first_publish_year,has_fulltext,key,"
    "language,subtitle,title"
)
# Codes of the record format by those of the web, of the languages that the catalogue has.
_LANGUAGES = {
    "ar": "ara",
    "de": "ger",
    "el": "gre",
    "en": "eng",
    "es": "spa",
    "fr": "fre",
    "ru": "rus",
    "zh": "chi",
}
_BOOLEANS = {
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "false", "n", "no"), False),
}


class InvalidParametersError(ValueError):
    """Carries what the body of a 422 answer says."""

    def __init__(self, detail: list[dict[str, Any]]):
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True)
class SubjectParameters:
    """The parameters of `/subjects/*.json` that do something."""

    limit: int
    offset: int
    details: bool
    has_fulltext: bool
    sort: str
    published_in: str

    @property
    def published(self) -> tuple[int, int] | None:
        """The years asked for; what is neither a year nor a closed range of years filters nothing."""
        begin, dash, end = self.published_in.partition("-")
        try:
            return int(begin), int(end if dash else begin)
        except ValueError:
            return None


@dataclass(frozen=True)
class SearchParameters:
    """The parameters of `/search/subjects.json`."""

    q: str
    limit: int
    offset: int


@dataclass(frozen=True)
class WorkSearchParameters:
    """The parameters of `/search.json` that do something here."""

    q: str
    fields: frozenset[str]
    limit: int
    offset: int
    given_offset: int | None
    sort: str
    language: str  # of the reader: the editions of this one are the best

    @property
    def wants_edition(self) -> bool:
        """Whether the best edition of each work is asked for."""
        return "editions" in self.fields


def parse_subject(query: str) -> SubjectParameters:
    """Unknown names are ignored. `page` is checked, then ignored too."""
    given = _Given(query)
    limit = given.integer("limit", 12, least=0, most=1000)
    offset = given.integer("offset", 0, least=0)
    given.integer("page", 1, least=1)
    details = given.boolean("details")
    has_fulltext = given.boolean("has_fulltext")
    given.refuse()
    return SubjectParameters(
        limit, offset, details, has_fulltext, given.text("sort", "editions"), given.text("published_in", "")
    )


def parse_search(query: str) -> SearchParameters:
    """Here `page` works, unless there is an `offset`."""
    given = _Given(query)
    limit = given.integer("limit", 100, least=0)
    offset = given.integer("offset", -1, least=0)
    page = given.integer("page", 1, least=1)
    given.refuse()
    return SearchParameters(given.text("q", ""), limit, (page - 1) * limit if offset < 0 else offset)


def parse_work_search(query: str, accept_language: str = "", *, most_rows: int | None) -> WorkSearchParameters:
    """Of `limit` and `offset` there is no maximum, unless the sandbox has one; too short a `q` is refused.

    The reader's language is that of the parameter `lang`, which has two letters, else the first one that the header
    accepts, else English.
    """
    given = _Given(query)
    limit = given.integer("limit", 100, least=0)
    offset = given.integer("offset", -1, least=0)
    page = given.integer("page", 1, least=1)
    q = given.text("q", "").strip()
    if len(q) < _SHORTEST_QUERY or q.lower() == "the":
        given.problem("value_error", "q", "Value error, the query is too short")
    given.refuse()
    fields = frozenset(filter(None, map(str.strip, given.text("fields", _DEFAULT_FIELDS).split(","))))
    return WorkSearchParameters(
        q,
        fields,
        limit if most_rows is None else min(limit, most_rows),
        (page - 1) * limit if offset < 0 else offset,
        None if offset < 0 else offset,
        given.text("sort", ""),
        _LANGUAGES.get(given.text("lang", "") or accept_language.strip()[:2], "eng"),
    )


class _Given:
    """What a query gives, and what is wrong with it. Of a name given twice the last value counts."""

    def __init__(self, query: str):
        self._values = dict(parse_qsl(query, keep_blank_values=True))
        self._problems: list[dict[str, Any]] = []

    def refuse(self) -> None:
        if self._problems:
            raise InvalidParametersError(self._problems)

    def text(self, name: str, default: str) -> str:
        return self._values.get(name, default)

    def boolean(self, name: str) -> bool:
        value = self._values.get(name, "false")
        if value.lower() not in _BOOLEANS:
            self.problem("bool_parsing", name, "Input should be a valid boolean, unable to interpret input")
        return _BOOLEANS.get(value.lower(), False)

    def integer(self, name: str, default: int, *, least: int, most: int | None = None) -> int:
        if name not in self._values:
            return default
        text = self._values[name].strip()
        if not _INTEGER.fullmatch(text):
            message = "Input should be a valid integer, unable to parse string as an integer"
            self.problem("int_parsing", name, message)
            return default
        if len(text) > _LONGEST_INTEGER:
            message = "Unable to parse input string as an integer, exceeded maximum size"
            self.problem("int_parsing_size", name, message)
            return default
        value = int(text.partition(".")[0])
        if value < least:
            self.problem("greater_than_equal", name, f"Input should be greater than or equal to {least}", ge=least)
        elif most is not None and value > most:
            self.problem("less_than_equal", name, f"Input should be less than or equal to {most}", le=most)
        return value

    def problem(self, kind: str, name: str, message: str, **context: int) -> None:
        problem: dict[str, Any] = {
            "type": kind,
            "loc": ["query", name],
            "msg": message,
            "input": self._values.get(name, ""),
        }
        self._problems.append(problem | ({"ctx": context} if context else {}))
