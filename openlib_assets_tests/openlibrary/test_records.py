"""Records: exact parsing, the text kept in bronze, the content hash, and how a malformed record is named."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openlib_assets.openlibrary.records import (
    MalformedRecordError,
    Record,
    canonical_line,
    content_hash,
    parse_json,
    payload,
    payloads,
    work_key,
)
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.tools.recorded_server import recorded_answer

RECORD: Record = {
    "key": "/works/OL27448W",
    "title": "The Lord of the Rings",
    "edition_count": 120,
    "cover_id": 9255566,
    "subject": ["Fiction", "fiction", "Elves"],
    "authors": [{"key": "/authors/OL26320A", "name": "J.R.R. Tolkien"}],
    "first_publish_year": 1954,
    "has_fulltext": True,
    "availability": {"status": "open", "num_waitlist": "2"},
}

MALFORMED = [
    ({"key": None}, "a work has the key None"),
    ({"key": 27448}, "a work has the key 27448"),
    ({"key": "OL27448W"}, "a work has the key 'OL27448W'"),
    ({"key": "/works/OL27448A"}, "a work has the key '/works/OL27448A'"),
    ({"key": "/works/OL27448W\n"}, r"a work has the key '/works/OL27448W\n'"),
    ({"key": "/works/OL٣W"}, r"a work has the key '/works/OL\u0663W'"),
]

ACCEPTED: list[Record] = [
    {"key": "/works/OL1W"},
    {"key": "/works/OL1W", "title": 5, "authors": ["X"]},
]

REFUSED_TEXTS = [
    b"",
    b" ",
    b"NaN",
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": [-Infinity]}',
    b'{"a": 1e999}',
    b'{"a": 1e999, "b": 12345678901234567890}',
    b'{"a": 1',
    b'{"a": 1}}',
    b"{'a': 1}",
    b'{"a": 01}',
    b'"\xff"',
    b"<html></html>",
    b"[" * 200_000,
    b"1" * 5000,
]

# Every text that JSON can hold, lone surrogates included; escapes of a pair of them mean the one character.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8).map(lambda text: json.loads(json.dumps(text)))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**60, max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECORDS: st.SearchStrategy[Record] = st.dictionaries(TEXTS, VALUES, max_size=6)


def _exactly(value: Any) -> str:
    """Return a text that differs where types, key order or the sign of zero do."""
    return repr(value)


def hash_of(*records: Record) -> str:
    """Return the hash of records as they are after a round through bronze, which must not change it."""
    found = content_hash(map(canonical_line, records))
    assert found == content_hash(canonical_line(parse_json(payload(record).encode())) for record in records)
    return found


def _reordered(value: Any) -> Any:
    """Return the value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: _reordered(value[key]) for key in reversed(value)}
    return [_reordered(item) for item in value] if isinstance(value, list) else value


def _neighbours(value: Any) -> Iterator[Any]:
    """Return values that differ from this one in a single place."""
    match value:
        case dict():
            for key, inner in value.items():
                yield {other: value[other] for other in value if other != key}
                yield from ({**value, key: changed} for changed in _neighbours(inner))
            yield {**value, "a key of its own": None}
        case list():
            for place, inner in enumerate(value):
                yield value[:place] + value[place + 1 :]
                yield from ([*value[:place], changed, *value[place + 1 :]] for changed in _neighbours(inner))
            yield [*value, None]
        case bool() | None:
            yield str(value)
        case int() | float():
            yield str(value)
            yield value + 1 if value + 1 != value else 0
        case str():
            yield value + "\u0301"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'"\ud800"', "\ud800"),
        (rb'{"\udfff": ["\ud83d", "\ude00"]}', {"\udfff": ["\ud83d", "\ude00"]}),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\u0000"', "\x00"),
        (b"9223372036854775807", 2**63 - 1),
        (b"18446744073709551616", 2**64),
        (b"-12345678901234567890123", -12345678901234567890123),
        (b"[1, 1.0, -0.0, 1e3, true, null]", [1, 1.0, -0.0, 1000.0, True, None]),
        ('["é 科学 🚀"]'.encode(), ["é 科学 🚀"]),
        (b' \n{"b": 1, "a": 2}\t', {"b": 1, "a": 2}),
        (b'{"isbn": "9780261103252978026110325297802611032529"}', {"isbn": "9780261103252978026110325297802611032529"}),
    ],
)
def test_json_is_parsed_exactly(body: bytes, value: Any) -> None:
    assert _exactly(parse_json(body)) == _exactly(value)


@pytest.mark.parametrize("body", REFUSED_TEXTS, ids=lambda body: ascii(body[:30]))
def test_what_is_not_json_or_no_finite_number_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(body)


@given(VALUES)
def test_parsing_agrees_with_the_standard_library(value: Any) -> None:
    assert _exactly(parse_json(json.dumps(value).encode())) == _exactly(value)


@given(RECORDS)
def test_a_payload_gives_the_record_back_with_its_keys_in_order(record: Record) -> None:
    text = payload(record)
    assert text.isascii()
    assert "\n" not in text
    assert _exactly(parse_json(text.encode())) == _exactly(record)
    assert payload(parse_json(text.encode())) == text


@given(st.lists(RECORDS, max_size=4))
@example([])
@example([{"real": real} for real in (1e16, 9999999999999998.0, -1e300, 1e-4, 9.9e-5, -0.0, 5e-324, 4.125)])
@example(
    [{"texts": ["\x7f", "\u2028", "\x1f", "\U0001f680é", "\ud800", "[1e5", ":e"]}, {"whole": 2**64}, {"1e5,": [-1e-7]}]
)
def test_payloads_made_together_are_those_made_one_by_one(records: list[Record]) -> None:
    assert payloads(records) == [payload(record).encode() for record in records]


def test_recorded_works_survive_being_kept() -> None:
    for work in recorded_answer("science_fiction")["works"]:
        assert _exactly(parse_json(payload(work).encode())) == _exactly(work)
        assert f"/works/{work_key(work)}" == work["key"]


def test_generated_works_are_all_well_formed() -> None:
    with Sandbox(SandboxConfig({"love": 3000})) as sandbox:
        works = list(sandbox.works("love", availability=True))
    assert [f"/works/{work_key(work)}" for work in works] == [work["key"] for work in works]


@given(RECORDS, VALUES, VALUES)
def test_the_hash_ignores_availability(record: Record, before: Any, after: Any) -> None:
    without = {key: value for key, value in record.items() if key != "availability"}
    hashes = {
        hash_of(variant)
        for variant in (without, {**without, "availability": before}, {"availability": after, **without})
    }
    assert len(hashes) == 1


@given(RECORDS)
def test_the_hash_ignores_the_order_of_keys(record: Record) -> None:
    assert hash_of(_reordered(record)) == hash_of(record)


@given(RECORDS.filter(lambda record: "availability" not in record))
def test_the_hash_sees_every_other_difference(record: Record) -> None:
    unchanged = hash_of(record)
    for changed in _neighbours(record):
        assert hash_of(changed) != unchanged, changed


def test_the_hash_sees_an_availability_that_is_not_the_works_own() -> None:
    variants = [{**RECORD, "extra": {"availability": nested}} for nested in ("open", "private")]
    assert hash_of(variants[0]) != hash_of(variants[1])


def test_the_hash_sees_works_that_come_go_or_change_places() -> None:
    one, other = RECORD, {**RECORD, "key": "/works/OL1W"}
    variants = [[], [one], [other], [one, other], [other, one], [one, one], [one, one, other]]
    assert len({hash_of(*variant) for variant in variants}) == len(variants)


def test_the_hash_is_the_documented_one() -> None:
    record = {"title": "é", "key": "/works/OL1W", "availability": None}
    # printf '{"key":"/works/OL1W","title":"é"}\n' | sha256sum
    assert hash_of(record) == "219f60fef119c726a569abfbcde5d95702b5b6676c67887bbcc4e9af212d34f3"


@pytest.mark.parametrize("record", ACCEPTED)
def test_a_record_may_lack_everything_but_its_key(record: Record) -> None:
    assert work_key(record) == "OL1W"


def test_the_key_is_given_bare_also_for_an_orphaned_edition() -> None:
    assert work_key(RECORD) == "OL27448W"
    assert work_key({"key": "/works/OL7M"}) == "OL7M"


@pytest.mark.parametrize(("change", "message"), MALFORMED)
def test_a_malformed_record_is_named_with_what_is_wrong(change: Record, message: str) -> None:
    with pytest.raises(MalformedRecordError, match=f"^{re.escape(message)}$"):
        work_key({**RECORD, **change})


@pytest.mark.parametrize("record", [None, [], "OL1W", 7])
def test_a_work_that_is_no_object_is_malformed(record: Any) -> None:
    with pytest.raises(MalformedRecordError, match=r"^a work is "):
        work_key(record)


def test_a_long_bad_value_is_cut_to_a_line() -> None:
    with pytest.raises(MalformedRecordError) as malformed:
        work_key({**RECORD, "key": "19\n54\ud800" * 1000})
    assert str(malformed.value).isprintable()
    assert len(str(malformed.value)) < 120
