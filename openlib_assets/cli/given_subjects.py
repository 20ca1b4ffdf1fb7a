"""The subjects that a command is given: their keys, and warnings about how they are written."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import click

from openlib_assets.openlibrary.subject_keys import is_address, subject_key

# What Open Library drops of a name though it means something.
_SIGNS = re.compile(r"[&=+$#%@]")
_QUOTED = re.compile(r"[“„‟«‹‘‚].*[”“»›’‘]")


def given_keys(texts: Iterable[str]) -> list[str]:
    """Return the keys of subjects in the order given, each once; warn on standard error about surprises.

    `C#` and `C++` are one subject to Open Library, `c`, and one word in two forms of Unicode is two.
    """
    written: dict[str, dict[str, None]] = defaultdict(dict)
    for text in texts:
        written[subject_key(text)][text.strip()] = None
    for key, names in written.items():
        name = next(iter(names))
        if len(names) > 1:
            click.echo(f"{' and '.join(names)} are the same subject in Open Library: {key}", err=True)
        elif _SIGNS.search(name) and not is_address(name):
            click.echo(f"{name} is {key} in Open Library, which drops such signs", err=True)
        elif _QUOTED.fullmatch(key):
            click.echo(f"{key}: the quotation marks are part of it; if no work is under it, try it without", err=True)
        composed = unicodedata.normalize("NFC", key)
        if composed != key:
            click.echo(
                f"{key}: written with combining characters; if Open Library has no work under it, try {composed}",
                err=True,
            )
    return list(written)
