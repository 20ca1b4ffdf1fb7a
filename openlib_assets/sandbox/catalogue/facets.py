"""What `details=true` adds to an answer: the 25 most frequent values of each kind, over all works found."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from openlib_assets.sandbox.catalogue import keys, works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue

_LIMIT = 25
# The prefix of keys, the field of the answer and the field of the index, for each type of subject.
_KINDS = (
    ("", "subjects", "subject"),
    ("place:", "places", "place"),
    ("person:", "people", "person"),
    ("time:", "times", "time"),
)


def details(catalogue: Catalogue, codes: Iterable[int], own_key: str) -> dict[str, Any]:
    """The facet fields, and the name with its exact spelling if that is among the most frequent ones.

    Subjects are counted by spelling, so one key can come several times.
    """
    counts: dict[str, Counter[Any]] = {
        name: Counter() for name in ("subject", "place", "person", "time", "author", "publisher", "language", "year")
    }
    ebook_count = 0
    for code in codes:
        record = catalogue.record(code)
        ebook_count += record["has_fulltext"]
        counts["subject"].update(set(record["subject"]))
        counts["author"].update({author["key"]: author["name"] for author in record["authors"]}.items())
        counts["year"].update(works.edition_years(record))
        for name, values in catalogue.about(code).items():
            counts[name].update(values)

    fields: dict[str, Any] = {"ebook_count": ebook_count}
    for prefix, plural, kind in _KINDS:
        fields[plural] = [
            {"key": f"/subjects/{prefix}{keys.normalize(name)}", "name": name, "count": count}
            for name, count in _most_frequent(counts[kind])
        ]
        own = next((facet for facet in fields[plural] if facet["key"] == own_key), None)
        if own:
            fields[plural].remove(own)
            fields["name"] = own["name"]
    fields["authors"] = [
        {"name": name, "key": key, "count": count} for (key, name), count in _most_frequent(counts["author"])
    ]
    fields["publishers"] = [
        {"name": name, "count": count, "key": "/publishers/" + name.replace(" ", "_")}
        for name, count in _most_frequent(counts["publisher"])
    ]
    fields["languages"] = [{"name": name, "count": count} for name, count in _most_frequent(counts["language"])]
    fields["publishing_history"] = [
        [year, count] for year, count in sorted(counts["year"].items()) if 1000 < year <= catalogue.world.this_year + 1
    ]
    return fields


def _most_frequent(counts: "Counter[Any]") -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LIMIT]
