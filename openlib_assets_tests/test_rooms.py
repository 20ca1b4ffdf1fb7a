"""The house stays as it was planned: eight rooms, tests in folders of the same names, and nothing that is too large."""

from pathlib import Path

import openlib_assets
from openlib_assets.lake.contract import ALL_TABLES, CATALOGUE_TABLES, Layer

PACKAGE = Path(openlib_assets.__file__).parent
TESTS = Path(__file__).parent
BENCHMARKS = TESTS.parent / "benchmarks"

ROOMS_WITH_MODULES = {"cli", "defs", "lake", "openlibrary", "report", "sandbox", "storage"}
# What Dagster loads begins in definitions.py and goes on in defs.
ROOMS = ROOMS_WITH_MODULES | {"definitions.py", "settings.py", "sql"}
# Tests of several rooms at once, of what is around the package, and what tests are made with.
TESTS_OF_NO_ROOM = {"database", "deployed", "docs", "infra", "s3_server", "spark", "tools", "ui", "whole"}

MOST_LINES = 300
MOST_MODULES = 12  # of a folder; __init__ is none of them


def entries(folder: Path) -> set[str]:
    """Return the names of what is in a folder; byte code that an older checkout left there is nothing."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.parts[0] for path in files if "__pycache__" not in path.parts}


def folders(folder: Path) -> set[str]:
    """Return the names of the folders in a folder."""
    return {name for name in entries(folder) if (folder / name).is_dir()}


def test_the_package_has_its_eight_rooms_and_nothing_else_at_its_top() -> None:
    assert entries(PACKAGE) == ROOMS | {"__init__.py", "py.typed"}


def test_tests_lie_in_folders_of_the_rooms_names() -> None:
    assert folders(TESTS) == ROOMS_WITH_MODULES | TESTS_OF_NO_ROOM
    assert {path.name for path in TESTS.glob("test_*.py")} == {"test_rooms.py", "test_settings.py"}
    assert [room for room in ROOMS_WITH_MODULES if not list((TESTS / room).rglob("test_*.py"))] == []


def test_benchmarks_lie_in_folders_of_the_rooms_names() -> None:
    assert folders(BENCHMARKS) - ROOMS_WITH_MODULES == {"tools"}


def test_no_module_is_too_long_to_be_about_one_thing() -> None:
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in PACKAGE.rglob("*.py")}
    assert len(lines) > 80
    assert {str(path.relative_to(PACKAGE)): count for path, count in lines.items() if count > MOST_LINES} == {}


def test_no_folder_holds_so_many_modules_that_it_wants_rooms_of_its_own() -> None:
    modules = {
        folder: sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for folder in (PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir()))
    }
    assert max(modules.values()) > 8
    assert {str(folder.relative_to(PACKAGE)): many for folder, many in modules.items() if many > MOST_MODULES} == {}


def test_every_sql_file_of_silver_and_gold_makes_a_table_of_the_contract() -> None:
    tables = {f"{table.layer}/{table.name}.sql" for table in (*ALL_TABLES, *CATALOGUE_TABLES)}
    sql = PACKAGE / "sql"
    files = {
        path.relative_to(sql).as_posix() for layer in (Layer.SILVER, Layer.GOLD) for path in sql.glob(f"{layer}/*")
    }
    assert len(files) > 8
    assert files - tables == set()
