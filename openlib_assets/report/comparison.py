"""The comparison of all subjects, side by side, as one HTML page that links to each one's report."""

from collections.abc import Mapping
from itertools import groupby, islice
from typing import Any
from urllib.parse import quote

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.contract import (
    SUBJECT_HISTORY,
    WAREHOUSE_AUTHORS,
    WAREHOUSE_SUBJECTS,
    WORK_AUTHORS,
    WORK_SUBJECTS,
    WORKS,
    Table,
)
from openlib_assets.lake.transform import sql_text
from openlib_assets.openlibrary import site
from openlib_assets.report import words
from openlib_assets.report.charts import heat_map
from openlib_assets.report.counts import Row
from openlib_assets.report.page import Chart
from openlib_assets.report.related import beside_fetched, to_fetch
from openlib_assets.report.rendering import script, template

# The tables of the warehouse that the comparison reads.
TABLES: tuple[Table, ...] = (
    WAREHOUSE_SUBJECTS,
    WORKS,
    WORK_SUBJECTS,
    WAREHOUSE_AUTHORS,
    WORK_AUTHORS,
    SUBJECT_HISTORY,
)

_QUERIES = ("largest_subjects", "subjects", "overlaps", "bridging_authors")
_LISTED_PAIRS = 50
_RELATED_OF_EACH = 20


def comparison_numbers(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Return the rows of the comparison from the tables of the warehouse, by the name of the query."""
    connection.execute(
        "CREATE TEMP VIEW books AS SELECT subject, works.* FROM work_subjects JOIN works USING (work_key)"
    )
    connection.execute(f"CREATE TEMP VIEW largest_subjects AS {sql_text('comparison/largest_subjects')}")
    found = {name: connection.sql(sql_text(f"comparison/{name}")).to_arrow_table().to_pylist() for name in _QUERIES}
    return found | {
        "to_fetch": to_fetch(connection),
        "related": beside_fetched(connection, "SELECT subject FROM largest_subjects"),
    }


def comparison_html(numbers: Mapping[str, list[Row]]) -> str:
    """Return the page; equal numbers give equal text."""
    subjects = numbers["subjects"]
    return template("comparison.html").render(
        subjects=subjects,
        works=sum(row["works"] for row in subjects),
        incomplete=[
            words.subject_name(row["subject"])
            for row in subjects
            if row["works"] + row["works_rejected"] != row["works_reported"]
        ],
        few=words.FEW,
        compared=len(numbers["largest_subjects"]),
        overlap=_overlap(numbers),
        data=_data(numbers),
        script=script("explore.js", "comparison.js"),
    )


def _overlap(numbers: Mapping[str, list[Row]]) -> Chart | None:
    """Return a chart of which of the largest subjects share works, or nothing where none do."""
    largest = [row["subject"] for row in numbers["largest_subjects"]]
    shares = {(row["subject"], row["other_subject"]): row["share_of_smaller"] for row in numbers["overlaps"]}
    drawn = {
        (down, across): shares.get((min(one, other), max(one, other)), 0.0)
        for down, one in enumerate(largest)
        for across, other in enumerate(largest)
        if one != other
    }
    if not any(drawn.values()):
        return None
    rows = [
        (
            f"{words.subject_name(row['subject'])} and {words.subject_name(row['other_subject'])}",
            row["works"],
            row["authors"],
        )
        for row in numbers["overlaps"][:_LISTED_PAIRS]
    ]
    return Chart(
        "overlap",
        "Works in common",
        heat_map([words.subject_name(subject) for subject in largest], drawn),
        "The stronger the colour, the greater the share of the smaller subject's works that the other subject lists, "
        f"too; at its strongest, all of them. The chart shows the {len(largest)} largest subjects, the table "
        f"{words.counted(len(rows), 'pair')}, those with most works in common first.",
        ("subjects", "works in common", "authors in common"),
        rows,
    )


def _data(numbers: Mapping[str, list[Row]]) -> dict[str, Any]:
    def about(subject: str) -> Row:
        report = layout.report_file(subject).removeprefix(f"{layout.REPORTS}/")
        return {"name": words.subject_name(subject), "report": quote(report)}

    return {
        "subjects": [{**row, **about(row["subject"]), "growth": _growth(row)} for row in numbers["subjects"]],
        "to_fetch": [{**row, **_how_to_get(row["key"]), "beside": about(row["beside"])} for row in numbers["to_fetch"]],
        "related": [
            {**row, **_how_to_get(row["key"]), "beside": about(subject)}
            for subject, rows in groupby(numbers["related"], lambda row: row["subject"])
            for row in islice(rows, _RELATED_OF_EACH)
        ],
        "bridges": [
            {**row, "subjects": [about(subject) for subject in row["subjects"]]} for row in numbers["bridging_authors"]
        ],
    }


def _how_to_get(subject: str) -> dict[str, str]:
    return {"link": site.subject_link(subject), "command": words.add_command(subject)}


def _growth(row: Row) -> float | None:
    """Return by how many percent the last ten years have more books than the ten before; nothing if they are few."""
    recent, before = row["books_recent"], row["books_before"]
    return 100 * (recent - before) / before if min(recent, before) >= words.FEW else None
