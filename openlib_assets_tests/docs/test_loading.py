"""What loads the warehouse elsewhere: parsed by its dialect, of the columns that the files have, run by the shell."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.warehouse import versions
from openlib_assets_tests.conftest import Pipeline
from openlib_assets_tests.docs import generated, loading
from openlib_assets_tests.docs.markdown import Block, blocks
from openlib_assets_tests.tools.deployment import PROJECT_ROOT

DOCUMENT = "docs/warehouses.md"
DOCS = PROJECT_ROOT / generated.DOCS
NAMES = [table.name for table in WAREHOUSE_TABLES]
for_each_system = pytest.mark.parametrize("dialect", loading.LOADED_BY)

# What each type of the files may become, as sqlglot writes it.
KINDS: Mapping[str, Mapping[pa.DataType, str]] = {
    "snowflake": {
        pa.string(): "VARCHAR",
        pa.int64(): "DECIMAL(38, 0)",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
        pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
        pa.list_(pa.string()): "ARRAY",
    },
    "redshift": {
        pa.string(): "VARCHAR(65535)",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE PRECISION",
        pa.bool_(): "BOOLEAN",
        pa.timestamp("us", "UTC"): "TIMESTAMP",
        pa.list_(pa.string()): "SUPER",
    },
    "bigquery": {
        pa.string(): "STRING",
        pa.int64(): "INT64",
        pa.float64(): "FLOAT64",
        pa.bool_(): "BOOL",
        pa.timestamp("us", "UTC"): "TIMESTAMP",
        pa.list_(pa.string()): "ARRAY<STRING>",
    },
}


def parsed(dialect: str) -> list[exp.Expr]:
    found = sqlglot.parse(loading.loading_sql(dialect), read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    return [statement for statement in found if statement is not None]


@for_each_system
def test_every_statement_is_one_of_the_dialect(dialect: str) -> None:
    statements = parsed(dialect)
    # What a dialect of sqlglot's does not know, it keeps as a command.
    assert [statement.sql(dialect) for statement in statements if isinstance(statement, exp.Command)] == []
    kinds = [type(statement).__name__ for statement in statements]
    many = len(NAMES)
    if dialect == "bigquery":
        assert kinds == ["Create", *["LoadData"] * many, *["Alter"] * many]
    else:
        created = ["Create"] * (many + (2 if dialect == "snowflake" else 1))
        assert kinds == [*created, "Transaction", *["Delete", "Copy"] * many, "Commit"]


@for_each_system
def test_each_table_has_the_columns_of_its_file_in_their_order(dialect: str, made: Pipeline) -> None:
    version = versions.current(made.storage)
    assert version is not None
    found = {}
    for statement in parsed(dialect):
        schema = statement.find(exp.Schema)
        if schema is not None:
            table = schema.find(exp.Table)
            assert table is not None
            assert table.db == "openlib"
            found[table.name] = [
                (column.name, column.args["kind"].sql(dialect), _is_required(column))
                for column in schema.find_all(exp.ColumnDef)
            ]
    wanted = {}
    for name in NAMES:
        with made.storage.local_copy(version.file(name)) as file:
            fields = pq.read_schema(file)
        wanted[name] = [(field.name, KINDS[dialect][_plain(field.type)], not field.nullable) for field in fields]
    if dialect == "bigquery":
        lists = KINDS[dialect][pa.list_(pa.string())]
        wanted = {name: [(c, k, required and k != lists) for c, k, required in cs] for name, cs in wanted.items()}
    assert found == wanted


def _is_required(column: exp.ColumnDef) -> bool:
    return any(isinstance(one.kind, exp.NotNullColumnConstraint) for one in column.constraints)


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.string()) if pa.types.is_list(kind) else kind


@pytest.mark.parametrize("dialect", ["snowflake", "redshift"])
def test_primary_keys_are_the_contracts(dialect: str) -> None:
    text = loading.loading_sql(dialect)
    assert [key.replace('"', "") for key in re.findall(r"PRIMARY KEY \((.*)\)", text)] == [
        ", ".join(table.key) for table in WAREHOUSE_TABLES
    ]


@for_each_system
def test_a_column_of_a_reserved_name_is_in_quotes(dialect: str) -> None:
    # Of Snowflake's words sqlglot has no list.
    reserved = Dialect[dialect].generator_class.RESERVED_KEYWORDS
    assert (dialect == "snowflake") is not ("select" in reserved)
    named = [name for part in parsed(dialect) for name in part.find_all(exp.Identifier)]
    assert {name.this for name in named if name.this in reserved and not name.args["quoted"]} == set()
    assert (dialect == "redshift") is ('"snapshot" VARCHAR' in loading.loading_sql(dialect))


@pytest.mark.parametrize("block", blocks(DOCUMENT, "sql"), ids=str)
def test_what_the_document_shows_is_part_of_a_file(block: Block) -> None:
    assert sum(block.text in loading.loading_sql(dialect) for dialect in loading.LOADED_BY) == 1


def test_the_shell_commands_load_the_current_version(made: Pipeline, tmp_path: Path) -> None:
    """With stand-ins for the programs of others, which keep what they are given."""
    root = Path(made.place.root)
    programs = tmp_path / "programs"
    programs.mkdir()
    scripts = {
        "aws": f'test "$1 $2 $4" = "s3 cp -" && cat "{root}/${{3#s3://bucket/prefix/}}"',
        "snow": f'test "$1 $2" = "sql -f" && cp "$3" {tmp_path}/ran-snowflake',
        "psql": f'test "$1 $2 $3" = "--set ON_ERROR_STOP=1 -f" && cp "$4" {tmp_path}/ran-redshift',
        "bq": f'test "$1 $2" = "query --use_legacy_sql=false" && cat > {tmp_path}/ran-bigquery',
        "dbt": f'test -e "$3/dbt_project.yml" && echo "$@" > {tmp_path}/ran-dbt',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    (tmp_path / "docs").symlink_to(DOCS)
    shell = "\n".join(block.text for block in blocks(DOCUMENT, "sh"))
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    done = subprocess.run(["sh", "-ec", shell], cwd=tmp_path, env={"PATH": path}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for dialect in loading.LOADED_BY:
        text = (tmp_path / f"ran-{dialect}").read_text(encoding="utf-8")
        paths = re.findall(r"warehouse/[^']*?part-0\.parquet", text)
        assert len(paths) == len(NAMES)
        assert all((root / file).is_file() for file in paths)
        assert not re.search(rf"\b{loading.VERSION}\b", text.split("\n\n", 1)[1])
    assert "source:openlib" in (tmp_path / "ran-dbt").read_text(encoding="utf-8")


def test_every_block_of_the_document_is_tried() -> None:
    assert {block.language for block in blocks(DOCUMENT)} == {"sh", "sql"}
