"""The dumps of a settled catalogue tell what its API tells, and are as messy as those of Open Library."""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from openlib_assets.sandbox import BadLine, Sandbox, SandboxConfig
from openlib_assets_tests.sandbox.asking import Answer, answer
from openlib_assets_tests.sandbox.dumped import Indexed, indexed, lines, records

DAY = date(2026, 8, 31)
FILES = ("authors", "editions", "ratings", "reading-log", "redirects", "works")
SUBJECTS = {
    "science_fiction": 950,
    "fiction_general": 900,
    "person:sherlock_holmes": 90,
    "place:london": 60,
    "time:20th_century": 50,
    "nothing": 0,
}
FIELDS = (
    *("key", "title", "edition_count", "subject", "first_publish_year", "author_key", "author_name", "cover_i"),
    *(
        "edition_key",
        "format",
        "isbn",
        "language",
        "number_of_pages_median",
        "publish_date",
        "publisher",
        "publish_year",
    ),
    *("ratings_average", "ratings_count", "readinglog_count"),
    *("want_to_read_count", "currently_reading_count", "already_read_count"),
)


@pytest.fixture(scope="module")
def settled() -> Iterator[Sandbox]:
    """A settled sandbox that no test changes."""
    with Sandbox(SandboxConfig(SUBJECTS, this_year=2026, settled=True)) as running:
        yield running


@pytest.fixture(scope="module")
def dump(settled: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its dump."""
    folder = tmp_path_factory.mktemp("dump")
    assert settled.write_dumps(folder, DAY) == []
    return folder


@pytest.fixture(scope="module")
def index(dump: Path) -> dict[str, Indexed]:
    """What an index would hold of the dump."""
    return indexed(dump)


def assert_equal(sandbox: Sandbox, index: dict[str, Indexed], subjects: Any = SUBJECTS) -> None:
    """Compare what the API tells of subjects with an index: all works, no others, and all that is said of them."""
    for subject in subjects:
        expected = {key: index[key] for key in sorted(index) if subject in index[key].subjects}
        listed = answer(sandbox, f"/subjects/{subject}.json?sort=key&limit=1000")["works"]
        assert [{name: work[name] for name in indexed_fields(work)} for work in listed] == [
            it.record for it in expected.values()
        ]
        kind, _, name = subject.rpartition(":")
        asked = {"q": f'{kind or "subject"}_key:"{name}"', "fields": ",".join(FIELDS), "sort": "key", "limit": 1000}
        found = answer(sandbox, f"/search.json?{urlencode(asked)}")["docs"]
        assert [without_order(document) for document in found] == [
            without_order(it.document) for it in expected.values()
        ]


def indexed_fields(work: Answer) -> list[str]:
    return [*("key", "title", "edition_count", "cover_id", "subject", "authors", "first_publish_year")]


def without_order(document: Answer) -> Answer:
    """A document in which lists without an order are sets."""
    return {name: set(it) if name in ("isbn", "publish_year") else it for name, it in document.items()}


def test_what_the_api_tells_follows_from_the_dump(settled: Sandbox, index: dict[str, Indexed]) -> None:
    assert_equal(settled, index)
    listed = {key for subject in SUBJECTS for key in settled.keys(subject)}
    assert index.keys() == listed
    assert any(key.endswith("M") for key in listed)
    assert {subject for it in index.values() for subject in it.subjects} & SUBJECTS.keys() == SUBJECTS.keys() - {
        "nothing"
    }


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
        with Sandbox(SandboxConfig(SUBJECTS, this_year=2026, settled=True, seed=seed)) as other:
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
    assert all(any(start in cover[:-1] for cover in covers) for start in (-1, None))
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


# Lines that a reader has to reject

REASONS = {
    *((file, reason) for file in FILES for reason in ("not UTF-8",)),
    *((file, "not five columns") for file in ("works", "editions", "authors", "redirects")),
    *((file, "not a JSON object") for file in ("works", "editions", "authors", "redirects")),
    *((f"{kind}s", f"type is not /type/{kind}") for kind in ("work", "edition", "author", "redirect")),
    *(("works", "not the key of a work"), ("editions", "not the key of an edition")),
    ("authors", "not the key of an author"),
    *(
        (file, reason)
        for file in ("ratings", "reading-log")
        for reason in ("not four columns", "not the key of a work")
    ),
    *(("ratings", "not a rating from 1 to 5"), ("reading-log", "not a shelf")),
    *((file, "not a date") for file in ("ratings", "reading-log")),
}


def test_bad_lines_are_of_every_kind_and_change_nothing(settled: Sandbox, dump: Path, tmp_path: Path) -> None:
    bad = settled.write_dumps(tmp_path, DAY, mess=0.01)

    assert {(it.file, it.reason) for it in bad} == REASONS
    assert {(it.file, it.line): it.reason for it in bad} == rejected(tmp_path)
    for file in FILES:
        numbers = [it.line for it in bad if it.file == file]
        assert numbers == sorted(numbers)
        assert len(numbers) >= 0.01 * len(list(lines(dump, file)))
        assert sorted(lines(tmp_path, file, numbers)) == sorted(lines(dump, file))
        assert not whole(tmp_path, file).endswith(b"\n")
    assert text_of(tmp_path, bad[0]) == bad[0].text
    assert_equal(settled, indexed(tmp_path, [(it.file, it.line) for it in bad]), ["science_fiction"])


def whole(folder: Path, file: str) -> bytes:
    (path,) = folder.glob(f"*_{file}_*")
    return gzip.decompress(path.read_bytes())


def text_of(folder: Path, bad: BadLine) -> str:
    return whole(folder, bad.file).split(b"\n")[bad.line - 1].decode("utf-8", "replace")


def rejected(folder: Path) -> dict[tuple[str, int], str]:
    """Which lines of a dump are bad, and the first reason: worked out from the lines."""
    found = {}
    for file in FILES:
        for number, line in enumerate(whole(folder, file).split(b"\n"), 1):
            reason = _of_activity(file, line) if file in ("ratings", "reading-log") else _of_record(file, line)
            if reason:
                found[file, number] = reason
    return found


def _of_record(file: str, line: bytes) -> str | None:
    kind = file.removesuffix("s")
    prefix, letter = {"work": ("/works", "W"), "edition": ("/books", "M"), "author": ("/authors", "A")}.get(
        kind, ("", "")
    )
    try:
        columns = line.decode().split("\t")
    except UnicodeDecodeError:
        return "not UTF-8"
    if len(columns) != 5:
        return "not five columns"
    if columns[0] != f"/type/{kind}":
        return f"type is not /type/{kind}"
    if letter and not re.fullmatch(f"{prefix}/OL[0-9]+{letter}", columns[1]):
        return f"not the key of a{'n' if kind[0] in 'ea' else ''} {kind}"
    try:
        is_object = isinstance(json.loads(columns[4], parse_constant=_refuse), dict)
    except ValueError:
        is_object = False
    return None if is_object else "not a JSON object"


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _of_activity(file: str, line: bytes) -> str | None:
    try:
        columns = line.decode().split("\t")
    except UnicodeDecodeError:
        return "not UTF-8"
    if len(columns) != 4:
        return "not four columns"
    if not re.fullmatch("/works/OL[0-9]+W", columns[0]):
        return "not the key of a work"
    if file == "ratings" and not re.fullmatch("[1-5]", columns[2]):
        return "not a rating from 1 to 5"
    if file == "reading-log" and columns[2] not in {
        *("Want to Read", "Currently Reading", "Already Read", "Stopped Reading")
    }:
        return "not a shelf"
    try:
        is_date = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", columns[3]) and date.fromisoformat(columns[3])
    except ValueError:
        is_date = None
    return None if is_date else "not a date"


# Months


def test_a_later_dump_tells_what_changed_meanwhile(tmp_path: Path) -> None:
    with Sandbox(SandboxConfig({"love": 60, "war": 40, "place:oz": 30}, this_year=2026, settled=True)) as sandbox:
        before, after = tmp_path / "before", tmp_path / "after"
        sandbox.write_dumps(before, date(2026, 8, 31))
        keys = [key for key in sandbox.keys("love") if key not in sandbox.keys("war") and key.endswith("W")]
        gone, merged, moved, changed, emptied = (key for key in keys if key not in sandbox.keys("place:oz")) and keys[
            :5
        ]
        new = sandbox.add_work("love", {"title": "New", "first_publish_year": 1999, "edition_count": 3})
        orphan = sandbox.add_work("war", {"key": "/works/OL7M", "title": "Orphan"})
        for key in (gone, merged, moved):
            for subject in ("love", "place:oz"):
                if key in sandbox.keys(subject):
                    sandbox.remove_work(subject, key)
        sandbox.add_work("war", {"key": moved})
        authors = [
            {"key": "/authors/OL5A", "name": "Someone Else \ud800"},
            {"key": "/authors/OL5A", "name": "Someone Else"},
        ]
        sandbox.change_work(
            "love", changed, title="Other", authors=authors[1:], first_publish_year=1601, cover_id=77, edition_count=9
        )
        sandbox.change_work("love", emptied, edition_count=0)
        sandbox.write_dumps(after, date(2026, 9, 30), merged={merged: changed})
        then, now = indexed(before), indexed(after)

        assert_equal(sandbox, now, ("love", "war", "place:oz"))
        assert then.keys() - now.keys() == {gone, merged}
        assert now.keys() - then.keys() == {new["key"], orphan["key"]}
        same = (then.keys() & now.keys()) - {moved, changed, emptied}
        assert all(then[key] == now[key] for key in same)
        assert records(after, "redirects")[merged]["location"] == changed
        assert gone not in records(after, "redirects")
        assert now[moved].subjects >= {"war"}
        assert "love" not in now[moved].subjects
        record = now[changed].record
        assert (record["title"], record["first_publish_year"], record["cover_id"]) == ("Other", 1601, 77)
        assert record["authors"] == authors[1:]
        assert now[emptied].record["first_publish_year"] is None
        assert now[orphan["key"]].record["edition_count"] == 1


def test_the_name_of_an_author_is_the_same_on_all_works() -> None:
    with Sandbox(SandboxConfig({"love": 3000}, settled=True)) as sandbox:
        books = Counter(it["key"] for work in sandbox.works("love") for it in work["authors"])
        author = books.most_common(1)[0][0]
        work = next(work for work in sandbox.works("love") if author in {it["key"] for it in work["authors"]})
        sandbox.change_work("love", work["key"], authors=[{"key": author, "name": "Renamed \udc00"}])
        names = {(it["key"], it["name"]) for work in sandbox.works("love") for it in work["authors"]}

    assert len(names) == len({key for key, _ in names})
    assert (author, "Renamed \ufffd") in names
    assert {"", "  "} & {name for _, name in names}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"cover_edition_key": "OL1M"}, "follow from the editions"),
        ({"edition_count": None}, "edition_count must be"),
        ({"edition_count": 0, "first_publish_year": 1984}, "without editions there is no first_publish_year"),
        ({"first_publish_year": -5}, "first_publish_year must be"),
        ({"title": ""}, "title must be"),
        ({"cover_id": -1}, "cover_id must be"),
        ({"authors": [{"key": "/authors/OL99999999A", "name": "x"}]}, "an author has a key"),
        ({"subject": ["Peace"]}, "see love"),
        ({"subject": ["Love", "WAR"]}, "see war"),
    ],
)
def test_what_no_database_could_give_is_refused(fields: dict[str, Any], reason: str) -> None:
    with Sandbox(SandboxConfig({"love": 20, "war": 0}, settled=True)) as sandbox:
        before = list(sandbox.works("love"))
        key = next(work["key"] for work in before if work["key"].endswith("W"))
        with pytest.raises(ValueError, match=reason):
            sandbox.change_work("love", key, **fields)
        with pytest.raises(ValueError, match="have numbers below"):
            sandbox.add_work("love", {"key": "/works/OL60000000W"})
        assert list(sandbox.works("love")) == before


def test_only_a_settled_catalogue_has_dumps_and_only_of_what_is_there(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only a settled catalogue"):
        sandbox.write_dumps(tmp_path / "dump", DAY)
    with Sandbox(SandboxConfig({"love": 20}, settled=True)) as settled:
        work = next(key for key in settled.keys("love") if key.endswith("W"))
        with pytest.raises(ValueError, match=f"{work} is not gone"):
            settled.write_dumps(tmp_path / "dump", DAY, merged={work: "/works/OL1W"})
    assert not (tmp_path / "dump").exists()
