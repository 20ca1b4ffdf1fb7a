"""Functions of SQL: all that the steps of a dump use, and those that one query uses."""

import re
import sys
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from openlib_assets.lake.transform import FUNCTIONS, sql_text

_FUNCTION = re.compile(r"^CREATE OR REPLACE MACRO (\w+)\(([^)]*)\) AS\b(.*?);$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"\w+")


class Function(NamedTuple):
    """A function as its SQL defines it: what it takes, with commas, and what it gives."""

    parameters: str
    body: str


@cache
def all_functions() -> str:
    """Return the SQL of all functions that the steps use."""
    return "\n".join([*map(sql_text, FUNCTIONS), _folded_digits(), sql_text("helpers/dumps")])


@cache
def by_name() -> Mapping[str, Function]:
    """Return each function by its name."""
    return {name: Function(parameters, body) for name, parameters, body in _FUNCTION.findall(all_functions())}


@cache
def functions_of(query: str) -> str:
    """Return the SQL of the functions that a query uses, and of those that these use.

    DuckDB takes longer to read all of them than to make a small table.
    """
    used: set[str] = set()
    to_read = [query]
    while to_read:
        new = by_name().keys() & set(_WORD.findall(to_read.pop())) - used
        used |= new
        to_read += [by_name()[name].body for name in new]
    return "\n".join(
        f"CREATE OR REPLACE MACRO {name}({function.parameters}) AS {function.body};"
        for name, function in by_name().items()
        if name in used
    )


def _folded_digits() -> str:
    """Return the SQL of the function that writes the digits of all scripts as those of ASCII.

    DuckDB has none; it is asked for the few dates that have other digits.
    """
    digits = [*filter(str.isdecimal, map(chr, range(128, sys.maxunicode + 1)))]
    values = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    return f"CREATE OR REPLACE MACRO folded_digits(text) AS translate(text, '{''.join(digits)}', '{values}');"
