"""Settings: defaults, what each variable takes, and how a bad value is refused."""

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from openlib_assets.lake.database.connecting import Target
from openlib_assets.lake.iceberg.catalogue import Place
from openlib_assets.settings import Settings
from openlib_assets.storage.errors import SettingsError

BAD_VALUES = {
    "OPENLIB_STORAGE": [
        "s3://",
        "s3:///prefix",
        "ftp://host/folder",
        "http://host",
        "S3://bucket/x",
        "s3://b/a#1",
        "s3://b/a?x",
        "s3://b//a",
        "s3:/bucket/a",
        "S3:bucket",
    ],
    "OPENLIB_SUBJECTS": ["s3://b/a#1/subjects.yaml", "s3:/bucket/subjects.yaml", "https://host/subjects.yaml"],
    "OPENLIB_API_URL": [
        "openlibrary.org",
        "ftp://openlibrary.org",
        "https://",
        "https:///subjects",
        "https://openlibrary.org?x=1",
        "https://openlibrary.org/#top",
        "https://openlibrary.org#",
        "https://openlibrary.org?",
        "http://[::1",
        "http://host:port",
        "http://host:99999",
        "http://ex..ample",
        f"https://{'a' * 64}.org",
        "two words",
        "x\ny",
    ],
    "OPENLIB_DUMPS": ["s3://", "https://archive.org/download", "ftp://host/folder"],
    "OPENLIB_DUMPS_URL": ["archive.org", "s3://bucket", "https://archive.org/?x=1", "https://archive.org#x"],
    "OPENLIB_CONTACT": ["nobody", "two words@example.org", "ünï@example.org", "a@example.org\x7f", "\u200ba@b.c"],
    "OPENLIB_REQUESTS_PER_SECOND": ["0", "-1", "nan", "inf", "-inf", "1e999", "three", "1,5", "1 2", "x\ny", "0.0009"],
    "OPENLIB_MAX_IN_FLIGHT": ["0", "-1", "101", "1.5", "1e1", "٣", "1_0", "+3", "many", "9" * 50],
    "OPENLIB_TIMEOUT": ["0", "-60", "nan", "inf", "1e10", "a minute"],
    "OPENLIB_RETRY_WAIT": ["0", "-1", "nan", "inf", "1e12", "3601", "soon"],
    "OPENLIB_PROOF_WINDOW": ["-1", "nan", "inf", "ten minutes"],
    "OPENLIB_PAGE_SIZE": ["0", "1", "1001", "-5", "12.0", "all"],
    "OPENLIB_LANGUAGES": ["en", "english", "eng;fre", "eng,", "deu", "eng,xyz", "e\u0301ng"],
    "OPENLIB_PACE": ["Postgres", "redis", "host,postgres"],
    "OPENLIB_MONTHLY_REFRESH": ["yes", "ON", "1"],
    "OPENLIB_EVENTS_QUEUE": [
        "queue",
        "https://sqs.us-east-1.amazonaws.com",
        "arn:aws:sqs:us-east-1:1:q",
        "http://[::1/q",
    ],
    "OPENLIB_REPOSITORY_URL": [
        "github.com/somebody/books",
        "ssh://example.org/books",
        "https://example.org/?branch=main",
    ],
    "OPENLIB_ENGINE": ["Spark", "polars", "duckdb,spark"],
    "OPENLIB_SPARK": ["local[0]", "local[x]", "host:7077", "http://host", "spark://", "spark://me:x@host", "sc://a b"],
    "OPENLIB_EMR": [
        "00f1",
        "application=00f1,role=arn:aws:iam::123456789012:role/job,code=s3://bucket/code",
        "application=00f1,role=job,code=s3://bucket/code,logs=/emr",
        "application=00f1,role=arn:aws:iam::123456789012:role/job,code=/opt/code,logs=/emr",
        "application=00f1,role=arn:aws:iam::123456789012:role/job,code=s3://bucket/my code,logs=/emr",
        "application=00f1,role=arn:aws:iam::123456789012:role/job,code=s3://bucket/code,logs=/emr,more=1",
    ],
    "OPENLIB_DATABASE": ["books", "mysql://host/books", "jdbc:postgresql://host/books", "host=127.0.0.1 dbname=books"],
    "OPENLIB_DATABASE_SCHEMA": ["Books", "1st", "my books", "a-b", "x" * 64, 'a"; DROP', "são"],
    "OPENLIB_ICEBERG": [
        "iceberg.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///a.db?x",
        "sqlite:///a#b.db",
        "Glue",
        "mysql://host/books",
    ],
    "OPENLIB_ICEBERG_NAMESPACE": ["Books", "a.b", "x" * 64],
    "OPENLIB_S3_KMS_KEY": ["my key", "alias/", "arn:aws:s3:::bucket", "arn:aws:kms:us-east-1:12:key/x", "../key-1234"],
    "OPENLIB_S3_BUCKET_OWNER": ["12345678901", "1234567890123", "12345678901x", "me", "١٢٣٤٥٦٧٨٩٠١٢"],
}

GOOD_VALUES: list[tuple[str, str, str, object]] = [
    ("OPENLIB_STORAGE", "/tmp/books/", "storage", "/tmp/books"),  # noqa: S108 - only named, never used
    ("OPENLIB_STORAGE", "/", "storage", "/"),
    ("OPENLIB_STORAGE", "s3://bucket", "storage", "s3://bucket"),
    ("OPENLIB_STORAGE", "s3://bucket/some/prefix/", "storage", "s3://bucket/some/prefix"),
    ("OPENLIB_API_URL", "http://127.0.0.1:8080/", "api_url", "http://127.0.0.1:8080"),
    ("OPENLIB_API_URL", "http://[::1]:8080/mirror", "api_url", "http://[::1]:8080/mirror"),
    ("OPENLIB_DUMPS", "/tmp/dumps/", "dumps", "/tmp/dumps"),  # noqa: S108 - only named, never used
    ("OPENLIB_DUMPS", "s3://bucket/dumps/", "dumps", "s3://bucket/dumps"),
    ("OPENLIB_ENGINE", "spark", "engine", "spark"),
    ("OPENLIB_SPARK", "local[2]", "spark", "local[2]"),
    ("OPENLIB_SPARK", "spark://10.0.0.1:7077,10.0.0.2:7077", "spark", "spark://10.0.0.1:7077,10.0.0.2:7077"),
    ("OPENLIB_SPARK", "sc://host:15002/;use_ssl=true", "spark", "sc://host:15002/;use_ssl=true"),
    (
        "OPENLIB_EMR",
        "application=00f1,role=arn:aws:iam::123456789012:role/job,code=s3://bucket/openlib/code,logs=/emr",
        "emr",
        "application=00f1,role=arn:aws:iam::123456789012:role/job,code=s3://bucket/openlib/code,logs=/emr",
    ),
    ("OPENLIB_DUMPS_URL", "http://127.0.0.1:8080/", "dumps_url", "http://127.0.0.1:8080"),
    ("OPENLIB_CONTACT", " me@example.org ", "contact", "me@example.org"),
    ("OPENLIB_CONTACT", "https://example.org/who?a=b", "contact", "https://example.org/who?a=b"),
    ("OPENLIB_REQUESTS_PER_SECOND", "0.5", "requests_per_second", 0.5),
    ("OPENLIB_MAX_IN_FLIGHT", "1", "max_in_flight", 1),
    ("OPENLIB_MAX_IN_FLIGHT", "100", "max_in_flight", 100),
    ("OPENLIB_TIMEOUT", "2.5", "timeout", 2.5),
    ("OPENLIB_RETRY_WAIT", "0.01", "retry_wait", 0.01),
    ("OPENLIB_PROOF_WINDOW", "0", "proof_window", 0.0),
    ("OPENLIB_PROOF_WINDOW", "600", "proof_window", 600.0),
    ("OPENLIB_PAGE_SIZE", "2", "page_size", 2),
    ("OPENLIB_PAGE_SIZE", "1000", "page_size", 1000),
    ("OPENLIB_LANGUAGES", "FRE, eng,fre", "languages", "fre,eng"),
    ("OPENLIB_PACE", "postgres", "pace", "postgres"),
    ("OPENLIB_MONTHLY_REFRESH", "on", "monthly_refresh", "on"),
    ("OPENLIB_EVENTS_QUEUE", "http://127.0.0.1:1/123/q", "events_queue", "http://127.0.0.1:1/123/q"),
    (
        "OPENLIB_REPOSITORY_URL",
        "https://example.org/books/tree/main/",
        "repository_url",
        "https://example.org/books/tree/main",
    ),
    ("OPENLIB_DATABASE", "postgresql://[::1]:5432/b", "database", "postgresql://[::1]:5432/b"),
    ("OPENLIB_DATABASE", "postgres://a:%40@x,y/b?sslrootcert=/c", "database", "postgres://a:%40@x,y/b?sslrootcert=/c"),
    ("OPENLIB_DATABASE", "postgresql:///?service=books", "database", "postgresql:///?service=books"),
    ("OPENLIB_DATABASE_SCHEMA", "_books2", "database_schema", "_books2"),
    ("OPENLIB_ICEBERG", "glue", "iceberg", "glue"),
    ("OPENLIB_ICEBERG", "sqlite:////tmp/a b/é.db", "iceberg", "sqlite:////tmp/a b/é.db"),
    ("OPENLIB_ICEBERG", "postgresql://me:x@host/books", "iceberg", "postgresql://me:x@host/books"),
    ("OPENLIB_ICEBERG_NAMESPACE", "books", "iceberg_namespace", "books"),
    ("OPENLIB_SUBJECTS", "s3://bucket/list.yaml", "subjects", "s3://bucket/list.yaml"),
]

SECRET = "hunter2"  # stands for any password

VALUES_WITH_CREDENTIALS = [
    ("OPENLIB_API_URL", f"https://me:{SECRET}@openlibrary.org"),
    ("OPENLIB_API_URL", f"https://{SECRET}@openlibrary.org"),
    ("OPENLIB_API_URL", f"https://:{SECRET}@openlibrary.org"),
    ("OPENLIB_API_URL", f"https://me:{SECRET}@openlibrary.org?x=1"),
    ("OPENLIB_API_URL", f"https://me:{SECRET}@"),
    ("OPENLIB_API_URL", f"https://me:{SECRET}@host:port"),
    ("OPENLIB_API_URL", f"https://me:{SECRET}@[::1"),
    ("OPENLIB_DUMPS", f"s3://key:{SECRET}@bucket/prefix"),
    ("OPENLIB_DUMPS_URL", f"https://me:{SECRET}@archive.org"),
    ("OPENLIB_REPOSITORY_URL", f"https://me:{SECRET}@example.org/books/tree/main"),
    ("OPENLIB_EVENTS_QUEUE", f"https://me:{SECRET}@sqs.us-east-1.amazonaws.com/1/q"),
    # libpq would take what follows the first @ for a host, and quote it, or quote what it cannot decode.
    ("OPENLIB_DATABASE", f"postgresql://me:x@{SECRET}@host/books"),
    ("OPENLIB_DATABASE", f"postgresql://me:{SECRET}/x@host/books"),
    ("OPENLIB_DATABASE", f"postgresql://me:{SECRET}?x@host/books"),
    ("OPENLIB_DATABASE", f"postgresql://me:{SECRET}#x@host/books"),
    ("OPENLIB_DATABASE", f"postgresql://me:{SECRET}%zz@host/books"),
    ("OPENLIB_DATABASE", f"postgresql://me:{SECRET}%00@host/books"),
    ("OPENLIB_DATABASE", f"postgresql://me:{SECRET} x@host/books"),
    ("OPENLIB_DATABASE", f"mysql://me:{SECRET}@host/books"),
    ("OPENLIB_ICEBERG", f"mysql://me:{SECRET}@host/books"),
    ("OPENLIB_ICEBERG", f"sqlite://me:{SECRET}@host/books"),
    ("OPENLIB_API_URL", f"ftp://me:{SECRET}@openlibrary.org"),
    ("OPENLIB_STORAGE", f"s3://key:{SECRET}@bucket/prefix"),
    ("OPENLIB_STORAGE", f"s3://{SECRET}@bucket"),
    ("OPENLIB_STORAGE", f"https://key:{SECRET}@host/bucket"),
]

HEADER_INJECTIONS = [
    "me@example.org\nX-Forwarded-For: 1.2.3.4",
    "me@example.org\r\nX-Forwarded-For: 1.2.3.4",
    "me@example.org\x00",
    "me@example.org) Mozilla/5.0 (x",
    "(me@example.org",
    "me@example.org\u2028x",
]

Read = Callable[[Mapping[str, str]], Settings]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read the settings from an environment that has these variables."""

    def read_from(variables: Mapping[str, str]) -> Settings:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            return Settings.from_env()

    return read_from


def test_without_variables_the_defaults_hold(read: Read) -> None:
    assert read({}) == Settings(
        storage="data",
        api_url="https://openlibrary.org",
        contact=None,
        requests_per_second=1.0,
        max_in_flight=3,
        timeout=60.0,
        retry_wait=60.0,
        page_size=1000,
        subjects="data/subjects.yaml",
        dumps=None,
        dumps_url="https://archive.org",
        pace="host",
        events_queue=None,
    )


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_an_empty_value_counts_as_unset(read: Read, blank: str) -> None:
    assert read(dict.fromkeys([*BAD_VALUES, "OPENLIB_SUBJECTS"], blank)) == Settings()


def test_a_contact_triples_the_rate_and_changes_nothing_else(read: Read) -> None:
    identified = read({"OPENLIB_CONTACT": "me@example.org"})
    assert identified == Settings(contact="me@example.org", requests_per_second=3.0)


def test_a_rate_that_is_set_holds_with_and_without_a_contact(read: Read) -> None:
    rate = {"OPENLIB_REQUESTS_PER_SECOND": "2"}
    assert read(rate).requests_per_second == 2
    assert read({**rate, "OPENLIB_CONTACT": "me@example.org"}).requests_per_second == 2


def test_the_watch_list_lies_in_the_storage_unless_said_otherwise(read: Read) -> None:
    assert read({"OPENLIB_STORAGE": "s3://bucket/x/"}).subjects == "s3://bucket/x/subjects.yaml"
    elsewhere = read({"OPENLIB_STORAGE": "s3://bucket/x", "OPENLIB_SUBJECTS": "mine.yaml"})
    assert elsewhere.subjects == "mine.yaml"


@pytest.mark.parametrize(("name", "value", "setting", "meant"), GOOD_VALUES)
def test_a_good_value_is_taken(read: Read, name: str, value: str, setting: str, meant: object) -> None:
    assert getattr(read({name: value}), setting) == meant


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_VALUES.items() for value in values])
def test_a_bad_value_is_refused_in_one_line_that_names_the_variable(read: Read, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read({name: value})
    message = str(refused.value)
    assert message.startswith(name)
    assert "give " in message
    assert message.isprintable()


@pytest.mark.parametrize(("name", "value"), VALUES_WITH_CREDENTIALS)
def test_credentials_in_a_url_are_refused_and_never_shown(read: Read, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read({name: value})
    assert str(refused.value).startswith(name)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("contact", HEADER_INJECTIONS)
def test_a_contact_that_would_break_out_of_its_header_is_refused(contact: str) -> None:
    with pytest.raises(SettingsError, match=r"^OPENLIB_CONTACT: .+$"):
        Settings(contact=contact)


def test_the_contact_is_shown_nowhere(read: Read) -> None:
    settings = read({"OPENLIB_CONTACT": f"{SECRET}@example.org"})
    assert settings.contact == f"{SECRET}@example.org"
    assert SECRET not in f"{settings!r} {settings}"
    with pytest.raises(SettingsError) as refused:
        read({"OPENLIB_CONTACT": f"{SECRET} at example.org"})
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_what_is_given_by_name_goes_before_the_environment_and_is_checked_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENLIB_PAGE_SIZE", "77")
    assert Settings().page_size == 77
    assert Settings(page_size=78).page_size == 78
    with pytest.raises(SettingsError, match=r"^OPENLIB_PAGE_SIZE=1001: give a whole number from 2 to 1000"):
        Settings(page_size=1001)


def test_the_database_is_not_shown_with_its_password(read: Read) -> None:
    url = f"postgresql://me:{SECRET}@host/books"
    settings = read({"OPENLIB_DATABASE": url})
    assert settings.database == url
    assert SECRET not in f"{settings!r} {settings}"
    target = Target.of(settings)
    assert target
    assert target.address == "postgresql://host/books, schema openlib"
    assert SECRET not in f"{target!r} {target.error(f'somebody said {SECRET}')}"


def test_the_catalogue_of_tables_is_not_shown_with_its_password(read: Read) -> None:
    settings = read({"OPENLIB_ICEBERG": f"postgresql://me:{SECRET}@host/books?sslpassword={SECRET}"})
    place = Place.of(settings)
    assert place
    assert place.address == "postgresql://host/books, namespace openlib"
    assert SECRET not in f"{settings!r} {settings} {place!r} {place}"


def test_a_catalogue_in_a_file_is_the_same_from_whatever_folder(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place.of(read({"OPENLIB_ICEBERG": "sqlite:///tables.db"}))
    assert place
    assert place.url == f"sqlite:///{tmp_path}/tables.db"
    assert Place.of(read({})) is None


@pytest.mark.parametrize(
    ("url", "variables", "server"),
    [
        ("postgresql://me:x@host:5432/books", {}, "postgresql://host:5432/books"),
        ("postgresql://me@/books?host=/run/pg&port=6", {}, "postgresql:///run/pg:6/books"),
        ("postgresql://me@a:1,b:2/?dbname=other&password=xyz", {}, "postgresql://a:1,b:2/other"),
        ("postgresql://host:1/books?port=2", {"PGPORT": "3"}, "postgresql://host:2/books"),
        ("postgresql://", {"PGHOST": "host", "PGPORT": "3", "PGDATABASE": "b"}, "postgresql://host:3/b"),
        ("postgresql://", {"PGSERVICE": "a"}, "postgresql:///?service=a"),
        ("postgresql:///?service=b", {"PGSERVICE": "a"}, "postgresql:///?service=b"),
        ("postgresql://me:pa[ss@host/books", {}, "postgresql://host/books"),
        ("postgresql://me:sec℀ret@host/books", {}, "postgresql://host/books"),
    ],
)
def test_a_database_is_known_by_all_that_says_which_it_is_and_by_no_secret(
    url: str, variables: dict[str, str], server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    target = Target(url, "openlib")
    assert target.server == server
    for secret in ("pa[ss", "sec℀ret"):
        assert target.without_secrets(f"it is {secret}") == ("it is ***" if secret in url else f"it is {secret}")
