"""What becomes of a request: turned away, or answered as it should be, or with the fault that is due."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from openlib_assets.sandbox.archive import routes
from openlib_assets.sandbox.archive.items import Items
from openlib_assets.sandbox.catalogue import keys, ordering
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.http import api, faults, parameters, queries, search
from openlib_assets.sandbox.http.api import Page, Reply
from openlib_assets.sandbox.http.config import SandboxConfig
from openlib_assets.sandbox.http.faults import FaultSource
from openlib_assets.sandbox.http.limits import TOO_MANY_REQUESTS, Ban, LeakyBucket

_LONGEST_LINE = 8192  # of a request, in bytes, in front of Open Library


@dataclass(frozen=True)
class Request:
    """What a client asked for, and when."""

    number: int
    started: float
    at: float
    method: str
    target: str
    host: str
    user_agent: str
    accept_language: str = ""
    range: str = ""

    @property
    def path(self) -> str:
        """The target up to its question mark."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]


class Outcome(NamedTuple):
    """What becomes of a request. No reply: the connection is closed without one."""

    reply: Reply | None
    fault: str | None = None


class Answering:
    """Answers about a catalogue, with the limits and the faults of a configuration. Once `stopping`, nobody waits."""

    def __init__(self, config: SandboxConfig, catalogue: Catalogue, stopping: threading.Event):
        self._config = config
        self._catalogue = catalogue
        self._stopping = stopping
        self.faults = FaultSource(config.faults)
        self.unsearchable: frozenset[str] = frozenset()  # keys of works that the search does not find
        self.unlisted: frozenset[str] = frozenset()  # and that the Subjects API does not
        self._bucket = self._ban = None
        if config.requests_per_second is not None:
            self._bucket = LeakyBucket(config.requests_per_second, burst=config.burst, delay=config.delay)
        if config.ban_after is not None:
            self._ban = Ban(config.ban_after, config.ban_seconds)

    def outcome(self, request: Request) -> Outcome:
        """Pace a request and say what is sent."""
        if self._config.dumps and routes.is_archives(unquote(request.path)):
            self._stopping.wait(self._config.latency)
            return self._archived(request, self._config.dumps)
        return self._asked(request)

    def _asked(self, request: Request) -> Outcome:
        """What becomes of a request to Open Library, which has limits."""
        if self._ban and self._ban.holds(request.started):
            return Outcome(None, "ban")
        if refusal := self._refusal(request):
            return Outcome(refusal)
        wait = self._bucket.admit(request.started) if self._bucket else 0.0
        if wait is None:
            if self._ban:
                self._ban.refused(request.started)
            return Outcome(Reply(429, TOO_MANY_REQUESTS))
        self._stopping.wait(wait + self._config.latency)
        try:
            return self._routed(request)
        except parameters.InvalidParametersError as error:
            return Outcome(api.json_reply({"detail": error.detail}, status=422))
        except ordering.UnknownSortError:
            return Outcome(api.INTERNAL_SERVER_ERROR)

    def _refusal(self, request: Request) -> Reply | None:
        """What stands in front of Open Library says to some requests before it counts them."""
        if len(f"{request.method} {request.target} HTTP/1.1\r\n") > _LONGEST_LINE:
            return api.URI_TOO_LONG
        if self._config.require_user_agent and not request.user_agent.strip():
            return api.FORBIDDEN
        return None

    def _routed(self, request: Request) -> Outcome:
        path = unquote(request.path)
        subject = api.subject_path(path)
        if subject is None and path not in (api.SUBJECT_SEARCH, search.WORK_SEARCH):
            return Outcome(api.not_found(path))
        if request.method != "GET":
            return Outcome(api.METHOD_NOT_ALLOWED)
        if path == search.WORK_SEARCH:
            return self._searched(request)
        if subject is None:
            sought = parameters.parse_search(request.query)
            return self._faulty(request, "", lambda: api.subject_search(self._catalogue, sought))
        asked = parameters.parse_subject(request.query)
        redirect = api.lower_case_redirect(path, request.query, request.host)
        if redirect:
            return Outcome(redirect)
        order = ordering.parse(asked.sort)
        return self._faulty(
            request,
            keys.subject_key(subject),
            lambda: api.subject_page(
                self._catalogue, subject, asked, order, moment=request.number, missing=self.unlisted
            ),
        )

    def _searched(self, request: Request) -> Outcome:
        """What becomes of a search for works; a fault of a subject is one of a search for its works, too."""
        asked = parameters.parse_work_search(request.query, request.accept_language, most_rows=self._config.search_rows)
        order = ordering.parse(asked.sort)
        query = queries.parse_query(asked.q)
        return self._faulty(
            request,
            query.subject or "",
            lambda: search.work_page(
                self._catalogue, query, asked, order, moment=request.number, missing=self.unsearchable
            ),
        )

    def _archived(self, request: Request, folder: Path) -> Outcome:
        """What becomes of a request to archive.org, which has no part in Open Library's limits."""
        if request.method not in ("GET", "HEAD"):
            return Outcome(api.METHOD_NOT_ALLOWED)
        path = unquote(request.path)
        fault = self.faults.choose(request.number, request.target, routes.file_sent(path), faults.ARCHIVE_FAULTS)
        if fault in ("reset", "stall"):
            return Outcome(None, fault)
        if fault and fault in faults.REPLACEMENTS:
            return Outcome(faults.REPLACEMENTS[fault], fault)
        asked_range = "" if fault == "range_ignored" else request.range
        items = Items(folder, self.faults.plan.permanent)
        right = routes.answer(items, path, request.query, host=request.host, asked_range=asked_range)
        given = faults.shortened(right) if fault == "wrong_length" else right
        breaks_off = fault in faults.BREAKING_OFF and right.length > 0
        ignores = fault == "range_ignored" and bool(request.range)
        return Outcome(given, fault if breaks_off or ignores or given != right else None)

    def _faulty(self, request: Request, subject: str, answer: Callable[[], Page | Reply]) -> Outcome:
        """The right answer to a valid request, unless a fault is due."""
        fault = self.faults.choose(request.number, request.target, subject)
        if fault is None:
            return Outcome(_reply(answer()))
        if fault in ("reset", "stall"):
            return Outcome(None, fault)
        if fault == "redirect":
            return Outcome(Reply(301, headers={"Location": request.target}), fault)
        if fault in faults.REPLACEMENTS:
            return Outcome(faults.REPLACEMENTS[fault], fault)
        right = answer()
        if fault == "cut_body":
            return Outcome(_reply(right), fault)
        given = faults.DISTORTIONS[fault](right) if isinstance(right, Page) else right
        return Outcome(_reply(given), None if given == right else fault)


def _reply(answer: Page | Reply) -> Reply:
    return answer.reply(answer) if isinstance(answer, Page) else answer
