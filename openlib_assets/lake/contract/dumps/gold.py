"""Gold of a dump: what its authors wrote in all, and what changed since the dump before."""

from dataclasses import replace

from openlib_assets.lake.contract.columns import TEXT, WORK_KEY
from openlib_assets.lake.contract.dumps.silver import of_a_dump
from openlib_assets.lake.contract.gold import AUTHOR_AVERAGES, AUTHOR_YEARLY_COUNTS
from openlib_assets.lake.contract.model import Column, Layer, Table


def _over_all_subjects(table: Table) -> tuple[Column, ...]:
    """Return the columns of an author table, as they are meant where all works of Open Library are counted."""
    name = Column("author_name", TEXT, "The author's name; null where it is blank.", nullable=True)
    return tuple(
        name
        if column.name == "author_name"
        else replace(column, description=column.description.replace(" of the subject", " of Open Library"))
        for column in table.columns
    )


CATALOGUE_YEARLY_COUNTS = of_a_dump(
    "catalogue_author_yearly_counts",
    Layer.GOLD,
    "an author of Open Library and a year in which they have at least one book",
    purpose="It tells how many books an author brought out in a year, of whatever subject.",
    key=("author_key", "year"),
    columns=_over_all_subjects(AUTHOR_YEARLY_COUNTS),
    made_from=("catalogue_works", "catalogue_authors"),
)

CATALOGUE_AVERAGES = of_a_dump(
    "catalogue_author_averages",
    Layer.GOLD,
    "an author of Open Library with at least one book",
    purpose="It tells how many books a year an author brings out, over their whole work and not one subject.",
    key=("author_key",),
    columns=_over_all_subjects(AUTHOR_AVERAGES),
    made_from=("catalogue_works", "catalogue_authors", "catalogue_author_yearly_counts"),
)

CATALOGUE_CHANGES = of_a_dump(
    "catalogue_changes",
    Layer.GOLD,
    "a work that came, went or changed since the dump before",
    purpose="It tells what is new in Open Library, and where works went that were merged.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("title", TEXT, "The title, the newer one; null without one.", nullable=True),
        Column("change", TEXT, "`added`, `removed`, or `changed`: any column of `catalogue_works` differs."),
        Column(
            "merged_into", TEXT, "Of a removed work, the work that its redirects lead to; null if none.", nullable=True
        ),
        Column("previous_dump", TEXT, "Date of the dump before."),
        Column("current_dump", TEXT, "Date of this dump."),
    ),
    made_from=("catalogue_works", "dump_records"),
)
