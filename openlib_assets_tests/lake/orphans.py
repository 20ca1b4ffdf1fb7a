"""A program that reads the warehouse while it is refreshed, in a process that imports no more than it needs."""

import json
from pathlib import Path

from openlib_assets.lake.catalog import ask
from openlib_assets.lake.catalog.views import named_in
from openlib_assets.storage import LocalStorage

# Of all tables that refer to another one, the rows whose other row is not there.
_ORPHANS = """
SELECT count(*)
FROM work_authors
LEFT JOIN works USING (work_key)
LEFT JOIN authors USING (author_key)
LEFT JOIN work_subjects USING (work_key)
LEFT JOIN subjects ON subjects.subject = work_subjects.subject
WHERE works.work_key IS NULL OR authors.author_key IS NULL OR subjects.subject IS NULL
"""


def count_orphans(root: str) -> None:
    """Look until the file `stop` lies beside the root, each time in the current version, and print what was found."""
    storage = LocalStorage(root)
    print("begun", flush=True)
    looks = orphans = 0
    stop = Path(root).with_name("stop")
    while not stop.exists():
        found, _ = ask(storage, named_in(_ORPHANS), lambda connection: connection.sql(_ORPHANS).fetchall())
        orphans += found[0][0]
        looks += 1
    print(json.dumps({"looks": looks, "orphans": orphans}))
