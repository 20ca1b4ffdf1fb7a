"""`openlib sql`: a query over the tables of all subjects."""

from pathlib import Path

import click

_QUERIES = ("SELECT", "EXPLAIN", "CALL", "COPY")


@click.command()
@click.argument("query", required=False)
@click.option(
    "--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the query from a file."
)
@click.option(
    "--format", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True, help="How to print."
)
def sql(query: str | None, *, file: Path | None, form: str) -> None:
    """Run one QUERY in DuckDB, over the warehouse: works, authors and what is told of them, each once.

    The tables of the subjects, with `subject` as their first column, lie in the schema by_subject.
    """
    if (query is None) == (file is None):
        raise click.UsageError("give either a query or --file")
    import duckdb

    from openlib_assets.cli.output import print_rows
    from openlib_assets.lake.catalog import ask
    from openlib_assets.lake.catalog.views import hint, named_in
    from openlib_assets.lake.exports.csv_lines import csv_lines, marked, text_of
    from openlib_assets.settings import Settings
    from openlib_assets.storage import open_storage

    try:
        text = (query or "") if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file}: {error}; it must be a file in UTF-8 that can be read") from error

    def answer(connection: duckdb.DuckDBPyConnection) -> tuple[list[str], list[tuple[object, ...]]]:
        kinds = [statement.type for statement in connection.extract_statements(text)]
        if not kinds:
            raise click.UsageError("the query is empty; give one, such as: SELECT count(*) FROM works")
        # DuckDB makes a PIVOT several statements, of which one is the query.
        if (queries := sum(kind.name in _QUERIES for kind in kinds)) != 1:
            problem = f"these are {queries} queries; give one" if queries else f"{kinds[0].name} would keep nothing"
            raise click.UsageError(f"{problem}: a SELECT, or COPY (SELECT ...) TO 'FILE' to write a file")
        result = connection.execute(text)
        return [column[0] for column in result.description or []], result.fetchall()

    try:
        (headings, rows), left_out = ask(open_storage(Settings.from_env().storage), named_in(text), answer)
    except duckdb.Error as error:
        # DuckDB knows no views but those that the query names, and suggests tables of its own.
        said = " ".join(str(error).split()).partition(" Did you mean ")[0]
        raise click.UsageError(said[:500] + hint(text, error)) from error
    for line in left_out:
        click.echo(line, err=True)
    if form == "csv":
        click.echo(csv_lines([headings, *([marked(text_of(value)) for value in row] for row in rows)]), nl=False)
    else:
        print_rows(headings, rows, text_of)
