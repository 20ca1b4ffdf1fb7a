"""The assets as Dagster sees them: isolation of subjects, versions of data and code, metadata, jobs."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView
from dagster._core.definitions.data_version import CachingStaleStatusResolver

from openlib_assets import definitions
from openlib_assets.defs.assets import ASSETS as ALL_ASSETS
from openlib_assets.defs.assets import authors
from openlib_assets.defs.assets.tables import table_asset
from openlib_assets.lake.contract import AUTHORS, CATALOGUE_TABLES, WAREHOUSE_TABLES
from openlib_assets.sandbox import FaultPlan, Sandbox, SandboxConfig
from openlib_assets.settings import PUBLIC_API_URL
from openlib_assets_tests.conftest import (
    BRONZE,
    CSV,
    GOLD,
    SERVING,
    SILVER,
    Pipeline,
    Place,
    PlaceMaker,
    assert_tables_equal,
    failure_text,
    failure_texts,
    reference_tables,
    snapshot_paths,
)
from openlib_assets_tests.tools.instances import temporary_instance

TABLES = (*BRONZE, *SILVER, *GOLD)
ASSETS = (*TABLES, *SERVING, "subject_csv", "subject_report")
STORE = ("store_catalogue", "store_matches")
WAREHOUSE = tuple(f"warehouse/{table.name}" for table in WAREHOUSE_TABLES)
DUMPS = ("dump_files", "dump_records", *(table.name for table in CATALOGUE_TABLES))
ACROSS = ("catalog", "comparison", "database")
# What reads the fetched works themselves.
RAW_CHILDREN = (
    "rejected_works",
    "books",
    "author_books",
    "authors",
    "subject_summary",
    "subject_changes",
    "subject_report",
)
Materializations = dict[str, dict[str, list[dg.AssetMaterialization]]]


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One instance for all tests: each has subjects of its own."""
    with temporary_instance() as instance:
        yield instance


def materializations(instance: dg.DagsterInstance) -> Materializations:
    """Return everything ever recorded, by asset and subject, newest first."""
    found: Materializations = {}
    for asset in ASSETS:
        by_subject: dict[str, list[dg.AssetMaterialization]] = {}
        for record in instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records:
            assert record.asset_materialization is not None
            by_subject.setdefault(str(record.partition_key), []).append(record.asset_materialization)
        found[asset] = by_subject
    return found


def values(materialization: dg.AssetMaterialization) -> dict[str, Any]:
    return {name: value.value for name, value in materialization.metadata.items()}


def table_path(asset: str, subject: str) -> str:
    return f"{'silver' if asset in SILVER else 'gold'}/{asset}/subject={subject}/part-0.parquet"


FOUR = ("a1", "a2", "a3", "a4")
GOOD = ("a1", "a4")
READ_FROM_RECORDS = ("books", "author_books", "authors", "subject_summary", "subject_changes")
RANKED = ("rank", "work_key", "title", "score", "in_store", "duplicate_of")
CODE_VERSIONS = {
    **dict.fromkeys((*SILVER, *GOLD), "1"),
    **dict.fromkeys(READ_FROM_RECORDS, "2"),
    "subject_changes": "3",
}
MADE_WITHOUT_YEARS = {*BRONZE, "rejected_works", "author_books"}
SIZES = dict(zip(FOUR, range(21, 25), strict=True))


@dataclasses.dataclass(frozen=True)
class Ran:
    """A pipeline that ran once, and what its instance holds now."""

    sandbox: Sandbox
    pipeline: Pipeline
    result: dg.JobExecutionResult
    recorded: Materializations


@pytest.fixture(scope="module")
def four(new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Four subjects in one run; Open Library refuses the second, and the third comes without years."""
    plan = FaultPlan(permanent={"a2": "http_403", "a3": "missing_years"})
    cache = str(tmp_path_factory.mktemp("cache"))
    with Sandbox(SandboxConfig(SIZES, faults=plan)) as sandbox, temporary_instance() as instance:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        result = pipeline.run(*FOUR)
        yield Ran(sandbox, pipeline, result, materializations(instance))


def test_the_run_is_red_and_names_both_with_their_reasons(four: Ran) -> None:
    assert not four.result.success
    refused, undated = failure_texts(four.result).values()
    assert list(failure_texts(four.result)) == ["raw_works", "books"], "the steps that failed are those that are red"
    assert refused == (
        f"a2: {four.sandbox.url}/subjects/a2.json?limit=1000&offset=0&sort=key: HTTP 403, refused: set OPENLIB_CONTACT"
        ", since Open Library refuses clients without a contact (1 try)"
    )
    assert undated.startswith("a3: books: check some_year_is_known failed: works 23, works_with_a_year 0 ")


def test_the_others_are_complete_in_every_table(four: Ran) -> None:
    for subject in GOOD:
        assert_tables_equal(
            four.pipeline, subject, reference_tables(four.pipeline, subject, list(four.sandbox.works(subject)))
        )
        assert len(list(four.pipeline.storage.paths(f"exports/{subject}"))) == len(CSV) + 2 * len(SERVING)


def test_each_of_the_others_is_recorded_once_in_every_asset_and_nothing_without_a_subject(four: Ran) -> None:
    """Dagster would add an event of its own for each subject, but for a key of its own that we set."""
    for asset in ASSETS:
        subjects = set(four.recorded[asset])
        assert {subject: len(four.recorded[asset][subject]) for subject in GOOD} == dict.fromkeys(GOOD, 1)
        assert subjects - set(GOOD) <= {"a3"}


def test_the_failed_are_recorded_only_as_far_as_they_came(four: Ran) -> None:
    assert [asset for asset in ASSETS if "a2" in four.recorded[asset]] == []
    assert {asset for asset in ASSETS if "a3" in four.recorded[asset]} <= MADE_WITHOUT_YEARS
    paths = [path for path in four.pipeline.place.states() if not path.startswith("_")]
    assert not any("a2" in path for path in paths)
    assert {path.split("/")[1] for path in paths if "a3" in path} <= MADE_WITHOUT_YEARS


def test_each_is_recorded_with_its_own_numbers(four: Ran) -> None:
    for subject in GOOD:
        (fetched,) = four.recorded["raw_works"][subject]
        assert values(fetched)["works_reported"] == SIZES[subject]
        for asset in (*SILVER, *GOLD):
            (materialization,) = four.recorded[asset][subject]
            path = table_path(asset, subject)
            assert values(materialization)["dagster/partition_row_count"] == four.pipeline.table(path).num_rows
            assert values(materialization)["dagster/uri"] == four.pipeline.storage.uri(path)


def test_the_version_of_the_data_is_a_hash_of_the_content(four: Ran) -> None:
    for subject in GOOD:
        (fetched,) = four.recorded["raw_works"][subject]
        assert fetched.tags is not None
        assert fetched.tags["dagster/data_version"] == values(fetched)["content_hash"]
        # The version of the stocking list has its weights in it, too.
        for asset in {*SILVER, *GOLD} - {"stocking_list"}:
            (materialization,) = four.recorded[asset][subject]
            content = four.pipeline.storage.read(table_path(asset, subject))
            assert materialization.tags is not None
            assert materialization.tags["dagster/data_version"] == hashlib.sha256(content).hexdigest()
            assert materialization.tags["dagster/code_version"] == CODE_VERSIONS[asset]
    versions = {four.recorded["books"][subject][0].tags["dagster/data_version"] for subject in GOOD}  # type: ignore[index]
    assert len(versions) == len(GOOD)


def test_each_check_is_evaluated_for_each_subject_by_itself(four: Ran) -> None:
    evaluations = Counter(
        (evaluation.asset_key.to_user_string(), evaluation.check_name, evaluation.partition)
        for evaluation in four.result.get_asset_check_evaluations()
    )
    assert set(evaluations.values()) == {1}
    checks = four.pipeline.definitions.resolve_asset_graph().asset_check_keys
    for check in (check for check in checks if check.asset_key.to_user_string() not in (*STORE, *WAREHOUSE, *DUMPS)):
        evaluated = {
            subject
            for asset, name, subject in evaluations
            if (asset, name) == (check.asset_key.to_user_string(), check.name)
        }
        assert evaluated >= set(GOOD)
        assert "a2" not in evaluated
    failed = {
        (evaluation.partition, evaluation.check_name)
        for evaluation in four.result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity == dg.AssetCheckSeverity.ERROR
    }
    assert failed == {("a3", "contract_holds")}


def test_all_that_is_recorded_is_fresh(four: Ran) -> None:
    states = stale_states(four.pipeline, GOOD)
    assert set(states.values()) == {"FRESH"}


def test_a_second_run_after_the_cause_is_gone_completes_the_rest(four: Ran) -> None:
    before = four.pipeline.place.states()
    with Sandbox(SandboxConfig(SIZES)) as healthy:
        again = Pipeline(four.pipeline.place, four.pipeline.instance, healthy.url)
        assert again.run(*FOUR).success
        for subject in ("a2", "a3"):
            assert_tables_equal(again, subject, reference_tables(again, subject, list(healthy.works(subject))))
    after = four.pipeline.place.states()
    assert {path: after[path] for path in before if "a2" not in path and "a3" not in path} == {
        path: state for path, state in before.items() if "a2" not in path and "a3" not in path
    }
    assert len(snapshot_paths(four.pipeline, "a1")) == 1


def stale_states(
    pipeline: Pipeline, subjects: Sequence[str], defs: dg.Definitions | None = None
) -> dict[tuple[str, str], str]:
    """Tell for each asset and subject what the UI's badge is made from: FRESH, STALE or MISSING."""
    view = AssetGraphView.for_test(defs or pipeline.definitions, pipeline.instance)
    resolver = CachingStaleStatusResolver(pipeline.instance, view.asset_graph, view)
    return {
        (asset, subject): resolver.get_status(dg.AssetKey(asset), subject).value
        for asset in ASSETS
        for subject in subjects
    }


def of_state(states: dict[tuple[str, str], str], state: str) -> set[tuple[str, str]]:
    return {place for place, found in states.items() if found == state}


@pytest.mark.parametrize("together", [True, False], ids=["in one run", "in a run each"])
def test_a_change_of_one_subject_makes_its_downstream_stale_and_nothing_else(
    together: bool, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    subjects = ("b1", "b2") if together else ("c1", "c2")
    changed = subjects[1]

    def run(job: str) -> None:
        for stretch in [subjects] if together else [(subject,) for subject in subjects]:
            result = pipeline.run(*stretch, job=job)
            assert result.success, failure_text(result)

    with Sandbox(SandboxConfig(dict.fromkeys(subjects, 5))) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        run("all_assets")
        assert of_state(stale_states(pipeline, subjects), "FRESH") == {(a, s) for a in ASSETS for s in subjects}

        run("extract")
        assert of_state(stale_states(pipeline, subjects), "STALE") == set(), "unchanged works leave all fresh"

        # The sandbox's subjects share some works, and those would change in each.
        elsewhere = {work["key"] for subject in subjects if subject != changed for work in sandbox.works(subject)}
        key = next(work["key"] for work in sandbox.works(changed) if work["key"] not in elsewhere)
        sandbox.change_work(changed, key, title="Another title")
        run("extract")
        stale = of_state(stale_states(pipeline, subjects), "STALE")
        # What reads the fetched works themselves; the rest follows as soon as these are made again.
        assert stale == {(asset, changed) for asset in RAW_CHILDREN}

        run("rebuild_from_bronze")
        # For it, Open Library would be asked.
        assert of_state(stale_states(pipeline, subjects), "STALE") == {("order_list", changed)}
        assert_tables_equal(pipeline, changed, reference_tables(pipeline, changed, list(sandbox.works(changed))))


def test_a_new_version_of_the_code_makes_its_table_stale(four: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    bumped = [
        table_asset(dataclasses.replace(AUTHORS, code_version="3")) if asset is authors else asset
        for asset in ALL_ASSETS
    ]
    monkeypatch.setattr(definitions, "ASSETS", bumped)
    with four.pipeline.environment():
        defs = definitions.build_defs()
    assert of_state(stale_states(four.pipeline, ["a1"], defs), "STALE") == {("authors", "a1")}


def test_a_table_that_cannot_be_written_makes_a_run_of_several_red_whichever_asset_it_is(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    subjects = ("e1", "e2", "e3")
    place = new_place("local")
    for folder in ("exports", "gold/subject_summary", "gold/author_averages"):
        Path(place.root, folder).mkdir(parents=True)
    Path(place.root, "exports/e1").write_bytes(b"in the way")
    Path(place.root, "gold/subject_summary/subject=e2").write_bytes(b"in the way")
    with Sandbox(SandboxConfig(dict.fromkeys(subjects, 5))) as sandbox:
        pipeline = Pipeline(place, instance, sandbox.url)
        result = pipeline.run(*subjects)
        assert not result.success
        recorded = materializations(instance)
        assert {asset for asset in ASSETS if "e1" in recorded[asset]} >= {*SILVER, *GOLD}
        assert "e1" not in recorded["subject_csv"]
        assert "e2" not in recorded["subject_summary"]
        assert all("e3" in recorded[asset] for asset in ASSETS)
        failed = failure_texts(result)
        assert set(failed) == {"subject_csv", "subject_summary", "order_list"}, "order lists are exported, too"
        assert failed["subject_csv"].startswith(f"e1: {place.root}/exports/e1")
        assert failed["subject_summary"].startswith(f"e2: {place.root}/gold/subject_summary/subject=e2")
        assert all(len(text.splitlines()) == 1 for text in failed.values())


def test_a_failure_in_the_last_table_alone_makes_a_run_of_several_red(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    place = new_place("local")
    blocked = Path(place.root, "reports/r1")
    blocked.parent.mkdir(parents=True)
    blocked.write_bytes(b"in the way")
    with Sandbox(SandboxConfig({"r1": 5, "r2": 5})) as sandbox:
        result = Pipeline(place, instance, sandbox.url).run("r1", "r2")
    assert not result.success
    assert list(failure_texts(result)) == ["subject_report"]
    assert failure_text(result).startswith(f"r1: {blocked}")
    assert len(failure_text(result).splitlines()) == 1


def test_while_a_subject_is_fetched_a_second_fetch_of_it_ends_with_a_line_that_says_so(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with Sandbox(SandboxConfig({"h1": 5, "h2": 5})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        seen: list[str] = []

        @sandbox.on_request
        def run_again(number: int, path: str, query: str) -> None:
            if number == 1:
                result = Pipeline(pipeline.place, instance, sandbox.url).run("h1", job="extract")
                assert not result.success
                seen.append(failure_text(result))

        assert pipeline.run("h1", job="extract").success
        assert seen == ["h1: 'h1' is being fetched by another run; wait for it to end, then try again"]
        assert len(snapshot_paths(pipeline, "h1")) == 1


SUBJECT = "person:ada_lovelace"
ENCODED = "person%3Aada_lovelace"


@pytest.fixture(scope="module")
def shown(module_place: Place, instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """One subject on either storage; each address answers with a fault before it answers well."""
    plan = FaultPlan({"http_503": 1.0}, max_consecutive=1)
    cache = str(tmp_path_factory.mktemp("cache"))
    with Sandbox(SandboxConfig({SUBJECT: 30}, faults=plan)) as sandbox:
        pipeline = Pipeline(module_place, instance, sandbox.url, OPENLIB_PAGE_SIZE="11", XDG_CACHE_HOME=cache)
        result = pipeline.run(SUBJECT)
        assert result.success, failure_text(result)
        yield Ran(sandbox, pipeline, result, materializations(instance))


def numbers(ran: Ran, asset: str) -> dict[str, Any]:
    """Return the metadata of an asset's latest materialization."""
    return values(ran.recorded[asset][SUBJECT][0])


def path_of(ran: Ran, table: str) -> str:
    """Return where the one file of a table is."""
    if table not in BRONZE:
        return table_path(table, ENCODED)
    (path,) = snapshot_paths(ran.pipeline, SUBJECT, table)
    return path


def test_every_asset_says_what_it_is_who_owns_it_and_where_it_is_stored(shown: Ran) -> None:
    specs = {spec.key.to_user_string(): spec for spec in shown.pipeline.definitions.resolve_all_asset_specs()}
    assert set(specs) == {*ASSETS, *STORE, *WAREHOUSE, *ACROSS, *DUMPS}
    serving = (*SERVING, "subject_csv", "subject_report", *ACROSS)
    layers = dict.fromkeys(BRONZE, "bronze") | dict.fromkeys(serving, "serving") | dict.fromkeys(WAREHOUSE, "warehouse")
    layers |= dict.fromkeys(DUMPS, "dumps")
    partitions = dict.fromkeys((*STORE, *WAREHOUSE, *ACROSS)) | dict.fromkeys(DUMPS, "dumps")
    stored = "s3" if shown.pipeline.place.root.startswith("s3://") else "file"
    for name, spec in specs.items():
        assert spec.description
        assert list(spec.owners) == ["team:openlib"]
        assert spec.group_name == layers.get(name, "silver" if name in (*SILVER, *STORE) else "gold")
        assert spec.kinds & {"s3", "file"} == {stored}
        by = partitions.get(name, "subjects")
        assert spec.partitions_def == (by and dg.DynamicPartitionsDefinition(name=by))
        assert spec.code_version
    assert specs["raw_works"].kinds == {"python", "parquet", stored}
    assert specs["books"].kinds == {"sql", "duckdb", "parquet", stored}
    assert specs["subject_csv"].kinds == {"csv", stored}


def test_the_graph_is_that_of_the_design(shown: Ran) -> None:
    graph = shown.pipeline.definitions.resolve_asset_graph()
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert parents == {
        "raw_works": set(),
        "raw_details": {"raw_works"},
        "rejected_works": {"raw_works"},
        "books": {"raw_works", "rejected_works"},
        "author_books": {"raw_works", "rejected_works"},
        "authors": {"raw_works", "rejected_works", "books", "author_books"},
        "possible_same_authors": {"books", "author_books", "authors"},
        "possible_duplicate_books": {"books", "author_books", "possible_same_authors"},
        "work_isbns": {"books", "raw_details"},
        "work_details": {"books", "rejected_works", "raw_details", "work_isbns"},
        "author_yearly_counts": {"books", "authors", "author_books"},
        "author_averages": {"authors", "author_yearly_counts"},
        "subject_summary": {"raw_works", "rejected_works", "books", "authors"},
        "subject_changes": {"raw_works", "rejected_works", "books"},
        "stocking_list": {
            *("books", "authors", "author_books", "possible_duplicate_books", "subject_summary"),
            *("work_details", "work_isbns", "store_catalogue"),
        },
        "order_list": {"stocking_list"},
        "store_catalogue": set(),
        "store_matches": {"store_catalogue", "books", "authors", "author_books", "work_isbns"},
        "subject_csv": {"authors", "books", "author_books", "author_yearly_counts", "author_averages"},
        "subject_report": {*TABLES, "order_list"} - {"authors", "raw_details", "work_isbns"},
        "warehouse/subjects": {"subject_summary"},
        "warehouse/works": {"books", "work_details", "work_isbns", "subject_summary", "order_list"},
        "warehouse/work_subjects": {"books"},
        "warehouse/authors": {"books", "author_books"},
        "warehouse/work_authors": {"author_books"},
        "warehouse/work_isbns": {"work_isbns"},
        "warehouse/author_yearly_counts": {"books", "authors", "author_books"},
        "warehouse/author_averages": {"authors", "author_yearly_counts"},
        "warehouse/subject_author_yearly_counts": {"author_yearly_counts"},
        "warehouse/stocking_list": {"stocking_list"},
        "warehouse/order_list": {"order_list"},
        "warehouse/subject_history": {"subject_summary", "subject_changes"},
        "catalog": {*SILVER, *GOLD, *SERVING, *STORE, *WAREHOUSE},
        "database": {*WAREHOUSE},
        "comparison": {
            f"warehouse/{name}"
            for name in ("subjects", "works", "work_subjects", "authors", "work_authors", "subject_history")
        },
        "dump_files": set(),
        "dump_records": {"dump_files"},
        "catalogue_rejects": {"dump_records"},
        "catalogue_authors": {"dump_records"},
        "catalogue_demand": {"dump_records"},
        "catalogue_editions": {"dump_records"},
        "catalogue_isbns": {"catalogue_editions"},
        "catalogue_works": {"dump_records", "catalogue_authors", "catalogue_demand", "catalogue_editions"},
        "catalogue_subjects": {"catalogue_works"},
        "catalogue_author_yearly_counts": {"catalogue_works", "catalogue_authors"},
        "catalogue_author_averages": {
            *("catalogue_works", "catalogue_authors", "catalogue_author_yearly_counts"),
        },
        "catalogue_changes": {"catalogue_works", "dump_records"},
    }


def test_the_column_schema_is_that_of_the_file_with_a_description_of_each_column(shown: Ran) -> None:
    specs = {spec.key.to_user_string(): spec for spec in shown.pipeline.definitions.resolve_all_asset_specs()}
    for name in TABLES:
        schema: dg.TableSchema = specs[name].metadata["dagster/column_schema"]
        path = path_of(shown, name)
        file = shown.pipeline.table(path).schema
        assert [(column.name, column.type) for column in schema.columns] == [
            (field.name, str(field.type).replace("element: ", "item: ")) for field in file
        ]
        assert [column.constraints.nullable for column in schema.columns] == [field.nullable for field in file]
        assert all(column.description for column in schema.columns)


def test_every_table_tells_its_rows_its_full_address_and_shows_a_preview(shown: Ran) -> None:
    for name in TABLES:
        path = path_of(shown, name)
        table = shown.pipeline.table(path)
        assert numbers(shown, name)["dagster/partition_row_count"] == table.num_rows
        assert numbers(shown, name)["dagster/uri"] == f"{shown.pipeline.place.root}/{path}"
        lines = numbers(shown, name)["preview"].splitlines()
        # A wide preview would be hidden behind a link.
        columns = RANKED if name == "stocking_list" else table.schema.names
        assert lines[0] == f"| {' | '.join(columns)} |"
        assert len(lines) == 2 + min(5, table.num_rows)
    assert numbers(shown, "subject_csv")["dagster/uri"] == f"{shown.pipeline.place.root}/exports/{ENCODED}"
    assert "author\\_averages.csv" in numbers(shown, "subject_csv")["preview"]


def test_serving_tells_numbers_to_plot_of_each_file_and_of_the_subject(shown: Ran) -> None:
    for name in CSV:
        rows = shown.pipeline.table(table_path(name, ENCODED)).num_rows
        assert numbers(shown, "subject_csv")[f"rows of {name}.csv"] == rows
    (summary,) = shown.pipeline.table(table_path("subject_summary", ENCODED)).to_pylist()
    report = numbers(shown, "subject_report")
    assert (report["works"], report["authors"]) == (summary["works"], summary["authors"])
    assert report["dated share (%)"] == pytest.approx(100 * summary["works_dated"] / summary["works"], abs=0.05)


def test_raw_works_tells_how_the_fetch_went(shown: Ran) -> None:
    fetched = numbers(shown, "raw_works")
    # Three pages and a list of keys; each address is answered by a fault before the right answer.
    assert fetched["pages"] == 3
    assert fetched["works_reported"] == 30
    assert fetched["requests"] == 8
    assert fetched["retries"] == 4
    assert fetched["proven_by"] == "list of keys"
    assert fetched["window_seconds"] == 0
    assert fetched["requests_of_proof"] == 1
    assert shown.sandbox.requests[0].at < fetched["proven_at"] < shown.sandbox.requests[-1].at
    assert 0 < fetched["seconds"] < 60
    assert fetched["source"] == f"{shown.sandbox.url}/subjects/person:ada_lovelace.json"
    assert fetched["state"] == "new snapshot"
    assert f"/snapshot={fetched['snapshot']}/" in fetched["dagster/uri"]


def test_every_check_has_a_description_and_says_numbers(shown: Ran) -> None:
    graph = shown.pipeline.definitions.resolve_asset_graph()
    names = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    assert names >= {
        *((table, "contract_holds") for table in TABLES),
        ("raw_works", "did_not_fall"),
        ("raw_works", "refreshed_lately"),
        ("books", "years_are_plausible"),
    }
    for key in graph.asset_check_keys:
        assert graph.get_check_spec(key).description
    evaluations = {
        (evaluation.asset_key.to_user_string(), evaluation.check_name): evaluation
        for evaluation in shown.result.get_asset_check_evaluations()
    }
    assert set(evaluations) == {(table, name) for table, name in names if table not in (*STORE, *WAREHOUSE, *DUMPS)}
    assert {name.partition(": ")[0] for name in evaluations["books", "contract_holds"].metadata} == {
        "Subject",
        "key_is_unique",
        "required_columns_are_filled",
        "every_work_is_a_book",
        "some_year_is_known",
    }
    for evaluation in evaluations.values():
        assert evaluation.passed
        assert evaluation.partition == SUBJECT
        assert str(evaluation.description).startswith(f"{SUBJECT}: ")
        subject, *numbers = (value.value for value in evaluation.metadata.values())
        assert subject == SUBJECT
        assert numbers
        assert all(isinstance(number, int | float) for number in numbers)


def test_a_run_that_would_ask_the_public_site_without_a_contact_fails_in_one_line(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    result = Pipeline(new_place("local"), instance, PUBLIC_API_URL).run("love", job="extract")
    assert failure_text(result).startswith("OPENLIB_CONTACT is not set: ")
    assert len(failure_text(result).splitlines()) == 1


def test_a_mistyped_partition_fails_nobody_else(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    with Sandbox(SandboxConfig({"mistyped_too": 5})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        result = pipeline.run("Mistyped Too", "mistyped_too", job="extract")
        assert failure_text(result) == (
            "Mistyped Too: 'Mistyped Too' is not a subject key; the key is 'mistyped_too'. "
            "Remove the partition with: openlib subjects remove 'Mistyped Too'"
        )
        assert len(snapshot_paths(pipeline, "mistyped_too")) == 1
        assert not list(pipeline.storage.folders("_locks"))


def test_extract_fetches_and_goes_no_further(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    with Sandbox(SandboxConfig({"i1": 5})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        assert pipeline.run("i1", job="extract").success
        assert {*pipeline.place.states()} == {
            path for table in BRONZE for path in snapshot_paths(pipeline, "i1", table)
        }


def test_rebuild_from_bronze_makes_everything_and_asks_open_library_for_nothing(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with Sandbox(SandboxConfig({"j1": 5, "j2": 6})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        assert pipeline.run("j1", "j2", job="extract").success
        asked = len(sandbox.requests)
        for subjects in (("j1",), ("j1", "j2")):
            result = pipeline.run(*subjects, job="rebuild_from_bronze")
            assert result.success, failure_text(result)
        assert len(sandbox.requests) == asked
        for subject in ("j1", "j2"):
            assert_tables_equal(pipeline, subject, reference_tables(pipeline, subject, list(sandbox.works(subject))))
            assert len(list(pipeline.storage.paths(f"exports/{subject}"))) == len(CSV)


def test_a_rebuild_without_bronze_says_what_to_run(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    with Sandbox(SandboxConfig({"k1": 5})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        result = pipeline.run("k1", job="rebuild_from_bronze")
        assert not result.success
        texts = [
            event.step_failure_data.user_failure_data.description
            for event in result.get_step_failure_events()
            if event.step_failure_data.user_failure_data
        ]
        assert texts
        for text in texts:
            assert text is not None
            assert text.startswith(f"k1: {pipeline.place.root}/bronze/raw_works/subject=k1/")
            assert "there is no such table yet; fetch it with: openlib run" in text
            assert len(text.splitlines()) == 1
