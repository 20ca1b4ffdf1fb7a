"""The steps on Spark, from and to the same Parquet files in a folder that all of its machines share, or on S3.

The package of Spark has no S3; what has is part of EMR, or given to a cluster by who runs it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from openlib_assets.lake.contract import CATALOGUE_TABLES, SQL_TYPES
from openlib_assets.lake.dumps.engines import APPLICATION_URL, Numbers, Part, Place
from openlib_assets.lake.dumps.lines import NOT_UTF_8, DumpFileError, not_so_many_columns
from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.dumps.spark.numbers import group, numbers_of
from openlib_assets.lake.dumps.spark.rendering import spark_sql, unordered
from openlib_assets.lake.dumps.spark.session import SUBMITTED, SparkError, open_session, said_in_a_line
from openlib_assets.lake.dumps.steps import BEFORE, LineFile, Step
from openlib_assets.lake.transform import literal_path, sql_text
from openlib_assets.storage import LocalStorage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CONTRACT = {table.name: table for table in CATALOGUE_TABLES}
_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "VARCHAR[]": "array<string>",
}
_PART = re.compile(r"part-[^/]*\.parquet")
# What Hadoop says of a file that is no gzip, or of one that is cut or broken.
_DAMAGED = re.compile(
    r"EOFException|ZipException|not a gzip file|incorrect header check|invalid (block|stored|distance)"
)


@dataclass
class SparkEngine:
    """Spark at the URL of a master or of Spark Connect, or SUBMITTED: the application that this process is."""

    address: str
    name: str = field(default="spark", init=False)
    reads_addresses: bool = field(default=True, init=False)
    _numbers: Numbers = field(default_factory=dict, init=False)
    _open: "SparkSession | None" = field(default=None, init=False)

    def read(self, place: Place, file: LineFile, where: str, listener: Callable[[int], None]) -> Iterator[Part]:  # noqa: ARG002
        """Write the lines of a file, in no order."""
        session = self._session()
        try:
            with said_in_a_line(file.table):
                _lines(session, where, file).createOrReplaceTempView("lines")
                rows = _judged(session.sql(spark_sql(sql_text(file.sql))), file)
                yield from self._written(place, file.table, rows, place.sizes.to_scan)
        except SparkError as error:
            if _DAMAGED.search(str(error.__cause__)):
                raise DumpFileError(f"{where}: damaged; remove it, and fetch it again") from None
            raise

    def make(self, place: Place, step: Step, reads: Mapping[str, Made | None]) -> Iterator[Part]:
        """Write the table of a step; of one in bands, all rows of a value of the column go to one part."""
        session = self._session()
        query = sql_text(step.sql)
        with said_in_a_line(step.table):
            session.sql(spark_sql(place.dump)).createOrReplaceTempView("dump")
            for name, made in reads.items():
                _table(session, place, name, made).createOrReplaceTempView(name)
            if step.bands:
                session.sql(
                    "SELECT CAST(NULL AS STRING) AS first, CAST(NULL AS STRING) AS last"
                ).createOrReplaceTempView("band")
                query, order = unordered(query)
                rows = session.sql(spark_sql(query)).repartitionByRange(step.bands).sortWithinPartitions(*order)
            else:
                rows = session.sql(spark_sql(query))
            row_group = place.sizes.to_look_up if step.looked_up else place.sizes.to_scan
            yield from self._written(place, step.table, _typed(rows, step.table), row_group, step.bands)

    def cancel(self) -> None:
        """End the jobs of the session, if there is one already."""
        if self._open:
            with suppress(Exception):  # who is told to end may have ended, and its driver with it
                self._open.interruptAll()

    def numbers(self) -> Numbers:
        """Return the id of the application, its address if it has one, and what the table took there."""
        return self._numbers

    def _session(self) -> "SparkSession":
        self._open = open_session(self.address)
        return self._open

    def _written(
        self, place: Place, table: str, rows: "DataFrame", row_group: int, key: str | None = None
    ) -> Iterator[Part]:
        session, spill = rows.sparkSession, place.spill / table
        is_local = isinstance(place.storage, LocalStorage)
        options = {"compression": "zstd", "parquet.compression.codec.zstd.level": 1}
        with group(session, table):
            rows.write.options(**options, **{"parquet.block.row.count.limit": row_group}).parquet(
                str(spill) if is_local else place.storage.uri(place.folder)
            )
        self._numbers = dict(numbers_of(session, table))
        if self.address == SUBMITTED:
            # Its UI is where nobody gets to.
            self._numbers.pop(APPLICATION_URL, None)
        yield from _moved(place, spill, key) if is_local else _as_written(place, key)


def _moved(place: Place, spill: Path, key: str | None) -> Iterator[Part]:
    """Put the files that Spark wrote into a local folder in place."""
    number = 0
    # Spark numbers its files in the order of what is in them.
    for written in sorted(spill.glob("part-*.parquet")):
        metadata = pq.read_metadata(written)
        if metadata.num_rows or not number:
            with place.storage.writing(f"{place.folder}/{place.part(number)}") as file:
                written.replace(file)
                size = file.stat().st_size
                first = _first(file, key) if key and number else ""
            yield Part(place.part(number), metadata.num_rows, size, first)
            number += 1


def _as_written(place: Place, key: str | None) -> Iterator[Part]:
    """Take the files that Spark wrote in place as they are, since S3 can only copy, and remove what holds no rows."""
    number = 0
    for path in list(place.storage.paths(place.folder)):
        name = path.removeprefix(f"{place.folder}/")
        if _PART.fullmatch(name):
            file = literal_path(place.storage.uri(path))
            rows = _asked(place, "SELECT num_rows FROM parquet_file_metadata(?)", file)
            if rows or not number:
                first = _asked(place, f"SELECT {key} FROM read_parquet(?) LIMIT 1", file) if key and number else ""  # noqa: S608
                yield Part(name, rows, place.storage.size(path), first)
                number += 1
                continue
        place.storage.delete(path)


def _asked(place: Place, query: str, file: str) -> Any:
    (row,) = place.connection.execute(query, [file]).fetchall()
    return row[0]


def _lines(session: "SparkSession", where: str, file: LineFile) -> "DataFrame":
    """Return the lines of a file by number, with their columns; a line that cannot be cut has none.

    Who decompresses a file reads it alone and from its beginning: lines get their numbers there, and then part.
    """
    from pyspark.sql import functions as sql  # noqa: PLC0415 - only who uses Spark has it

    text = sql.col("line_text")
    lines = session.read.text(_literal(where), lineSep="\n").select(
        (sql.monotonically_increasing_id() + 1).alias("line"), sql.col("value").alias("line_text")
    )
    columns = [
        sql.when(sql.is_valid_utf8(text) & (sql.size("cut") == len(file.columns)), sql.col("cut")[place]).alias(name)
        for place, name in enumerate(file.columns)
        if name
    ]
    cut = lines.repartition("line").select("line", "line_text", sql.split(text, "\t", -1).alias("cut"))
    return cut.select("line", "line_text", *columns)


def _judged(rows: "DataFrame", file: LineFile) -> "DataFrame":
    """Return the rows of a file, of which those that could not be cut have no text but their whole: so it says why."""
    from pyspark.sql import functions as sql  # noqa: PLC0415 - as above

    text, reason = sql.col("line_text"), sql.col("reason")
    cut = sql.size(sql.split(text, "\t", -1))
    why = (
        sql.when(reason.isNull(), reason)
        .when(~sql.is_valid_utf8(text), NOT_UTF_8)
        .when(cut != len(file.columns), not_so_many_columns(len(file.columns)))
        .otherwise(reason)
    )
    return rows.withColumns({"reason": why, "line_text": sql.make_valid_utf8(text)})


def _table(session: "SparkSession", place: Place, name: str, made: Made | None) -> "DataFrame":
    if made is None:
        return session.table(name.removesuffix(BEFORE)).limit(0)
    return session.read.parquet(*(_literal(place.storage.uri(path)) for path in made.paths()))


def _typed(rows: "DataFrame", table: str) -> "DataFrame":
    """Return a table of the contract with its types: a length is a smaller number to Spark than to DuckDB."""
    if table not in _CONTRACT:
        return rows
    from pyspark.sql import functions as sql  # noqa: PLC0415 - as above

    columns = _CONTRACT[table].columns
    return rows.select(*(sql.col(one.name).cast(_TYPES[SQL_TYPES[one.type]]).alias(one.name) for one in columns))


def _first(file: Path, column: str) -> str:
    with pq.ParquetFile(file) as opened:
        return str(next(opened.iter_batches(1, columns=[column]))[0][0].as_py())


def _literal(path: str) -> str:
    """Return a path in which Hadoop finds no pattern."""
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", path)
