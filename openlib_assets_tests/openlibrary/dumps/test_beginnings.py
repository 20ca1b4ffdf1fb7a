"""How files of dumps begin, and what else may stand there."""

import gzip
from itertools import count, product

import pytest

from openlib_assets.openlibrary.dumps import DUMP_FILES, DumpFile
from openlib_assets.openlibrary.dumps.beginnings import BEGINNING_BYTES, check_beginning
from openlib_assets.openlibrary.errors import DamagedDumpError
from openlib_assets_tests.tools.dump_files import SEPTEMBER, dump_bytes

RATING = "/works/OL1W\t\\N\t4\t2026-09-01\n"
WORK = "/type/work\t/works/OL1W\t1\t2026-09-01T00:00:00\t{}\n"


def check(name: str, content: bytes) -> None:
    file = DumpFile(name, SEPTEMBER, name, len(content))
    check_beginning(content[:BEGINNING_BYTES], file)


@pytest.mark.parametrize(("name", "content"), list(product(DUMP_FILES, DUMP_FILES)))
def test_a_file_is_told_from_each_other_one(name: str, content: str) -> None:
    given = dump_bytes(content, SEPTEMBER)
    if name == content:
        check(name, given)
        return
    with pytest.raises(DamagedDumpError, match=f"^has lines of {content}, not of {name}; take the dump of another"):
        check(name, given)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("works", "nonsense\n" + WORK),
        ("works", "\n\n" + WORK),
        ("works", WORK.rstrip()),
        ("works", WORK.replace("{}", "x" * 8_000_000)),
        ("works", "\ufeff\n" + WORK),
        ("ratings", RATING),
        ("ratings", RATING.replace("\\N", "")),
        ("ratings", RATING.replace("\t4", "\t0")),
        ("ratings", RATING.replace("2026-09-01", "2026-10-01")),
        ("reading-log", RATING.replace("\t4", "\tWant to Read")),
        ("reading-log", RATING.replace("\t4", "\tA Shelf That Is New")),
    ],
    ids=count(),
)
def test_a_sound_file_may_begin_with_odd_lines(name: str, text: str) -> None:
    check(name, gzip.compress(text.encode()))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty, not a gzip file; download it again"),
        (WORK.encode(), "is something else, not a gzip file; download it again"),
        (b"\n <!doctype HTML><p>", "is an HTML page, not a gzip file; download it again"),
        (b"<HTML>", "is an HTML page, not a gzip file; download it again"),
        (gzip.compress(b""), "is empty, though a gzip file; take the dump of another date"),
        (b"\x1f\x8b", "is empty, though a gzip file; take the dump of another date"),
        (gzip.compress(b"\n"), "has other lines, not of works; take the dump of another date"),
        (gzip.compress(b"{}\n[]"), "has other lines, not of works; take the dump of another date"),
        (
            gzip.compress(WORK.replace("2026-09-01", "2026-10-31").encode()),
            "has a line of 2026-10-31, so it is not of 2026-09-30; take the dump of another date",
        ),
    ],
    # A gzip file tells when it was packed, and a test has one name in all processes.
    ids=count(),
)
def test_another_one_is_refused_in_words(content: bytes, reason: str) -> None:
    with pytest.raises(DamagedDumpError) as refused:
        check("works", content)
    assert str(refused.value) == reason


def test_a_file_that_is_damaged_from_the_beginning_is_refused() -> None:
    spoilt = bytearray(dump_bytes("works", SEPTEMBER))
    spoilt[10:200] = b"\xff" * 190
    with pytest.raises(DamagedDumpError, match=r"^is damaged from the beginning \(.+\); download it again$"):
        check("works", bytes(spoilt))


def test_where_a_rating_comes_first_it_is_no_file_of_ratings() -> None:
    """As a change of Open Library's once had it."""
    with pytest.raises(DamagedDumpError, match="has other lines"):
        check("ratings", gzip.compress(b"4\t/works/OL1W\t\\N\t2026-09-01\n"))
