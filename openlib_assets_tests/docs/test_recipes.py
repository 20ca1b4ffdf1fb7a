"""The recipes of CONTRIBUTING.md: who follows them gets what they promise."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

import openlib_assets
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.docs import recipes
from openlib_assets_tests.tools.forked import forks


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Follow all recipes in a copy of the package, and run a subject that was recorded and one that was not."""
    folder = tmp_path_factory.mktemp("copy")
    package = folder / "openlib_assets"
    shutil.copytree(Path(openlib_assets.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    recipes.follow(package)
    recorded = folder / recipes.RECORDED_FOLDER / f"{recipes.RECORDED}.json"
    recorded.parent.mkdir()
    with Sandbox(SandboxConfig({recipes.RECORDED: 30})) as sandbox:
        address = f"{sandbox.url}/subjects/{recipes.RECORDED}.json?limit=1000"
        recorded.write_bytes(requests.get(address, timeout=60).content)
    told = folder / "told.json"
    process = forks().Process(target=recipes.run_copy, args=(folder, told, {**os.environ}))
    process.start()
    process.join()
    assert process.exitcode == 0, (folder / recipes.ERRORS).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return found


def test_a_table_is_made_checked_and_written_for_people(made: dict[str, Any]) -> None:
    years = Counter(book["first_publish_year"] for book in made["silver/books"] if book["year_status"] == "ok")
    assert made["gold/yearly_counts"] == [{"year": year, "book_count": years[year]} for year in sorted(years)]
    assert f"exports/{recipes.RECORDED}/yearly_counts.csv" in made["files"]


def test_an_asset_in_pandas_is_made_of_the_subjects_that_did_not_fail(made: dict[str, Any]) -> None:
    letters = Counter(len(book["title"]) for book in made["silver/books"] if book["title"])
    assert made["gold/titles_by_length"] == [{"letters": count, "size": letters[count]} for count in sorted(letters)]
    assert [path for path in made["files"] if recipes.MISSING in path] == []


def test_a_check_that_is_apart_shows_under_its_own_name(made: dict[str, Any]) -> None:
    assert set(made["checks"]) == {
        "contract_holds",
        "did_not_fall",
        "refreshed_lately",
        "titles_are_known",
        "years_are_plausible",
    }


def test_a_source_and_a_storage_take_the_place_of_ours(made: dict[str, Any]) -> None:
    assert f"{recipes.MISSING}.json: there is no such file" in made["failed"]
    assert f"reports/{recipes.RECORDED}/index.html" in made["files"]
