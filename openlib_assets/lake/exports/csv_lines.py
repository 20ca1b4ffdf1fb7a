"""Lines of CSV: UTF-8, RFC 4180 quoting, LF, null as nothing, an empty text as `""`, lists joined with ` | `."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

LIST_SEPARATOR = " | "

# csv quotes no empty text, and before Python 3.13 no carriage return either. These stand for them until the line is
# written: no text that can be encoded holds a lone surrogate, and csv quotes what has a line feed.
_EMPTY = "\udc00"
_RETURN = "\udc01\n"


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows of texts, numbers and nulls as lines; a number is what Python shows of it."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue().replace(_EMPTY, '""').replace(_RETURN, "\r")


def marked(text: str | None) -> str | None:
    """Return a text as `csv_lines` takes it; other values go there as they are."""
    return _EMPTY if text == "" else text and text.replace("\r", _RETURN)


def text_of(value: Any) -> str | None:
    r"""Return a value of any SQL type as the text that stands for it, None for null.

    Numbers have no separators of thousands, times are in ISO 8601, bytes are hexadecimal after `\x`, and what has names
    or further lists in it is JSON.
    """
    if value is None or isinstance(value, str):
        return value
    return next((text(value) for kind, text in _TEXTS if isinstance(value, kind)), str(value))


def _list_text(values: Sequence[Any]) -> str:
    if any(isinstance(item, dict | list | tuple) for item in values):
        return _json(values)
    return LIST_SEPARATOR.join(text_of(item) or "" for item in values)


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a value with nothing in it that JSON does not know."""
    if isinstance(value, dict):
        return {text_of(key) or "": _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else text_of(value)


# The first that fits: a bool is an int as well, and a datetime a date.
_TEXTS: Sequence[tuple[type, Callable[[Any], str]]] = (
    (bool, lambda value: "true" if value else "false"),
    (Decimal, "{:f}".format),
    (datetime, lambda value: value.isoformat(sep=" ")),
    (date, date.isoformat),
    (time, time.isoformat),
    (bytes, lambda value: f"\\x{value.hex()}"),
    (dict, _json),
    (list, _list_text),
    (tuple, _list_text),
)
