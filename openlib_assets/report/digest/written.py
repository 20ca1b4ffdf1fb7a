"""The digest as text, as a page, and as an Atom feed; equal news give equal text."""

import re
import textwrap
import uuid
from collections.abc import Iterator, Sequence

from openlib_assets.lake import layout
from openlib_assets.lake.catalog import ask
from openlib_assets.report import words
from openlib_assets.report.counts import Row
from openlib_assets.report.digest.news import TABLES, Digest, News, digest_of
from openlib_assets.report.rendering import script, template
from openlib_assets.storage import Storage

CANNOT_KNOW = (
    "Works, authors and candidates are listed for the last snapshot of a subject only; of those before it, the numbers "
    "are kept. A subject that was fetched for the first time has nothing to be compared with. A new author has no work "
    "in any subject but those that came now; a work that came as one of the same title went is the same work under "
    "another key. A candidate is a new work on an order list: works that the subject had "
    "before and that have moved up onto the list are left out, since order lists have no history. A fetch that found "
    "nothing new leaves no snapshot."
)
_WIDTH = 100
# XML has no place for them, not even escaped.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_digest(storage: Storage) -> list[str]:
    """Write the page and the feed below the root; return a line for each file that is left out."""
    digest, left_out = ask(storage, TABLES, digest_of)
    for path, text in ((layout.DIGEST_PAGE, digest_html(digest)), (layout.DIGEST_FEED, digest_atom(digest))):
        with storage.writing(path) as file:
            file.write_text(text, encoding="utf-8")
    return left_out


def digest_text(digest: Digest) -> str:
    """Return the digest as lines of text, which a terminal may show."""
    lines = [f"What is new since {digest.since:%Y-%m-%d}, in {words.counted(digest.subjects, 'subject')}"]
    for one in digest.news:
        lines += ["", f"{one.fetched_at:%Y-%m-%d}  {one.headline}", *_lists_as_text(one)]
    if not digest.news:
        lines += ["", "No subject has a new snapshot."]
    return words.harmless("\n".join([*lines, "", textwrap.fill(CANNOT_KNOW, _WIDTH), ""]))


def _lists_as_text(one: News) -> Iterator[str]:
    for title, total, rows, line in (
        ("came", one.added, one.came, _work_line),
        ("went", one.removed, one.went, _work_line),
        ("new authors", _total(one.authors), one.authors, _author_line),
        ("to order", _total(one.orders), one.orders, _order_line),
    ):
        if rows:
            yield f"  {title}:"
            yield from (f"    {line(row)}" for row in rows)
            if total and total > len(rows):
                yield f"    and {words.count(total - len(rows))} more"


def _total(rows: Sequence[Row]) -> int:
    return int(rows[0]["total"]) if rows else 0


def _work_line(row: Row) -> str:
    by = f", {words.listed(row['author_names'])}" if row["author_names"] else ""
    year = f" ({row['year']})" if row["year"] is not None else ""
    return f"{row['work_key']}  {_titled(row)}{by}{year}"


def _author_line(row: Row) -> str:
    return f"{row['author_key']}  {row['author_name'] or 'without a name'}, {words.counted(row['works'], 'work')}"


def _order_line(row: Row) -> str:
    return f"{row['isbn13'] or row['work_key']}  {_titled(row)}, rank {row['rank']}"


def _titled(row: Row) -> str:
    return " ".join((row["title"] or "without a title").split())


def digest_html(digest: Digest) -> str:
    """Return the digest as a page; equal news give equal text."""
    return template("digest.html").render(digest=digest, cannot_know=CANNOT_KNOW, data={}, script=script())


def digest_atom(digest: Digest) -> str:
    """Return the digest as an Atom feed, an entry of each snapshot; equal news give equal text."""
    contents = {one.identity: template("digest_entry.html").render(one=one) for one in digest.news}
    feed = template("digest.atom").render(
        digest=digest,
        contents=contents,
        cannot_know=CANNOT_KNOW,
        identity=uuid.uuid5(uuid.NAMESPACE_URL, "openlib digest").urn,
    )
    return _NOT_IN_XML.sub("\ufffd", feed)
