"""The warehouse's tables by subject: what the tables of each subject say, one under the other, and the history."""

from openlib_assets.lake.contract.columns import TEXT, WHOLE
from openlib_assets.lake.contract.gold import AUTHOR_YEARLY_COUNTS, SUBJECT_CHANGES, SUBJECT_SUMMARY
from openlib_assets.lake.contract.model import Column, Layer, Reference, Table
from openlib_assets.lake.contract.stocking import ORDER_LIST, STOCKING_LIST
from openlib_assets.lake.contract.warehouse import (
    FETCHED_AT,
    SUBJECT,
    WAREHOUSE_AUTHORS,
    WAREHOUSE_SUBJECTS,
    WORK_SUBJECTS,
    as_in,
)

SUBJECT_YEARLY_COUNTS = Table(
    "subject_author_yearly_counts",
    Layer.WAREHOUSE,
    "an author and a year in which they have at least one book of a subject",
    purpose="It answers how many books of a subject each author published in each year.",
    by_subject=False,
    key=("subject", *AUTHOR_YEARLY_COUNTS.key),
    columns=(SUBJECT, *AUTHOR_YEARLY_COUNTS.columns),
    references=(Reference(("subject",), WAREHOUSE_SUBJECTS), Reference(("author_key",), WAREHOUSE_AUTHORS)),
    made_from=(AUTHOR_YEARLY_COUNTS.name,),
    lineage=as_in(AUTHOR_YEARLY_COUNTS),
)

WAREHOUSE_STOCKING_LIST = Table(
    "stocking_list",
    Layer.WAREHOUSE,
    "a work of a subject, ranked by whether to stock it",
    purpose="For those who buy books: the stocking lists of all subjects; a work of several subjects stands in each.",
    by_subject=False,
    key=("subject", *STOCKING_LIST.key),
    columns=(SUBJECT, *STOCKING_LIST.columns),
    references=(Reference(("subject", "work_key"), WORK_SUBJECTS),),
    made_from=(STOCKING_LIST.name,),
    lineage=as_in(STOCKING_LIST),
)

WAREHOUSE_ORDER_LIST = Table(
    "order_list",
    Layer.WAREHOUSE,
    "an edition to order, for a subject",
    purpose="For those who order: the order lists of all subjects; a work of several subjects may stand in each.",
    by_subject=False,
    key=("subject", *ORDER_LIST.key),
    columns=(SUBJECT, *ORDER_LIST.columns),
    references=(
        Reference(("subject", "work_key"), WORK_SUBJECTS),
        Reference(("subject", "rank"), WAREHOUSE_STOCKING_LIST),
    ),
    made_from=(ORDER_LIST.name,),
    lineage=as_in(ORDER_LIST),
)

SUBJECT_HISTORY = Table(
    "subject_history",
    Layer.WAREHOUSE,
    "a snapshot of a subject",
    purpose="It shows trends: how a subject grew and changed from one snapshot to the next. It keeps the rows of "
    "snapshots that have been pruned.",
    by_subject=False,
    key=("subject", "snapshot"),
    columns=(
        SUBJECT,
        Column("snapshot", TEXT, "Name of the snapshot: the end of its fetch, in UTC (`YYYYMMDDTHHMMSSZ`)."),
        FETCHED_AT,
        Column("works", WHOLE, "Works that could be used."),
        Column("works_dated", WHOLE, "Works whose year had status `ok`."),
        Column(
            "works_added",
            WHOLE,
            "Works that the snapshot before did not have; null where there was none before that can be read.",
            nullable=True,
        ),
        Column(
            "works_removed",
            WHOLE,
            "Works that only the snapshot before had; null where there was none before that can be read.",
            nullable=True,
        ),
    ),
    references=(Reference(("subject",), WAREHOUSE_SUBJECTS),),
    made_from=("raw_works", SUBJECT_SUMMARY.name, SUBJECT_CHANGES.name),
    lineage={
        **{name: (f"{SUBJECT_SUMMARY.name}.{name}",) for name in ("fetched_at", "works", "works_dated")},
        **dict.fromkeys(("works_added", "works_removed"), (f"{SUBJECT_CHANGES.name}.change",)),
    },
)
