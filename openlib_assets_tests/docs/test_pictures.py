"""The README's pictures are there, are small, and show what there is today; `make pictures` takes them again."""

import json

import pytest

from openlib_assets_tests.docs import pictures
from openlib_assets_tests.docs.markdown import README
from openlib_assets_tests.tools.deployment import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs/pictures"
_MOST_BYTES = 150_000


@pytest.mark.parametrize("name", [pictures.REPORT, pictures.GRAPH])
def test_a_picture_is_in_the_readme_small_and_of_what_there_is(name: str) -> None:
    assert f"](docs/pictures/{name})" in (PROJECT_ROOT / README).read_text(encoding="utf-8")
    assert 10_000 < (FOLDER / name).stat().st_size < _MOST_BYTES
    taken_of = json.loads((FOLDER / pictures.TAKEN_OF).read_text(encoding="utf-8"))
    assert taken_of[name] == pictures.sources()[name], "take it again: make pictures"
