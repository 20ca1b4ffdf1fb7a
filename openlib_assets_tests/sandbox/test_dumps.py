"""The dumps of a settled catalogue tell what its API tells, and are as messy as those of Open Library."""

import gzip
import re
import zlib
from collections import Counter
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.sandbox.asking import answer
from openlib_assets_tests.sandbox.dumped import (
    DAY,
    FILES,
    SETTLED_SUBJECTS,
    Indexed,
    assert_tells,
    indexed,
    lines,
    records,
)


@pytest.fixture(scope="module")
def index(dump: Path) -> dict[str, Indexed]:
    """What an index would hold of the dump."""
    return indexed(dump)


def test_what_the_api_tells_follows_from_the_dump(settled: Sandbox, index: dict[str, Indexed]) -> None:
    assert_tells(settled, index, SETTLED_SUBJECTS)
    listed = {key for subject in SETTLED_SUBJECTS for key in settled.keys(subject)}
    assert index.keys() == listed
    assert any(key.endswith("M") for key in listed)
    told = {subject for it in index.values() for subject in it.subjects}
    assert told & SETTLED_SUBJECTS.keys() == SETTLED_SUBJECTS.keys() - {"nothing"}


def test_a_reader_is_shown_an_edition_of_the_dump(settled: Sandbox, dump: Path) -> None:
    editions = records(dump, "editions")
    asked = {"q": 'subject_key:"science_fiction"', "fields": "key,editions,editions.*", "limit": 1000, "lang": "fr"}
    for document in answer(settled, f"/search.json?{urlencode(asked)}")["docs"]:
        for shown in document["editions"]["docs"]:
            edition = editions[shown["key"]]
            assert shown.get("title", "") == (edition.get("title") or "")
            assert shown.get("publisher", []) == edition.get("publishers", [])
            assert shown.get("cover_i") == next((it for it in edition.get("covers", []) if it and it > 0), None)
            assert (shown["ebook_access"] == "no_ebook") == ("ocaid" not in edition)


def test_facets_count_what_the_dump_tells(settled: Sandbox, dump: Path, index: dict[str, Indexed]) -> None:
    found = answer(settled, "/subjects/place:london.json?details=true&limit=0")
    works = {key: it for key, it in index.items() if "place:london" in it.subjects}
    kept = {**records(dump, "works"), **{f"/works{key[6:]}": it for key, it in records(dump, "editions").items()}}
    people = Counter(name for key in works for name in kept[key].get("subject_people", []))
    languages = Counter(language for it in works.values() for language in it.document.get("language", []))

    assert {it["name"]: it["count"] for it in found["people"]} == people
    assert {it["name"]: it["count"] for it in found["languages"]} == languages


def test_editions_have_keys_of_their_own_that_are_mostly_short(dump: Path) -> None:
    keys = [columns[1].removeprefix("/books/") for columns in lines(dump, "editions")]

    assert len(set(keys)) == len(keys) > 2000
    assert sum(len(key) <= 12 for key in keys) > 0.7 * len(keys)
    assert all(re.fullmatch("OL[1-9][0-9]*M", key) for key in keys)


def test_the_order_is_another_in_each_file_and_month(settled: Sandbox, dump: Path, tmp_path: Path) -> None:
    settled.write_dumps(tmp_path, date(2026, 9, 30))
    for file in FILES:
        first, second = (list(lines(folder, file)) for folder in (dump, tmp_path))
        assert first != sorted(first)
        assert first != second
        if file != "ratings":
            assert sorted(first) == sorted(second)


def test_the_same_seed_gives_the_same_bytes(dump: Path, tmp_path: Path) -> None:
    def written(seed: int) -> dict[str, bytes]:
        with Sandbox(SandboxConfig(SETTLED_SUBJECTS, this_year=2026, settled=True, seed=seed)) as other:
            other.write_dumps(tmp_path, DAY)
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    first = {path.name: path.read_bytes() for path in dump.iterdir()}
    assert sorted(first) == [f"ol_dump_{file}_2026-08-31.txt.gz" for file in FILES]
    assert written(1) == first
    other = written(2)
    assert all(other[name] != first[name] for name in first)


def test_each_file_is_one_gzip_stream(dump: Path) -> None:
    for path in dump.iterdir():
        stream = zlib.decompressobj(wbits=31)
        assert stream.decompress(path.read_bytes()).endswith(b"\n")
        assert stream.eof
        assert stream.unused_data == b""


def test_lines_are_as_long_as_in_open_library(dump: Path) -> None:
    for file, length in {"works": 600, "editions": 950, "authors": 350}.items():
        (path,) = dump.glob(f"*_{file}_*")
        text = gzip.decompress(path.read_bytes())
        assert 0.7 * length < len(text) / text.count(b"\n") < 1.4 * length, file


def test_records_have_every_odd_shape(dump: Path) -> None:
    works, editions, authors = (records(dump, file) for file in ("works", "editions", "authors"))
    entries = [entry for work in works.values() for entry in work.get("authors", [])]
    keys = [it["author"] if isinstance(it["author"], str) else it["author"]["key"] for it in entries if "author" in it]
    covers = [tuple(it["covers"]) for it in (*works.values(), *editions.values()) if "covers" in it]
    orphans = [edition for edition in editions.values() if not edition.get("works")]
    dates = " ".join(edition.get("publish_date", "") for edition in editions.values())
    raw = [gzip.decompress(path.read_bytes()) for path in dump.iterdir()]

    assert {type(entry.get("type")) for entry in entries} >= {str, dict}
    assert {type(entry["author"]) for entry in entries if "author" in entry} == {str, dict}
    assert any("author" not in entry for entry in entries)
    assert set(keys) - authors.keys()
    assert {"name" in author for author in authors.values()} == {True, False}
    assert any(-1 in cover[:-1] for cover in covers)
    assert {(-1,), (None,), ()} < set(covers)
    assert any("title" not in work for work in works.values())
    assert {type(edition["number_of_pages"]) for edition in editions.values() if "number_of_pages" in edition} == {
        int,
        str,
    }
    assert any(edition.get("authors") for edition in orphans)
    assert any(edition.get("subjects") for edition in orphans)
    assert {"works" in edition for edition in orphans} == {True, False}
    assert any(len(edition.get("works", [])) == 2 for edition in editions.values())
    assert any(it["key"] not in works for edition in editions.values() for it in edition.get("works", []))
    for shape in ("c1985", "1985年", "٢٠", "２０", "[or ", "19850101", "cop. ", "г."):
        assert shape in dates, shape
    assert all(text.isascii() for text in raw)
    assert sum(re.search(rb"\\ud800(?!\\udc)", text) is not None for text in raw) >= 2


def test_redirects_go_in_hops_in_circles_and_to_nothing(dump: Path) -> None:
    locations = {key: record["location"] for key, record in records(dump, "redirects").items()}
    there = records(dump, "works").keys() | records(dump, "authors").keys()
    ends: Counter[tuple[str, int]] = Counter()
    for key in locations:
        seen = [key]
        while seen[-1] in locations and locations[seen[-1]] not in seen:
            seen.append(locations[seen[-1]])
        end = "there" if seen[-1] in there else "circle" if seen[-1] in locations else "nothing"
        ends[end, min(len(seen), 4)] += 1

    assert not locations.keys() & there
    assert {("there", 2), ("there", 3), ("there", 4), ("circle", 2), ("nothing", 2)} <= ends.keys()


def test_a_flood_of_fours_is_told_from_other_days(dump: Path) -> None:
    rows = list(lines(dump, "ratings"))
    days = Counter(day for _, _, _, day in rows)
    fours = Counter(day for _, _, stars, day in rows if stars == "4")

    floods = {(count, fours[day]) for day, count in days.items() if count > 90}
    assert floods == {(104, 54), (99, 51), (100, 50)}
    assert {columns[1] == r"\N" for columns in rows} == {True, False}
    assert {columns[2] for columns in lines(dump, "reading-log")} == {
        *("Want to Read", "Currently Reading", "Already Read", "Stopped Reading")
    }


def test_an_older_dump_leaves_nulls_empty(settled: Sandbox, dump: Path, tmp_path: Path) -> None:
    settled.write_dumps(tmp_path, DAY, older=True)
    for file in ("ratings", "reading-log"):
        newer = [["" if column == r"\N" else column for column in columns] for columns in lines(dump, file)]
        assert list(lines(tmp_path, file)) == newer
