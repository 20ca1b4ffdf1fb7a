"""Dumps in bulk, which benchmarks are made with, are as those of Open Library are."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.tools.bulk_dumps import write_bulk_dumps
from openlib_assets_tests.sandbox.dumped import DAY, FILES, Record, lines, records
from openlib_assets_tests.sandbox.rejects import rejected

WORKS = 12_000


@pytest.fixture(scope="module")
def bulk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bulk")
    write_bulk_dumps(folder, DAY, WORKS)
    return folder


@pytest.fixture(scope="module")
def works(bulk: Path) -> dict[str, Record]:
    return records(bulk, "works")


@pytest.fixture(scope="module")
def editions(bulk: Path) -> dict[str, Record]:
    return records(bulk, "editions")


@pytest.fixture(scope="module")
def authors(bulk: Path) -> dict[str, Record]:
    return records(bulk, "authors")


def share(found: dict[str, Record], name: str) -> float:
    return sum(bool(record.get(name)) for record in found.values()) / len(found)


def test_every_line_is_good(bulk: Path) -> None:
    assert rejected(bulk) == {}


def test_as_many_records_say_something_as_in_open_library(
    works: dict[str, Record], editions: dict[str, Record], authors: dict[str, Record]
) -> None:
    assert len(works) == WORKS
    assert len(editions) / WORKS == pytest.approx(1.36, abs=0.03)
    assert len(authors) / WORKS == pytest.approx(0.37, abs=0.01)
    assert share(works, "subjects") == pytest.approx(0.49, abs=0.02)
    assert sum(len(work.get("subjects", [])) for work in works.values()) / WORKS / 0.49 == pytest.approx(5, abs=1)
    assert share(works, "authors") == pytest.approx(1 - 0.054, abs=0.02)
    assert share(editions, "works") == pytest.approx(1 - 0.034, abs=0.01)
    assert share(editions, "isbn_13") == pytest.approx(0.48, abs=0.02)
    assert share(editions, "isbn_10") == pytest.approx(0.36, abs=0.02)
    assert share(editions, "publish_date") == pytest.approx(0.967, abs=0.01)


def test_records_belong_together(
    works: dict[str, Record], editions: dict[str, Record], authors: dict[str, Record]
) -> None:
    books = Counter(work["key"] for edition in editions.values() for work in edition.get("works", []))
    entries = [entry["author"] for work in works.values() for entry in work.get("authors", []) if "author" in entry]
    keys = Counter(author if isinstance(author, str) else author["key"] for author in entries)
    topics = Counter(subject for work in works.values() for subject in work.get("subjects", []))

    assert books.keys() <= works.keys()
    assert max(books.values()) > 4
    assert sum(count for key, count in keys.items() if key not in authors) < 0.03 * keys.total()
    assert keys.most_common(1)[0][1] > 20
    assert len(topics) > 1500
    assert topics.most_common(1)[0][1] > 200


def test_isbns_are_right(editions: dict[str, Record]) -> None:
    thirteen = [isbn for edition in editions.values() for isbn in edition.get("isbn_13", [])]
    ten = [isbn for edition in editions.values() for isbn in edition.get("isbn_10", [])]

    assert len(set(thirteen)) > 0.99 * len(thirteen) > 5000
    assert all(sum(int(it) * (1, 3)[place % 2] for place, it in enumerate(isbn)) % 10 == 0 for isbn in thirteen)
    assert all(
        sum((10 - place) * (10 if it == "X" else int(it)) for place, it in enumerate(isbn)) % 11 == 0 for isbn in ten
    )
    assert any(isbn.endswith("X") for isbn in ten)


def test_few_works_are_read(bulk: Path) -> None:
    ratings, shelves = (list(lines(bulk, file)) for file in ("ratings", "reading-log"))
    floods = Counter(day for _, _, stars, day in ratings if stars == "4")

    assert len({work for work, *_ in ratings}) / WORKS == pytest.approx(0.017, abs=0.004)
    assert len({work for work, *_ in shelves}) / WORKS == pytest.approx(0.08, abs=0.01)
    assert len(shelves) > 2 * len({work for work, *_ in shelves})
    assert sum(count for _, count in floods.most_common(3)) > 0.15 * len(ratings)


def test_works_change_and_go_from_month_to_month(works: dict[str, Record], tmp_path: Path) -> None:
    write_bulk_dumps(tmp_path, DAY, WORKS, month=2, processes=1)
    then, now = works, records(tmp_path, "works")
    gone = then.keys() - now.keys()
    locations = {key: redirect["location"] for key, redirect in records(tmp_path, "redirects").items()}

    assert len(gone) / WORKS == pytest.approx(0.002, abs=0.0005)
    assert {locations[key] for key in gone} <= now.keys()
    assert sum(now[key] != then[key] for key in now) / WORKS == pytest.approx(0.01, abs=0.004)
    assert now.keys() < then.keys()


def test_a_larger_dump_holds_the_smaller_one(bulk: Path, tmp_path: Path) -> None:
    write_bulk_dumps(tmp_path, DAY, WORKS + 500, processes=1)
    for file in ("works", "editions", "authors"):
        smaller, larger = ({columns[1] for columns in lines(folder, file)} for folder in (bulk, tmp_path))
        assert smaller < larger
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"ol_dump_{file}_{DAY}.txt.gz" for file in FILES]
    with pytest.raises(ValueError, match="must be from 1 to"):
        write_bulk_dumps(tmp_path, DAY, 0)
