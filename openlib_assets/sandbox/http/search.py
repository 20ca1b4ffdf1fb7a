"""The search for works, `/search.json`: documents of the works that a query means."""

from collections.abc import Sequence

from openlib_assets.sandbox.catalogue import ordering, works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details.best_edition import FIELDS as EDITION_FIELDS
from openlib_assets.sandbox.catalogue.details.best_edition import Sought
from openlib_assets.sandbox.catalogue.details.documents import chosen_fields
from openlib_assets.sandbox.catalogue.works import Record
from openlib_assets.sandbox.http import queries
from openlib_assets.sandbox.http.api import INTERNAL_SERVER_ERROR, Page, Reply, encoded, json_reply
from openlib_assets.sandbox.http.parameters import WorkSearchParameters
from openlib_assets.sandbox.http.queries import WorkQuery

WORK_SEARCH = "/search.json"

_OF_EDITIONS = "editions."
_DOCUMENTATION = "https://openlibrary.org/dev/docs/api/search"


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
    codes = queries.found(catalogue, query, order, one_edition=asked.wants_edition)
    if missing:
        codes = [code for code in codes if works.key(code) not in missing]

    listed = codes[asked.offset : asked.offset + asked.limit]
    fields = {"work_count": len(codes), "q": asked.q, "offset": asked.given_offset}
    return Page(fields, _documents(catalogue, listed, query, asked), asked.offset, moment, _reply)


def _documents(
    catalogue: Catalogue, codes: Sequence[int], query: WorkQuery, asked: WorkSearchParameters
) -> list[Record]:
    """The documents of works. Unless they are named, an edition has the fields that are asked for of the work."""
    if asked.fields == {"key"}:
        return [{"key": works.key(code)} for code in codes]
    fields, sought = chosen_fields(asked.fields), None
    if asked.wants_edition:
        named = {name.removeprefix(_OF_EDITIONS) for name in asked.fields if name.startswith(_OF_EDITIONS)}
        sought = Sought(asked.language, chosen_fields(named or asked.fields, EDITION_FIELDS), query.conditions)
    return [catalogue.document(code, fields, sought) for code in codes]


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
