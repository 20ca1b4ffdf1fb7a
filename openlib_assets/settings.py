"""The settings: environment variables, their defaults, and their allowed values.

What belongs here: every OPENLIB_* variable, except those of S3, which `storage.s3_options` reads. The libraries
concerned read those of AWS, of Postgres and of proxies; `DAGSTER_HOME` is Dagster's.
"""

import codecs
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from openlib_assets.storage import ROOT_FORMS, StorageError, storage_kind
from openlib_assets.storage.errors import SettingsError
from openlib_assets.storage.s3_options import S3Options
from openlib_assets.storage.variables import Variables

PUBLIC_API_URL = "https://openlibrary.org"

# Open Library grants identified clients three requests a second, others one (openlibrary.org/developers/api).
IDENTIFIED_RATE = 3.0
ANONYMOUS_RATE = 1.0

# In the storage root, unless said otherwise.
WATCH_LIST = "subjects.yaml"

# Where the pace of requests to Open Library is shared.
PACE_ON_HOST: Final = "host"
PACE_IN_POSTGRES: Final = "postgres"

# Whether the monthly refresh is on, if nobody turned it on or off in Dagster.
REFRESH_ON: Final = "on"
REFRESH_OFF: Final = "off"

# The Subjects API answers 422 to a larger limit.
MAX_PAGE_SIZE = 1000

# What can be said of the store's file, where reading it does not find out by itself; the others name columns of it.
STORE_COLUMNS = ("isbn", "title", "author", "price", "units_sold")
STORE_FORMAT = ("encoding", "delimiter", "sheet", *STORE_COLUMNS)
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}

# Header values are Latin-1 without control characters; parentheses would end the comment they stand in.
_CONTACT_FORM = r"^[!-'*-~]*(@|://)[!-'*-~]*$"


def _root(text: str) -> str:
    if "@" in text and "://" in text:
        raise ValueError("leave keys and secrets out of it: they come from AWS's variables")
    try:
        storage_kind(text)
    except StorageError as error:
        raise ValueError from error
    return text.rstrip("/") or "/"


def _base_url(text: str) -> str:
    parts = _web_address(text)
    if parts.query or parts.fragment:
        raise ValueError
    return text.rstrip("/")


def _queue_url(text: str) -> str:
    if not _web_address(text).path.strip("/"):
        raise ValueError
    return text


def _web_address(text: str) -> SplitResult:
    """Return the parts of a web address; refuses one with credentials, which must not be shown."""
    if "@" in text:
        raise ValueError("leave user name and password out of it")
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError for one that is none
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    return parts


def _digits(text: object) -> object:
    """Refuse what pydantic takes for a whole number as well, such as 1_0 and 12.0."""
    if isinstance(text, str) and not re.fullmatch(r"[0-9]+", text):
        raise ValueError
    return text


def _file_address(text: str) -> str:
    storage_kind(text)
    return text


def _store_format(text: str) -> str:
    """Check the parts of a description of the store's file."""
    said = _parts(text)
    unknown = [name for name in said if name not in STORE_FORMAT]
    if unknown or not all(said.values()):
        raise ValueError(f"the names are {', '.join(STORE_FORMAT)}")
    if said.get("delimiter", "comma") not in DELIMITERS:
        raise ValueError(f"a delimiter is one of {', '.join(DELIMITERS)}")
    try:
        codecs.lookup(said.get("encoding", "utf-8"))
    except LookupError:
        raise ValueError(f"no encoding is called {said['encoding']!r}") from None
    return text


def _parts(text: str) -> dict[str, str]:
    """Return the parts of `name=value,name=value`."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs}


_Number = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Whole = Annotated[int, BeforeValidator(_digits)]


class Settings(Variables):
    """The settings in force; times are in seconds.

    `subjects` is the watch list (a path or an `s3://` URL), `storage` the root of all data (a folder or
    `s3://bucket/prefix`), `contact` what the User-Agent tells Open Library, and nobody else. `pace` says who shares
    `requests_per_second`: a user's processes on this `host`, or all that meet in the `postgres` of libpq's variables.
    `proof_window` is how many seconds the works of a subject that does not come to rest may lie apart.
    `monthly_refresh` says whether the schedule of that name is on where nobody turned it on or off in Dagster.
    `store_catalogue` is the file of what the store sells, `store_format` what is to be known of that.
    `events_queue` is the URL of the SQS queue that tells of changes in the storage.
    `repository_url` is where people read the code of what runs here, for links in the Dagster UI.
    """

    model_config = SettingsConfigDict(env_prefix="OPENLIB_")

    contact: str | None = Field(
        default=None,
        pattern=_CONTACT_FORM,
        repr=False,
        description="an e-mail address or a URL, in ASCII and without spaces",
    )
    storage: Annotated[str, AfterValidator(_root)] = Field(default="data", description=ROOT_FORMS)
    api_url: Annotated[str, AfterValidator(_base_url)] = Field(
        default=PUBLIC_API_URL, description=f"a base URL such as {PUBLIC_API_URL}"
    )
    requests_per_second: _Number = Field(
        default_factory=lambda read: IDENTIFIED_RATE if read["contact"] else ANONYMOUS_RATE,
        description="a number greater than 0, such as 1",
    )
    max_in_flight: _Whole = Field(default=3, ge=1, le=100, description="a whole number from 1 to 100, such as 3")
    timeout: _Number = Field(default=60.0, description="a number greater than 0, such as 60")
    retry_wait: _Number = Field(default=60.0, description="a number greater than 0, such as 60")
    page_size: _Whole = Field(
        default=MAX_PAGE_SIZE,
        ge=2,
        le=MAX_PAGE_SIZE,
        description=f"a whole number from 2 to {MAX_PAGE_SIZE}, such as {MAX_PAGE_SIZE}",
    )
    proof_window: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0.0, description="a number of seconds, such as 0 or 600"
    )
    subjects: str = Field(
        default_factory=lambda read: f"{read['storage']}/{WATCH_LIST}", description="a path or an s3:// URL"
    )
    pace: Literal["host", "postgres"] = Field(default=PACE_ON_HOST, description=f"{PACE_ON_HOST} or {PACE_IN_POSTGRES}")
    monthly_refresh: Literal["on", "off"] = Field(default=REFRESH_OFF, description=f"{REFRESH_ON} or {REFRESH_OFF}")
    store_catalogue: Annotated[str, AfterValidator(_file_address)] | None = Field(
        default=None, description="a CSV, Parquet or Excel file: a path or an s3:// URL"
    )
    store_format: Annotated[str, AfterValidator(_store_format)] = Field(
        default="", description="names and values such as encoding=cp1252,delimiter=semicolon,isbn=EAN,title=Titel"
    )
    events_queue: Annotated[str, AfterValidator(_queue_url)] | None = Field(
        default=None, description="the URL of an SQS queue, as https://sqs.us-east-1.amazonaws.com/123456789012/name"
    )
    repository_url: Annotated[str, AfterValidator(_base_url)] | None = Field(
        default=None, description="the URL of a branch, as https://github.com/somebody/openlib_assets/tree/main"
    )

    @staticmethod
    def from_env() -> "Settings":
        """Return the settings in force; raises SettingsError that names the variable, its value and what it takes."""
        S3Options()  # a bad one is refused here, not where S3 is first used
        return Settings()

    def store_file_has(self) -> Mapping[str, str]:
        """Return what is said of the store's file, by the names in STORE_FORMAT."""
        return _parts(self.store_format) if self.store_format else {}

    def require_contact(self) -> None:
        """Raise SettingsError if requests would go to the public site without a contact, which it answers with 403."""
        public = urlsplit(PUBLIC_API_URL).hostname
        host = (urlsplit(self.api_url).hostname or "").removeprefix("www.")
        if host == public and not self.contact:
            raise SettingsError(
                f"OPENLIB_CONTACT is not set: {public} turns away clients without a contact; "
                "set it to your e-mail address or a URL, as in: export OPENLIB_CONTACT=you@example.org"
            )
