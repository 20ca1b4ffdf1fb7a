"""The subjects that a command is given: their keys, and what to say of how they are written."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import click

from openlib_assets.openlibrary.subject_keys import subject_key


def given_keys(texts: Iterable[str]) -> list[str]:
    """Return the keys of subjects in the order given, each once; say on standard error what may surprise.

    Open Library takes `C#` and `C++` for one subject, and one word in two forms of Unicode for two.
    """
    written: dict[str, dict[str, None]] = defaultdict(dict)
    for text in texts:
        written[subject_key(text)][text.strip()] = None
    for key, names in written.items():
        if len(names) > 1:
            click.echo(f"{' and '.join(names)} are one subject to Open Library: {key}", err=True)
        composed = unicodedata.normalize("NFC", key)
        if composed != key:
            click.echo(
                f"{key}: written with combining characters; if Open Library has no work under it, try {composed}",
                err=True,
            )
    return list(written)
