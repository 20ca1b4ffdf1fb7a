"""The tables of the catalogue and of its reference against rows worked out by hand from the specification."""

from itertools import pairwise
from pathlib import Path

import pytest

from openlib_assets.lake.contract import Layer
from openlib_assets.lake.dumps.made import read_made
from openlib_assets.lake.dumps.source import DumpEditions
from openlib_assets.lake.transform import CheckFailedError
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.lake.dumps.conftest import Tables
from openlib_assets_tests.tools.dump_lakes import build_lake
from openlib_assets_tests.tools.dump_lines import (
    BEFORE,
    DATE,
    author,
    by,
    edition,
    rating,
    record,
    redirect,
    values,
    work,
    write_dump,
)


def test_columns_and_tables_stand_in_the_specified_order(tables: Tables) -> None:
    lines = {
        "works": [work("OL1W", title="Tea", subjects=["Tea"], authors=by("OL1A")), ""],
        "editions": [edition("OL1M", "OL1W", isbn_10=["0306406152"], publish_date="1999")],
        "authors": [author("OL1A", "Ann")],
        "ratings": [rating("OL1W")],
    }
    found = tables(lines, before={})
    assert {name: " ".join(rows[0]) for name, rows in found.items()} == {
        "catalogue_rejects": "file line reason text",
        "catalogue_authors": "author_key name birth_date death_date",
        "catalogue_editions": (
            "edition_key work_key title isbn13 publishers languages format pages publish_date publish_year cover_id"
        ),
        "catalogue_isbns": "work_key isbn13 edition_key",
        "catalogue_works": (
            "work_key title first_publish_year year_status edition_count author_count has_fulltext cover_id subjects "
            "author_keys author_names"
        ),
        "catalogue_demand": (
            "work_key ratings_count ratings_average burst_ratings_count want_to_read currently_reading already_read "
            "stopped_reading"
        ),
        "catalogue_subjects": "subject subject_type name works new_works",
        "catalogue_author_yearly_counts": "author_key author_name year book_count",
        "catalogue_author_averages": (
            "author_key author_name book_count dated_book_count first_year last_year active_years span_years "
            "avg_books_per_active_year avg_books_per_calendar_year"
        ),
        "catalogue_changes": "work_key title change merged_into previous_dump current_dump",
    }


def test_an_empty_dump_has_no_rows(tables: Tables) -> None:
    assert [rows for rows in tables({}).values() if rows] == []


def test_a_line_that_is_there_twice_is_named(tmp_path: Path) -> None:
    works = [work("OL1W"), work("OL2W"), work("OL2W"), work("OL3W")]
    storage = LocalStorage(tmp_path / "root")
    with pytest.raises(CheckFailedError) as caught:
        build_lake(storage, write_dump(tmp_path, DATE, {"works": works}), DATE)
    assert str(caught.value) == (
        "catalogue_works: check rows_are_in_order failed: rows 4, out_of_order 1, first_of_these OL2W "
        "(The rows are sorted by work_key, and no two share the same.)"
    )
    assert read_made(storage, Layer.SILVER, "catalogue_works", DATE) is None


def test_an_edition_has_a_row_for_each_of_its_works_and_isbns_are_those_of_both_lists(tables: Tables) -> None:
    isbns = {
        "isbn_10": ["080442957x", "0-306-40615-2", None],
        "isbn_13": ["978-0-306-40615-7", "9780306406158", "0000000000"],
    }
    odd = {"works": [{"key": "/works/OL2W"}, {}, "/works/OL3W", {"key": "/books/OL4M"}, {"key": "/works/OL1W"}] * 2}
    orphan = {"works": [{"key": "/works/OL1M"}, None]}
    editions = [
        record("edition", "/books/OL9M", **odd, **isbns),
        edition("OL10M", "OL1W", isbn_13=["9780804429573"]),
        record("edition", "/books/OL2M", **orphan, number_of_pages=" 012\n", covers=[-1, -1, 5, 6]),
    ]
    found = tables({"editions": editions})
    both = ["9780306406157", "9780804429573"]
    assert values(found["catalogue_editions"], "work_key", "edition_key", "isbn13", "pages", "cover_id") == [
        ["OL1W", "OL10M", ["9780804429573"], None, None],
        ["OL1W", "OL9M", both, None, None],
        ["OL2M", "OL2M", [], 12, 5],
        ["OL2W", "OL9M", both, None, None],
    ]
    assert values(found["catalogue_isbns"]) == [
        ["OL1W", "9780306406157", "OL9M"],
        ["OL1W", "9780804429573", "OL10M"],
        ["OL1W", "9780804429573", "OL9M"],
        ["OL2W", "9780306406157", "OL9M"],
        ["OL2W", "9780804429573", "OL9M"],
    ]
    assert values(found["catalogue_works"], "work_key") == [["OL2M"]]


BESIDE_ISBNS: dict[str, list[str]] = {
    "0306406152 (pbk.)": ["9780306406157"],
    "ISBN: 0-8044-2957-x.": ["9780804429573"],
    "978-0-306-40615-7 (hbk)": ["9780306406157"],
    "0_306_406152": ["9780306406157"],
    "979_1034742325": ["9791034742325"],
    "9791034742325 (br.)": [],
    "0306406153 (pbk.)": [],
    "0306406152 (vol. 2)": [],
    "0662007395$2.00": [],
    "x0306406152": [],
    "0000000000 (none)": [],
}


def test_what_stands_beside_an_isbn_hides_it_only_where_open_library_has_no_other_form(tables: Tables) -> None:
    editions = [
        edition(f"OL{number}M", f"OL{number}W", title=entry, **{field: [entry]})
        for field, first in (("isbn_10", 10), ("isbn_13", 50))
        for number, entry in enumerate(BESIDE_ISBNS, first)
    ]
    found = tables({"editions": editions})
    assert values(found["catalogue_editions"], "title", "isbn13") == [list(both) for both in BESIDE_ISBNS.items()] * 2


def test_languages_formats_and_covers_are_taken_as_open_library_takes_them(tables: Tables) -> None:
    languages: list[object] = [
        {"key": "/languages/eng"},
        "/languages/fre",
        {"key": "/l/ger"},
        {"key": "/languages/ENG"},
        "english",
    ]
    languages += [{"type": "/type/language", "key": "/languages/spa"}, {"key": "/languages/eng "}, {}, None, 7]
    covers = {"OL1M": [-1, 5], "OL2M": [None, 5], "OL3M": [0, 5], "OL4M": [-1, None, 5], "OL5M": [-1]}
    editions = [edition(key, "OL1W", languages=languages, physical_format="", covers=it) for key, it in covers.items()]
    found = tables({"works": [work("OL1W", covers=[None, 9])], "editions": editions[1:] + editions[:1]})
    codes = ["eng", "fre", "ger", "spa"]
    of_editions = values(found["catalogue_editions"], "edition_key", "languages", "format", "cover_id")
    assert of_editions == [[key, codes, None, 5 if key == "OL1M" else None] for key in covers]
    assert values(found["catalogue_works"], "cover_id") == [[5]]


def test_an_edition_without_a_work_has_no_people_places_or_times(tables: Tables) -> None:
    fields = {"subjects": ["Love"], "subject_people": ["Ada"], "subject_places": ["Rome"], "subject_times": ["1900"]}
    found = tables({"editions": [record("edition", "/books/OL1M", **fields)], "works": [work("OL2W", **fields)]})
    assert values(found["catalogue_subjects"], "subject", "works") == [
        *(["love", 2], ["person:ada", 1], ["place:rome", 1], ["time:1900", 1])
    ]


def test_pages_are_up_to_nine_digits_and_none_are_unknown(tables: Tables) -> None:
    given: tuple[object, ...] = (0, "123456789", "\x85\u3000\x1f7", 1234567890, 12.0, -1, "٣", [12], "1 2")
    editions = [edition(f"OL{number}M", number_of_pages=pages) for number, pages in enumerate(given, start=1)]
    found = tables({"editions": editions})
    assert values(found["catalogue_editions"], "pages") == [[None], [123456789], [7], *[[None]] * 6]


def test_languages_are_codes_however_they_are_referred_to(tables: Tables) -> None:
    languages: list[object] = [{"key": "/languages/eng"}, {"key": "/l/ger"}]
    found = tables({"works": [work("OL1W")], "editions": [edition("OL1M", "OL1W", languages=languages)]})
    assert values(found["catalogue_editions"], "languages") == [[["eng", "ger"]]]


def test_the_edition_to_order_is_the_newest_printed_one(tmp_path: Path) -> None:
    printed = ["Paperback", "hardcover + CD", "Paperback, digital print", None]
    others = ["DVD", "[sound recording]", "Videorecording", "Talking Book", "LP", "Audio CD", "microform"]
    forms = [(form, "2001") for form in printed] + [(form, "2020") for form in others]
    editions = [
        edition(
            f"OL{number}M",
            f"OL{place + 1}W",
            physical_format=form,
            publish_date=year,
            isbn_13=["9780306406157"],
            languages=[{"key": "/languages/eng"}],
        )
        for place in range(len(printed))
        for number, (form, year) in enumerate([forms[place], *forms[len(printed) :]], 100 * place + 1)
    ]
    works = [f"OL{place + 1}W" for place in range(len(printed))]
    storage = LocalStorage(tmp_path / "root")
    build_lake(storage, write_dump(tmp_path, DATE, {"works": [work(key) for key in works], "editions": editions}), DATE)
    found, _ = DumpEditions(storage, f"dump:{DATE}").find(works, ["eng"])
    assert {key: one.edition_key for key, one in found.items()} == {
        key: f"OL{100 * place + 1}M" for place, key in enumerate(works)
    }


def test_what_a_work_lacks_comes_from_its_editions_by_key(tables: Tables) -> None:
    lines = {
        "works": [
            work("OL2W", title="", covers=[-1]),
            work("OL1W", title="One", covers=[0, 3], subjects=["Tea", None, "Tea", 5]),
            work("OL3W", title=None, subjects="Tea"),
        ],
        "editions": [
            edition("OL9M", "OL2W", "OL1W", title="Nine", publish_date="1990", covers=[9]),
            edition("OL10M", "OL2W", title="", publish_date="no year", covers=[]),
            edition("OL11M", "OL2W", title="Eleven", publish_date="[1985]", covers=[-1]),
            edition("OL8M", title="", covers=[4], publish_date="3000", subjects=["Cups"]),
            edition("OL7M", "OL4W", title="Of no work"),
        ],
    }
    assert values(tables(lines)["catalogue_works"]) == [
        ["OL1W", "One", 1990, "ok", 1, 0, None, 9, ["Tea", "Tea", "5"], [], []],
        ["OL2W", "Eleven", 1985, "ok", 3, 0, None, 9, [], [], []],
        ["OL3W", None, None, "missing", 0, 0, None, None, [], [], []],
        ["OL8M", None, 3000, "implausible", 1, 0, None, 4, ["Cups"], [], []],
    ]


def test_a_year_is_measured_by_that_of_the_dump(tables: Tables) -> None:
    years = (0, 1000, 1001, 2027, 2028)
    editions = [edition(f"OL{number}M", publish_date=f"{year:04}") for number, year in enumerate(years, start=1)]
    found = tables({"editions": editions}, date="2026-12-31")
    statuses = ["implausible", "implausible", "ok", "ok", "implausible"]
    assert values(found["catalogue_works"], "first_publish_year", "year_status") == [
        [year, status] for year, status in zip(years, statuses, strict=True)
    ]


def test_authors_of_a_work_are_those_that_the_file_of_authors_has(tables: Tables) -> None:
    listed = [
        *by("OL2A", "OL1A", "OL2A", "OL9A"),
        {"author": "/authors/OL3A"},
        {"author": "OL3A"},
        {"author": {"key": 5}},
        {"author": None},
        {"key": "/authors/OL3A"},
        "/authors/OL3A",
        None,
    ]
    lines = {
        "works": [work("OL1W", authors=listed), work("OL2W", authors={"author": "/authors/OL1A"})],
        "editions": [
            edition("OL1M", authors=[{"key": "/authors/OL1A"}, {"author": {"key": "/authors/OL2A"}}, "/authors/OL3A"]),
            edition("OL2M", "OL2W", authors=[{"key": "/authors/OL1A"}]),
        ],
        "authors": [author("OL1A", "Ann"), author("OL3A", "Cid"), author("OL2A")],
        "redirects": [redirect("/authors/OL9A", "/authors/OL1A")],
    }
    assert values(tables(lines)["catalogue_works"], "work_key", "author_count", "author_keys", "author_names") == [
        ["OL1M", 1, ["OL1A"], ["Ann"]],
        ["OL1W", 3, ["OL2A", "OL1A", "OL2A", "OL3A"], ["", "Ann", "", "Cid"]],
        ["OL2W", 0, [], []],
    ]


def test_a_burst_is_a_day_of_a_hundred_ratings_of_which_more_than_half_are_fours(tables: Tables) -> None:
    days = {"2026-08-01": (51, 49), "2026-08-02": (50, 50), "2026-08-03": (99, 0), "2026-08-04": (60, 41)}
    ratings = [
        rating("OL1W" if day != "2026-08-04" else "OL2W", stars, day)
        for day, (fours, ones) in days.items()
        for stars in (4,) * fours + (1,) * ones
    ]
    shelves = ("Want to Read", "Want to Read", "Currently Reading", "Already Read")
    log = [f"/works/OL3W\t\\N\t{shelf}\t2026-08-01" for shelf in shelves]
    log.append("/works/OL10W\t\tStopped Reading\t2026-09-01")
    found = tables({"ratings": ratings, "reading-log": log})
    assert values(found["catalogue_demand"]) == [
        ["OL10W", 0, None, 0, 0, 0, 0, 1],
        ["OL1W", 299, (200 * 4 + 99) / 299, 100, 0, 0, 0, 0],
        ["OL2W", 101, (60 * 4 + 41) / 101, 101, 0, 0, 0, 0],
        ["OL3W", 0, None, 0, 2, 1, 1, 0],
    ]


def test_subjects_are_counted_by_work_and_named_by_a_vote(tables: Tables) -> None:
    lines = {
        "works": [
            work("OL1W", subjects=["love", "love", "love", "Love"], subject_people=["Love"]),
            work("OL2W", subjects=["LOVE", "//"], subject_places=["São Paulo"], subject_times=["1900: now"]),
            work("OL3W", subjects=["LOVE", "Love "]),
            work("OL4W", subjects=["Tea", "TEA"]),
        ],
        "editions": [
            edition("OL5M", subjects=["Love"]),
            edition("OL6M", "OL1W", subjects=["Of an edition"]),
            edition("OL7M", "OL9W", subjects=["love"]),
        ],
    }
    before = {"works": [work("OL1W"), work("OL9W")]}
    found = tables(lines, before)
    assert values(found["catalogue_subjects"]) == [
        ["love", "subject", "LOVE", 4, 3],
        ["person:love", "person", "Love", 1, 0],
        ["place:são_paulo", "place", "São Paulo", 1, 1],
        ["tea", "subject", "TEA", 1, 1],
        ["time:1900_now", "time", "1900: now", 1, 1],
    ]
    assert {row["new_works"] for row in tables(lines)["catalogue_subjects"]} == {None}


def test_years_and_averages_of_authors_are_of_distinct_dated_works(tables: Tables) -> None:
    years = {"OL1W": "1990", "OL2W": "1990", "OL3W": "1995", "OL4W": "0000"}
    lines = {
        "works": [
            *(work(key, authors=by("OL1A", "OL1A")) for key in (*years, "OL5W")),
            work("OL6W", authors=by("OL2A", "OL10A")),
        ],
        "editions": [
            edition(f"OL{number}M", key, publish_date=year) for number, (key, year) in enumerate(years.items())
        ],
        "authors": [
            author("OL1A", "Ann"),
            author("OL2A", "\u3000\x85"),
            author("OL3A", "Of no work"),
            author("OL10A", "\x1f"),
        ],
    }
    found = tables(lines)
    assert values(found["catalogue_author_yearly_counts"]) == [["OL1A", "Ann", 1990, 2], ["OL1A", "Ann", 1995, 1]]
    assert values(found["catalogue_author_averages"]) == [
        ["OL10A", "\x1f", 1, 0, None, None, 0, None, None, None],
        ["OL1A", "Ann", 5, 3, 1990, 1995, 2, 6, 1.5, 0.5],
        ["OL2A", None, 1, 0, None, None, 0, None, None, None],
    ]


def test_changes_are_told_with_where_removed_works_went(tables: Tables) -> None:
    chain = [f"/works/OL{number}W" for number in range(100, 112)]
    # A file that lost more than a fifth of its lines would be refused.
    same = {
        "works": [work(f"OL{number}W", title="Same") for number in range(20, 24)],
        "editions": [edition(f"OL{number}M", title="Same") for number in range(20, 24)],
    }
    lines = {
        "works": [
            work("OL1W", title="New name"),
            *same["works"],
            work("OL3W"),
            work("OL110W", title="A work, though a redirect leads on"),
            work("OL111W", title="End"),
        ],
        "editions": [*same["editions"], edition("OL8M", title="Twin")],
        "redirects": [
            *(redirect(key, location) for key, location in pairwise(chain)),
            redirect("/works/OL4W", "/works/OL5W"),
            redirect("/works/OL5W", "/works/OL4W"),
            redirect("/works/OL6W", "/works/OL404W"),
            redirect("/books/OL7M", "/books/OL8M"),
        ],
    }
    gone = ("OL4W", "OL6W", "OL9W", "OL100W", "OL101W")
    before = {
        "works": [*same["works"], work("OL1W", title="Name"), *(work(key, title=key) for key in gone)],
        "editions": [
            *same["editions"],
            edition("OL7M", title="Twin"),
            edition("OL8M", title="Twin", publish_date="1999"),
        ],
    }
    found = tables(lines, before)
    assert values(found["catalogue_changes"]) == [
        [*row, BEFORE, DATE]
        for row in (
            ["OL100W", "OL100W", "removed", None],  # eleven hops
            ["OL101W", "OL101W", "removed", "OL111W"],  # ten
            ["OL110W", "A work, though a redirect leads on", "added", None],
            ["OL111W", "End", "added", None],
            ["OL1W", "New name", "changed", None],
            ["OL3W", None, "added", None],
            ["OL4W", "OL4W", "removed", None],  # in a circle
            ["OL6W", "OL6W", "removed", None],  # to nothing
            ["OL7M", "Twin", "removed", "OL8M"],
            ["OL8M", "Twin", "changed", None],
            ["OL9W", "OL9W", "removed", None],
        )
    ]
