"""The recipes of CONTRIBUTING.md, followed in a copy of the package, and a run of what they make."""

import json
import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from openlib_assets_tests.conftest import Pipeline, Place, failure_text
from openlib_assets_tests.docs.markdown import CONTRIBUTING, Block, blocks
from openlib_assets_tests.tools.deployment import PROJECT_ROOT
from openlib_assets_tests.tools.forked import begin
from openlib_assets_tests.tools.instances import temporary_instance

RECIPES = [*blocks(CONTRIBUTING, "python"), *blocks(CONTRIBUTING, "sql")]
RECORDED, MISSING = "alpha", "beta"
RECORDED_FOLDER = "recorded"
ERRORS = "errors.txt"


def block_with(marker: str) -> Block:
    """Return the one block of code in the recipes that begins with `marker`."""
    (found,) = (block for block in RECIPES if block.text.startswith(marker))
    return found


def follow(package: Path) -> None:
    """Do in a copy of the package what the recipes say."""
    _add_table(package)
    _add_asset(package)
    _add_check(package)
    _add_source(package)
    _add_storage(package)


def _add_table(package: Path) -> None:
    (package / "sql/gold/yearly_counts.sql").write_text(block_with("-- One row is a year").text, encoding="utf-8")
    _append(package / "lake/contract/gold.py", block_with("YEARLY_COUNTS =").text)
    contract = package / "lake/contract/__init__.py"
    _replace(contract, "\nfrom ", "\nfrom openlib_assets.lake.contract.gold import YEARLY_COUNTS\nfrom ")
    _replace(contract, "    ORDER_LIST,\n)", "    ORDER_LIST,\n    YEARLY_COUNTS,\n)")
    _replace(contract, "CSV_TABLES = (", "CSV_TABLES = (YEARLY_COUNTS, ")
    _append(package / "defs/assets/tables.py", block_with("yearly_counts =").text)
    _name_asset(package, "tables", "yearly_counts")


def _add_asset(package: Path) -> None:
    (package / "defs/assets/titles.py").write_text(block_with('"""How long titles are').text, encoding="utf-8")
    _name_asset(package, "titles", "titles_by_length")


def _add_check(package: Path) -> None:
    checks = package / "lake/contract/silver.py"
    own = '    checks=(\n        Check(\n            "every_work_is_a_book"'
    _replace(checks, own, own.replace("(\n", f"(\n*{block_with('(').text.rstrip()},\n", 1))


def _add_source(package: Path) -> None:
    (package / "openlibrary/recorded.py").write_text(block_with('"""A source in a folder').text, encoding="utf-8")
    text = (PROJECT_ROOT / CONTRIBUTING).read_text(encoding="utf-8")
    (choice,) = re.findall(r"`(return RecordedFolder\(.*?\))`", text)
    imports = "from pathlib import Path; from openlib_assets.openlibrary.recorded import RecordedFolder"
    _replace(package / "openlibrary/source.py", "return OpenLibrary(settings, WORKS)", f"{imports}; {choice}")


def _add_storage(package: Path) -> None:
    (package / "storage/memory.py").write_text(block_with('"""A storage in this process').text, encoding="utf-8")
    line = block_with("_OPENERS").text
    storage = package / "storage/__init__.py"
    before = f'{line.partition("=")[0]}= {{"s3": _open_s3}}\n'
    _replace(storage, before, f"from openlib_assets.storage.memory import MemoryStorage\n{line}")


def _name_asset(package: Path, module: str, name: str) -> None:
    text = f"from openlib_assets.defs.assets.{module} import {name}\n\nASSETS.append({name})\n"
    _append(package / "defs/assets/__init__.py", text)


def _append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{text}", encoding="utf-8")


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise ValueError(f"{file}: the recipe speaks of {old!r}, which is not there")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def run_copy(folder: Path, told: Path, variables: Mapping[str, str]) -> None:
    """Make a run of the copy in a folder, in a process forked for it; leave in a file what it tells.

    Of what was imported, only the packages of others stay. Why it failed is in the file `ERRORS` of the folder.
    """
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("openlib_assets", "openlib_assets_tests"):
            del sys.modules[name]
    begin(variables, {2: folder / ERRORS})  # there it prints what it fails with
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    told.write_text(json.dumps(import_module(__name__).run()), encoding="utf-8")


def run() -> dict[str, object]:
    """Run a subject that was recorded and one that was not, and return what became of them."""
    with temporary_instance() as instance:
        # Nobody listens at this address: the source that the recipe adds reads files.
        pipeline = Pipeline(Place("memory://recipes", {}), instance, "http://127.0.0.1:9", OPENLIB_DETAILS="off")
        result = pipeline.run(RECORDED, MISSING)
        tables = ("silver/books", "gold/yearly_counts", "gold/titles_by_length")
        return {
            "failed": failure_text(result),
            "checks": sorted({evaluation.check_name for evaluation in result.get_asset_check_evaluations()}),
            "files": list(pipeline.storage.paths("")),
            **{name: pipeline.table(f"{name}/subject={RECORDED}/part-0.parquet").to_pylist() for name in tables},
        }
