"""The settings: environment variables, their defaults, and their allowed values.

What belongs here: every OPENLIB_* variable, except those of S3, which `storage.s3_options` reads. The libraries
concerned read those of AWS, of Postgres and of proxies; `DAGSTER_HOME` is Dagster's.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from openlib_assets.storage import ROOT_FORMS, StorageError, storage_kind
from openlib_assets.storage.errors import SettingsError
from openlib_assets.storage.s3_options import S3Options
from openlib_assets.storage.variables import Variables, base_url, database_url, iceberg_url, queue_url

_PUBLIC = "openlibrary.org"
PUBLIC_API_URL = f"https://{_PUBLIC}"
PUBLIC_DUMPS_URL = "https://archive.org"

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

# Whether what the search says of each work is asked for.
DETAILS_ON: Final = "on"
DETAILS_OFF: Final = "off"

# Where the works of subjects come from.
FROM_API: Final = "api"
FROM_DUMP: Final = "dump"

# What makes the tables of a dump.
DUCKDB: Final = "duckdb"
SPARK: Final = "spark"

# Open Library's codes of languages (MARC's), each with the code of two letters by which its search is asked for it.
_LANGUAGE_CODES = (
    "aar:aa abk:ab afr:af aka:ak alb:sq amh:am ara:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay aze:az bak:ba "
    "bam:bm baq:eu bel:be ben:bn bis:bi bos:bs bre:br bul:bg bur:my cat:ca cha:ch che:ce chi:zh chu:cu chv:cv "
    "cor:kw cos:co cre:cr cze:cs dan:da div:dv dut:nl dzo:dz eng:en epo:eo est:et ewe:ee fao:fo fij:fj fin:fi "
    "fre:fr fry:fy ful:ff geo:ka ger:de gla:gd gle:ga glg:gl glv:gv gre:el grn:gn guj:gu hat:ht hau:ha heb:he "
    "her:hz hin:hi hmo:ho hrv:hr hun:hu ibo:ig ice:is ido:io iii:ii iku:iu ile:ie ina:ia ind:id ipk:ik ita:it "
    "jav:jv jpn:ja kal:kl kan:kn kas:ks kau:kr kaz:kk khm:km kik:ki kin:rw kir:ky kom:kv kon:kg kor:ko kua:kj "
    "kur:ku lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mac:mk mah:mh mal:ml mao:mi mar:mr "
    "may:ms mlg:mg mlt:mt mon:mn nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nno:nn nob:nb nor:no nya:ny oci:oc "
    "oji:oj ori:or orm:om oss:os pan:pa per:fa pli:pi pol:pl por:pt pus:ps que:qu roh:rm rum:ro run:rn rus:ru "
    "sag:sg san:sa sin:si slo:sk slv:sl sme:se smo:sm sna:sn snd:sd som:so sot:st spa:es srd:sc srp:sr ssw:ss "
    "sun:su swa:sw swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th tib:bo tir:ti ton:to tsn:tn tso:ts "
    "tuk:tk tur:tr twi:tw uig:ug ukr:uk urd:ur uzb:uz ven:ve vie:vi vol:vo wel:cy wln:wa wol:wo xho:xh yid:yi "
    "yor:yo zha:za zul:zu"
)
LANGUAGES: Final = dict(pair.split(":") for pair in _LANGUAGE_CODES.split())

# The Subjects API answers 422 to a larger limit.
MAX_PAGE_SIZE = 1000

# What can be said of the store's file, where reading it does not find out by itself; the others name columns of it.
STORE_COLUMNS = ("isbn", "title", "author", "price", "units_sold")
STORE_FORMAT = ("encoding", "delimiter", "sheet", *STORE_COLUMNS)
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}

# What is to be known of EMR Serverless, with the form of each: the id of an application, the role of its jobs, where
# the project's code lies for them, and the log group that they write to.
EMR: Final = {
    "application": "[0-9a-z]+",
    "role": r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+",
    "code": r"s3://[^\s/]+/\S+",
    "logs": "[A-Za-z0-9_/.#-]+",
}

# Header values are Latin-1 without control characters; parentheses would end the comment they stand in.
_CONTACT_FORM = r"^[!-'*-~]*(@|://)[!-'*-~]*$"

# A name that no database has to quote.
_NAME_FORM = r"^[a-z_][a-z0-9_]{0,62}$"


def storage_root(text: str) -> str:
    """Check the root of a storage, and return it without a slash at its end; a ValueError says what is wrong."""
    if not text.strip():
        raise ValueError
    if "@" in text and "://" in text:
        raise ValueError("leave keys and secrets out of it: they come from AWS's variables")
    try:
        storage_kind(text)
    except StorageError as error:
        raise ValueError from error
    if "://" in text and re.search("[?#]|[^:]//", text.rstrip("/")):
        raise ValueError("an address on S3 has no ?, no # and no two slashes in a row")
    return text.rstrip("/") or "/"


def _languages(text: str) -> str:
    """Return language codes in their order, each once, with commas."""
    codes = list(dict.fromkeys(code.strip().lower() for code in text.split(",")))
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown:
        raise ValueError(f"{unknown[0][:20]!r} is none of Open Library's language codes")
    return ",".join(codes)


def _digits(text: object) -> object:
    """Refuse what pydantic takes for a whole number as well, such as 1_0 and 12.0."""
    if isinstance(text, str) and not re.fullmatch(r"[0-9]+", text):
        raise ValueError
    return text


def _file_address(text: str) -> str:
    storage_root(text)
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
        "".encode(said.get("encoding", "utf-8"))  # other than a look-up, this refuses those that are not of texts
    except (LookupError, UnicodeError):
        raise ValueError(f"no encoding is called {said['encoding']!r}") from None
    return text


def _parts(text: str) -> dict[str, str]:
    """Return the parts of `name=value,name=value`."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _emr(text: str) -> str:
    """Check the parts of a description of EMR Serverless."""
    said = _parts(text)
    if set(said) != set(EMR) or not all(re.fullmatch(form, said[name]) for name, form in EMR.items()):
        raise ValueError(f"the names are {', '.join(EMR)}")
    return text


_Number = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Whole = Annotated[int, BeforeValidator(_digits)]
_Name = Annotated[str, Field(pattern=_NAME_FORM, description="a name of small letters, digits and underscores")]


class Settings(Variables):
    """The settings in force; times are in seconds.

    `subjects` is the watch list (a path or an `s3://` URL), `storage` the root of all data (a folder or
    `s3://bucket/prefix`), `contact` what the User-Agent tells Open Library, and nobody else. `pace` says who shares
    `requests_per_second`: a user's processes on this `host`, or all that meet in the `postgres` of libpq's variables.
    `proof_window` is how many seconds the works of a subject that does not come to rest may lie apart.
    `details` says whether the search is asked for what it knows of each work: languages, ISBNs, readers, ratings.
    `languages` are those in which books are to be ordered, in order of preference.
    `monthly_refresh` says whether the schedule of that name is on where nobody turned it on or off in Dagster.
    `store_catalogue` is the file of what the store sells, `store_format` what is to be known of that.
    `dumps` is where files of the monthly dumps lie already (a folder or `s3://bucket/prefix`), `dumps_url` where they
    are downloaded from.
    `events_queue` is the URL of the SQS queue that tells of changes in the storage.
    `source` says where works come from: Open Library's `api`, the latest `dump` that is built, or that of a date.
    `engine` makes the tables of dumps; `spark` is where Spark is then: the URL of a master, or of Spark Connect.
    `emr` is what runs a job on Spark that makes the tables of dumps, an application of EMR Serverless.
    `database` is the PostgreSQL into which the warehouse is loaded, too, and `database_schema` the schema there.
    `iceberg` is the catalogue in which warehouse and dumps are registered as Iceberg tables: `glue`, or a database;
    `iceberg_namespace` is the namespace there.
    `repository_url` is where people read the code of what runs here, for links in the Dagster UI.
    """

    model_config = SettingsConfigDict(env_prefix="OPENLIB_")

    contact: str | None = Field(
        default=None,
        pattern=_CONTACT_FORM,
        repr=False,
        description="an e-mail address or a URL, in ASCII and without spaces",
    )
    storage: Annotated[str, AfterValidator(storage_root)] = Field(default="data", description=ROOT_FORMS)
    api_url: Annotated[str, AfterValidator(base_url)] = Field(
        default=PUBLIC_API_URL, description=f"a base URL such as {PUBLIC_API_URL}"
    )
    requests_per_second: _Number = Field(
        ge=0.001,
        default_factory=lambda read: IDENTIFIED_RATE if read["contact"] else ANONYMOUS_RATE,
        description="a number from 0.001, such as 1",
    )
    max_in_flight: _Whole = Field(default=3, ge=1, le=100, description="a whole number from 1 to 100, such as 3")
    timeout: _Number = Field(default=60.0, le=86_400, description="a number greater than 0 up to 86400, such as 60")
    retry_wait: _Number = Field(default=60.0, le=3600, description="a number greater than 0 up to 3600, such as 60")
    page_size: _Whole = Field(
        default=MAX_PAGE_SIZE,
        ge=2,
        le=MAX_PAGE_SIZE,
        description=f"a whole number from 2 to {MAX_PAGE_SIZE}, such as {MAX_PAGE_SIZE}",
    )
    proof_window: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0.0, description="a number of seconds, such as 0 or 600"
    )
    details: Literal["on", "off"] = Field(default=DETAILS_ON, description=f"{DETAILS_ON} or {DETAILS_OFF}")
    subjects: Annotated[str, AfterValidator(_file_address)] = Field(
        default_factory=lambda read: f"{read['storage']}/{WATCH_LIST}", description="a path or an s3:// URL"
    )
    languages: Annotated[str, AfterValidator(_languages)] = Field(
        default="eng", description="three-letter codes with commas, as Open Library has them, such as eng,ger,fre,spa"
    )
    pace: Literal["host", "postgres"] = Field(default=PACE_ON_HOST, description=f"{PACE_ON_HOST} or {PACE_IN_POSTGRES}")
    monthly_refresh: Literal["on", "off"] = Field(default=REFRESH_OFF, description=f"{REFRESH_ON} or {REFRESH_OFF}")
    store_catalogue: Annotated[str, AfterValidator(_file_address)] | None = Field(
        default=None, description="a CSV, Parquet or Excel file: a path or an s3:// URL"
    )
    store_format: Annotated[str, AfterValidator(_store_format)] | None = Field(
        default=None, description="names and values such as encoding=cp1252,delimiter=semicolon,isbn=EAN,title=Titel"
    )
    dumps: Annotated[str, AfterValidator(storage_root)] | None = Field(default=None, description=ROOT_FORMS)
    dumps_url: Annotated[str, AfterValidator(base_url)] = Field(
        default=PUBLIC_DUMPS_URL, description=f"a base URL such as {PUBLIC_DUMPS_URL}"
    )
    events_queue: Annotated[str, AfterValidator(queue_url)] | None = Field(
        default=None, description="the URL of an SQS queue, as https://sqs.us-east-1.amazonaws.com/123456789012/name"
    )
    source: str = Field(
        default=FROM_API,
        pattern=r"^(api|dump(:[0-9]{4}-[0-9]{2}-[0-9]{2})?)$",
        description="api, dump, or dump:DATE such as dump:2026-08-31",
    )
    engine: Literal["duckdb", "spark"] = Field(default=DUCKDB, description=f"{DUCKDB} or {SPARK}")
    spark: str = Field(
        default="local[*]",
        repr=False,
        pattern=r"^(local(\[(\*|[1-9][0-9]*)\])?|yarn|(spark|sc|k8s)://[^\s@]+)$",
        description="the URL of a master, as spark://host:7077 or local[*], or of Spark Connect, as sc://host:15002",
    )
    emr: Annotated[str, AfterValidator(_emr)] | None = Field(
        default=None,
        description="application=ID,role=ARN,code=s3://bucket/prefix,logs=GROUP, an application of EMR Serverless",
    )
    database: Annotated[str, AfterValidator(database_url)] | None = Field(
        default=None, repr=False, description="a URL such as postgresql://user@host:5432/name"
    )
    database_schema: _Name = "openlib"
    iceberg: Annotated[str, AfterValidator(iceberg_url)] | None = Field(
        default=None, repr=False, description="glue, or a URL as sqlite:///iceberg.db or postgresql://user@host/name"
    )
    iceberg_namespace: _Name = "openlib"
    repository_url: Annotated[str, AfterValidator(base_url)] | None = Field(
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

    def emr_has(self) -> Mapping[str, str]:
        """Return what is said of EMR Serverless, by the names in EMR."""
        return _parts(self.emr) if self.emr else {}

    def needs_contact(self) -> bool:
        """Tell whether requests go to the public site."""
        return (urlsplit(self.api_url).hostname or "").removeprefix("www.") == _PUBLIC

    def require_contact(self) -> None:
        """Raise SettingsError if requests would go to the public site without a contact, which it answers with 403."""
        if self.needs_contact() and not self.contact:
            raise SettingsError(
                f"OPENLIB_CONTACT is not set: {_PUBLIC} turns away clients without a contact; "
                "set it to your e-mail address or a URL, as in: export OPENLIB_CONTACT=you@example.org"
            )


def is_dump(source: str) -> bool:
    """Tell whether works come from a dump."""
    return source.partition(":")[0] == FROM_DUMP


def dump_wanted(source: str) -> str | None:
    """Return the date of the dump that a source names; None where it is the latest."""
    return source.partition(":")[2] or None
