"""What archive.org answers about the dumps: where they are, what they are, and their bytes.

Open Library's own address of the newest dump is here as well, since all that it does is to redirect there.
"""

import hashlib
import re
import zlib
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from openlib_assets.sandbox.archive.items import Items, StoredFile
from openlib_assets.sandbox.http.api import Reply, json_reply
from openlib_assets.sandbox.http.content import Content, Part

_LATEST = re.compile(r"/data/ol_dump_((?:[a-z_-]+_)?)latest\.txt\.gz")
_DOWNLOAD = re.compile(r"/download/([^/]+)/([^/]+)")
_METADATA = re.compile(r"/metadata/([^/]+)")
_NODE = "/node1/items"
_ON_NODE = re.compile(rf"{_NODE}/([^/]+)/([^/]+)")
_SEARCH = "/advancedsearch.php"
_COLLECTION = "collection:ol_exports"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_DEFAULT_ROWS = 50

_NOT_FOUND = Reply(404, b"<html><body><h1>404 Not Found</h1></body></html>\n", "text/html")


def is_archives(path: str) -> bool:
    """Whether requests for a path are for archive.org, and not for Open Library's API."""
    return path == _SEARCH or any(form.fullmatch(path) for form in (_LATEST, _DOWNLOAD, _METADATA, _ON_NODE))


def file_sent(path: str) -> str:
    """The name of the file whose bytes are asked for by a path, empty for other paths."""
    parts = _ON_NODE.fullmatch(path)
    return parts[2] if parts else ""


def answer(items: Items, path: str, query: str, *, host: str, asked_range: str) -> Reply:
    """The right answer to a request for such a path."""
    if path == _SEARCH:
        return _search(items, query)
    if parts := _METADATA.fullmatch(path):
        return json_reply(metadata(items, parts[1]))
    if parts := _LATEST.fullmatch(path):
        newest = next((item for item in items.identifiers() if item.startswith("ol_dump_")), "ol_dump_")
        date = newest.removeprefix("ol_dump_")
        return _moved(f"http://{host}/download/{newest}/ol_dump_{parts[1]}{date}.txt.gz")
    parts = _DOWNLOAD.fullmatch(path) or _ON_NODE.fullmatch(path)
    identifier, name = parts.groups() if parts else ("", "")
    file = items.files(identifier).get(name)
    if file is None:
        return _NOT_FOUND
    return _bytes_of(file, asked_range) if file_sent(path) else _moved(f"http://{host}{_NODE}/{identifier}/{name}")


def metadata(items: Items, identifier: str) -> dict[str, Any]:
    """What archive.org tells of an item; nothing if there is none. Sizes and times are texts there."""
    files = items.listed(identifier)
    if not files:
        return {}
    date = identifier.rpartition("_")[2]
    rows: list[dict[str, str]] = [
        {
            "name": name,
            "source": "original",
            "format": "Unknown",
            "size": str(file.told.size),
            "mtime": str(int(file.modified)),
            **_checksums(file.told),
        }
        for name, file in files.items()
    ]
    rows.append({"name": f"{identifier}_files.xml", "source": "original", "format": "Metadata", "md5": "0" * 32})
    uploaded = max(file.modified for file in files.values())
    return {
        "created": int(uploaded),
        "d1": "node1",
        "d2": "node2",
        "dir": f"/1/items/{identifier}",
        "files": rows,
        "files_count": len(rows),
        "item_last_updated": int(uploaded),
        "item_size": sum(file.told.size for file in files.values()),
        "metadata": {
            "identifier": identifier,
            "collection": ["ol_exports"],
            "mediatype": "data",
            "title": f"Open Library data dump {date}",
            "publicdate": datetime.fromtimestamp(uploaded, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        },
        "server": "node1",
        "uniq": 1,
        "workable_servers": ["node1", "node2"],
    }


def _search(items: Items, query: str) -> Reply:
    """The items of the collection, newest first unless sorted the other way; other searches find nothing."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    rows, page = int(asked.get("rows", _DEFAULT_ROWS)), int(asked.get("page", 1))
    found = items.identifiers() if _COLLECTION in asked.get("q", "") else []
    if asked.get("sort[]", "").endswith(" asc"):
        found.reverse()
    start = (page - 1) * rows
    docs = [{"identifier": identifier} for identifier in found[start : start + rows]]
    return json_reply(
        {"responseHeader": {"status": 0}, "response": {"numFound": len(found), "start": start, "docs": docs}}
    )


def _moved(location: str) -> Reply:
    return Reply(302, content_type="text/html", headers={"Location": location})


def _bytes_of(file: StoredFile, asked_range: str) -> Reply:
    """A file, or the one range of it that is asked for; what is no such range is not heeded."""
    size = file.content.size
    headers = {
        "Accept-Ranges": "bytes",
        "Last-Modified": formatdate(file.modified, usegmt=True),
        "ETag": f'"{int(file.modified):x}-{size:x}"',
    }
    parts = _RANGE.fullmatch(asked_range)
    if not parts or not any(parts.groups()):
        return Reply(200, content_type="application/gzip", headers=headers, part=Part(file.content, 0, size))
    first, last = parts.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        return Reply(416, b"", "text/html", {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    part = Part(file.content, start, end - start)
    return Reply(206, content_type="application/gzip", headers=headers, part=part)


@lru_cache(maxsize=256)
def _checksums(content: Content) -> dict[str, str]:
    """The checksums of a content, which is read once for each version of it."""
    md5, sha1, crc32 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False), 0
    for chunk in content.chunks(0, content.size):
        md5.update(chunk)
        sha1.update(chunk)
        crc32 = zlib.crc32(chunk, crc32)
    return {"md5": md5.hexdigest(), "crc32": f"{crc32:08x}", "sha1": sha1.hexdigest()}
