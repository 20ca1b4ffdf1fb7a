"""The store's file: read in whatever form a store keeps it, or refused in one line that says what to do."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from stdnum import isbn as stdnum_isbn

from openlib_assets.lake.contract import STORE_CATALOGUE
from openlib_assets.lake.store import catalogue
from openlib_assets.lake.store.catalogue import NoStoreFileError, StoreFile
from openlib_assets.lake.store.cells import UnreadableStoreFileError, read_cells
from openlib_assets.lake.store.columns import columns_of
from openlib_assets.lake.transform import CheckOutcome
from openlib_assets.settings import Settings
from openlib_assets.storage import open_storage
from openlib_assets.storage.errors import SettingsError

HEADER = "ISBN;Titel;Autor;Preis (€);Verkauft"
LINES = [
    HEADER,
    "978-3-608-93800-5;Die Räuber;Schiller, Friedrich;12,90 €;1.234",
    ';"Ein ""Buch""; zwei";;5,-;',
    ";;;;",
]
READ = [
    (0, "9783608938005", "Die Räuber", "Schiller, Friedrich", 12.9, 1234),
    (1, None, 'Ein "Buch"; zwei', None, 5.0, None),
]


def read(file: Path, **said: str) -> list[tuple[Any, ...]]:
    with StoreFile(str(file), said).built() as made:
        assert made.table.table is STORE_CATALOGUE
        return made.table.connection.execute("FROM store_catalogue").fetchall()


def read_text(tmp_path: Path, text: str, stored_in: str = "utf-8", **said: str) -> list[tuple[Any, ...]]:
    file = tmp_path / "store.csv"
    file.write_bytes(text.encode(stored_in))
    return read(file, **said)


def how(file: Path, **said: str) -> Mapping[str, str]:
    return StoreFile(str(file), said).header()


def numbers(tmp_path: Path, text: str) -> Mapping[str, CheckOutcome]:
    file = tmp_path / "store.csv"
    file.write_text(text, encoding="utf-8")
    with StoreFile(str(file), {}).built() as made:
        return {outcome.check.name: outcome for outcome in made.table.outcomes}


def isbn13_of(number: int) -> str:
    digits = f"978{number:09}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)


def test_of_several_isbns_the_first_is_taken_in_every_row_of_a_long_file(tmp_path: Path) -> None:
    cells = [[isbn13_of(1_000 * row + place) for place in (3, 1, 2)] for row in range(400)]
    lines = [f"{'/'.join(isbns)},{title}" for title, isbns in enumerate(cells)]
    (tmp_path / "store.csv").write_text("\n".join(["isbn,title", *lines]), encoding="utf-8")
    assert [row[1] for row in read(tmp_path / "store.csv")] == [isbns[0] for isbns in cells]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str, found: str) -> None:
    assert read_text(tmp_path, "\r\n".join(LINES), encoding) == READ
    assert how(tmp_path / "store.csv")["encoding"] == found


def test_bytes_that_cp1252_leaves_out_are_latin_1(tmp_path: Path) -> None:
    (tmp_path / "store.csv").write_bytes(b"title\nCaf\xe9 \x81 noir\n")
    assert how(tmp_path / "store.csv")["encoding"] == "latin-1"


def test_an_encoding_that_nobody_can_find_out_can_be_named(tmp_path: Path) -> None:
    text = "ISBN;Название\n;Война и мир\n"
    with pytest.raises(UnreadableStoreFileError, match=r"store\.csv: line 1: byte 0xcd .*encoding=cp1251"):
        read_text(tmp_path, text, "cp1251")
    assert read_text(tmp_path, text, "cp1251", encoding="cp1251", title="Название")[0][2] == "Война и мир"
    (tmp_path / "store.csv").write_bytes(b"title\n\x98\n")
    with pytest.raises(UnreadableStoreFileError, match=r"line 2: byte 0x98 is not cp1251"):
        read(tmp_path / "store.csv", encoding="cp1251")


def test_a_quotation_mark_that_seems_open_by_another_delimiter_is_none(tmp_path: Path) -> None:
    text = 'title|author\nPipes|"A, B"\nOne,"two|C D\n'
    assert [row[2] for row in read_text(tmp_path, text)] == ["Pipes", 'One,"two']


@pytest.mark.parametrize(("mark", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_the_delimiter_is_found_out(tmp_path: Path, mark: str, name: str) -> None:
    # More of the other marks than of the delimiter itself.
    others = "".join({",", ";", "\t", "|"} - {mark}) * 3
    text = f'Title{mark}Author(s){mark}Qty\n"A {others} b"{mark}C D{mark}3\n'
    ((_, _, title, author, _, units),) = read_text(tmp_path, text)
    assert (title, author, units) == (" ".join(f"A {others} b".split()), "C D", 3)
    assert how(tmp_path / "store.csv")["delimiter"] == name


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_titles_that_are_the_only_column_are_read_whole(tmp_path: Path, mark: str) -> None:
    text = f'Our books, of today\n\nTitle\nLove{mark} Actually\n"War; and{mark} Peace, ""I"""\n'
    titles = [row[2] for row in read_text(tmp_path, text)]
    assert titles == [" ".join(title.split()) for title in (f"Love{mark} Actually", f'War; and{mark} Peace, "I"')]
    assert how(tmp_path / "store.csv")["delimiter"] == "none"
    assert read_text(tmp_path, text, delimiter="comma")[1][2].startswith("War; and")
    # With a second column, a comma ends a title.
    assert read_text(tmp_path, "title,\nLove, Actually\n")[0][2] == "Love"


def test_excel_names_the_delimiter_in_a_first_line(tmp_path: Path) -> None:
    assert read_text(tmp_path, "sep=#\r\nisbn#title\r\n#a, b; c\r\n")[0][2] == "a, b; c"


def test_a_delimiter_can_be_named(tmp_path: Path) -> None:
    text = "title,x;y\na,b;c\n"
    assert read_text(tmp_path, text)[0][2] == "a"
    assert read_text(tmp_path, text, delimiter="semicolon", title="title,x")[0][2] == "a,b"


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("isbn", "ISBN|isbn13|ISBN-13|EAN|EAN-Code|isbn_13|GTIN|ISBN 10|Barcode"),
        ("title", "Title|TITEL|Titre|Título|Titolo|Book title|product_name"),
        ("author", "Author|Author(s)|Autor|Auteurs|Autore|Verfasser|author_name"),
        ("price", "Price|Preis|Prix (EUR)|Precio|Prezzo|RRP|Price in USD|Unit price"),
        ("units_sold", "Units sold|units_sold|Qty|Quantity|Verkauft|Vendus|Menge|Sold|Stück"),
    ],
)
def test_columns_are_known_by_many_names(column: str, names: str) -> None:
    for name in names.split("|"):
        other = "isbn" if column == "title" else "title"
        found = columns_of(["stock", name, other, "shelf"], {})
        assert found
        assert (found.places[column], found.places[other], len(found.places)) == ([1], [2], 2), name


def test_a_header_may_have_something_above_it(tmp_path: Path) -> None:
    assert read_text(tmp_path, "Our books\nas of 2026-11-01\n\nEAN,Title\n,First\n\n,Third\n") == [
        (0, None, "First", None, None, None),
        (2, None, "Third", None, None, None),
    ]


def test_columns_can_be_named(tmp_path: Path) -> None:
    text = "EAN,Title,Label\n9780306406157,Wrong,Right\n"
    assert read_text(tmp_path, text, title="label")[0][2] == "Right"
    with pytest.raises(
        UnreadableStoreFileError, match=r"names all of 'Nope' as columns; it begins with 'EAN', 'Title'"
    ):
        read_text(tmp_path, text, title="Nope")


@pytest.mark.parametrize("header", ["EAN,Titel,VK", "EAN,VK,Titel"])
def test_a_column_that_is_named_is_no_other_one_as_well(header: str) -> None:
    columns = columns_of(header.split(","), {"units_sold": "VK"})
    assert columns
    assert columns.called == {"isbn": "EAN", "title": "Titel", "units_sold": "VK"}


@pytest.mark.parametrize(
    "name", ["Preis in €", "Preis (in €)", "Price in $", "Price (US$)", "Preis in EUR", "price_gbp"]
)
def test_a_currency_may_follow_the_name_of_a_column(name: str) -> None:
    columns = columns_of(["Title", name], {})
    assert columns
    assert columns.called["price"] == name


def test_of_several_columns_of_isbns_the_first_valid_one_counts(tmp_path: Path) -> None:
    text = "ISBN-10,ISBN-13,title\n0306406152,,a\n0306406152,9780306406158,b\nx,978-3-608-93800-5,c\n"
    assert [row[1] for row in read_text(tmp_path, text)] == ["9780306406157", "9780306406157", "9783608938005"]
    same_name = "ISBN,title,ISBN\n,a,0306406152\n9783608938005,b,\n"
    assert [row[1] for row in read_text(tmp_path, same_name)] == ["9780306406157", "9783608938005"]


def test_an_isbn_is_read_in_any_form(tmp_path: Path) -> None:
    cells = [
        *("9780306406157", "978-0-306-40615-7", " 978 0306406157 ", "0-306-40615-2", "0306406152", "306406152"),
        *('="9780306406157"', "'9780306406157", "ISBN: 0-306-40615-2", "ISBN-13: 9780306406157", "9780306406157.0"),
        *("9.780306406157E+12", "n/a / 0306406152", "0306406153; 9780306406157"),
    ]
    rows = read_text(tmp_path, "\n".join(["isbn\ttitle", *(f"{cell}\ta" for cell in cells)]), delimiter="tab")
    assert dict(zip(cells, (row[1] for row in rows), strict=True)) == dict.fromkeys(
        cells, stdnum_isbn.to_isbn13("0306406152")
    )


def test_what_is_no_isbn_is_counted_by_reason(tmp_path: Path) -> None:
    cells = {
        "9.78E+12": "lost_precision",
        "9,78031E+12": "lost_precision",
        "9780306406158": "wrong_check_digit",
        "1111111111": "placeholder",
        "97803064061577": "wrong_length",
        "4006381333931": "not_a_book_number",
        "soon": "not_a_book_number",
        "0028-0836": "not_a_book_number",
        " 2049‑3630 ": "not_a_book_number",
        "ISSN 0028-0836": "not_a_book_number",
    }
    outcome = numbers(tmp_path, "\n".join(["isbn;title", ";known", *(f"{cell};a" for cell in cells)]))
    found = outcome["cells_can_be_read"]
    assert not found.passed
    assert found.numbers["isbns"] == found.numbers["unusable_isbns"] == len(cells)
    assert {name: found.numbers[name] for name in cells.values()} == Counter(cells.values())


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    cells: dict[str, tuple[float | None, int | None]] = {
        "12,90 €": (12.9, None),
        "€12.90": (12.9, None),
        "EUR 1.234,50": (1234.5, None),
        "1,234.50": (1234.5, None),
        "1 234,50": (1234.5, None),
        "CHF 1’234.–": (1234.0, 1234),
        "1.234": (1234.0, 1234),
        "1,234": (1234.0, 1234),
        "0.125": (0.125, None),
        "12.0": (12.0, 12),
        "7": (7.0, 7),
        "-3": (None, -3),
        "free": (None, None),
        "12.90 / 14.90": (None, None),
        "1e99": (None, None),
        "$.99": (0.99, None),
        ".5": (0.5, None),
        "Rs. 500": (500.0, 500),
        "Rs.500": (500.0, 500),
        "12-": (None, -12),
        "5,00- EUR": (None, -5),
        "−4": (None, -4),
        "12,99 zł": (12.99, None),
        "12,-- Kč": (12.0, 12),
        "5 Stück": (5.0, 5),
    }
    text = "\n".join(["title\tprice\tsold", *(f"a\t{cell}\t{cell}" for cell in cells)])
    rows = read_text(tmp_path, text)
    assert dict(zip(cells, (row[4:] for row in rows), strict=True)) == cells
    found = numbers(tmp_path, text)["cells_can_be_read"].numbers
    assert found["prices"] == found["units"] == len(cells)
    assert found["unusable_prices"] == sum(price is None for price, _ in cells.values())
    assert found["unusable_units"] == sum(units is None for _, units in cells.values())


def test_rows_that_cannot_be_found_are_counted(tmp_path: Path) -> None:
    found = numbers(tmp_path, "isbn,title,author\n,,Somebody\n,,\n,Known,\n")["rows_can_be_found"]
    assert (found.numbers, found.passed) == ({"rows": 2, "unusable": 1, "blank": 1}, False)


def test_a_cell_may_have_several_lines_and_a_line_loose_quotation_marks(tmp_path: Path) -> None:
    text = 'title,author,stock\n"Two\nlines, ""quoted""",a,1\n"The" book,b 2" c,2\n'
    assert [row[2:4] for row in read_text(tmp_path, text)] == [('Two lines, "quoted"', "a"), ("The book", 'b 2" c')]


def test_an_excel_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "store.csv"  # its name says something else
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("Notes").write_row(0, 0, ["Title", "of this file"])
        sheet = book.add_worksheet("Books")
        sheet.write_row(0, 0, ["Stock"])
        sheet.write_row(1, 0, ["EAN", "Titre", "Auteur", "Prix", "Qty"])
        sheet.write_row(2, 0, [9780306406157, "L'Étranger", "Camus, Albert", 7.125, 12])
        sheet.write_row(3, 0, ["080442957X", 1984, None, "8,10", 3.0])
    assert read(file) == [
        (0, "9780306406157", "L'Étranger", "Camus, Albert", 7.125, 12),
        (1, "9780804429573", "1984", None, 8.1, 3),
    ]
    assert how(file)["sheet"] == "Books"
    assert how(file, sheet="Notes")["title"] == "Title"


def test_a_parquet_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "store.parquet"
    columns = {
        "added": [date(2026, 1, 1), None],
        "isbn_13": [9780306406157.0, float("nan")],
        "title": ["a", None],
        "authors": [["A B", "C D"], []],
        "price": [Decimal("8.325"), Decimal("1.000")],
        "units_sold": [1234, None],
    }
    pq.write_table(pa.table(columns), file)
    assert read(file) == [(0, "9780306406157", "a", "A B; C D", 8.325, 1234), (1, None, None, None, 1.0, None)]


def test_a_short_float_of_a_parquet_file_has_its_own_digits_only(tmp_path: Path) -> None:
    file = tmp_path / "store.parquet"
    prices = pa.array([9.99, None, float("nan"), 12.0, 1.234], pa.float32())
    pq.write_table(pa.table({"title": list("abcde"), "price": prices}), file)
    assert [row[4] for row in read(file)] == [9.99, None, None, 12.0, 1.234]


def test_a_parquet_file_may_have_texts_as_bytes_and_two_columns_of_a_name(tmp_path: Path) -> None:
    file = tmp_path / "store.parquet"
    columns = [pa.array([b"9780306406157"]), pa.array([b"caf\xc3\xa9"]), pa.array(["other"]), pa.array(["A B"])]
    pq.write_table(pa.table(columns, names=["isbn", "title", "title", "author"]), file)
    assert read(file) == [(0, "9780306406157", "café", "A B", None, None)]


@pytest.mark.parametrize(
    ("content", "said", "text"),
    [
        (b"", {}, "the file is empty"),
        (b"isbn,title\n", {}, "no row below the header says anything in the columns read; the table before it stays"),
        (b"isbn,title,shelf\n,,\n , ,7\n", {}, "no row below the header says anything in the columns read"),
        (
            b"foo,bar\n1,2\n",
            {},
            "names an ISBN or a title as columns; it begins with 'foo', 'bar'; name the columns as in",
        ),
        (b'title\n"open\n' + b"x\n" * 200, {}, "line 2: a quotation mark is opened and never closed"),
        (b'title,author\na,b\n"open,c\nd,e\n', {}, "line 3: a quotation mark is opened and never closed"),
        (
            b'title,author,stock\na,b,1\n"open,c,2\nd,e,3\n"f, g",h,4\n',
            {},
            "line 3: a quotation mark is opened and closed only by that of another cell, in line 5; close or remove it",
        ),
        (b'title,author\na,b\nc,"open', {}, "line 3: a quotation mark is opened and never closed"),
        (b"title,author\n" + b"x" * 200_000 + b",b\n", {}, r"line 2: field larger than field limit \(131072\); if a"),
        (b"PK\x03\x04 no workbook", {}, "not a readable Excel file"),
        (b"PAR1 no table", {}, "not a readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, content: bytes, said: Mapping[str, str], text: str
) -> None:
    file = tmp_path / "store.csv"
    file.write_bytes(content)
    with pytest.raises(UnreadableStoreFileError, match=text) as refused:
        read(file, **said)
    assert str(refused.value).startswith(f"{file}: ")
    assert "\n" not in str(refused.value)


def test_a_sheet_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "store.xlsx"
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("Books")
    with pytest.raises(UnreadableStoreFileError, match="there is no sheet 'Other', only: Books; correct"):
        read(file, sheet="Other")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoStoreFileError, match=r"store\.csv: there is no such file; correct OPENLIB_STORE_CATALOGUE"):
        read(tmp_path / "store.csv")


def test_stamp_and_digest_tell_a_changed_file(tmp_path: Path) -> None:
    file = tmp_path / "store.csv"
    file.write_text("title\na\n", encoding="utf-8")
    first = StoreFile(str(file), {})
    stamp, digest = first.stamp(), first.digest()
    assert StoreFile(str(file), {"title": "a"}).digest() != digest
    assert StoreFile(str(file), {"title": "a"}).stamp() != stamp
    file.write_text("title\nbc\n", encoding="utf-8")
    assert first.stamp() != stamp
    assert first.digest() != digest


def test_a_file_that_is_replaced_while_it_is_read_is_not_taken_for_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "store.csv"
    file.write_text("title\na\n", encoding="utf-8")
    store = StoreFile(str(file), {})
    first, really = store.digest(), read_cells

    def replaced(*given: Any) -> Any:
        cells = really(*given)
        file.write_text("title\nb\n", encoding="utf-8")
        return cells

    monkeypatch.setattr(catalogue, "read_cells", replaced)
    with store.built() as made:
        assert made.digest == first != store.digest()


def test_damage_within_a_parquet_file_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "store.parquet"
    pq.write_table(pa.table({"title": [f"title {number}" for number in range(5000)]}), file, compression="zstd")
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"Z" * 2000 + whole[2100:])
    with pytest.raises(UnreadableStoreFileError, match=rf"^{file}: [^\n]+$"):
        read(file)


def test_what_is_said_of_the_file_is_checked() -> None:
    said = Settings(store_format="encoding=cp1250, delimiter=tab,isbn=EAN").store_file_has()
    assert said == {"encoding": "cp1250", "delimiter": "tab", "isbn": "EAN"}
    for wrong in (
        "isbn",
        "isbn=",
        "isban=EAN",
        "delimiter=;",
        "encoding=latin-99",
        "encoding=hex",
        "encoding=undefined",
    ):
        with pytest.raises(SettingsError, match="OPENLIB_STORE_FORMAT"):
            Settings(store_format=wrong)
    assert StoreFile.of(Settings()) is None


def test_the_file_may_lie_on_disk_or_on_s3(storage_root: str) -> None:
    storage = open_storage(storage_root)
    storage.write("in/store.csv", b"title\nDune\n")
    file = StoreFile(storage.uri("in/store.csv"), {})
    stamp = file.stamp()
    with file.built() as made:
        ((row, isbn, title, *_),) = made.table.connection.sql("FROM store_catalogue").fetchall()
    assert (row, isbn, title) == (0, None, "Dune")
    storage.write("in/store.csv", b"title\nEmma\n")
    assert file.stamp() != stamp
