"""The stocking list beside its SQL: what its criteria weigh, and what it is made from where no store is known."""

from dataclasses import asdict, dataclass

from openlib_assets.lake.transform import Row


@dataclass(frozen=True)
class Weights:
    """How much each criterion of the stocking list counts, if nobody says otherwise."""

    demand: float = 5.0
    recency: float = 3.0
    author: float = 2.0
    no_free: float = 1.0

    def row(self, *, store_is_set: bool) -> Row:
        """Return the one row of the table `asked` that the SQL of the stocking list sees."""
        return Row({**asdict(self), "store_is_set": int(store_is_set)})


# What the SQL sees as `works_in_store` where no store catalogue is set.
NOTHING_IN_STORE = Row({"work_key": "", "decision": "", "units_sold": 0}).left_out()
