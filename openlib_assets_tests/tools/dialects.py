"""The SQL of the two aggregates for warehouses, in which the tables of all subjects stand in one schema.

sqlglot translates, and says hardly ever that it cannot: so the SQL keeps to `PORTABLE`, what the tests prove equal.
"""

from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp

from openlib_assets.lake.contract import AUTHOR_AVERAGES, AUTHOR_YEARLY_COUNTS, Table
from openlib_assets.lake.transform import sql_text

# As sqlglot calls them, and as people do.
DIALECTS = {
    "athena": "Athena (Trino)",
    "snowflake": "Snowflake",
    "databricks": "Databricks (Spark)",
    "bigquery": "BigQuery",
}
AGGREGATES = (AUTHOR_YEARLY_COUNTS, AUTHOR_AVERAGES)
SCHEMA = "openlib"
EXAMPLE_SUBJECT = "science_fiction"

# Each kind of node in sqlglot's tree, and what may stand in it where. Nothing is here that the aggregates do not use,
# since only what they use is executed and compared.
PORTABLE: Mapping[str, str] = {
    "Add": "this=Sub expression=Literal",
    "Alias": "alias=Identifier this=Add this=Coalesce this=Column this=Count this=Div this=Sum",
    "CTE": "alias=TableAlias this=Select",
    "Cast": "this=Column to=DataType",
    "Coalesce": "this=Column expressions=Literal",
    "Column": "table=Identifier this=Identifier",
    "Count": "this=Star big_int=True",
    "DataType": "this=DType.DOUBLE",
    "Div": "this=Cast expression=Column expression=Paren",
    "EQ": "this=Column expression=Column expression=Literal",
    "From": "this=Table",
    "Group": "expressions=Column",
    "Join": "side=LEFT this=Table on=EQ",
    "Literal": "is_string=True",
    "Order": "expressions=Ordered",
    "Ordered": "this=Column",
    "Paren": "this=Add",
    "Select": "with_=With expressions=Alias expressions=Column from_=From joins=Join where=Where group=Group "
    "order=Order",
    "Sub": "this=Column expression=Column",
    "Sum": "this=Column",
    "Table": "this=Identifier",
    "TableAlias": "this=Identifier",
    "Where": "this=EQ",
    "With": "expressions=CTE",
}


class NotPortableError(ValueError):
    """SQL that sqlglot might translate into something else."""


def translated(table: Table, dialect: str, subject: str) -> str:
    """Return the query for a table of one subject in a dialect; raises NotPortableError for what no test has proven."""
    query = sqlglot.parse_one(sql_text(table.sql), read="duckdb")
    require_portable(query)
    query.pop_comments()
    own = query.args.get("with_")
    inputs = [_of_subject(name, subject) for name in table.made_from]
    query.set("with_", exp.With(expressions=[*inputs, *(own.expressions if own else [])]))
    return written(query, dialect)


def written(query: exp.Expr, dialect: str) -> str:
    """Return a query as text of a dialect, laid out as the project's own; raises UnsupportedError."""
    return query.sql(
        dialect,
        pretty=True,
        indent=4,
        pad=4,
        max_text_width=120,
        normalize_functions="lower",
        unsupported_level=sqlglot.ErrorLevel.RAISE,
    )


def documented(table: Table, dialect: str) -> str:
    """Return the file that is kept for analysts: the query, below what a row is and what to change."""
    return "\n".join(
        [
            *(line for line in sql_text(table.sql).splitlines() if line.startswith("--")),
            "--",
            f"-- For {DIALECTS[dialect]}: made from openlib_assets/sql/{table.sql}.sql by `make docs`.",
            f"-- Change '{EXAMPLE_SUBJECT}', the subject, wherever it stands, and {SCHEMA}, where the tables are.",
            translated(table, dialect, EXAMPLE_SUBJECT),
            "",
        ]
    )


def require_portable(query: exp.Expr) -> None:
    """Raise NotPortableError for a query that uses anything beyond `PORTABLE`."""
    allowed = {f"{kind}.{use}" for kind, uses in PORTABLE.items() for use in uses.split()}
    if beyond := used(query) - allowed:
        raise NotPortableError(f"not known to mean the same in every dialect: {', '.join(sorted(beyond))}")


def used(query: exp.Expr) -> set[str]:
    """Tell what a query is made of: which kind of node holds what where, `Div.this=Cast`."""
    return {f"{type(node).__name__}.{use}" for node in query.walk() for use in _uses(node)}


def _uses(node: exp.Expr) -> Iterator[str]:
    for place, value in node.args.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, exp.Expr):
                yield f"{place}={type(item).__name__}"
            elif isinstance(node, exp.Identifier | exp.Literal) and place == "this":
                continue  # a name or a value, which is the query's own
            elif item:
                yield f"{place}={item}"


def _of_subject(table: str, subject: str) -> exp.CTE:
    """Return the CTE that stands for a table: its rows of one subject. The schema keeps it from naming itself."""
    rows = exp.select("*").from_(exp.table_(table, db=SCHEMA)).where(exp.column("subject").eq(subject))
    return exp.CTE(this=rows, alias=exp.TableAlias(this=exp.to_identifier(table)))
