"""The digest: of a root fetched twice, and of histories that no pipeline made; its feed by a feed reader."""

import signal
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import feedparser
import pytest

from openlib_assets.cli.main import main
from openlib_assets.defs.jobs import ACROSS
from openlib_assets.lake import layout
from openlib_assets.lake.catalog import ask
from openlib_assets.lake.contract import SQL_TYPES
from openlib_assets.lake.layout import reports_folder
from openlib_assets.report.digest.news import TABLES, Digest, digest_of
from openlib_assets.report.digest.written import CANNOT_KNOW, digest_atom, digest_html, digest_text
from openlib_assets_tests.conftest import Pipeline, PlaceMaker, environment
from openlib_assets_tests.tools.fetched_twice import CHANGED, SIZES, Changes, fetched_twice

ATOM = "{http://www.w3.org/2005/Atom}"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=["local", "s3"])
def made(request: pytest.FixtureRequest, new_place: PlaceMaker, twice: Path) -> Iterator[tuple[Pipeline, Changes]]:
    """A root with a warehouse, fetched twice, and what differs."""
    with fetched_twice(twice, new_place("s3") if request.param == "s3" else None) as found:
        yield found


@pytest.fixture(scope="module")
def digest(made: tuple[Pipeline, Changes]) -> Digest:
    with made[0].environment():
        found, left_out = ask(made[0].storage, TABLES, digest_of)
    assert left_out == []
    return found


def test_the_digest_has_what_came_and_went_since_the_first_fetch(
    digest: Digest, made: tuple[Pipeline, Changes]
) -> None:
    pipeline, changes = made
    last = next(one for one in digest.news if one.subject == CHANGED and one.is_last)
    assert [row["work_key"] for row in last.came] == [changes.added]
    assert [row["work_key"] for row in last.went] == [changes.removed]
    assert (last.added, last.removed, last.works, last.works_before) == (1, 1, SIZES[CHANGED], SIZES[CHANGED])
    first = [one for one in digest.news if not (one.subject == CHANGED and one.is_last)]
    assert sorted(one.subject for one in first) == sorted(SIZES)
    assert all(one.works_before is None and one.works == SIZES[one.subject] for one in first)
    assert all(not (one.came or one.went or one.authors or one.orders) for one in first)
    query = f"SELECT author_key FROM work_authors WHERE work_key = '{changes.added}'"  # noqa: S608
    others = f"SELECT author_key FROM work_authors WHERE work_key <> '{changes.added}'"  # noqa: S608
    with pipeline.environment():
        authors, _ = ask(
            pipeline.storage,
            {"work_authors": TABLES["work_authors"]},
            lambda connection: connection.execute(f"{query} EXCEPT {others}").fetchall(),
        )
    assert sorted(row["author_key"] for row in last.authors) == sorted(key for (key,) in authors)


def test_the_run_wrote_the_feed_and_the_page(digest: Digest, made: tuple[Pipeline, Changes]) -> None:
    storage = made[0].storage
    assert storage.read(layout.DIGEST_FEED).decode() == digest_atom(digest)
    assert storage.read(layout.DIGEST_PAGE).decode() == digest_html(digest)


def test_who_was_killed_before_it_was_written_is_made_up_for(digest: Digest, made: tuple[Pipeline, Changes]) -> None:
    pipeline, _ = made
    pipeline.storage.write(layout.DIGEST_FEED, b"of the version before")
    pipeline.storage.delete(layout.DIGEST_PAGE)
    assert pipeline.run(job=ACROSS).success
    assert pipeline.storage.read(layout.DIGEST_FEED).decode() == digest_atom(digest)
    assert pipeline.storage.read(layout.DIGEST_PAGE).decode() == digest_html(digest)


def test_a_feed_reader_reads_an_entry_of_each_snapshot(digest: Digest, made: tuple[Pipeline, Changes]) -> None:
    feed = feedparser.parse(made[0].storage.read(layout.DIGEST_FEED))
    assert (feed.bozo, feed.version) == (False, "atom10")
    assert [entry.title for entry in feed.entries] == [one.headline for one in digest.news]
    assert len({entry.id for entry in feed.entries}) == len(SIZES) + 1
    assert feed.entries[0].title == f"detective stories: {SIZES[CHANGED]} works, 1 came and 1 went"
    assert f"/works/{made[1].added}" in feed.entries[0].content[0].value


def test_the_feed_has_what_rfc_4287_asks_for(digest: Digest) -> None:
    root = ET.fromstring(digest_atom(digest))  # noqa: S314 - our own
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert [part.text for part in element.findall(f"{ATOM}{name}")] != [None], name
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert datetime.fromisoformat(str(element.findtext(f"{ATOM}updated"))).tzinfo
    assert root.find(f"{ATOM}author/{ATOM}name") is not None


@contextmanager
def made_up(*snapshots: tuple[str, datetime, int, int | None, int | None]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend the digest's tables with a history of subjects alone."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in TABLES.items():
            columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in table.columns)
            connection.execute(f"CREATE TABLE {name} ({'subject VARCHAR, ' if table.by_subject else ''}{columns})")
        for subject, at, works, added, removed in snapshots:
            connection.execute(
                "INSERT INTO subject_history VALUES (?, ?, ?, ?, 0, ?, ?)",
                [subject, f"{at:%Y%m%dT%H%M%SZ}", at, works, added, removed],
            )
        yield connection


def came(connection: duckdb.DuckDBPyConnection, work: str, author: str, *subjects: str) -> None:
    """Add a work that came into subjects with their last snapshot."""
    connection.execute("INSERT INTO works (work_key, title) VALUES (?, ?)", [work, f"Title of {work}"])
    connection.execute("INSERT INTO work_authors VALUES (?, ?, 1, NULL)", [author, work])
    if not connection.execute("SELECT 1 FROM authors WHERE author_key = ?", [author]).fetchall():
        connection.execute("INSERT INTO authors VALUES (?, ?, 1, NULL, NULL)", [author, f"Name of {author}"])
    for subject in subjects:
        connection.execute("INSERT INTO work_subjects VALUES (?, ?)", [subject, work])
        connection.execute(
            "INSERT INTO subject_changes SELECT subject, ?, ?, 'added', '', max(snapshot) FROM subject_history "
            "WHERE subject = ? GROUP BY subject",
            [work, f"Title of {work}", subject],
        )


def test_snapshots_before_the_day_are_compared_with_and_not_told() -> None:
    days = [NOW - timedelta(days=days) for days in (20, 6, 1)]
    with made_up(
        ("tea", days[0], 10, None, None), ("tea", days[1], 12, 3, 1), ("tea", days[2], 15, 3, 0)
    ) as connection:
        digest = digest_of(connection, NOW - timedelta(days=7))
        assert [(one.works_before, one.works) for one in digest.news] == [(12, 15), (10, 12)]
        assert [one.headline for one in digest.news] == [
            "tea: 15 works, 3 came and 0 went",
            "tea: 12 works, 3 came and 1 went",
        ]
        assert len(digest_of(connection).news) == 3, "thirty days before the last fetch"
        assert digest_of(connection, NOW).news == []
    assert "No subject has a new snapshot." in digest_text(Digest(NOW, None))
    assert "No subject has a new snapshot." in digest_html(Digest(NOW, None))
    assert feedparser.parse(digest_atom(Digest(NOW, None))).entries == []


def test_a_new_author_is_one_of_whom_nothing_was_known_in_any_subject() -> None:
    history = [(name, at, 5, 1, 0) for name in ("tea", "love") for at in (NOW - timedelta(days=9), NOW)]
    with made_up(*history) as connection:
        came(connection, "OL1W", "OL1A", "tea")
        came(connection, "OL2W", "OL2A", "tea")
        connection.execute("INSERT INTO work_authors VALUES ('OL2A', 'OL3W', 1, NULL)")
        connection.execute("INSERT INTO work_subjects VALUES ('love', 'OL3W')")
        came(connection, "OL4W", "OL4A", "tea", "love")
        last = {one.subject: one for one in digest_of(connection, NOW - timedelta(days=1)).news}
    assert [row["author_key"] for row in last["tea"].authors] == ["OL1A", "OL4A"]
    assert [row["author_key"] for row in last["love"].authors] == ["OL4A"]
    assert [row["work_key"] for row in last["tea"].came] == ["OL1W", "OL2W", "OL4W"]


def test_the_author_of_a_work_that_replaces_one_of_the_same_title_is_not_new() -> None:
    with made_up(("tea", NOW - timedelta(days=9), 5, None, None), ("tea", NOW, 6, 3, 2)) as connection:
        for work, author in (("OL1W", "OL1A"), ("OL2W", "OL2A"), ("OL3W", "OL1A")):
            came(connection, work, author, "tea")
        snapshot = "(SELECT max(snapshot) FROM subject_history)"
        for work, title in (("OL8W", "TITLE of OL1W"), ("OL9W", "Another")):
            connection.execute(
                f"INSERT INTO subject_changes VALUES ('tea', ?, ?, 'removed', '', {snapshot})",  # noqa: S608
                [work, title],
            )
        (last,) = digest_of(connection, NOW - timedelta(days=1)).news
    assert [row["author_key"] for row in last.authors] == ["OL2A"]
    assert [row["work_key"] for row in last.came] == ["OL1W", "OL2W", "OL3W"]


def test_a_year_that_cannot_be_is_not_the_year_of_a_work() -> None:
    with made_up(("tea", NOW - timedelta(days=9), 5, None, None), ("tea", NOW, 7, 2, 0)) as connection:
        for work, year, status in (("OL1W", 9999, "impossible"), ("OL2W", 2020, "ok")):
            came(connection, work, "OL1A", "tea")
            connection.execute(
                "UPDATE works SET first_publish_year = ?, year_status = ? WHERE work_key = ?", [year, status, work]
            )
        digest = digest_of(connection, NOW - timedelta(days=1))
    assert {row["work_key"]: row["year"] for one in digest.news for row in one.came} == {"OL1W": None, "OL2W": 2020}


def test_candidates_are_those_of_the_works_that_came() -> None:
    with made_up(("tea", NOW - timedelta(days=9), 5, None, None), ("tea", NOW, 6, 1, 0)) as connection:
        came(connection, "OL1W", "OL1A", "tea")
        for rank, work in enumerate(("OL9W", "OL1W"), start=1):
            connection.execute(
                "INSERT INTO order_list (subject, rank, work_key, isbn13, title, author_names) "
                "VALUES ('tea', ?, ?, '9780140328721', 'A & B', [])",
                [rank, work],
            )
        digest = digest_of(connection, NOW - timedelta(days=1))
    assert [(row["rank"], row["work_key"]) for row in digest.news[0].orders] == [(2, "OL1W")]
    assert "9780140328721  A & B, rank 2" in digest_text(digest)
    assert "A &amp; B" in digest_html(digest)
    assert "A &amp; B" in feedparser.parse(digest_atom(digest)).entries[0].content[0].value


def test_of_many_works_the_first_are_listed_and_the_others_counted() -> None:
    with made_up(("tea", NOW - timedelta(days=9), 0, None, None), ("tea", NOW, 60, 60, 0)) as connection:
        for number in range(60):
            came(connection, f"OL{number:02d}W", f"OL{number}A", "tea")
        digest = digest_of(connection, NOW - timedelta(days=1))
    text = digest_text(digest)
    assert text.count("Title of OL") == 50
    assert text.count("and 10 more") == 2, "works, and authors"
    assert digest_html(digest).count("<li>and 10 more</li>") == 2


def test_names_do_no_harm_in_a_terminal() -> None:
    with made_up(("tea", NOW - timedelta(days=9), 5, None, None), ("tea", NOW, 6, 1, 0)) as connection:
        came(connection, "OL1W", "OL1A", "tea")
        connection.execute("UPDATE subject_changes SET title = 'Red' || chr(27) || '[31m' || chr(155) || 'A'")
        connection.execute("UPDATE authors SET author_name = 'Bell' || chr(7)")
        digest = digest_of(connection, NOW - timedelta(days=1))
    text = digest_text(digest)
    assert "OL1W  Red\ufffd[31m\ufffdA" in text
    assert "Bell\ufffd" in text


def test_titles_do_no_harm_in_a_page_or_a_feed() -> None:
    with made_up(("tea", NOW - timedelta(days=9), 5, None, None), ("tea", NOW, 6, 1, 0)) as connection:
        came(connection, "OL1W", "OL1A", "tea")
        connection.execute("UPDATE subject_changes SET title = '<script>alert(1)</script>' || chr(11) || ' & ]]>'")
        digest = digest_of(connection, NOW - timedelta(days=1))
    assert "<script>alert" not in digest_html(digest)
    feed = feedparser.parse(digest_atom(digest))
    assert feed.bozo is False
    assert "<script" not in feed.entries[0].content[0].value


def test_the_command_prints_and_writes_each_format(
    made: tuple[Pipeline, Changes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline, changes = made
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    watched = tmp_path / "watched.yaml"
    watched.write_text("subjects:\n  - detective stories\n  - tea\n", encoding="utf-8")

    def said(*arguments: str) -> tuple[str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["openlib", "subjects", "digest", *arguments])
        with environment(pipeline.variables | {"OPENLIB_SUBJECTS": str(watched)}), pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr()

    try:
        text, errors = said()
        assert f"{changes.added}  " in text
        assert " ".join(CANNOT_KNOW.split()[:8]) in text
        assert errors == "watched, and not in the warehouse yet: tea\n"
        assert said("--since", "2999-01-01")[0].count("No subject has a new snapshot.") == 1
        for form in ("text", "html", "atom"):
            printed, _ = said("--format", form, "--since", "2020-01-01")
            told, _ = said("--format", form, "--since", "2020-01-01", "--to", str(tmp_path / form))
            assert told == f"{tmp_path / form}\n"
            assert (tmp_path / form).read_text(encoding="utf-8") == printed
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_a_subject_of_the_name_of_the_page_has_its_report_elsewhere() -> None:
    assert reports_folder("digest.html") == "reports/digest%2Ehtml"
