"""The storage whose pages are looked at."""

from collections.abc import Mapping
from pathlib import Path

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.tools.deployment import environment, openlib, shipped_instance
from openlib_assets_tests.tools.odd_keys import LONG_KEYS

SUBJECT, OTHER, LARGE = "science_fiction", "place:venice", "large"
LARGE_WORKS = 200_000
SCRIPT = "<script>document.title = 'injected'</script>"
# A name for which no chart has room.
LONG = "the_social_and_economic_history_of_the_north_western_provinces_with_many_maps"
# Whose reports lie in folders of other names, or of names that mean something in an address.
ODD_SUBJECTS = ("null", "index.html", "100_pure", "*", "person:o'brien_(1900-1950)", *LONG_KEYS)
_STORE_ROWS = 600
_RUN_SECONDS = 1800


def made(folder: Path) -> Path:
    """Make a storage with a subject fetched twice, with a script for a title, two small ones, and a large one."""
    shipped_instance(folder / "home")
    with Sandbox(SandboxConfig({SUBJECT: 1500, OTHER: 40, LONG: 30, LARGE: LARGE_WORKS})) as sandbox:
        store = folder / "store.csv"
        sandbox.write_store_catalogue(store, _STORE_ROWS)
        env = environment(folder, sandbox.url, OPENLIB_STORE_CATALOGUE=str(store))
        _run(env, SUBJECT, OTHER, LONG)
        work = next(sandbox.works(SUBJECT))
        authors = [{"key": "/authors/OL99999999A", "name": SCRIPT}]
        sandbox.change_work(SUBJECT, work["key"], title=SCRIPT, edition_count=4000, authors=authors)
        _run(env, SUBJECT, LARGE)
    return folder / "data"


def made_of_odd_subjects(folder: Path) -> Path:
    """Make a storage with subjects whose keys are odd."""
    shipped_instance(folder / "home")
    with Sandbox(SandboxConfig(dict.fromkeys(ODD_SUBJECTS, 3))) as sandbox:
        _run(environment(folder, sandbox.url, OPENLIB_DETAILS="off"), *ODD_SUBJECTS)
    return folder / "data"


def _run(env: Mapping[str, str], *subjects: str) -> None:
    finished = openlib("run", *subjects, env=env, seconds=_RUN_SECONDS)
    assert finished.status == 0, finished.output
