"""Dumps of several months tell what was edited meanwhile; what no database could give is refused."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.sandbox.dumped import DAY, assert_tells, indexed, records


def test_a_later_dump_tells_what_changed_meanwhile(tmp_path: Path) -> None:
    with Sandbox(SandboxConfig({"love": 60, "war": 40, "place:oz": 30}, this_year=2026, settled=True)) as sandbox:
        before, after = tmp_path / "before", tmp_path / "after"
        sandbox.write_dumps(before, date(2026, 8, 31))
        elsewhere = {*sandbox.keys("war"), *sandbox.keys("place:oz")}
        keys = [key for key in sandbox.keys("love") if key not in elsewhere and key.endswith("W")]
        gone, merged, moved, changed, emptied = keys[:5]
        new = sandbox.add_work("love", {"title": "New", "first_publish_year": 1999, "edition_count": 3})
        orphan = sandbox.add_work("war", {"key": "/works/OL7M", "title": "Orphan"})
        for key in (gone, merged, moved):
            sandbox.remove_work("love", key)
        sandbox.add_work("war", {"key": moved})
        authors = [{"key": "/authors/OL5A", "name": "Someone Else"}, {"key": "/authors/OL5A", "name": "Someone Else"}]
        sandbox.change_work(
            "love", changed, title="Other", authors=authors, first_publish_year=1601, cover_id=77, edition_count=9
        )
        sandbox.change_work("love", emptied, edition_count=0, subject=["LOVE", "Half a \ud800"])
        sandbox.add_work("war", {"key": emptied})
        sandbox.write_dumps(after, date(2026, 9, 30), merged={merged: changed})
        then, now = indexed(before), indexed(after)

        assert_tells(sandbox, now, ("love", "war", "place:oz"))
        assert then.keys() - now.keys() == {gone, merged}
        assert now.keys() - then.keys() == {new["key"], orphan["key"]}
        same = (then.keys() & now.keys()) - {moved, changed, emptied}
        assert all(then[key] == now[key] for key in same)
        assert records(after, "redirects")[merged]["location"] == changed
        assert gone not in records(after, "redirects")
        assert "war" in now[moved].subjects
        assert "love" not in now[moved].subjects
        record = now[changed].record
        assert (record["title"], record["first_publish_year"], record["cover_id"]) == ("Other", 1601, 77)
        assert record["authors"] == authors
        assert now[emptied].record["first_publish_year"] is None
        assert now[emptied].subjects >= {"love", "war", "half_a_\ufffd"}
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
    with Sandbox(SandboxConfig({"love": 20, "war": 0, "place:rome": 0}, settled=True)) as sandbox:
        before = list(sandbox.works("love"))
        key = next(work["key"] for work in before if work["key"].endswith("W"))
        with pytest.raises(ValueError, match=reason):
            sandbox.change_work("love", key, **fields)
        with pytest.raises(ValueError, match="have numbers below"):
            sandbox.add_work("love", {"key": "/works/OL60000000W"})
        with pytest.raises(ValueError, match="an orphaned edition has no people, places or times"):
            sandbox.add_work("place:rome", {"key": "/works/OL7M"})
        assert list(sandbox.works("love")) == before


def test_only_a_settled_catalogue_has_dumps_and_only_of_what_is_there(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only a settled catalogue"):
        sandbox.write_dumps(tmp_path / "dump", DAY)
    with Sandbox(SandboxConfig({"love": 20}, settled=True)) as settled:
        work = next(key for key in settled.keys("love") if key.endswith("W"))
        with pytest.raises(ValueError, match=f"{work} is not gone"):
            settled.write_dumps(tmp_path / "dump", DAY, merged={work: "/works/OL1W"})
    assert not (tmp_path / "dump").exists()
