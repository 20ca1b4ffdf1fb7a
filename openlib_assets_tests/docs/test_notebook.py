"""The notebook is one by Jupyter's schema, keeps no outputs, and its cells run on a made root and say what is true."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from openlib_assets.lake.catalog import ask
from openlib_assets.lake.catalog.views import named_in
from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets_tests.conftest import Pipeline
from openlib_assets_tests.docs import generated
from openlib_assets_tests.tools.deployment import PROJECT_ROOT
from openlib_assets_tests.tools.fetched_twice import CHANGED, SIZES

NOTEBOOK = PROJECT_ROOT / generated.DOCS / "notebooks/ten_questions.ipynb"
# What is left in the namespace when all cells have run, as JSON.
_TOLD = """
import json
print(json.dumps({name: json.loads(value.to_json(orient="records", date_format="iso"))
                  for name, value in globals().items() if isinstance(value, (pd.DataFrame, pd.Series))
                  and not name.startswith("_")}))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    read: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return read


def code(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_the_notebook_is_one_without_outputs(notebook: nbformat.NotebookNode) -> None:
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


def test_it_asks_ten_questions_each_followed_by_code(notebook: nbformat.NotebookNode) -> None:
    questions = [
        place for place, cell in enumerate(notebook.cells) if "\n## " in f"\n{cell.source}" and "?" in cell.source
    ]
    assert len(questions) == 10
    assert all(notebook.cells[place + 1].cell_type == "code" for place in questions)


def test_it_reads_most_tables_of_the_warehouse_in_sql_and_in_pandas(notebook: nbformat.NotebookNode) -> None:
    text = code(notebook)
    assert sum(table.name in text for table in WAREHOUSE_TABLES) >= 9
    assert all(call in text for call in (".groupby(", ".explode(", ".value_counts("))


def test_every_cell_runs_and_the_answers_are_those_of_the_root(
    notebook: nbformat.NotebookNode, made: Pipeline, tmp_path: Path
) -> None:
    script = tmp_path / "cells.py"
    script.write_text(code(notebook) + _TOLD, encoding="utf-8")
    variables = {**os.environ, "OPENLIB_STORAGE": made.place.root}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {row["subject"]: row["works"] for row in told["subjects"]} == SIZES
    assert told["once"][0]["listed"] == sum(SIZES.values())
    assert told["once"][0]["works"] == len(told["works"]) <= sum(SIZES.values())
    assert sum(told["decades"]) == sum(row["year_status"] == "ok" for row in told["works"])
    growth = [row["growth"] for row in told["history"] if row["subject"] == CHANGED]
    assert growth == [None, 0]
    assert told["yearly"]
    assert told["languages"]
    query = """
        SELECT
            (SELECT count(*) FROM author_averages WHERE dated_book_count >= 3) AS averages,
            (SELECT count(DISTINCT work_key) FROM order_list) AS orders
    """
    (counted,), _ = ask(made.storage, named_in(query), lambda connection: connection.execute(query).fetchall())
    assert [len(told[name]) for name in ("averages", "orders")] == [min(10, count) for count in counted]
    assert told["orders"], "there is something to order"
