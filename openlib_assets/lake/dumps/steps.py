"""The steps from the files of a dump to its lake, in their order: which table each makes, from which, and how."""

from dataclasses import dataclass

from openlib_assets.lake.contract import Layer

# What a step reads that has it of the lake of the dump before.
BEFORE = "_before"


@dataclass(frozen=True)
class Step:
    """A step: the table that it makes, by SQL of the same name in the folder of its layer, from other tables.

    A name that ends in `_before` means the table of the dump before, which has no rows without one.
    `slices`: the step goes through its first input, and all others that have the column, in ranges of this column, by
    which they are sorted; so that it needs no more memory than a range. `bands`: the table has a part for each range of
    this column, of which no value is in two parts. `looked_up`: single keys of it are read, by which it is sorted.
    `inner`: it is no table of the contract, but one on the way to others.
    """

    layer: Layer
    table: str
    reads: tuple[str, ...]
    slices: str | None = None
    bands: str | None = None
    looked_up: bool = False
    inner: bool = False

    @property
    def sql(self) -> str:
        """The name of the SQL file below `sql/`, without its ending."""
        return f"dumps/{self.table}" if self.inner else f"{self.layer}/{self.table}"


@dataclass(frozen=True)
class LineFile:
    """A file of a dump: its name among them, the columns of its lines, and the table that its lines make."""

    name: str
    columns: tuple[str, ...]

    @property
    def table(self) -> str:
        """The table of its lines."""
        return f"dump_{self.name.replace('-', '_')}"

    @property
    def sql(self) -> str:
        """The name of the SQL file below `sql/`, without its ending."""
        return f"dumps/{self.table}"


_OF_RECORDS = ("type", "key", "", "", "record")

# By their size the largest last: what is wrong with a small one is known soon.
FILES = (
    LineFile("ratings", ("key", "", "rating", "rated_on")),
    LineFile("redirects", _OF_RECORDS),
    LineFile("reading-log", ("key", "", "shelf", "shelved_on")),
    LineFile("authors", _OF_RECORDS),
    LineFile("works", _OF_RECORDS),
    LineFile("editions", _OF_RECORDS),
)

STEPS = (
    Step(Layer.SILVER, "catalogue_rejects", tuple(file.table for file in FILES)),
    Step(Layer.SILVER, "catalogue_authors", ("dump_authors",)),
    Step(Layer.SILVER, "catalogue_demand", ("dump_ratings", "dump_reading_log")),
    Step(Layer.SILVER, "catalogue_editions", ("dump_editions",), looked_up=True),
    Step(Layer.SILVER, "catalogue_isbns", ("catalogue_editions",), slices="work_key"),
    Step(Layer.SILVER, "work_records", ("dump_works", "dump_editions"), inner=True),
    Step(Layer.SILVER, "work_authors", ("work_records", "catalogue_authors"), inner=True),
    Step(
        Layer.SILVER,
        "work_documents",
        ("work_records", "work_authors", "catalogue_editions", "catalogue_demand"),
        slices="work_key",
        inner=True,
    ),
    Step(Layer.SILVER, "catalogue_works", ("work_documents",), slices="work_key"),
    Step(
        Layer.SILVER,
        "catalogue_subjects",
        ("work_records", "work_documents", "catalogue_works", f"catalogue_works{BEFORE}"),
    ),
    Step(
        Layer.SILVER,
        "catalogue_subject_works",
        ("work_documents", "catalogue_subjects"),
        bands="subject",
        looked_up=True,
        inner=True,
    ),
    Step(Layer.GOLD, "catalogue_author_yearly_counts", ("catalogue_works", "catalogue_authors")),
    Step(
        Layer.GOLD,
        "catalogue_author_averages",
        ("catalogue_works", "catalogue_authors", "catalogue_author_yearly_counts"),
        looked_up=True,
    ),
    Step(Layer.GOLD, "catalogue_changes", ("catalogue_works", f"catalogue_works{BEFORE}", "dump_redirects")),
)


def layer_of(table: str) -> Layer:
    """Return the layer of a table of a dump."""
    return _LAYERS[table]


_LAYERS = {step.table: step.layer for step in STEPS} | {file.table: Layer.BRONZE for file in FILES}
