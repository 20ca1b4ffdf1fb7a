"""The names of subjects' folders: plain, short, unambiguous, and cut between characters where keys are long."""

import hashlib
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openlib_assets.lake.key_names import is_shortened, key_in_name, name_of_key
from openlib_assets.openlibrary.subject_keys import InvalidSubjectError, subject_key
from openlib_assets_tests.tools.odd_keys import ODD_KEYS

LETTERS = st.characters(exclude_categories=("Cc", "Cs"))
SHORT = st.text(LETTERS, min_size=1, max_size=60)
LONG = st.tuples(st.text(st.sampled_from("a~é科🚀'"), min_size=1, max_size=12), st.integers(15, 120)).map(
    lambda part: part[0] * part[1]
)


def key_of(text: str) -> str | None:
    try:
        return subject_key(text)
    except InvalidSubjectError:
        return None


@given(SHORT | LONG)
def test_a_name_is_one_plain_folder_name_that_tells_the_key_or_that_it_is_shortened(text: str) -> None:
    key = key_of(text)
    if key is None:
        return
    name = name_of_key(key)
    assert name.isascii()
    assert name.isprintable()
    assert not set(name) & set("/:*?")
    assert name not in ("", ".", "..")
    assert len(f"subject={name}") <= 208
    assert key_in_name(name) in (key, None)
    assert (key_in_name(name) is None) == is_shortened(name) == (len(quote(key, safe="")) > 200)


@given(LONG)
def test_a_long_key_is_cut_between_characters_and_ends_with_its_digest(text: str) -> None:
    key = key_of(text)
    if key is None or not is_shortened(name_of_key(key)):
        return
    kept, _, digest = name_of_key(key).rpartition("~")
    assert digest == hashlib.sha256(key.encode()).hexdigest()[:16]
    start = unquote(kept, errors="strict")
    assert key.startswith(start)
    one_more = quote(key[: len(start) + 1], safe="")
    assert len(kept) <= 180 < len(one_more)


def test_a_key_of_200_bytes_has_all_of_it_in_its_name() -> None:
    assert name_of_key("a" * 200) == "a" * 200
    assert name_of_key("a" * 201) == f"{'a' * 180}~{hashlib.sha256(b'a' * 201).hexdigest()[:16]}"


@pytest.mark.parametrize("kept", range(168, 182))
def test_a_key_that_looks_like_a_shortened_one_cannot_be_taken_for_it(kept: int) -> None:
    name = f"{'a' * kept}~0123456789abcdef"
    assert (name_of_key(name) == name) == (key_in_name(name) == name) == (kept in (168, 181))
    assert key_in_name(name_of_key(name)) in (name, None)


def test_a_tilde_is_no_sign_of_a_shortened_name() -> None:
    for key in ("~", "a~b", "~0123456789abcdef", f"{'a' * 150}~0123456789abcdef", f"{'a' * 183}~0123456789abcde"):
        assert key_in_name(name_of_key(key)) == key


def test_odd_keys_have_names_of_their_own() -> None:
    assert len({name_of_key(key).lower() for key in ODD_KEYS}) == len(ODD_KEYS)
