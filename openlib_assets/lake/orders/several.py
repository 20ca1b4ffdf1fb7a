"""Orders for several subjects: their order lists as one, each book once."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.contract import ORDER_LIST, STOCKING_LIST, Column
from openlib_assets.lake.table_files import TableFile, open_table, table_file, write_table
from openlib_assets.lake.transform import Relation, Row, connected, sql_text
from openlib_assets.openlibrary.subject_keys import as_argument
from openlib_assets.storage import Storage

_BATCH_ROWS = 8_192

# As the order list of one subject, and which subjects list the work.
ORDERS = replace(
    ORDER_LIST,
    name="orders",
    columns=(
        *ORDER_LIST.columns,
        Column("subjects", pa.list_(pa.string()), "The subjects whose order lists have the work, by key."),
    ),
)


@contextmanager
def orders_of(storage: Storage, subjects: Sequence[str]) -> Iterator[TableFile]:
    """Lend the orders for some subjects, best first; raises TableFileError for a subject without an order list."""
    with ExitStack() as stack:
        lists: dict[str, Relation] = {}
        for place, subject in enumerate(subjects):
            remedy = f"make it with: openlib run {as_argument(subject)}"
            lists[f"subject_{place}"] = Row({"subject": subject})
            for name, table in {"list": ORDER_LIST, "stock": STOCKING_LIST}.items():
                path = layout.table_file(table.layer, table.name, subject)
                lists[f"{name}_{place}"] = stack.enter_context(open_table(storage, path, remedy=remedy))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="openlib-"))
        file = Path(folder) / "orders.parquet"
        with connected(lists) as connection:
            for view, of_one in (
                ("order_lists", "FROM subject_{0} CROSS JOIN list_{0}"),
                ("stocking_lists", "SELECT work_key, duplicate_of, in_store FROM stock_{0}"),
            ):
                every = " UNION ALL ".join(of_one.format(place) for place in range(len(subjects)))
                connection.execute(f"CREATE TEMP VIEW {view} AS {every}")
            rows = connection.sql(sql_text("serving/orders")).to_arrow_reader(_BATCH_ROWS)
            write_table(file, rows, ORDERS.schema)
        yield table_file(file)
