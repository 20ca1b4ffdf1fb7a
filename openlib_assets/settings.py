"""The settings: environment variables, their defaults, and what is wrong with a bad one.

What belongs here: every variable the project reads that is its own, but for those of S3, which `storage.s3_options`
reads. Those of AWS, of Postgres and of proxies are read by the libraries concerned; `DAGSTER_HOME` is Dagster's.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from openlib_assets.storage import StorageError, storage_kind
from openlib_assets.storage.errors import OpenlibError
from openlib_assets.storage.s3_options import S3Options

PUBLIC_API_URL = "https://openlibrary.org"

# Open Library grants identified clients three requests a second, others one (openlibrary.org/developers/api).
IDENTIFIED_RATE = 3.0
ANONYMOUS_RATE = 1.0

# In the storage root, unless said otherwise.
WATCH_LIST = "subjects.yaml"

# Where all that share one pace towards Open Library meet.
PACE_ON_HOST = "host"
PACE_IN_POSTGRES = "postgres"

# The Subjects API answers 422 to a larger limit.
MAX_PAGE_SIZE = 1000


class SettingsError(OpenlibError):
    """An environment variable holds something unusable."""


@dataclass(frozen=True)
class Settings:
    """The settings in force; times are in seconds.

    `subjects` is the watch list (a path or an `s3://` URL), `storage` the root of all data (a folder or
    `s3://bucket/prefix`), `contact` what the User-Agent tells Open Library, and nobody else. `pace` says who shares
    `requests_per_second`: a user's processes on this `host`, or all that meet in the `postgres` of libpq's variables.
    `events_queue` is the URL of the SQS queue that tells of changes in the storage.
    """

    storage: str = "data"
    api_url: str = PUBLIC_API_URL
    contact: str | None = None
    requests_per_second: float = ANONYMOUS_RATE
    max_in_flight: int = 3
    timeout: float = 60.0
    retry_wait: float = 60.0
    page_size: int = MAX_PAGE_SIZE
    subjects: str = f"data/{WATCH_LIST}"
    pace: str = PACE_ON_HOST
    events_queue: str | None = None

    @staticmethod
    def from_env(env: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `env` (by default the process's own); an empty value counts as unset.

        Raises SettingsError naming the variable, its value and what it takes.
        """
        values = {k: v.strip() for k, v in (os.environ if env is None else env).items() if v.strip()}
        contact = _contact(values.get("OPENLIB_CONTACT"))
        _check_s3_options(values)
        storage = _storage(values.get("OPENLIB_STORAGE", "data"))
        return Settings(
            storage=storage,
            api_url=_api_url(values.get("OPENLIB_API_URL", PUBLIC_API_URL)),
            contact=contact,
            requests_per_second=_number(
                values, "OPENLIB_REQUESTS_PER_SECOND", IDENTIFIED_RATE if contact else ANONYMOUS_RATE
            ),
            max_in_flight=_whole(values, "OPENLIB_MAX_IN_FLIGHT", 3, 1, 100),
            timeout=_number(values, "OPENLIB_TIMEOUT", 60.0),
            retry_wait=_number(values, "OPENLIB_RETRY_WAIT", 60.0),
            page_size=_whole(values, "OPENLIB_PAGE_SIZE", MAX_PAGE_SIZE, 2, MAX_PAGE_SIZE),
            subjects=values.get("OPENLIB_SUBJECTS", f"{storage}/{WATCH_LIST}"),
            pace=_choice(values, "OPENLIB_PACE", (PACE_ON_HOST, PACE_IN_POSTGRES)),
            events_queue=_queue(values.get("OPENLIB_EVENTS_QUEUE")),
        )


def _number(values: Mapping[str, str], name: str, default: float) -> float:
    text = values.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (0 < number < math.inf):
        raise SettingsError(f"{name}={text!r}: give a number greater than 0, such as {default:g}")
    return number


def _whole(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = values.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise SettingsError(f"{name}={text!r}: give a whole number from {low} to {high}, such as {default}")
    return int(text)


def _choice(values: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    """Give what is set, the first of the choices where nothing is."""
    text = values.get(name, choices[0])
    if text not in choices:
        raise SettingsError(f"{name}={text!r}: give {' or '.join(choices)}")
    return text


def _queue(text: str | None) -> str | None:
    if text is None:
        return None
    advice = "give the URL of an SQS queue, as https://sqs.us-east-1.amazonaws.com/123456789012/name"
    parts = _url("OPENLIB_EVENTS_QUEUE", text, advice)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise SettingsError(f"OPENLIB_EVENTS_QUEUE={text!r}: {advice}")
    return text


def _api_url(text: str) -> str:
    advice = f"give a base URL such as {PUBLIC_API_URL}"
    parts = _url("OPENLIB_API_URL", text, advice)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"OPENLIB_API_URL={text!r}: {advice}")
    return text.rstrip("/")


def _storage(text: str) -> str:
    if "@" in text and "://" in text:
        raise SettingsError("OPENLIB_STORAGE: leave keys and secrets out of it; they come from AWS's variables")
    try:
        storage_kind(text)
    except StorageError as error:
        raise SettingsError(f"OPENLIB_STORAGE={error}") from error
    return text.rstrip("/") or "/"


def _check_s3_options(values: Mapping[str, str]) -> None:
    try:
        S3Options.from_env(values)
    except StorageError as error:
        raise SettingsError(str(error)) from error


def _url(name: str, text: str, advice: str) -> SplitResult:
    """Split a URL, refusing one that is none or that holds credentials, which are not to be shown."""
    if "@" in text:
        raise SettingsError(f"{name}: leave user name and password out of it; {advice}")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise SettingsError(f"{name}={text!r}: {error}; {advice}") from error
    return parts


def _contact(text: str | None) -> str | None:
    if text is None:
        return None
    # Header values are Latin-1 without control characters; parentheses would end the comment they stand in.
    if not re.fullmatch(r"[\x21-\x7e]+", text) or "(" in text or ")" in text or not ("@" in text or "://" in text):
        raise SettingsError("OPENLIB_CONTACT: give an e-mail address or a URL, in ASCII and without spaces")
    return text
