"""The ways in which an answer goes wrong, and the plan of when it does.

Every fault here has been seen on Open Library or on the way to it.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from openlib_assets.sandbox.http.api import INTERNAL_SERVER_ERROR, Page, Reply
from openlib_assets.sandbox.http.limits import TOO_MANY_REQUESTS

_YEAR = frozenset(("first_publish_year",))


def _null_count(page: Page) -> Page:
    """The index failed, and nobody says so."""
    facets = ("subjects", "places", "people", "times", "authors", "publishers", "languages", "publishing_history")
    kept = {name: value for name, value in page.fields.items() if name not in (*facets, "ebook_count")}
    return page._replace(fields={**kept, "work_count": None}, works=[])


def _short_page(page: Page) -> Page:
    return page._replace(works=page.works[: len(page.works) // 2])


def _cut_index(page: Page) -> Page:
    """An overloaded index gives up somewhere and counts what it has: the page looks like the last one."""
    reached = random.Random(page.moment).random()
    kept = page.works[: int(len(page.works) * reached)]
    count = page.offset + len(kept) if page.works else int((page.fields["work_count"] or 0) * reached)
    return page._replace(fields={**page.fields, "work_count": count}, works=kept)


def _duplicate_work(page: Page) -> Page:
    """A work stands where the next one should."""
    works, middle = page.works, len(page.works) // 2
    return page._replace(works=[*works[:middle], *works[middle - 1 : middle], *works[middle + 1 :]]) if middle else page


def _unordered(page: Page) -> Page:
    """First and last change places."""
    if len(page.works) < 2:
        return page
    first, *between, last = page.works
    return page._replace(works=[last, *between, first])


def _missing_years(page: Page) -> Page:
    """As in the days before 2022-09-23, when the index was not asked for the year. Documents then have none."""
    return page._replace(works=[{**work, **dict.fromkeys(_YEAR & work.keys())} for work in page.works])


def shortened(reply: Reply) -> Reply:
    """A file that ends early, and as it seems by intention."""
    return reply._replace(part=reply.part._replace(length=reply.part.length * 2 // 3)) if reply.part else reply


def _html(status: int, text: str) -> Reply:
    page = f"<html>\n<head><title>{text}</title></head>\n<body>\n<h1>{text}</h1>\n</body>\n</html>\n"
    return Reply(status, page.encode(), "text/html")


# Answers that look right and are not.
DISTORTIONS: Mapping[str, Callable[[Page], Page]] = MappingProxyType(
    {
        "null_count": _null_count,
        "short_page": _short_page,
        "cut_index": _cut_index,
        "duplicate_work": _duplicate_work,
        "unordered": _unordered,
        "missing_years": _missing_years,
    }
)

# Answers that come instead of the right one.
REPLACEMENTS: Mapping[str, Reply] = MappingProxyType(
    {
        "html": _html(200, "Open Library is temporarily unavailable"),
        "garbage_json": Reply(200, b'{"key": "/subjects/", "work_count": NaN, "works": [{]'),
        "http_403": _html(403, "403 Forbidden"),
        "http_404": Reply(404, b'{"error": "notfound", "key": "/subjects"}'),
        "http_422": Reply(422, b'{"detail":[{"type":"missing","loc":["query"],"msg":"Field required","input":null}]}'),
        "http_429": Reply(429, TOO_MANY_REQUESTS),
        "http_500": INTERNAL_SERVER_ERROR,
        "http_502": _html(502, "502 Bad Gateway"),
        "http_503": _html(503, "503 Service Unavailable: No server is available to handle this request."),
    }
)

# What happens to the connection: the server does these.
CONNECTION_FAULTS = ("cut_body", "reset", "stall", "redirect")

FAULTS = (*DISTORTIONS, *REPLACEMENTS, *CONNECTION_FAULTS)

# These send half of the body and no more.
BREAKING_OFF = ("cut_body", "stall_body")

# What goes wrong with answers of archive.org.
ARCHIVE_FAULTS = (*REPLACEMENTS, *BREAKING_OFF, "reset", "stall", "range_ignored", "wrong_length")

# What goes wrong with a file before anybody downloads it: permanent, by the name of the file.
DAMAGES = ("empty_dump", "cut_dump", "swapped_dump", "other_month", "unlisted_dump")

# Asking again does not help against these; and no page shows that its years are missing by mistake.
PERMANENT = frozenset(("http_403", "http_404", "http_422", "missing_years"))
TRANSIENT = tuple(fault for fault in FAULTS if fault not in PERMANENT)
_GROUPS = {
    "all": FAULTS,
    "transient": TRANSIENT,
    "archive": tuple(fault for fault in ARCHIVE_FAULTS if fault not in PERMANENT),
}


@dataclass(frozen=True)
class Planned:
    """A fault for the request with this number, or for requests whose path and query contain a text."""

    fault: str
    request: int | None = None
    match: str = ""
    times: int = 1

    def meets(self, number: int, target: str) -> bool:
        """Whether a request is meant."""
        return self.request in (None, number) and self.match in target


@dataclass(frozen=True)
class FaultPlan:
    """When which fault is served: planned ones first, then permanent ones by subject key, then at random.

    The permanent and the random ones come to all requests, or only to those whose paths begin with `at`, such as
    `/search.json`. In the place of a subject stands, for a dump, the name of its file. A fault that an address does not
    have comes to no request for it.
    """

    probabilities: Mapping[str, float] = field(default_factory=dict)
    planned: tuple[Planned, ...] = ()
    permanent: Mapping[str, str] = field(default_factory=dict)
    at: str = "/"
    seed: int = 1
    max_consecutive: int = 3  # random faults in a row for one URL
    stall_seconds: float = 120.0

    def __post_init__(self) -> None:
        named = {*self.probabilities, *self.permanent.values(), *(planned.fault for planned in self.planned)}
        known = dict.fromkeys((*FAULTS, *ARCHIVE_FAULTS, *DAMAGES))
        if unknown := named - set(known):
            raise ValueError(f"unknown faults: {', '.join(sorted(unknown))}; the faults are {', '.join(known)}")
        if any(chance < 0 for chance in self.probabilities.values()) or sum(self.probabilities.values()) > 1.000001:
            raise ValueError("probabilities of faults must be from 0 to 1, and so must their sum")

    @classmethod
    def parse(cls, text: str, *, at: str = "/") -> "FaultPlan":
        """Random faults from a text such as `null_count=0.05,http_503=0.1`.

        `all=0.02` spreads a probability evenly over every fault, `transient=0.02` over those
        that asking again overcomes, `archive=0.02` over those of downloads.
        """
        probabilities: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, chance = part.partition("=")
            members = _GROUPS.get(name, (name,))
            try:
                share = float(chance) / len(members)
            except ValueError:
                raise ValueError(f"{part!r} is not of the form <fault>=<probability>") from None
            for member in members:
                probabilities[member] = probabilities.get(member, 0) + share
        return cls(probabilities, at=at)


class FaultSource:
    """Follows a plan. Random faults depend on the seed, the URL and how often it was asked for."""

    def __init__(self, plan: FaultPlan):
        self.plan = plan
        self._served = [0] * len(plan.planned)
        self._asked: Counter[str] = Counter()
        self._in_a_row: Counter[str] = Counter()
        self._lock = threading.Lock()

    def choose(
        self, number: int, target: str, subject: str, possible: Collection[str] = frozenset(FAULTS)
    ) -> str | None:
        """The fault for a request, if any."""
        with self._lock:
            for place, planned in enumerate(self.plan.planned):
                due = self._served[place] < planned.times and planned.fault in possible
                if due and planned.meets(number, target):
                    self._served[place] += 1
                    return planned.fault
            if not target.startswith(self.plan.at):
                return None
            permanent = self.plan.permanent.get(subject)
            fault = permanent if permanent in possible else self._at_random(target)
            return fault if fault in possible else None

    def _at_random(self, target: str) -> str | None:
        if not self.plan.probabilities:
            return None
        self._asked[target] += 1
        faults, chances = zip(*self.plan.probabilities.items(), strict=True)
        dice = random.Random(f"{self.plan.seed} {self._asked[target]} {target}")
        (fault,) = dice.choices((*faults, None), (*chances, max(0.0, 1 - sum(chances))))
        if fault is None or self._in_a_row[target] >= self.plan.max_consecutive:
            del self._in_a_row[target]
            return None
        self._in_a_row[target] += 1
        return str(fault)
