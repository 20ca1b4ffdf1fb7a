"""Work records: their keys, their text as kept in bronze, and the hash over many.

A record is the JSON object that the Subjects API lists under `works`, kept whole.
"""

import codecs
import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Never

import orjson

Record = dict[str, Any]

_WORK_KEY = re.compile(r"/works/(OL[0-9]+[WM])")
_ALL_DIGITS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
# What can stand before a number is to look the same, and what it is made of is to be left out.
_COMMA_AS_COLON = bytes.maketrans(b",[", b"::")
_IN_A_NUMBER = b"-.0123456789"
# So few records that their text is no large block of memory, which the C library would get from the system each time.
_TOGETHER = 32
_JSON_ESCAPES = "openlib-json-escapes"
_COMPACT = json.JSONEncoder(separators=(",", ":"))


class MalformedRecordError(ValueError):
    """A work record is not of the shape that Open Library documents; the text says which and how."""


def parse_json(body: bytes) -> Any:
    """Parse a JSON text exactly: lone surrogates, and integers of any length, survive. Raises ValueError."""
    # orjson refuses lone surrogates and rounds integers beyond 64 bits; both are rare: the exact parser steps in.
    if _LONG_NUMBER not in body.translate(_ALL_DIGITS_ZERO):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    try:
        return json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is too great a number")
    return number


def work_key(record: Any) -> str:
    """Return the bare key (`OL27448W`) of a record; raises MalformedRecordError for one that has none.

    Whether the rest of it can be used is decided where tables are made of it (`sql/silver/rejected_works.sql`).
    """
    if not isinstance(record, dict):
        raise MalformedRecordError(f"a work is {'null' if record is None else f'of type {type(record).__name__}'}")
    key = record.get("key")
    match = _WORK_KEY.fullmatch(key) if isinstance(key, str) else None
    if not match:
        raise MalformedRecordError(f"a work has the key {ascii(key)[:60]}")
    bare: str = match[1]
    return bare


def payload(record: Record) -> str:
    """Return the record as compact ASCII JSON, key order kept; the inverse of `parse_json`."""
    return _COMPACT.encode(record)


def payloads(records: Sequence[Record]) -> list[bytes]:
    """Return the payloads of records as bytes, faster than one by one."""
    return [
        text for start in range(0, len(records), _TOGETHER) for text in _payloads(records[start : start + _TOGETHER])
    ]


def _payloads(records: Sequence[Record]) -> list[bytes]:
    lines = list(map(_fast_text, records))
    text = b"\n".join(lines)
    if _may_be_no_payload(text):
        pairs = zip(records, lines, strict=True)
        text = b"\n".join(_exact_text(record) if _may_be_no_payload(line) else line for record, line in pairs)
    return text.decode().encode("ascii", _JSON_ESCAPES).split(b"\n")


def _exact_text(record: Record) -> bytes:
    return payload(record).encode()


def _fast_text(record: Record) -> bytes:
    """Return a record as JSON that is its payload once characters beyond ASCII are escaped, or `_may_be_no_payload`."""
    try:
        return orjson.dumps(record)
    except TypeError:  # half of a character, or an integer beyond 64 bits
        return _exact_text(record)


def _may_be_no_payload(text: bytes) -> bool:
    """Tell whether orjson may have written something in another way than the standard library.

    That is the character DEL, and reals of at least 1e16, or below 0.0001: what begins like a number and goes on with
    an `e`, or has zeros behind the point.
    """
    return b"\x7f" in text or b"0.0000" in text or b":e" in text.translate(_COMMA_AS_COLON, _IN_A_NUMBER)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Return what stands in JSON for characters that ASCII lacks, as codecs want it of an error handler."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_JSON_ESCAPES, _escaped)


def canonical_line(record: Record) -> bytes:
    """Return what the content hash takes of a record: its JSON with sorted keys, and a line end.

    `availability` is left out, since it changes by loans.
    """
    kept = dict(record)
    kept.pop("availability", None)
    try:
        return orjson.dumps(kept, option=_CANONICAL)
    except (TypeError, orjson.JSONEncodeError):
        return f"{json.dumps(kept, separators=(',', ':'), sort_keys=True)}\n".encode()


def content_hash(lines: Iterable[bytes | memoryview]) -> str:
    """Return the hash of records, given their canonical lines in the order of their keys: one by one, or many at once.

    It is SHA-256 over all of them; equal content has an equal hash.
    """
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
    return digest.hexdigest()
