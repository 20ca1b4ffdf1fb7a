"""Recorded answers of Open Library's Subjects API, and a server that pages through them."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_RECORDED = Path(__file__).with_name("recorded")
_DEFAULT_LIMIT = "12"


def recorded_answer(subject_key: str) -> dict[str, Any]:
    """Load the recorded answer of a subject: `science_fiction` or `bestsellers`."""
    text = (_RECORDED / f"{subject_key}.json").read_text(encoding="utf-8")
    answer: dict[str, Any] = json.loads(text)
    return answer


@contextmanager
def recorded_server(answers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Serve answers by subject key at `/subjects/<key>.json` and give the base URL.

    `limit` and `offset` cut the works of an answer and leave the rest of it alone. A subject that is not
    among the answers has zero works, as at Open Library. `/search.json` lists the keys of its works.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path = unquote(url.path)
            query = parse_qs(url.query)
            if path == "/search.json":
                key = query["q"][0].partition('"')[2].partition('"')[0]
            elif path.startswith("/subjects/") and path.endswith(".json"):
                key = path.removeprefix("/subjects/").removesuffix(".json")
            else:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            offset = int(query.get("offset", ["0"])[0])
            limit = int(query.get("limit", [_DEFAULT_LIMIT])[0])
            answer = answers.get(key) or _empty_answer(key)
            works = answer["works"][offset : offset + limit]
            keys = {"numFound": len(answer["works"]), "docs": [{"key": work["key"]} for work in works]}
            body = json.dumps(keys if path == "/search.json" else {**answer, "works": works}).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _empty_answer(key: str) -> dict[str, Any]:
    return {
        "key": f"/subjects/{key}",
        "name": key.replace("_", " "),
        "subject_type": "subject",
        "work_count": 0,
        "works": [],
    }
