"""The order list of a subject: which works are to be ordered, and an edition of each."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from openlib_assets.lake.arrow_values import texts
from openlib_assets.lake.contract import ORDER_LIST
from openlib_assets.lake.table_files import TableFile, table_file, write_table
from openlib_assets.lake.transform import CheckOutcome, Row, built, connected, sql_text
from openlib_assets.openlibrary.client import Traffic
from openlib_assets.openlibrary.editions import WORKS_TO_ORDER, Edition
from openlib_assets.openlibrary.source import Editions

_COLUMNS = ("work_key", "edition_key", "isbn13", "title", "publisher", "publish_date", "language")
_FOUND = pa.schema([pa.field(name, pa.string()) for name in _COLUMNS])


@dataclass(frozen=True)
class OrderList:
    """An order list, in a file of its own, and how it came about; `traffic` is what was sent for its editions."""

    rows: TableFile
    outcomes: Sequence[CheckOutcome]
    works: int
    editions: int
    traffic: Traffic


@contextmanager
def order_list_of(stocking_list: TableFile, source: Editions | None, languages: str) -> Iterator[OrderList]:
    """Make the order list of a subject, and lend it; without a source, no editions are asked for.

    `languages` are those that the store sells, with commas, in order of preference. Raises SourceError, and
    CheckFailedError when a blocking check fails.
    """
    asked = Row({"languages": languages, "for_editions": int(source is not None), "most": WORKS_TO_ORDER})
    with connected({"stocking_list": stocking_list, "asked": asked}) as connection:
        keys = [key for (key,) in connection.execute(sql_text("helpers/to_order")).fetchall()]
    editions, traffic = source.find(keys, languages.split(",")) if source else ({}, Traffic())
    with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
        found = _written(Path(folder) / "editions.parquet", keys, editions)
        inputs = {"stocking_list": stocking_list, "editions": found, "asked": asked}
        file = Path(folder) / "order_list.parquet"
        with built(ORDER_LIST, inputs) as result:
            write_table(file, result.batches(), ORDER_LIST.schema)
            outcomes = result.outcomes
        yield OrderList(table_file(file), outcomes, len(keys), len(editions), traffic)


def _written(file: Path, keys: Sequence[str], editions: Mapping[str, Edition]) -> TableFile:
    """Write what was found of each work to a file."""
    columns = [texts(getattr(editions.get(key), name, None) for key in keys) for name in _COLUMNS[1:]]
    write_table(file, [pa.record_batch([texts(keys), *columns], schema=_FOUND)], _FOUND)
    return table_file(file)
