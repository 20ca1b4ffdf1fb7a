"""Templates of pages and charts, which escape whatever is put into them."""

import hashlib
from base64 import b64encode
from functools import cache
from typing import Any, NamedTuple

import jinja2
import orjson

from openlib_assets.openlibrary import site
from openlib_assets.report import words


def template(name: str) -> jinja2.Template:
    """Return a template, which escapes whatever is put into it."""
    return _environment().get_template(name)


class Script(NamedTuple):
    """The script of a page, and the digest by which the page allows it, and no other, to run."""

    text: str
    digest: str


@cache
def script(*names: str) -> Script:
    """Return the script of a page, put together from files."""
    text = "\n".join(template(name).render() for name in names)
    return Script(text, "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode())


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("openlib_assets.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": words.count,
        "times": words.times,
        "work_link": site.work_link,
        "author_link": site.author_link,
        "subject_link": site.subject_link,
        "subject_name": words.subject_name,
        "add_command": words.add_command,
    }
    environment.globals |= {"counted": words.counted, "share": words.share}
    environment.policies["json.dumps_function"] = _json
    environment.policies["json.dumps_kwargs"] = {}
    return environment


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
