"""Subject keys: Open Library's own rule, what people may write, and what is refused."""

import shlex
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openlib_assets.openlibrary.subject_keys import (
    MAX_KEY_BYTES,
    InvalidSubjectError,
    as_argument,
    is_address,
    subject_key,
)
from openlib_assets.sandbox import subject_key as sandbox_key

NAMES = [
    ("Science Fiction", "science_fiction"),
    ("  Science Fiction ", "science_fiction"),
    ("\u00a0love\u3000", "love"),
    ("FICTION / Thrillers", "fiction__thrillers"),
    ("Children's stories, English", "children's_stories_english"),
    ("Man-woman relationships, fiction", "man-woman_relationships_fiction"),
    ("Fiction, science fiction, general", "fiction_science_fiction_general"),
    ("Théâtre (Genre littéraire)", "théâtre_(genre_littéraire)"),
    ("NEW YORK TIMES BESTSELLER!", "new_york_times_bestseller!"),
    ("nyt:chapter-books=2010-02-21", "nytchapter-books2010-02-21"),
    ("To 70 A.D.", "to_70_a.d."),
    ("C", "c"),
    ("C#", "c"),
    ("C++", "c"),
    ('a;/?:@&=+$,<>#%"{}|\\^[]`b', "ab"),
    ("a-'.()!*~b", "a-'.()!*~b"),
    ("two  spaces", "two__spaces"),
    ("a_b", "a_b"),
    ("no\u00a0break", "no\u00a0break"),
    ("Научная фантастика", "научная_фантастика"),
    ("科学小说", "科学小说"),
    ("Äpfel", "äpfel"),
    ("A\u0308pfel", "a\u0308pfel"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
    ("🚀", "🚀"),
    ("science_fiction.json", "science_fiction.json"),
    ("love,", "love"),
    ("[\u00a0love\u00a0]", "love"),
]

ADDRESSES = [
    "science_fiction",
    "Science Fiction",
    "/subjects/science_fiction",
    "/subjects/Science_Fiction",
    "/subjects/science_fiction/",
    "/subjects/science_fiction.json",
    "/subjects/science%20fiction",
    "subjects/science_fiction",
    "openlibrary.org/subjects/science_fiction",
    "www.openlibrary.org/subjects/science_fiction",
    "http://openlibrary.org/subjects/science_fiction",
    "https://openlibrary.org/subjects/science_fiction",
    "HTTPS://OpenLibrary.org/Subjects/Science_Fiction",
    "https://openlibrary.org/subjects/science_fiction/",
    "https://openlibrary.org/subjects/science_fiction#sort=date_published",
    "https://openlibrary.org/subjects/science_fiction?ebooks=true",
    "https://openlibrary.org/subjects/science_fiction.json?limit=5&offset=10",
    "https://openlibrary.org/subjects/science_fiction.json?limit=5#works",
    "https://openlibrary.org/subjects/Science%20Fiction.json?sort=key",
    "https://openlibrary.org/subjects/science%5Ffiction",
    "http://127.0.0.1:8080/subjects/science_fiction.json",
    "\thttps://openlibrary.org/subjects/science_fiction\n",
]

PREFIXED = [
    ("person:sherlock_holmes", "person:sherlock_holmes"),
    ("Person:Sherlock Holmes", "person:sherlock_holmes"),
    ("person: Sherlock Holmes", "person:sherlock_holmes"),
    ("place:New York (N.Y.)", "place:new_york_(n.y.)"),
    ("TIME:20th century", "time:20th_century"),
    ("time:1939-1945", "time:1939-1945"),
    ("person:person:x", "person:personx"),
    ("peoples:x", "peoplesx"),
    ("a place:france", "a_placefrance"),
    ("/subjects/place:france", "place:france"),
    ("/subjects/place%3Afrance", "place:france"),
    ("https://openlibrary.org/subjects/place:france", "place:france"),
    ("https://openlibrary.org/subjects/place:france.json?limit=5", "place:france"),
    ("https://openlibrary.org/subjects/place:france#about", "place:france"),
    ("https://openlibrary.org/subjects/person:Napoleon_I%2C_Emperor?x=a/b", "person:napoleon_i_emperor"),
]

ENCODED_PATHS = [
    ("/subjects/c%23", "c"),
    ("/subjects/what%3F", "what"),
    ("/subjects/th%C3%A9%C3%A2tre", "théâtre"),
    ("/subjects/fiction%20/%20thrillers", "fiction__thrillers"),
    ("/subjects/fiction/thrillers", "fictionthrillers"),
    ("/subjects/100%25", "100"),
]

REFUSED = [
    "",
    " ",
    "\t\n",
    "\u3000",
    ".",
    "..",
    " .. ",
    "/",
    "?",
    "[.]",
    "[\u00a0]",
    "person:",
    "place: ",
    "TIME:",
    "time:?",
    "person:[\u00a0]",
    "/subjects/",
    "/subjects/.json",
    "/subjects/?limit=5",
    "https://openlibrary.org/subjects/",
    "https://openlibrary.org/subjects/%2E%2E",
    "https://openlibrary.org/subjects/person:",
    "lo\x00ve",
    "lo\nve",
    "lo\rve",
    "lo\tve",
    "lo\x7fve",
    "lo\x85ve",
    "/subjects/lo%00ve",
    "/subjects/lo%0Ave",
    "lo\ud800ve",
    "\udfff",
    "...",
    "wait...",
    "a....b",
    "person:...",
    ".,.,.",
    "x" * (MAX_KEY_BYTES + 1),
    "person:" + "x" * (MAX_KEY_BYTES - 6),
    "é" * (MAX_KEY_BYTES // 2 + 1),
]


@pytest.mark.parametrize(("name", "key"), NAMES)
def test_names_are_normalised_by_the_rule_of_open_library(name: str, key: str) -> None:
    assert subject_key(name) == key


@pytest.mark.parametrize("text", ADDRESSES)
def test_names_keys_paths_and_urls_mean_the_same_subject(text: str) -> None:
    assert subject_key(text) == "science_fiction"


@pytest.mark.parametrize(("text", "key"), PREFIXED)
def test_a_prefix_is_kept_and_only_what_follows_is_normalised(text: str, key: str) -> None:
    assert subject_key(text) == key


@pytest.mark.parametrize(("path", "key"), ENCODED_PATHS)
def test_a_path_is_decoded_before_it_is_normalised(path: str, key: str) -> None:
    assert subject_key(path) == key


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_a_subject_is_refused_in_one_printable_line(text: str) -> None:
    with pytest.raises(InvalidSubjectError) as refused:
        subject_key(text)
    message = str(refused.value)
    assert message.isprintable()
    assert message.isascii()
    assert len(message) < 400


@pytest.mark.parametrize("text", ["x" * MAX_KEY_BYTES, "é" * (MAX_KEY_BYTES // 2), "a..b", "person:..", "1.2.3"])
def test_what_only_just_is_a_subject_is_accepted(text: str) -> None:
    assert subject_key(text) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("https://openlibrary.org/subjects/places/france", "did you mean 'place:france'?"),
        ("/subjects/People/sherlock_holmes.json?limit=5", "did you mean 'person:sherlock_holmes'?"),
        ("openlibrary.org/subjects/times/20th%20century/", "did you mean 'time:20th century'?"),
        ("https://openlibrary.org/search?q=science+fiction", "openlib subjects search TEXT"),
        ("/search?subject_key=love", "openlib subjects search TEXT"),
        ("https://openlibrary.org/works/OL45804W/Fantastic_Mr_Fox", "openlib subjects search TEXT"),
        ("/works/OL45804W", "openlib subjects search TEXT"),
        ("openlibrary.org", "openlib subjects search TEXT"),
        ("http://example.org/science-fiction", "openlib subjects search TEXT"),
        ("<https://openlibrary.org/works/OL45804W>", "openlib subjects search TEXT"),
        ("OL45804W", "openlib subjects search TEXT"),
    ],
)
def test_an_address_of_something_else_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(InvalidSubjectError) as refused:
        subject_key(text)
    message = str(refused.value)
    assert message.startswith(f"{text!r} is not the address of a subject: ")
    assert message.endswith(hint)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("/subjects/places%2Ffrance", "placesfrance"),
        ("peoples/france", "peoplesfrance"),
        ("/s", "s"),
        ("50% off", "50_off"),
        ("ol45804w", "ol45804w"),
        ("<https://openlibrary.org/subjects/place:france>", "place:france"),
        ("//openlibrary.org/subjects/love", "love"),
        ("\ufefflove", "love"),
    ],
)
def test_a_name_with_slashes_stays_what_open_library_makes_of_it(text: str, key: str) -> None:
    assert subject_key(text) == key


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("subject:science fiction", "science fiction"),
        ("Subjects: love", "love"),
        ("people:sherlock_holmes", "person:sherlock_holmes"),
        ("places: France", "place:France"),
        ("times:1900", "time:1900"),
        ("places/france", "place:france"),
        ("science%20fiction", "science fiction"),
        ("person%3Asherlock_holmes", "person:sherlock_holmes"),
    ],
)
def test_a_name_that_is_written_as_if_it_were_part_of_an_address_is_refused_with_what_was_meant(
    text: str, meant: str
) -> None:
    with pytest.raises(InvalidSubjectError) as refused:
        subject_key(text)
    assert str(refused.value) == f"{text!r} is not a subject: did you mean {meant!r}?"
    assert subject_key(meant)


def test_addresses_are_told_from_names_and_keys() -> None:
    addresses = (
        "/subjects/place:france",
        " https://openlibrary.org/subjects/love.json?a=1\n",
        "openlibrary.org/works/x",
    )
    assert all(map(is_address, addresses))
    assert not any(map(is_address, ("place:france", "detective and/or mystery stories", "subjects", "")))


PIECES = [*"aZß İΣς.,:;/?#%[]\u00a0\u3000_~", "person:", "/subjects/", ".json", "%2F"]
TEXTS = st.text(st.characters(exclude_categories=()), max_size=60) | st.lists(st.sampled_from(PIECES)).map("".join)


def _key_or_none(text: str) -> str | None:
    try:
        return subject_key(text)
    except InvalidSubjectError:
        return None


@given(TEXTS)
def test_a_key_normalises_to_itself(text: str) -> None:
    key = _key_or_none(text)
    assert key is None or subject_key(key) == key


@given(TEXTS)
def test_a_key_is_what_open_library_makes_of_it(text: str) -> None:
    key = _key_or_none(text)
    assert key is None or sandbox_key(key) == key


@given(TEXTS)
def test_a_key_found_in_a_path_is_the_key(text: str) -> None:
    key = _key_or_none(text)
    assert key is None or subject_key(f"/subjects/{quote(key, safe='')}.json?limit=1") == key


def test_a_key_is_an_argument_as_a_shell_takes_it() -> None:
    assert as_argument("tea") == "tea"
    assert as_argument("-ismus") == "-- -ismus"
    assert as_argument("o'neil_(brazil)") == '"o\'neil_(brazil)"'
    assert as_argument("o'neil!") == """'o'"'"'neil!'"""
    for key in ("tea", "o'neil_(brazil)", "oh!_o'neil", "roman_américain", "a*~b", "Mistyped: o'$HOME", "o'`a`\\"):
        assert shlex.split(as_argument(key)) == [key]
