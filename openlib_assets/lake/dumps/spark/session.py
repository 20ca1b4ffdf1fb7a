"""Spark as the settings name it: the application of this process, and what it fails with in one line."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CONNECT = "sc://"
# Stands for the application that `spark-submit` started this process as.
SUBMITTED = "submitted"
# For about twenty seconds, and not for ten minutes as it is usual: what is finished is not lost with a server.
_RETRIES = 5
# Of the session: these make Spark's SQL mean what DuckDB's does, and a part be one file.
_MEANING = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.variant.allowDuplicateKeys": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
}
# Of a driver in this process, which writes to the same terminal.
_QUIET = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}

_AGAIN = "run the same again: it goes on from the tables that are finished"
_GONE = f"Spark's driver does not answer; {_AGAIN}"
_NO_S3 = (
    "this Spark has no S3; give it the package hadoop-aws, and the settings of docs/scaling.md, or name a folder that "
    "all its machines share in OPENLIB_STORAGE"
)
# What py4j says where the process behind its socket ended, and Spark Connect's client.
_NO_ANSWER = (
    "UNAVAILABLE",
    "INVALID_HANDLE",
    "Answer from Java side is empty",
    "An error occurred while trying to connect",
    "Error while sending",
    "does not exist in the JVM",
)


class SparkError(OpenlibError):
    """Spark cannot be reached, or failed; the text says where, and the first line of what it said."""


@cache
def open_session(address: str) -> "SparkSession":
    """Return the session of this process, which lasts as long as that; raises SparkError.

    `address` is the URL of a master, one of Spark Connect (`sc://`), or SUBMITTED. All else is set where Spark looks
    for it: `spark-defaults.conf` in `SPARK_CONF_DIR`, or what was given to `spark-submit`.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - only who uses Spark has it
    except ImportError:
        raise SparkError(
            "OPENLIB_ENGINE=spark needs pyspark; install it with: pip install 'openlib-assets[spark]'"
        ) from None
    # py4j logs with a traceback what it raises, for whom it may concern.
    logging.getLogger().addFilter(lambda record: record.module != "java_gateway")
    # Of pandas, with which nothing is done here.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    # Behind the semicolon there may be a token.
    with said_in_a_line(f"Spark at {address.partition(';')[0]}"):
        if address.startswith(_CONNECT):
            session = _connected(address)
        else:
            builder = SparkSession.builder.appName("openlib_assets")
            if address != SUBMITTED:
                builder = builder.master(address)
            session = _configured(builder, _QUIET).getOrCreate()
        for name, value in _MEANING.items():
            session.conf.set(name, value)
    return session


def _configured(builder: "SparkSession.Builder", values: Mapping[str, str]) -> "SparkSession.Builder":
    for name, value in values.items():
        builder = builder.config(name, value)
    return builder


def _connected(address: str) -> "SparkSession":
    from pyspark.sql import SparkSession  # noqa: PLC0415 - as above
    from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415

    session = SparkSession.builder.remote(address).getOrCreate()
    session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    return session


@contextmanager
def said_in_a_line(what: str) -> Iterator[None]:
    """Say in a line what Spark fails with; raises SparkError."""
    try:
        yield
    except _failures() as error:
        raise SparkError(f"{what}: {_line(error)}") from error
    except (ConnectionError, EOFError) as error:
        # Of the socket to the driver, which py4j hands on as it is.
        raise SparkError(f"{what}: {_GONE} ({error})") from error


def _failures() -> tuple[type[Exception], ...]:
    from pyspark.errors import PySparkException  # noqa: PLC0415 - as above

    try:
        from py4j.protocol import Py4JError  # noqa: PLC0415
    except ImportError:  # the package of nothing but Spark Connect's client has none
        return (PySparkException,)
    return (PySparkException, Py4JError)


def _line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if type(error).__name__ == "Py4JNetworkError" or any(sign in text for sign in _NO_ANSWER):
        return _GONE
    if "No FileSystem for scheme" in text:
        return _NO_S3
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Of Java's exceptions the first line only tells which call they ended; the next one what happened.
    said = next((line for line in lines if ": " in line and not line.startswith("An error occurred")), lines[0])
    if "stopped" in text and "SparkContext" in text:
        said += f"; {_AGAIN}"
    return said
