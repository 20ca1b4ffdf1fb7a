"""Every block of code in the documents is run by a test: here, or in the modules that the last test names."""

import re
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

import openlib_assets
from openlib_assets.defs.assets import ASSETS
from openlib_assets.lake.watch_list import read_watch_list
from openlib_assets.openlibrary.subject_keys import subject_key
from openlib_assets_tests.docs import recipes
from openlib_assets_tests.docs.markdown import CONTRIBUTING, DUMPS, OPERATIONS, README, Block, blocks
from openlib_assets_tests.docs.test_commands import PYTHON, SHELL
from openlib_assets_tests.s3_server.test_refusals import POLICIES

LISTS = blocks(README, "")
WATCH_LISTS = blocks(OPERATIONS, "yaml")
SQL = blocks(OPERATIONS, "sql")


@pytest.mark.parametrize("block", LISTS, ids=str)
def test_the_list_of_what_is_made_names_every_asset_in_its_layer(block: Block) -> None:
    listed, layer = set(), ""
    for first, name in re.findall(r"^(\w*) +(\w+)  ", block.text, re.MULTILINE):
        layer = first or layer
        listed.add((layer, name))
    assert listed == {(group, key.path[-1]) for asset in ASSETS for key, group in asset.group_names_by_key.items()}


@pytest.mark.parametrize("block", WATCH_LISTS, ids=str)
def test_the_watch_list_is_one(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "subjects.yaml"
    file.write_text(block.text, encoding="utf-8")
    found = read_watch_list(str(file))
    assert found.problems == []
    assert found.keys == [subject_key(name) for name in re.findall(r'^  - "?(.+?)"?$', block.text, re.MULTILINE)]


@pytest.mark.parametrize("block", SQL, ids=str)
def test_the_sql_gives_duckdb_the_rights_that_aws_chain_finds(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-SECRET")
    with duckdb.connect(config={"extension_directory": str(tmp_path)}) as connection:
        _install("httpfs", connection, tmp_path)
        _install("aws", connection, tmp_path)
        connection.execute(block.text)
        (secret,) = connection.execute("SELECT secret_string FROM duckdb_secrets()").fetchall()
    assert "key_id=AKIATESTS" in secret[0]


def _install(extension: str, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Put an extension of DuckDB's, installed as a package, where INSTALL finds that it is there."""
    version = f"v{duckdb.__version__}"
    ((platform,),) = connection.execute("PRAGMA platform").fetchall()
    packaged = files(f"duckdb_extension_{extension}").joinpath("extensions", version, f"{extension}.duckdb_extension")
    place = folder / version / platform / f"{extension}.duckdb_extension"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(str(packaged))


def test_every_block_is_run_by_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = [*SHELL, *PYTHON, *LISTS, *WATCH_LISTS, *SQL, *POLICIES, *_followed(tmp_path, monkeypatch)]
    shown = [block for document in (README, CONTRIBUTING, OPERATIONS, DUMPS) for block in blocks(document)]
    assert len(shown) > 15
    assert [str(block) for block in shown if block not in run] == []


def _followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Block]:
    """Return the blocks that are needed to follow the recipes of CONTRIBUTING.md."""
    followed: list[Block] = []
    find: Callable[[str], Block] = recipes.block_with

    def noted(marker: str) -> Block:
        followed.append(find(marker))
        return followed[-1]

    monkeypatch.setattr(recipes, "block_with", noted)
    shutil.copytree(Path(openlib_assets.__file__).parent, folder / "copy")
    recipes.follow(folder / "copy")
    return followed
