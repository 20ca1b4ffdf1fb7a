"""The comparison of all subjects, side by side, as one HTML page that links to each one's report."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import duckdb

from openlib_assets.openlibrary.subject_keys import encoded_key
from openlib_assets.report import words
from openlib_assets.report.charts import heat_map
from openlib_assets.report.numbers import Row
from openlib_assets.report.page import Chart, script_hash, template
from openlib_assets.tables import AUTHOR_BOOKS, AUTHORS, BOOKS, SUBJECT_CHANGES, SUBJECT_SUMMARY, Table
from openlib_assets.transform import sql_text

# The tables of the catalog that the comparison reads.
TABLES: tuple[Table, ...] = (BOOKS, AUTHORS, AUTHOR_BOOKS, SUBJECT_SUMMARY, SUBJECT_CHANGES)

_QUERIES = ("subjects", "overlaps", "bridging_authors")
# More squares than that side by side cannot be told apart on a page.
_MAPPED_SUBJECTS = 15


def comparison_numbers(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Compute the rows of the comparison from the catalog's views, by the name of the query."""
    return {name: connection.sql(sql_text(f"comparison/{name}")).to_arrow_table().to_pylist() for name in _QUERIES}


def comparison_html(numbers: Mapping[str, list[Row]]) -> str:
    """Give the page; equal numbers give equal text."""
    subjects = numbers["subjects"]
    return template("comparison.html").render(
        subjects=subjects,
        works=sum(row["works"] for row in subjects),
        incomplete=[row["subject"] for row in subjects if row["works"] != row["works_reported"]],
        overlap=_overlap(numbers),
        data=_data(numbers),
        script_hash=script_hash("explore.js"),
    )


def _overlap(numbers: Mapping[str, list[Row]]) -> Chart | None:
    """Draw which of the largest subjects share works."""
    largest = [row["subject"] for row in numbers["subjects"][:_MAPPED_SUBJECTS]]
    shares = {(row["subject"], row["other_subject"]): row["share_of_smaller"] for row in numbers["overlaps"]}
    pairs = [(one, other, shares.get((min(one, other), max(one, other)), 0.0)) for one in largest for other in largest]
    drawn = [
        {"subject": words.subject_name(one), "other": words.subject_name(other), "share": share}
        for one, other, share in pairs
        if one != other
    ]
    if not any(row["share"] for row in drawn):
        return None
    rows = [
        (
            f"{words.subject_name(row['subject'])} and {words.subject_name(row['other_subject'])}",
            row["works"],
            row["authors"],
        )
        for row in numbers["overlaps"][:50]
    ]
    return Chart(
        "overlap",
        "Works in common",
        heat_map(drawn, "subject", "other", "share", order=[words.subject_name(subject) for subject in largest]),
        f"The darker, the greater the part of the smaller subject's works that the other one lists, too; "
        f"the {len(largest)} largest subjects.",
        ("subjects", "works in common", "authors in common"),
        rows,
    )


def _data(numbers: Mapping[str, list[Row]]) -> dict[str, Any]:
    def about(subject: str) -> Row:
        return {"name": words.subject_name(subject), "report": f"{quote(encoded_key(subject))}/index.html"}

    return {
        "subjects": [{**row, **about(row["subject"])} for row in numbers["subjects"]],
        "bridges": [
            {**row, "subjects": [about(subject) for subject in row["subjects"]]} for row in numbers["bridging_authors"]
        ],
    }
