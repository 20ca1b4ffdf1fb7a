"""Functions of SQL: all that the steps of a dump use, and those that one query uses."""

import re
import sys
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
    return "\n".join([*map(sql_text, FUNCTIONS), _digit_of(), sql_text("helpers/dumps")])


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


def _digit_of() -> str:
    """Return the SQL of the function that tells the value of a digit of any script.

    DuckDB has none; it is asked for the few dates that have other digits than ASCII's. Those of a script follow each
    other, from 0 to 9, so that the place among all tells the value; translate() would make a table for each date.
    """
    digits = "".join(filter(str.isdecimal, map(chr, range(sys.maxunicode + 1))))
    return f"CREATE OR REPLACE MACRO digit_of(letter) AS (nullif(strpos('{digits}', letter), 0) - 1) % 10;"
