"""Templates of pages and charts, which escape whatever is put into them."""

import hashlib
from base64 import b64encode
from functools import cache
from typing import Any

import jinja2
import orjson

from openlib_assets.report import words


def template(name: str) -> jinja2.Template:
    """Return a template, which escapes whatever is put into it."""
    return _environment().get_template(name)


@cache
def script_hash(name: str) -> str:
    """Return the hash by which a page allows its own script, and no other, to run."""
    text = template(name).render()
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()


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
        "work_link": words.work_link,
        "author_link": words.author_link,
        "subject_link": words.subject_link,
        "subject_name": words.subject_name,
    }
    environment.globals |= {"counted": words.counted, "share": words.share}
    environment.policies["json.dumps_function"] = _json
    environment.policies["json.dumps_kwargs"] = {}
    return environment


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
