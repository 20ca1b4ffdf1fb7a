"""Work records: what one must look like, its key, its text as kept in bronze, and the hash over many.

A record is the JSON object that the Subjects API lists under `works`, kept whole: we check only what every later
step relies on.
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
_AUTHOR_KEY = re.compile(r"/authors/(OL[0-9]+A)")
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
    """Return the bare key (`OL27448W`) of a record, having checked the record's shape.

    Raises MalformedRecordError naming the work and the field.
    """
    if not isinstance(record, dict):
        raise MalformedRecordError(f"a work is {_kind(record)}")
    match = _WORK_KEY.fullmatch(key) if isinstance(key := record.get("key"), str) else None
    if not match:
        raise MalformedRecordError(f"a work has the key {ascii(key)[:60]}")
    bare: str = match[1]
    for field in ("first_publish_year", "edition_count", "cover_id"):
        value = record.get(field)
        if value is not None and (type(value) is not int or not -(2**63) <= value < 2**63):
            raise MalformedRecordError(f"{bare}: {field} is {ascii(value)[:60]}, not an integer")
    if not isinstance(record.get("title"), str | None):
        raise MalformedRecordError(f"{bare}: title is {_kind(record['title'])}")
    if not isinstance(record.get("has_fulltext"), bool | None):
        raise MalformedRecordError(f"{bare}: has_fulltext is {_kind(record['has_fulltext'])}")
    subjects = record.get("subject")
    if subjects is not None and not (isinstance(subjects, list) and all(isinstance(s, str) for s in subjects)):
        raise MalformedRecordError(f"{bare}: subject is not a list of texts")
    _check_authors(bare, record.get("authors"))
    return bare


def _check_authors(bare: str, authors: Any) -> None:
    if authors is None:
        return
    if not isinstance(authors, list):
        raise MalformedRecordError(f"{bare}: authors is {_kind(authors)}")
    for author in authors:
        if not isinstance(author, dict) or not isinstance(author.get("name"), str | None):
            raise MalformedRecordError(f"{bare}: an author is not a key and a name")
        if not isinstance(key := author.get("key"), str) or not _AUTHOR_KEY.fullmatch(key):
            raise MalformedRecordError(f"{bare}: an author has the key {ascii(key)[:60]}")


def _kind(value: Any) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"


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
