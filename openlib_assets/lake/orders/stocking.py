"""The stocking list beside its SQL: what its criteria weigh, and the store that its works are looked for in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from openlib_assets.lake import layout
from openlib_assets.lake.contract import STORE_CATALOGUE
from openlib_assets.lake.table_files import TableFile, open_table
from openlib_assets.lake.transform import Row
from openlib_assets.storage import Storage


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


@contextmanager
def open_catalogue(storage: Storage) -> Iterator[TableFile | None]:
    """Lend the store's catalogue, None if it was not read yet; raises TableFileError for one that is unreadable."""
    path = layout.shared_table_file(STORE_CATALOGUE.layer, STORE_CATALOGUE.name)
    if not storage.exists(path):
        yield None
        return
    with open_table(storage, path, remedy=f"make it again: materialize {STORE_CATALOGUE.name}") as catalogue:
        yield catalogue
