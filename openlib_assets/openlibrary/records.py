"""Work records: their keys, their text as kept in bronze, and the hash over many.

A record is the JSON object that the Subjects API lists under `works`, kept whole.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable
from typing import Any, Never

import orjson

Record = dict[str, Any]

_WORK_KEY = re.compile(r"/works/(OL[0-9]+[WM])")
_ALL_DIGITS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
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


def content_hash(payloads: Iterable[str]) -> str:
    """Return the hash of records (as payloads, sorted by work key): equal content has an equal hash.

    SHA-256 over a line for each record: its JSON with sorted keys, without `availability`, which changes by loans.
    """
    digest = hashlib.sha256()
    for text in payloads:
        record = parse_json(text.encode())
        record.pop("availability", None)
        digest.update(_canonical(record))
        digest.update(b"\n")
    return digest.hexdigest()


def _canonical(record: Record) -> bytes:
    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(record, separators=(",", ":"), sort_keys=True).encode()
