"""Spark as the settings name it: the application of this process, and what it fails with in one line."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CONNECT = "sc://"
# Of the session: these make Spark's SQL mean what DuckDB's does, and keep parts in the order of their names.
_MEANING = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.variant.allowDuplicateKeys": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}
# Of a driver in this process, which writes to the same terminal.
_QUIET = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}


class SparkError(OpenlibError):
    """Spark cannot be reached, or failed; the text says where, and the first line of what it said."""


@cache
def open_session(address: str) -> "SparkSession":
    """Return the session of this process, which lasts as long as that; raises SparkError.

    `address` is the URL of a master, or one of Spark Connect (`sc://`). All else is set where Spark looks for it:
    `spark-defaults.conf` in `SPARK_CONF_DIR`.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - only who uses Spark has it
    except ImportError:
        raise SparkError(
            "OPENLIB_ENGINE=spark needs pyspark; install it with: pip install 'openlib-assets[spark]'"
        ) from None
    # py4j logs with a traceback what it raises, for whom it may concern.
    logging.getLogger().addFilter(lambda record: record.module != "java_gateway")
    builder = SparkSession.builder.appName("openlib_assets")
    with said_in_a_line(f"Spark at {address}"):
        if address.startswith(_CONNECT):
            session = builder.remote(address).getOrCreate()
        else:
            session = _configured(builder.master(address), _QUIET).getOrCreate()
        for name, value in _MEANING.items():
            session.conf.set(name, value)
    return session


def _configured(builder: "SparkSession.Builder", values: Mapping[str, str]) -> "SparkSession.Builder":
    for name, value in values.items():
        builder = builder.config(name, value)
    return builder


@contextmanager
def said_in_a_line(what: str) -> Iterator[None]:
    """Say in a line what Spark fails with; raises SparkError."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - as above
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise SparkError(f"{what}: {_line(error)}") from error
    except (OSError, EOFError) as error:
        # The socket to the driver, which py4j hands on as it is.
        raise SparkError(f"{what}: {_GONE} ({error})") from error


_GONE = "Spark's driver is gone; run the same again: it goes on from the tables that are finished"
# What py4j says where the process behind its socket ended.
_NO_ANSWER = (
    "Answer from Java side is empty",
    "An error occurred while trying to connect",
    "Error while sending",
    "does not exist in the JVM",
)


def _line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if type(error).__name__ == "Py4JNetworkError" or any(sign in text for sign in _NO_ANSWER):
        return _GONE
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Of Java's exceptions the first line only tells which call they ended; the next one what happened.
    said = next((line for line in lines if ": " in line and not line.startswith("An error occurred")), lines[0])
    if "stopped" in text and "SparkContext" in text:
        said += "; run the same again: it goes on from the tables that are finished"
    return said
