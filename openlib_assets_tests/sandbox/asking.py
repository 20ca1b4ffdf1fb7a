"""How tests ask a sandbox, and what that one holds which no test changes."""

from typing import Any

import requests

from openlib_assets.sandbox import Sandbox

Answer = dict[str, Any]
SUBJECTS = {
    "science_fiction": 2500,
    "love": 300,
    "person:sherlock_holmes": 40,
    "time:20th_century": 30,
    "children's_stories_english": 5,
    "nothing": 0,
}


def ask(sandbox: Sandbox, path: str, **options: Any) -> requests.Response:
    return requests.get(sandbox.url + path, timeout=10, allow_redirects=False, **options)


def answer(sandbox: Sandbox, path: str) -> Answer:
    response = ask(sandbox, path)
    assert response.status_code == 200, response.text
    found = response.json()
    assert isinstance(found, dict)
    return found


def enumerate_keys(sandbox: Sandbox, subject: str, sort: str, limit: int = 50) -> list[str]:
    found: list[str] = []
    for offset in range(0, sandbox.count(subject), limit):
        page = answer(sandbox, f"/subjects/{subject}.json?sort={sort}&limit={limit}&offset={offset}")
        found += [work["key"] for work in page["works"]]
    return found


def without_availability(works: list[Answer]) -> list[Answer]:
    return [{name: value for name, value in work.items() if name != "availability"} for work in works]
