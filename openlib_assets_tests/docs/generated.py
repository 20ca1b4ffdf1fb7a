"""What is generated: into docs/ the data dictionary, the contract for other programs, SQL in other dialects, and the
CSV files of a small sandbox subject; into infra/ the tables as the Glue catalogue describes them.

`python -m openlib_assets_tests.docs.generated .` writes them; a test proves that they are what the code makes today.
"""

import json
import sys
import tempfile
from pathlib import Path

import pyarrow as pa

from openlib_assets.cli.runs import run_subjects
from openlib_assets.definitions import build_defs
from openlib_assets.defs.steps.checks import CONTRACT_HOLDS
from openlib_assets.lake import layout
from openlib_assets.lake.catalog.views import BY_SUBJECT
from openlib_assets.lake.contract import (
    ALL_TABLES,
    CATALOGUE_TABLES,
    CSV_TABLES,
    DERIVED_TABLES,
    WAREHOUSE_TABLES,
    Column,
    Layer,
    Table,
)
from openlib_assets.lake.contract.model import Reference
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage, open_storage
from openlib_assets_tests.conftest import environment
from openlib_assets_tests.docs import contract_files, loading
from openlib_assets_tests.tools import dialects
from openlib_assets_tests.tools.instances import temporary_instance

DOCS = Path("docs")
GLUE_TABLES = Path("infra/terraform/modules/catalogue/tables.json")
DATA_DICTIONARY = "data_dictionary.md"
SQL_FOLDER = "sql"
SAMPLE_FOLDER = "sample_output"
SAMPLE_SUBJECT = "place:venice"
_SAMPLE_WORKS = 25
_GLUE_TYPES = {
    pa.string(): "string",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.list_(pa.string()): "array<string>",
    pa.timestamp("us", "UTC"): "timestamp",
}
# Years lie well in the past, so that none of them becomes plausible only because time passes.
_THIS_YEAR = 2020


def data_dictionary() -> str:
    """Return the data dictionary as Markdown."""
    every = (*ALL_TABLES, *WAREHOUSE_TABLES, *CATALOGUE_TABLES)
    apart = ", ".join(f"`{check.name}`" for table in every for check in table.all_checks if check.apart)
    head = (
        "# Data dictionary\n\nGenerated from `openlib_assets/lake/contract/` by `make docs`.\n\n"
        f"Dagster shows the checks of a table as one, `{CONTRACT_HOLDS}`, which has the numbers of all of them and "
        f"names those that failed. Only {apart} are shown under their own names.\n\n"
        "In SQL, the tables of the [warehouse](#the-warehouse) have these names. All tables of the subjects lie in the "
        f"schema `{BY_SUBJECT}`; those whose names the warehouse does not use have their plain names, too. For other "
        f"programs: [Open Data Contract Standard]({contract_files.FOLDER}/{contract_files.ODCS}), "
        f"[JSON Schema]({contract_files.FOLDER}/{contract_files.JSON_SCHEMAS}), "
        f"[dbt sources]({contract_files.FOLDER}/{contract_files.DBT_SOURCES}).\n\n"
        "## Tables of the subjects\n\n"
        "A file of each subject; `store_catalogue` and `store_matches` are one for all.\n"
    )
    warehouse = (
        "## The warehouse\n\n"
        "One star schema over all subjects. Some of its tables have the names of tables of the subjects, and other "
        "rows.\n"
    )
    dumps = (
        "## The whole catalogue\n\n"
        "Tables of a [monthly dump](dumps.md), of all of Open Library; in SQL, those of the latest that is built.\n"
    )
    return "\n".join(
        [
            head,
            *map(_about, ALL_TABLES),
            warehouse,
            *map(_about, WAREHOUSE_TABLES),
            dumps,
            *map(_about, CATALOGUE_TABLES),
        ]
    )


def _about(table: Table) -> str:
    lines = [
        f"### `{table.name}`",
        "",
        f"{table.description} Layer: {table.layer}. Key: {', '.join(f'`{name}`' for name in table.key)}."
        + (f" Made from {', '.join(f'`{name}`' for name in table.made_from)}." if table.made_from else "")
        + "".join(f" {_refers(reference)}" for reference in table.references),
        "",
        "| column | type | null? | meaning |",
        "| --- | --- | --- | --- |",
        *(
            f"| `{column.name}` | {_type(column.type)} | {'yes' if column.nullable else 'no'} | {column.description} |"
            for column in table.columns
        ),
        "",
        "| check | blocks? | in Dagster | what must hold |",
        "| --- | --- | --- | --- |",
        *(
            f"| `{check.name}` | {'yes' if check.blocking else 'warns'} "
            f"| {'by this name' if check.apart else f'in `{CONTRACT_HOLDS}`'} | {check.description} |"
            for check in table.all_checks
        ),
        "",
    ]
    return "\n".join(lines)


def _refers(reference: Reference) -> str:
    columns = " and ".join(f"`{column}`" for column in reference.columns)
    return f"{columns} {'is' if len(reference.columns) == 1 else 'are'} the key of a row of `{reference.table.name}`."


def _type(kind: pa.DataType) -> str:
    return str(kind).replace("list<item: string>", "list of string").replace("list<element: string>", "list of string")


def sql_files() -> dict[str, str]:
    """Return the SQL of the aggregates, and what loads the warehouse, in each dialect, by its path."""
    aggregates = {
        f"{dialect}/{table.name}.sql": dialects.documented(table, dialect)
        for dialect in dialects.DIALECTS
        for table in dialects.AGGREGATES
    }
    return aggregates | {f"{name}/{loading.FILE}": loading.loading_sql(name) for name in loading.LOADED_BY}


def glue_tables() -> str:
    """Return the tables of silver, gold and the warehouse as JSON: names, descriptions, and columns in Glue's terms."""
    tables = [
        {
            "name": table.name,
            "layer": table.layer,
            "description": table.description,
            "columns": [*map(_glue_column, table.columns)],
        }
        for table in (*DERIVED_TABLES, *WAREHOUSE_TABLES)
        if table.layer is not Layer.SERVING  # what is made for people lies in `exports`, too
    ]
    return json.dumps(tables, indent=2, ensure_ascii=False) + "\n"


def _glue_column(column: Column) -> dict[str, str]:
    return {"name": column.name, "type": _GLUE_TYPES[column.type], "description": column.description}


def made_subject(folder: Path, subject: str, works: int) -> Storage:
    """Run a subject of the sandbox into a folder and return the storage there."""
    with (
        Sandbox(SandboxConfig({subject: works}, this_year=_THIS_YEAR)) as sandbox,
        temporary_instance() as instance,
        environment(
            {
                "OPENLIB_API_URL": sandbox.url,
                "OPENLIB_STORAGE": str(folder),
                "OPENLIB_REQUESTS_PER_SECOND": "1000",
            }
        ),
    ):
        storage = open_storage(str(folder))
        (result,) = run_subjects(instance, build_defs(Settings.from_env()), storage, [subject], force=False)
    if result.error:
        raise RuntimeError(result.error)
    return storage


def sample_files(folder: Path) -> dict[str, bytes]:
    """Run the sample subject from the sandbox into `folder` and return its CSV files by name."""
    storage = made_subject(folder, SAMPLE_SUBJECT, _SAMPLE_WORKS)
    return {f"{table.name}.csv": storage.read(layout.csv_file(SAMPLE_SUBJECT, table.name)) for table in CSV_TABLES}


def write(project: Path) -> None:
    """Write everything that is generated into the project's folder."""
    docs = project / DOCS
    (project / GLUE_TABLES).write_text(glue_tables(), encoding="utf-8")
    (docs / DATA_DICTIONARY).write_text(data_dictionary(), encoding="utf-8")
    for folder, texts in ((SQL_FOLDER, sql_files()), (contract_files.FOLDER, contract_files.contract_files())):
        for name, text in texts.items():
            path = docs / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    (docs / SAMPLE_FOLDER).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in sample_files(Path(folder)).items():
            (docs / SAMPLE_FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
