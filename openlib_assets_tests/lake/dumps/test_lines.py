"""Which lines of a dump are used, and how their JSON and texts are read, also by the reference; some are real."""

import pytest

from openlib_assets_tests.lake.dumps.conftest import Tables
from openlib_assets_tests.tools.dump_lines import (
    author,
    edition,
    record,
    redirect,
    values,
    work,
)
from openlib_assets_tests.tools.reference_catalogue import subject_key, year_of

# Lines of Open Library's dumps, as they are.
REAL = {
    "works": [
        (
            "/type/work\t/works/OL10007604W\t3\t2010-07-22T11:21:27.434339\t"
            r'{"title": "M\u00e9moire cavali\u00e8re", "created": {"type": "/type/datetime", "value": '
            '"2009-12-11T01:58:28.508302"}, "subject_places": ["France"], "last_modified": {"type": '
            '"/type/datetime", "value": "2010-07-22T11:21:27.434339"}, "latest_revision": 3, "key": '
            '"/works/OL10007604W", "authors": [{"type": {"key": "/type/author_role"}, "author": {"key": '
            '"/authors/OL3973687A"}}], "subject_people": ["Philippe Noiret"], "type": {"key": "/type/work"}, '
            '"subjects": ["Actors", "Biography"], "revision": 3}'
        ),
    ],
    "editions": [
        (
            "/type/edition\t/books/OL10008254M\t1\t2008-04-30T09:38:13.731961\t"
            '{"publishers": ["Stationery Office Books"], "physical_format": "Paperback", "key": '
            '"/books/OL10008254M", "title": "The Feeding Stuffs (Sampling and Analysis) Regulations 1982 (Statutory '
            'Instruments: 1982: 1144)", "number_of_pages": 100, "isbn_13": ["9780110271446"], "isbn_10": '
            '["0110271440"], "publish_date": "December 31, 1982", "last_modified": {"type": "/type/datetime", '
            '"value": "2008-04-30T09:38:13.731961"}, "type": {"key": "/type/edition"}, "subjects": ["Animal '
            'husbandry", "English law: financial, taxation, commercial, industrial"], "revision": 1}'
        ),
        (
            "/type/edition\t/books/OL1000884M\t4\t2010-04-15T14:16:19.555039\t"
            '{"identifiers": {"goodreads": ["1466769"]}, "covers": [1882676], "lc_classifications": ["PQ7539.2.B46 '
            'D5 1997"], "latest_revision": 4, "title": "Disparo en la catedral", "languages": [{"key": '
            '"/languages/spa"}], "publish_country": "txu", "by_statement": "Mario Bencastro.", "type": {"key": '
            '"/type/edition"}, "revision": 4, "other_titles": ["Disparo en la cathedral [sic]"], "publishers": '
            r'["Arte Pu\u0301blico Press"], "last_modified": {"type": "/type/datetime", "value": '
            '"2010-04-15T14:16:19.555039"}, "key": "/books/OL1000884M", "authors": [{"key": "/authors/OL230045A"}], '
            '"publish_places": ["Houston, TX"], "pagination": "175 p. ;", "created": {"type": "/type/datetime", '
            '"value": "2008-04-01T03:28:50.625462"}, "dewey_decimal_class": ["863"], "notes": {"type": "/type/text", '
            r'"value": "First published: Me\u0301xico : Editorial Diana, 1990."}, "number_of_pages": 175, "lccn": '
            '["96039827"], "isbn_10": ["1558851941"], "publish_date": "1997", "works": [{"key": '
            '"/works/OL1919075W"}]}'
        ),
    ],
    "authors": [
        (
            "/type/author\t/authors/OL100995A\t1\t2008-04-01T03:28:50.625462\t"
            r'{"name": "Prama\u0304n \u02bbAdire\u0304ksa\u0304n", "personal_name": "Prama\u0304n '
            r'\u02bbAdire\u0304ksa\u0304n", "last_modified": {"type": "/type/datetime", "value": '
            '"2008-04-01T03:28:50.625462"}, "key": "/authors/OL100995A", "birth_date": "1913", "type": {"key": '
            '"/type/author"}, "revision": 1}'
        ),
    ],
}


def test_a_record_line_is_used_or_rejected_for_the_first_reason_that_holds(tables: Tables) -> None:
    works: dict[str | bytes, str | None] = {
        b"/type/work\t\xff\t1": "not UTF-8",
        "": "not five columns",
        "/type/edition\t/books/OL1M\t1\t{}": "not five columns",
        "/type/delete\tno key\t1\t2026\tno object": "type is not /type/work",
        "/type/work\t/books/OL1M\t1\t2026\tno object": "not the key of a work",
        "/type/work\tx/works/OL1W\t1\t2026\t{}": "not the key of a work",
        "/type/work\t/works/OL1W/\t1\t2026\t{}": "not the key of a work",
        "/type/work\t/works/OL١W\t1\t2026\t{}": "not the key of a work",
        "/type/work\t/works/OLW\t1\t2026\t{}": "not the key of a work",
        "/type/work\t/works/OL1W\t1\t2026\t[]": "not a JSON object",
        "/type/work\t/works/OL1W\t1\t2026\t{} {}": "not a JSON object",
        "/type/work\t/works/OL1W\t1\t2026\t{'a': 1}": "not a JSON object",
        "/type/work\t/works/OL1W\t1\t2026\t": "not a JSON object",
        "/type/work\t/works/OL1W\t\t\t {} \r": None,
        '/type/work\t/works/OL007W\t1\t2026\t{"a": [NaN, -Infinity]}': None,
    }
    found = tables(
        {
            "works": works,
            "editions": [work("OL1W"), record("edition", "/works/OL1W")],
            "authors": [record("author", "/authors/OL1M")],
            "redirects": [redirect("/anything", "/else"), work("OL1W")],
        },
    )
    assert values(found["catalogue_rejects"], "file", "line", "reason") == [
        ["authors", 1, "not the key of an author"],
        ["editions", 1, "type is not /type/edition"],
        ["editions", 2, "not the key of an edition"],
        ["redirects", 2, "type is not /type/redirect"],
        *(["works", line, reason] for line, reason in enumerate(works.values(), start=1) if reason),
    ]
    assert found["catalogue_rejects"][4]["text"] == "/type/work\t\ufffd\t1"
    assert values(found["catalogue_works"], "work_key") == [["OL007W"], ["OL1W"]]


def test_an_activity_line_is_used_or_rejected_for_the_first_reason_that_holds(tables: Tables) -> None:
    ratings: dict[str | bytes, str | None] = {
        b"\xff": "not UTF-8",
        "/works/OL1W\t\t5": "not four columns",
        "\\N\t\t5\t2026-08-01": "not the key of a work",
        "/books/OL1M\t\t9\t2026-08-01": "not the key of a work",
        "/works/OL1W\t\t0\t2026-08-01": "not a rating from 1 to 5",
        "/works/OL1W\t\t\t2026-08-01": "not a rating from 1 to 5",
        "/works/OL1W\t\t12\t2026-08-01": "not a rating from 1 to 5",
        "/works/OL1W\t\t٣\tyesterday": "not a rating from 1 to 5",
        "/works/OL1W\t\t3\t2026-02-29": "not a date",
        "/works/OL1W\t\t3\t20260801": "not a date",
        "/works/OL1W\t\t3\t2026-08-01\r": "not a date",
        "/works/OL1W\t\t3\t\\N": "not a date",
        "/works/OL1W\tanything\t3\t2024-02-29": None,
    }
    shelved = {
        "/works/OL1W\t\tWant to read\t2026-08-01": "not a shelf",
        "/works/OL1W\t\t\\N\t2026-08-01": "not a shelf",
        "/works/OL1W\t\tWant to Read\t": "not a date",
        "/works/OL1W\t/books/OL1M\tStopped Reading\t2026-08-01": None,
    }
    found = tables({"ratings": ratings, "reading-log": shelved})
    assert values(found["catalogue_rejects"]) == [
        [file, line, reason, text if isinstance(text, str) else "\ufffd"]
        for file, texts in (("ratings", ratings), ("reading-log", shelved))
        for line, (text, reason) in enumerate(texts.items(), start=1)
        if reason
    ]
    assert values(found["catalogue_demand"]) == [["OL1W", 1, 3.0, 0, 0, 0, 0, 1]]


def test_the_last_line_may_lack_its_end_and_other_ends_of_lines_are_none(tables: Tables) -> None:
    found = tables({"authors": (author("OL2A", "a") + "\n" + author("OL1A").replace("1", "\x85", 1)).encode()})
    assert values(found["catalogue_authors"]) == [["OL2A", "a", None, None]]
    assert values(found["catalogue_rejects"], "line", "reason") == [[2, "not the key of an author"]]


def test_a_text_that_is_none_gives_its_json_and_a_list_that_is_none_is_empty(tables: Tables) -> None:
    odd = {
        "title": {"type": "/type/text", "value": "é \ud800"},
        "publishers": [None, "", 5, ["a", 1], {"b": None}, True],
        "languages": [
            {"key": "/languages/eng"},
            {},
            "eng",
            {"key": None},
            {"key": "/l/fre"},
            {"key": "/languages/eng"},
        ],
        "physical_format": False,
        "publish_date": 1985,
        "isbn_13": "9780306406157",
        "isbn_10": [9780306406157],
    }
    authors = [author("OL1A", None, birth_date=1900, death_date=[]), author("OL2A", "a\udfff\ud83d\ude00")]
    found = tables({"editions": [edition("OL1M", **odd)], "authors": authors})
    [row] = found["catalogue_editions"]
    assert list(row.values()) == [
        *("OL1M", "OL1M", '{"type":"/type/text","value":"é \ufffd"}', ["9780306406157"]),
        ["", "5", '["a",1]', '{"b":null}', "true"],
        *(["eng", "fre", "eng"], "false", None, "1985", 1985, None),
    ]
    assert values(found["catalogue_authors"]) == [
        ["OL1A", None, "1900", "[]"],
        ["OL2A", "a\ufffd\U0001f600", None, None],
    ]


@pytest.mark.parametrize(
    ("publish_date", "year"),
    [
        (None, None),
        ("©1985", 1985),
        ("c1985", None),
        ("_1985", None),
        ("1985年", None),
        ("1985\u0301", 1985),
        ("19850", None),
        ("5746, 1985", 5746),
        ("0000", 0),
        ("１９８٥ г.", 1985),
        ("1985²", None),
        ("\x001985\ufffd", 1985),
    ],
)
def test_the_year_of_a_publish_date(publish_date: str | None, year: int | None) -> None:
    assert year_of(publish_date) == year


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("FICTION / Thrillers", "fiction__thrillers"),
        ("\u00a0\x1f Love\u2003", "love"),
        ("a\u00a0b\tc", "a\u00a0b\tc"),
        ("/ Love /", "_love_"),
        ("c++", "c"),
        ("C#\r\n", "c"),
        (';/?:@&=+$,<>#%"{}|\\^[]`', ""),
        ("(1900-1950)!*~.'", "(1900-1950)!*~.'"),
        ("İΟΔΟΣ", "i\u0307οδος"),
        ("", ""),
    ],
)
def test_the_key_of_a_subject(name: str, key: str) -> None:
    assert subject_key(name) == key


def test_real_lines(tables: Tables) -> None:
    found = tables(REAL)
    regulations = "The Feeding Stuffs (Sampling and Analysis) Regulations 1982 (Statutory Instruments: 1982: 1144)"
    law = "English law: financial, taxation, commercial, industrial"
    assert found["catalogue_rejects"] == []
    assert values(found["catalogue_authors"]) == [
        ["OL100995A", "Prama\u0304n \u02bbAdire\u0304ksa\u0304n", "1913", None]
    ]
    assert values(found["catalogue_editions"]) == [
        [
            *("OL10008254M", "OL10008254M", regulations, ["9780110271446"], ["Stationery Office Books"], []),
            *("Paperback", 100, "December 31, 1982", 1982, None),
        ],
        [
            *("OL1000884M", "OL1919075W", "Disparo en la catedral", ["9781558851948"], ["Arte Pu\u0301blico Press"]),
            *(["spa"], None, 175, "1997", 1997, 1882676),
        ],
    ]
    assert values(found["catalogue_works"]) == [
        ["OL10007604W", "Mémoire cavalière", None, "missing", 0, 0, None, None, ["Actors", "Biography"], [], []],
        ["OL10008254M", regulations, 1982, "ok", 1, 0, None, None, ["Animal husbandry", law], [], []],
    ]
    assert values(found["catalogue_subjects"]) == [
        ["actors", "subject", "Actors", 1, None],
        ["animal_husbandry", "subject", "Animal husbandry", 1, None],
        ["biography", "subject", "Biography", 1, None],
        ["english_law_financial_taxation_commercial_industrial", "subject", law, 1, None],
        ["person:philippe_noiret", "person", "Philippe Noiret", 1, None],
        ["place:france", "place", "France", 1, None],
    ]
