"""Every table of the catalogue of a dump in plain Python: the truth that the SQL must equal cell by cell.

Written from the specification alone, with the standard library only and nothing of the package under test. What is read
of a line stands in `reference_dump.py`, what is counted of works in `reference_counts.py`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from openlib_assets_tests.tools.reference_counts import (
    Work,
    author_averages,
    author_yearly_counts,
    changes,
    demand,
    subjects,
    unless_blank,
    works_by_author,
)
from openlib_assets_tests.tools.reference_details import isbn13
from openlib_assets_tests.tools.reference_dump import (
    WORK_KEY,
    Dump,
    Record,
    Row,
    bare,
    keys,
    listed,
    read_dump,
    text,
    texts,
)

# The field that lists subjects of a type, and what stands before their keys.
SUBJECT_FIELDS = {
    "subject": ("subjects", ""),
    "person": ("subject_people", "person:"),
    "place": ("subject_places", "place:"),
    "time": ("subject_times", "time:"),
}
# An orphaned edition has no others.
_OF_ORPHANS = {"subject": SUBJECT_FIELDS["subject"]}
# Those behind the key, in order.
WORK_COLUMNS = (
    *("title", "first_publish_year", "year_status", "edition_count", "author_count", "has_fulltext", "cover_id"),
    *("subjects", "author_keys", "author_names"),
)
# What is left out of the key of a subject.
DROPPED = ';/?:@&=+$,<>#%"{}|\\^[]`\n\r'

_YEAR = re.compile(r"\b(\d{4})\b")
_KEY_OF = str.maketrans(dict.fromkeys(DROPPED) | {" ": "_"})
_INT64 = 2**63 - 1


def catalogue(folder: Path, date: str, before: tuple[Path, str] | None = None) -> dict[str, list[Row]]:
    """Compute all tables of the dump of a date; `before` is the folder and the date of the dump before.

    The columns of a row stand in the specified order, and so do the rows.
    """
    dump = read_dump(folder, date)
    authors = _authors(dump)
    editions = _editions(dump)
    works = _works(dump, authors, editions, date)
    rows = [work.row for work in works]
    earlier = None if before is None else [work.row for work in _works_of_dump(*before)]
    by_author = works_by_author(rows)
    names = {row["author_key"]: unless_blank(row["name"]) for row in authors}
    return {
        "catalogue_rejects": dump.rejects,
        "catalogue_authors": authors,
        "catalogue_editions": editions,
        "catalogue_isbns": sorted(
            (
                {"work_key": row["work_key"], "isbn13": isbn, "edition_key": row["edition_key"]}
                for row in editions
                for isbn in row["isbn13"]
            ),
            key=lambda row: (row["work_key"], row["isbn13"], row["edition_key"]),
        ),
        "catalogue_works": rows,
        "catalogue_demand": demand(dump),
        "catalogue_subjects": subjects(works, earlier),
        "catalogue_author_yearly_counts": author_yearly_counts(names, by_author),
        "catalogue_author_averages": author_averages(names, by_author),
        "catalogue_changes": (
            [] if before is None or earlier is None else changes(earlier, rows, dump, before[1], date)
        ),
    }


def works_of_subject(folder: Path, date: str, subject: str) -> list[Row]:
    """The rows of `catalogue_works` that have a subject, which is a key with its prefix."""
    works = _works_of_dump(folder, date)
    return [work.row for work in works if any(key == subject for _, key, _ in work.subjects)]


def year_of(publish_date: str | None) -> int | None:
    """The year in a publish date."""
    found = _YEAR.search(publish_date or "")
    return int(found[1]) if found else None


def isbn13_of_entry(entry: str) -> str | None:
    """The ISBN-13 that an entry is, or that its digits have beside a form with ten, whatever else is in it."""
    digits = "".join(re.findall("[0-9Xx]", entry)).upper()
    other = isbn13(digits) if len(digits) == 10 or digits.startswith("978") else None
    return isbn13(entry.replace("_", "")) or other


def subject_key(name: str) -> str:
    """The key of a subject without its prefix; empty where the name gives none."""
    return name.strip().lower().translate(_KEY_OF)


def _authors(dump: Dump) -> list[Row]:
    rows = (
        {
            "author_key": bare(key),
            "name": text(record.get("name")),
            "birth_date": text(record.get("birth_date")),
            "death_date": text(record.get("death_date")),
        }
        for key, record in dump.authors
    )
    return sorted(rows, key=lambda row: row["author_key"])


def _editions(dump: Dump) -> list[Row]:
    rows = (
        {
            "edition_key": bare(key),
            "work_key": work_key,
            "title": text(record.get("title")),
            "isbn13": _isbns(record),
            "publishers": texts(record.get("publishers")),
            "languages": _languages(record),
            "format": text(record.get("physical_format")) or None,
            "pages": _pages(text(record.get("number_of_pages"))),
            "publish_date": text(record.get("publish_date")),
            "publish_year": year_of(text(record.get("publish_date"))),
            "cover_id": _cover(record),
        }
        for key, record in dump.editions
        for work_key in _works_of_edition(record) or [bare(key)]
    )
    return sorted(rows, key=lambda row: (row["work_key"], row["edition_key"]))


def _isbns(record: Record) -> list[str]:
    entries = [*texts(record.get("isbn_10")), *texts(record.get("isbn_13"))]
    return sorted({isbn for entry in entries if (isbn := isbn13_of_entry(entry))})


def _languages(record: Record) -> list[str]:
    """The codes; an entry is an object with the key of a language, or the key."""
    entries = (entry.get("key") if isinstance(entry, dict) else entry for entry in listed(record.get("languages")))
    found = (re.fullmatch("/(?:l|languages)/([a-z]{3})", entry) for entry in entries if isinstance(entry, str))
    return [match[1] for match in found if match]


def _works_of_edition(record: Record) -> list[str]:
    """The works of an edition; none makes it an orphan."""
    return list(dict.fromkeys(bare(key) for key in keys(record.get("works")) if re.fullmatch(WORK_KEY, key)))


def _pages(number_of_pages: str | None) -> int | None:
    digits = (number_of_pages or "").strip()
    return (int(digits) or None) if re.fullmatch("[0-9]{1,9}", digits) else None


def _cover(record: Record) -> int | None:
    """The first entry beside -1, if it is a cover."""
    first = next((one for one in listed(record.get("covers")) if one != -1), None)
    return first if isinstance(first, int) and not isinstance(first, bool) and 0 < first <= _INT64 else None


def _works_of_dump(folder: Path, date: str) -> list[Work]:
    dump = read_dump(folder, date)
    return _works(dump, _authors(dump), _editions(dump), date)


def _works(dump: Dump, authors_table: Iterable[Row], editions_table: Iterable[Row], date: str) -> list[Work]:
    names = {f"/authors/{row['author_key']}": row["name"] or "" for row in authors_table}
    editions: dict[str, list[Row]] = defaultdict(list)
    for row in editions_table:
        editions[row["work_key"]].append(row)
    orphans = [(key, record) for key, record in dump.editions if not _works_of_edition(record)]
    listing = [
        *((bare(key), record, _listed_authors(record), SUBJECT_FIELDS) for key, record in dump.works),
        *((bare(key), record, keys(record.get("authors")), _OF_ORPHANS) for key, record in orphans),
    ]
    works = []
    for work_key, record, listed_authors, fields in listing:
        authors = [author for author in listed_authors if author in names]
        columns = {
            **_own_columns(record, editions[work_key], dump_year=int(date[:4])),
            "author_count": len(set(authors)),
            "author_keys": [bare(author) for author in authors],
            "author_names": [names[author] for author in authors],
        }
        row = {"work_key": work_key, **{name: columns[name] for name in WORK_COLUMNS}}
        works.append(Work(row, _subjects_of(record, fields)))
    return sorted(works, key=lambda work: work.row["work_key"])


def _own_columns(record: Record, editions: Sequence[Row], *, dump_year: int) -> Row:
    """What a work says of itself and its editions, which are sorted by key, say of it."""
    year = min((row["publish_year"] for row in editions if row["publish_year"] is not None), default=None)
    titles = [text(record.get("title")), *(row["title"] for row in editions)]
    covers = [_cover(record), *(row["cover_id"] for row in editions)]
    return {
        "title": next((title for title in titles if title), None),
        "first_publish_year": year,
        "year_status": _year_status(year, dump_year),
        "edition_count": len(editions),
        "has_fulltext": None,
        "cover_id": next((cover for cover in covers if cover is not None), None),
        "subjects": texts(record.get("subjects")),
    }


def _listed_authors(record: Record) -> list[str]:
    """The keys of a work's authors; one is an object with its key, or is the key."""
    given = (entry.get("author") for entry in listed(record.get("authors")) if isinstance(entry, dict))
    found = (author.get("key") if isinstance(author, dict) else author for author in given)
    return [key for key in found if isinstance(key, str)]


def _year_status(year: int | None, dump_year: int) -> str:
    if year is None:
        return "missing"
    return "ok" if 1000 < year <= dump_year + 1 else "implausible"


def _subjects_of(record: Record, fields: Mapping[str, tuple[str, str]]) -> frozenset[tuple[str, str, str]]:
    """The distinct subjects of a record as (type, key with prefix, as written)."""
    return frozenset(
        (subject_type, prefix + key, written)
        for subject_type, (field, prefix) in fields.items()
        for written in texts(record.get(field))
        if (key := subject_key(written))
    )
