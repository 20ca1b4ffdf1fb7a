"""The whole pipeline against an independent computation: every table, cell by cell, on disk and on S3."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import dagster as dg
import openpyxl
import pyarrow as pa
import pytest

from openlib_assets.openlibrary.listings import DOCUMENT_FIELDS
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import (
    BRONZE,
    CSV,
    GOLD,
    SERVING,
    SILVER,
    Pipeline,
    PlaceMaker,
    assert_same_rows,
    assert_tables_equal,
    failure_text,
    reference_tables,
    snapshot_paths,
)
from openlib_assets_tests.tools import reference_orders
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.offered import documents_of
from openlib_assets_tests.tools.reference import COLUMNS, csv_text
from openlib_assets_tests.tools.reference_orders import edition_to_order

Row = dict[str, Any]
Tables = dict[str, list[Row]]

SIZES = {
    "place:são_paulo_(brazil)": 1,
    "person:sherlock_holmes": 999,
    "place:new_york_n.y.": 1000,
    "science_fiction": 1001,
    "fiction": 12_001,
}
SUBJECTS = list(SIZES)
# What a file of many pages may get wrong does not depend on where it lies; S3 has others of several pages.
ON_S3 = [subject for subject in SUBJECTS if subject != "fiction"]
# For tests that go on changing files.
CHANGED = "science_fiction"

of_every_subject = pytest.mark.parametrize("subject", SUBJECTS)

TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
TYPES = {
    "works_reported": WHOLE,
    "works_rejected": WHOLE,
    "position": WHOLE,
    "reason": TEXT,
    "payload": TEXT,
    "title": TEXT,
    "year_status": TEXT,
    "has_fulltext": pa.bool_(),
    "subjects": pa.list_(TEXT),
    "avg_books_per_active_year": REAL,
    "avg_books_per_calendar_year": REAL,
    "fetched_at": pa.timestamp("us", "UTC"),
    "source": TEXT,
    "proven_by": TEXT,
    "window_seconds": WHOLE,
    "author_name": TEXT,
    "work_key": TEXT,
    "author_key": TEXT,
    "change": TEXT,
    "previous_snapshot": TEXT,
    "current_snapshot": TEXT,
    "into_author_name": TEXT,
    "into_author_key": TEXT,
    "into_title": TEXT,
    "into_work_key": TEXT,
    "rule": TEXT,
    "score": REAL,
    "isbn13": TEXT,
    "subtitle": TEXT,
    **dict.fromkeys(("languages", "publishers", "formats", "author_names"), pa.list_(TEXT)),
    "ratings_average": REAL,
    "ebook_access": TEXT,
    **dict.fromkeys(("demand", "recency", "author", "no_free"), REAL),
    **dict.fromkeys(("in_store", "duplicate_of", "edition_key", "publisher", "publish_date", "language"), TEXT),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(SIZES)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def pipeline(sandbox: Sandbox, new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Every subject, fetched and made into everything, on disk."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with temporary_instance() as instance:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run(*SUBJECTS).success
        yield pipeline


@pytest.fixture(scope="module")
def on_s3(sandbox: Sandbox, new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """All but the largest, fetched in pages of another size and made into everything, on S3."""
    variables = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "OPENLIB_PAGE_SIZE": "170"}
    with temporary_instance() as instance:
        pipeline = Pipeline(new_place("s3"), instance, sandbox.url, **variables)
        assert pipeline.run(*ON_S3).success
        yield pipeline


@pytest.fixture(scope="module")
def records(sandbox: Sandbox) -> Mapping[str, list[Row]]:
    """The sandbox's works of each subject."""
    return {subject: list(sandbox.works(subject)) for subject in SUBJECTS}


@pytest.fixture(scope="module")
def reference(pipeline: Pipeline, records: Mapping[str, list[Row]]) -> Mapping[str, Tables]:
    """Every table of each subject, computed by other means."""
    return {subject: reference_tables(pipeline, subject, works) for subject, works in records.items()}


def fetched_at(pipeline: Pipeline, subject: str, table: str = "raw_works") -> datetime:
    """The time that the one snapshot of a subject bears."""
    (path,) = snapshot_paths(pipeline, subject, table)
    metadata = pipeline.table(path).schema.metadata
    return datetime.fromisoformat(metadata[b"fetched_at"].decode())


@of_every_subject
def test_every_table_equals_the_reference_cell_by_cell(
    pipeline: Pipeline, reference: Mapping[str, Tables], subject: str
) -> None:
    assert_tables_equal(pipeline, subject, reference[subject])


@of_every_subject
def test_every_column_stands_in_its_place_and_has_its_type(pipeline: Pipeline, subject: str) -> None:
    for path in pipeline.storage.paths(""):
        layer, name = path.split("/")[:2]
        if layer in ("silver", "gold", "serving") and f"/subject={quote(subject, safe='')}/" in path:
            schema = pipeline.table(path).schema
            assert schema.names == COLUMNS[name].split()
            assert schema.types == [TYPES.get(column, WHOLE) for column in schema.names]


@of_every_subject
def test_every_csv_file_equals_the_reference_byte_by_byte(
    pipeline: Pipeline, reference: Mapping[str, Tables], subject: str
) -> None:
    for name in CSV:
        found = pipeline.storage.read(f"exports/{quote(subject, safe='')}/{name}.csv").decode().split("\n")
        rows = reference[subject][name]
        assert_same_rows(found, csv_text(list(rows[0]), rows).split("\n"))


@of_every_subject
def test_the_order_list_and_its_files_equal_the_reference(
    pipeline: Pipeline, sandbox: Sandbox, reference: Mapping[str, Tables], subject: str
) -> None:
    key = quote(subject, safe="")
    stocking = reference[subject]["stocking_list"]
    listed = reference_orders.order_list(stocking, {})
    documents = documents_of(sandbox.url, [row["work_key"] for row in listed], "eng")
    editions = {work: edition_to_order({"eng": document}, ["eng"]) for work, document in documents.items()}
    found = {work: edition for work, edition in editions.items() if edition}
    wanted = reference_orders.order_list(stocking, found)
    assert pipeline.table(f"serving/order_list/subject={key}/part-0.parquet").to_pylist() == wanted
    assert len(found) >= len(wanted) / 3
    sheet = openpyxl.load_workbook(io.BytesIO(pipeline.storage.read(f"exports/{key}/order_list.xlsx")))["order_list"]
    assert [str(row[4].value or "") for row in sheet.iter_rows(min_row=2)] == [row["isbn13"] or "" for row in wanted]
    text = pipeline.storage.read(f"exports/{key}/order_list.csv").decode("utf-8-sig")
    assert [row["work_key"] for row in csv.DictReader(io.StringIO(text))] == [row["work_key"] for row in wanted]


@of_every_subject
def test_bronze_keeps_every_record_exactly(pipeline: Pipeline, records: Mapping[str, list[Row]], subject: str) -> None:
    (path,) = snapshot_paths(pipeline, subject)
    bronze = pipeline.table(path)
    assert bronze.schema.names == ["work_key", "position", "payload"]
    assert bronze.schema.types == [TEXT, WHOLE, TEXT]
    assert bronze["position"].to_pylist() == list(range(len(records[subject])))
    keys = bronze["work_key"].to_pylist()
    assert keys == sorted(set(keys))
    with_availability = 0
    for key, payload, record in zip(keys, bronze["payload"].to_pylist(), records[subject], strict=True):
        kept = json.loads(payload)
        assert payload.isascii()
        assert payload == json.dumps(kept, separators=(",", ":"))
        with_availability += "availability" in kept
        kept.pop("availability", None)
        assert list(kept.items()) == list(record.items())
        assert kept["key"] == f"/works/{key}"
    assert with_availability == sum(record["ia"] is not None for record in records[subject])


@of_every_subject
def test_bronze_keeps_every_document_exactly(pipeline: Pipeline, sandbox: Sandbox, subject: str) -> None:
    (path,) = snapshot_paths(pipeline, subject, "raw_details")
    bronze = pipeline.table(path)
    assert bronze["position"].to_pylist() == list(range(sandbox.count(subject)))
    kept = [json.loads(payload) for payload in bronze["payload"].to_pylist()]
    assert_same_rows(kept, list(sandbox.documents(subject, DOCUMENT_FIELDS)))
    assert_same_rows(bronze["work_key"].to_pylist(), [document["key"].removeprefix("/works/") for document in kept])
    about = bronze.schema.metadata
    assert about[b"source"] == b"search"
    assert about[b"url"].decode().startswith(f"{sandbox.url}/search.json?q=")


@of_every_subject
def test_a_snapshot_says_where_and_when_it_comes_from(pipeline: Pipeline, sandbox: Sandbox, subject: str) -> None:
    (path,) = snapshot_paths(pipeline, subject)
    about = {key.decode(): value.decode() for key, value in pipeline.table(path).schema.metadata.items()}
    assert about["url"] == f"{sandbox.url}/subjects/{quote(subject, safe=':')}.json"
    assert about["source"] == "subjects_api"
    assert int(about["work_count"]) == sandbox.count(subject)
    assert int(about["pages"]) == max(1, -(-sandbox.count(subject) // 1000))
    assert (about["proven_by"], about["proof_window_seconds"]) == ("list of keys", "0.0")
    assert int(about["proof_requests"]) == max(1, -(-sandbox.count(subject) // 10_000))
    assert re.fullmatch(r"[0-9a-f]{64}", about["content_hash"])
    when = fetched_at(pipeline, subject)
    assert datetime.fromisoformat(about["proven_at"]) <= when
    assert f"/snapshot={when:%Y%m%dT%H%M%SZ}/part-0.parquet" in path
    assert abs((datetime.now(UTC) - when).total_seconds()) < 3600


def made_there(made: str, request: pytest.FixtureRequest) -> tuple[Pipeline, Sequence[str]]:
    """Return what a fixture has made, and the subjects that it has made it of."""
    return request.getfixturevalue(made), {"pipeline": SUBJECTS, "on_s3": ON_S3}[made]


on_both = pytest.mark.parametrize("made", ["pipeline", "on_s3"])


@on_both
def test_the_storage_holds_the_paths_of_the_contract_and_no_others(made: str, request: pytest.FixtureRequest) -> None:
    pipeline, subjects = made_there(made, request)
    wanted = set()
    for subject in subjects:
        key = quote(subject, safe="")
        name = f"{fetched_at(pipeline, subject):%Y%m%dT%H%M%SZ}"
        wanted |= {f"silver/{name}/subject={key}/part-0.parquet" for name in SILVER}
        wanted |= {f"gold/{name}/subject={key}/part-0.parquet" for name in GOLD}
        wanted |= {f"serving/{name}/subject={key}/part-0.parquet" for name in SERVING}
        wanted |= {f"exports/{key}/{name}.csv" for name in (*CSV, *SERVING)}
        wanted |= {f"exports/{key}/{name}.xlsx" for name in SERVING}
        wanted.add(f"reports/{key}/index.html")
        wanted.add(f"bronze/raw_works/subject={key}/snapshot={name}/part-0.parquet")
        name = f"{fetched_at(pipeline, subject, 'raw_details'):%Y%m%dT%H%M%SZ}"
        wanted.add(f"bronze/raw_details/subject={key}/snapshot={name}/part-0.parquet")
    assert set(pipeline.place.states()) == wanted


@on_both
def test_every_file_is_marked_with_the_schema_version_and_none_holds_the_subject(
    made: str, request: pytest.FixtureRequest
) -> None:
    pipeline, subjects = made_there(made, request)
    paths = [path for path in pipeline.storage.paths("") if path.endswith(".parquet")]
    assert len(paths) == len({*BRONZE, *SILVER, *GOLD, *SERVING}) * len(subjects)
    for path in paths:
        schema = pipeline.table(path).schema
        assert schema.metadata[b"openlib_schema_version"] == b"2", path
        assert "subject" not in schema.names


@on_both
def test_a_second_run_of_unchanged_works_touches_no_file_and_keeps_the_versions(
    made: str, request: pytest.FixtureRequest
) -> None:
    pipeline, _ = made_there(made, request)
    before = pipeline.place.states()
    versions = data_versions(pipeline.instance, CHANGED)
    result = pipeline.run(CHANGED)
    assert result.success
    assert pipeline.place.states() == before
    assert data_versions(pipeline.instance, CHANGED) == versions
    (event,) = result.get_asset_materialization_events()[:1]
    assert event.asset_key == dg.AssetKey("raw_works")
    assert event.materialization.metadata["state"].value == "unchanged"


def data_versions(instance: dg.DagsterInstance, subject: str) -> dict[str, str | None]:
    """The version of the data that each asset recorded last for a subject."""
    versions = {}
    for name in (*BRONZE, *SILVER, *GOLD, *SERVING, "subject_csv", "subject_report"):
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[subject]), limit=1
        ).records
        materialization = records[0].asset_materialization
        assert materialization is not None
        versions[name] = (materialization.tags or {}).get("dagster/data_version")
    assert all(versions.values())
    return versions


def digests_of(pipeline: Pipeline, subject: str) -> dict[str, str]:
    """Return the SHA-256 of each file of a subject; those of others are not even read, which from S3 takes long."""
    paths = [path for path in pipeline.storage.paths("") if quote(subject, safe="") in path]
    return {path: hashlib.sha256(pipeline.storage.read(path)).hexdigest() for path in paths}


def test_equal_bronze_gives_equal_bytes(on_s3: Pipeline, new_place: PlaceMaker, sandbox: Sandbox) -> None:
    """The same snapshot, rebuilt elsewhere and on a local disk, gives every file again."""
    other = new_place("local")
    storage = other.open()
    for path in (path for table in BRONZE for path in snapshot_paths(on_s3, CHANGED, table)):
        storage.write(path, on_s3.storage.read(path))
    with temporary_instance() as instance:
        rebuilt = Pipeline(other, instance, sandbox.url)
        assert rebuilt.run(CHANGED, job="rebuild_from_bronze").success
        digests = digests_of(on_s3, CHANGED)
        for layer in ("silver", "gold", "exports"):
            # Editions to order are asked for, and not made again from bronze.
            wanted = {
                path: digest
                for path, digest in digests.items()
                if path.startswith(f"{layer}/") and "order_list" not in path
            }
            assert rebuilt.digests(layer) == wanted
            assert wanted


@pytest.mark.parametrize("subject", ON_S3)
def test_two_fetches_in_pages_of_other_sizes_give_equal_tables_on_disk_and_on_s3(
    pipeline: Pipeline, on_s3: Pipeline, records: Mapping[str, list[Row]], subject: str
) -> None:
    for name in BRONZE:
        assert data_versions(on_s3.instance, subject)[name] == data_versions(pipeline.instance, subject)[name]
        (local,), (remote,) = (snapshot_paths(made, subject, name) for made in (pipeline, on_s3))
        assert pipeline.table(local)["work_key"] == on_s3.table(remote)["work_key"]
    compared = 0
    here = digests_of(pipeline, subject)
    for path, digest in digests_of(on_s3, subject).items():
        # The summary tells the time of the fetch, bronze the loans of the moment.
        if not path.startswith(("gold/subject_summary/", "bronze/", "reports/")):
            assert here[path] == digest, path
            compared += 1
    assert compared == len(SILVER) + len(GOLD) - 1 + len(CSV) + 3 * len(SERVING)
    assert_tables_equal(on_s3, subject, reference_tables(on_s3, subject, records[subject]))


def test_a_subject_in_which_every_work_lacks_the_same_has_empty_tables_and_is_green(new_place: PlaceMaker) -> None:
    missing: dict[str, Row] = {
        "anonymous": {"authors": []},
        "undated": {"first_publish_year": None},
        "bare": {"authors": [], "first_publish_year": None},
    }
    with Sandbox(SandboxConfig(dict.fromkeys(missing, 12))) as sandbox, temporary_instance() as instance:
        for subject, lacks in missing.items():
            for work in list(sandbox.works(subject)):
                sandbox.change_work(subject, work["key"], **lacks)
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, OPENLIB_DETAILS="off")
        result = pipeline.run(*missing)
        assert result.success, failure_text(result)
        for subject in missing:
            wanted = reference_tables(pipeline, subject, list(sandbox.works(subject)))
            assert wanted["author_yearly_counts"] == []
            assert_tables_equal(pipeline, subject, wanted)
            text = pipeline.storage.read(f"exports/{subject}/author_yearly_counts.csv")
            assert text == b"author_key,author_name,year,book_count\n"


AWKWARD = (
    "",
    " ",
    "__None__",
    'a "quoted" one',
    "a,b",
    "a\nb",
    "a\r\nb",
    "\r",
    "#1",
    "=1+1",
    "NULL",
    "\\N",
    "a|b",
    "'",
)
STRANGE = ("\ufeffa", "a\u2028b", "a\tb", "NaN", "0x1F", "\U0001f680", "ﬁ", "e\u0301", "\x7f", "\ud83d", "\x00")


def test_awkward_texts_pass_through_tables_and_csv_files_unharmed(new_place: PlaceMaker) -> None:
    subject = "awkward"
    with Sandbox(SandboxConfig({subject: 0})) as sandbox, temporary_instance() as instance:
        for number, text in enumerate((*AWKWARD, *STRANGE), start=2):
            authors = [{"key": f"/authors/OL{key}A", "name": text} for key in (1, number)]
            sandbox.add_work(subject, {"title": text, "subject": [text, "", text], "authors": authors})
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        result = pipeline.run(subject)
        assert result.success, failure_text(result)
        wanted = reference_tables(pipeline, subject, list(sandbox.works(subject)))
        assert_tables_equal(pipeline, subject, wanted)
        for name in CSV:
            found = pipeline.storage.read(f"exports/{subject}/{name}.csv").decode()
            assert_same_rows(found.split("\n"), csv_text(list(wanted[name][0]), wanted[name]).split("\n"))
