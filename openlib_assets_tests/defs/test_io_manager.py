"""The IO manager as those meet it who add assets of their own, and what it does with what they return."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from openlib_assets.cli.runs import execute
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.partitions import run_tags, subjects
from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs
from openlib_assets.sandbox import FaultPlan, Sandbox, SandboxConfig
from openlib_assets.storage.errors import OpenlibError
from openlib_assets_tests.conftest import (
    Pipeline,
    Place,
    PlaceMaker,
    assert_tables_equal,
    failure_text,
    failure_texts,
    reference_tables,
)
from openlib_assets_tests.tools.instances import temporary_instance

# The second has no author at all, so that its tables of authors are empty.
SUBJECTS = ("alpha", "bare", "time:20th_century")
AUTHORS = ("author_key", "author_name", "book_count", "first_year", "last_year")


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with temporary_instance() as instance:
        yield instance


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(dict.fromkeys(SUBJECTS, 12))) as sandbox:
        for work in list(sandbox.works("bare")):
            sandbox.change_work("bare", work["key"], authors=[])
        yield sandbox


@pytest.fixture(scope="module")
def made(
    module_place: Place,
    sandbox: Sandbox,
    instance: dg.DagsterInstance,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pipeline:
    """All subjects made, as far as their authors; not to be changed."""
    pipeline = Pipeline(module_place, instance, sandbox.url, XDG_CACHE_HOME=str(tmp_path_factory.mktemp("cache")))
    instance.add_dynamic_partitions("subjects", list(SUBJECTS))
    job = pipeline.definitions.resolve_job_def("all_assets")
    names = ("raw_works", "rejected_works", "books", "author_books", "authors")
    result = run_job(pipeline, job.get_subset(asset_selection={dg.AssetKey(name) for name in names}), SUBJECTS)
    assert result.success, failure_text(result)
    return pipeline


def run_job(pipeline: Pipeline, job: dg.JobDefinition, keys: Sequence[str]) -> dg.JobExecutionResult:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with pipeline.environment():
        return execute(pipeline.instance, job, quiet, run_tags(keys))


def run_assets(
    pipeline: Pipeline, assets: Sequence[dg.AssetsDefinition], keys: Sequence[str], *, with_ours: bool = False
) -> dg.JobExecutionResult:
    """Materialise somebody's own assets, added to the project's definitions, for some subjects in one run."""
    merged = dg.Definitions.merge(pipeline.definitions, dg.Definitions(assets=list(assets)))
    job = merged.resolve_implicit_global_asset_job_def()
    chosen = {asset.key for asset in assets}
    if with_ours:
        chosen.update(pipeline.definitions.resolve_job_def("all_assets").asset_layer.executable_asset_keys)
    return run_job(pipeline, job.get_subset(asset_selection=chosen), keys)


def reasons(result: dg.JobExecutionResult) -> dict[str | None, str]:
    """Return the reason of each failure, which stands below Dagster's own words, by its step."""
    errors = {event.step_key: event.step_failure_data.error for event in result.get_step_failure_events()}
    return {step: (error.cause or error).message for step, error in errors.items() if error}


def reader(
    annotation: type[Any], seen: list[Any], table: str = "authors", name: str = "my_reader"
) -> dg.AssetsDefinition:
    """Return an asset downstream of a table that keeps what it is handed."""

    @dg.asset(
        name=name,
        partitions_def=subjects,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"rows": dg.AssetIn(key=table, dagster_type=annotation)},
    )
    def my_reader(rows: Any) -> None:
        seen.append(rows)

    return my_reader


def writer(returned: object, name: str = "my_table") -> dg.AssetsDefinition:
    """Return an asset that returns something."""

    @dg.asset(name=name, partitions_def=subjects, backfill_policy=dg.BackfillPolicy.single_run())
    def my_table() -> Any:
        return returned

    return my_table


def stored_rows(pipeline: Pipeline, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pipeline.table(path).to_pylist()
    return found


def path_of(layer: str, table: str, subject: str) -> str:
    return f"{layer}/{table}/subject={quote(subject, safe='')}/part-0.parquet"


def expected_rows(pipeline: Pipeline, keys: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"subject": key, **row}
        for key in sorted(keys)
        for row in stored_rows(pipeline, path_of("silver", "authors", key))
    ]


ONE, BARE, ALL = SUBJECTS[:1], SUBJECTS[1:2], SUBJECTS
any_number = pytest.mark.parametrize("keys", [ONE, BARE, ALL], ids=["one", "one without rows", "three"])


@pytest.fixture(scope="module")
def handed(made: Pipeline) -> dict[Any, Any]:
    """What assets downstream of the authors are handed, by the subjects of their run and by their annotation."""
    return {(keys, annotation): rows for keys in (ONE, BARE, ALL) for annotation, rows in handed_for(made, keys)}


def handed_for(made: Pipeline, keys: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    seen: dict[Any, list[Any]] = {annotation: [] for annotation in (pd.DataFrame, pa.Table, Any, SubjectTables)}
    readers = [
        reader(annotation, rows, name=f"reader_{number}") for number, (annotation, rows) in enumerate(seen.items())
    ]
    result = run_assets(made, readers, keys)
    assert result.success, reasons(result)
    for annotation, (rows,) in seen.items():
        yield annotation, rows


@any_number
def test_a_data_frame_has_the_same_shape_for_any_number_of_subjects(
    made: Pipeline, handed: dict[Any, Any], keys: Sequence[str]
) -> None:
    frame: pd.DataFrame = handed[keys, pd.DataFrame]
    assert list(frame.columns) == ["subject", *AUTHORS]
    assert [str(kind) for kind in frame.dtypes] == ["string", "string", "string", "Int64", "Int64", "Int64"]
    rows = [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")
    ]
    assert rows == expected_rows(made, keys)


@any_number
def test_an_arrow_table_has_the_same_shape_for_any_number_of_subjects(
    made: Pipeline, handed: dict[Any, Any], keys: Sequence[str]
) -> None:
    for annotation in (pa.Table, Any):
        table: pa.Table = handed[keys, annotation]
        assert table.schema.names == ["subject", *AUTHORS]
        assert table.schema.types == [pa.string(), pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int64()]
        assert table.to_pylist() == expected_rows(made, keys)


@any_number
def test_subject_tables_are_opened_one_by_one(made: Pipeline, handed: dict[Any, Any], keys: Sequence[str]) -> None:
    tables: SubjectTables = handed[keys, SubjectTables]
    assert tables.subjects == sorted(keys)
    for key in keys:
        with tables.open(key) as dataset:
            assert dataset.to_table().to_pylist() == stored_rows(made, path_of("silver", "authors", key))


def test_the_fetched_works_can_be_read_like_any_table(made: Pipeline, sandbox: Sandbox) -> None:
    seen: list[pa.Table] = []
    assert run_assets(made, [reader(pa.Table, seen, "raw_works")], SUBJECTS).success
    (table,) = seen
    assert table.schema.names == ["subject", "work_key", "position", "payload"]
    assert [(row["subject"], f"/works/{row['work_key']}") for row in table.to_pylist()] == [
        (subject, work["key"]) for subject in sorted(SUBJECTS) for work in sandbox.works(subject)
    ]


@pytest.mark.parametrize("keys", [SUBJECTS[:1], SUBJECTS], ids=["one", "three"])
def test_what_an_asset_returns_is_filed_by_subject_and_comes_back_the_same(made: Pipeline, keys: Sequence[str]) -> None:
    @dg.asset(partitions_def=subjects, group_name="silver", backfill_policy=dg.BackfillPolicy.single_run())
    def prolific(authors: pd.DataFrame) -> pd.DataFrame:
        return authors.loc[authors["book_count"] > 1, ["author_key", "subject", "book_count"]]

    @dg.asset(partitions_def=subjects, backfill_policy=dg.BackfillPolicy.single_run())
    def prolific_names(prolific: pa.Table) -> pa.Table:
        seen.append(prolific)
        return prolific.select(["subject", "author_key"])

    seen: list[pa.Table] = []
    result = run_assets(made, [prolific, prolific_names], keys)
    assert result.success, reasons(result)
    (table,) = seen
    assert table.schema.names == ["subject", "author_key", "book_count"]
    assert table.to_pylist() == [
        {name: row[name] for name in table.schema.names} for row in expected_rows(made, keys) if row["book_count"] > 1
    ]
    for key in keys:
        own = [row for row in table.to_pylist() if row["subject"] == key]
        filed = stored_rows(made, path_of("silver", "prolific", key))
        assert filed == [{"author_key": row["author_key"], "book_count": row["book_count"]} for row in own]
        # A table of no layer's group is gold.
        names = stored_rows(made, path_of("gold", "prolific_names", key))
        assert names == [{"author_key": row["author_key"]} for row in own]
    counts = {
        event.partition: event.materialization.metadata["dagster/partition_row_count"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("prolific")
    }
    assert counts == {key: len([row for row in table.to_pylist() if row["subject"] == key]) for key in keys}


def test_a_table_without_rows_is_filed_as_one(made: Pipeline) -> None:
    frames = {
        "untyped": pd.DataFrame({"subject": [], "n": []}),
        "typed": pd.DataFrame({"subject": pd.Series([], dtype="string"), "n": pd.Series([], dtype="int64")}),
    }
    result = run_assets(made, [writer(frame, name) for name, frame in frames.items()], SUBJECTS)
    assert result.success, reasons(result)
    for name in frames:
        for subject in SUBJECTS:
            table = made.table(path_of("gold", name, subject))
            assert table.num_rows == 0
            assert table.schema.names == ["n"]


def test_an_annotation_of_another_kind_is_refused_with_those_that_work(made: Pipeline) -> None:
    result = run_assets(made, [reader(str, [])], SUBJECTS[:1])
    (reason,) = reasons(result).values()
    assert "annotate authors as SubjectTables, pyarrow.Table or pandas.DataFrame, not <class 'str'>" in reason


NO_SUBJECT = "return a pyarrow.Table or pandas.DataFrame with a column 'subject'"
NOT_FILED = {
    "table": (pa.table({"n": [1]}), NO_SUBJECT),
    "frame": (pd.DataFrame({"n": [1]}), NO_SUBJECT),
    "neither": ({"alpha": [1]}, NO_SUBJECT),
    "another": (
        pa.table({"subject": ["alpha", "omega"]}),
        "contains rows of subjects that are not in the run: ['omega']",
    ),
    "nobody": (pa.table({"subject": ["alpha", None]}), "contains rows of subjects that are not in the run: ['None']"),
    "number": (pd.DataFrame({"subject": [1984]}), "contains rows of subjects that are not in the run: ['1984']"),
}


def test_a_result_that_cannot_be_filed_is_refused_with_the_reason_and_nothing_is_written(made: Pipeline) -> None:
    before = made.place.states()
    result = run_assets(made, [writer(returned, name) for name, (returned, _) in NOT_FILED.items()], ["alpha"])
    said = reasons(result)
    assert said.keys() == NOT_FILED.keys()
    for name, (_, complaint) in NOT_FILED.items():
        assert f"{name}: {complaint}" in said[name]
    assert made.place.states() == before


def test_a_missing_table_upstream_is_a_line_that_says_what_to_run(made: Pipeline) -> None:
    made.instance.add_dynamic_partitions("subjects", ["never fetched"])
    for table, remedy in (
        ("authors", "make it with: openlib run 'never fetched'"),
        ("raw_works", "fetch it with: openlib run --force 'never fetched'"),
    ):
        result = run_assets(made, [reader(pd.DataFrame, [], table)], ["never fetched"])
        (reason,) = reasons(result).values()
        text = reason.strip()
        assert f": {made.place.root}/" in text
        assert f"/{table}/subject=never%20fetched/" in text
        assert text.endswith(f"there is no such table yet; {remedy}")
        assert len(text.splitlines()) == 1


def test_somebodys_own_assets_are_given_the_subjects_that_did_not_fail(new_place: PlaceMaker) -> None:
    """What they return of others is not kept, and their step says what was left out of it by failing upstream."""
    seen: list[pd.DataFrame] = []

    @dg.asset(
        name="my_table",
        partitions_def=subjects,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"rows": dg.AssetIn(key="authors", dagster_type=pd.DataFrame)},
    )
    def my_table(rows: pd.DataFrame) -> pd.DataFrame:
        seen.append(rows)
        return pd.concat([rows, pd.DataFrame({"subject": ["refused"], "author_key": ["made up"]})])

    plan = FaultPlan(permanent={"refused": "http_403"})
    with (
        Sandbox(SandboxConfig({"fine": 5, "refused": 5}, faults=plan)) as sandbox,
        temporary_instance() as instance,
    ):
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        instance.add_dynamic_partitions("subjects", ["fine", "refused"])
        result = run_assets(pipeline, [my_table], ["fine", "refused"], with_ours=True)
        assert list(failure_texts(result)) == ["raw_works"]
        (rows,) = seen
        assert set(rows["subject"]) == {"fine"}
        assert_tables_equal(pipeline, "fine", reference_tables(pipeline, "fine", list(sandbox.works("fine"))))
        assert instance.get_materialized_partitions(dg.AssetKey("my_table")) == {"fine"}
        assert [path for path in pipeline.place.states() if "my_table" in path] == [path_of("gold", "my_table", "fine")]


def test_an_own_table_that_cannot_be_written_for_a_subject_fails_its_step_and_keeps_the_others(
    new_place: PlaceMaker,
) -> None:
    place = new_place("local")
    with temporary_instance() as instance:
        pipeline = Pipeline(place, instance, "http://127.0.0.1:1")
        instance.add_dynamic_partitions("subjects", ["a", "b", "c"])
        in_the_way = Path(place.root, "gold/my_table/subject=b")
        in_the_way.parent.mkdir(parents=True)
        in_the_way.write_bytes(b"")
        rows = pa.table({"subject": ["a", "b", "c"], "number": [1, 2, 3]})
        result = run_assets(pipeline, [writer(rows)], ["a", "b", "c"])
        (text,) = reasons(result).values()
        assert "b: " in text
        assert "a: " not in text
        assert instance.get_materialized_partitions(dg.AssetKey("my_table")) == {"a", "c"}
        assert stored_rows(pipeline, path_of("gold", "my_table", "c")) == [{"number": 3}]


def own(function: Any, table: str = "authors") -> dg.AssetsDefinition:
    """Return somebody's asset that is made from a table, as pandas."""
    rows = {"rows": dg.AssetIn(key=table, dagster_type=pd.DataFrame)}
    policy = dg.BackfillPolicy.single_run()
    made: dg.AssetsDefinition = dg.asset(partitions_def=subjects, backfill_policy=policy, ins=rows)(function)
    return made


def test_what_is_made_from_an_own_table_is_not_given_what_that_has_of_a_subject_that_failed_in_the_run(
    sandbox: Sandbox, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    place, seen = new_place("local"), list[list[str]]()
    pipeline = Pipeline(place, instance, sandbox.url)
    assert pipeline.run("alpha", "bare").success

    def first(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"subject": ["alpha", "bare"], "number": [1, 2]})

    def second(rows: pd.DataFrame) -> pd.DataFrame:
        seen.append(sorted(set(rows["subject"])))
        return rows

    both = [own(first), own(second, "first")]
    result = run_assets(pipeline, both, ["alpha", "bare"])
    assert result.success, failure_text(result)
    made = Path(place.root, "gold/first/subject=bare")
    made.rename(made.with_name("aside"))
    made.write_bytes(b"")
    result = run_assets(pipeline, both, ["alpha", "bare"])
    assert list(reasons(result)) == ["first"]
    assert seen == [["alpha", "bare"], ["alpha"]]
    records = instance.fetch_materializations(dg.AssetKey("second"), limit=10).records
    assert [record.partition_key for record in reversed(records)] == ["alpha", "bare", "alpha"]


def test_an_own_asset_that_returns_subject_outputs_fails_where_a_subject_does(
    sandbox: Sandbox, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    pipeline = Pipeline(new_place("local"), instance, sandbox.url)

    @contextmanager
    def make(subject: str) -> Iterator[SubjectOutput]:
        if subject == "bare":
            raise OpenlibError("cannot be made; think again")
        yield SubjectOutput(
            {f"gold/mine/subject={subject}/it": lambda file: file.write_text("it")}, lambda _: Done({}, "1")
        )

    result = run_assets(pipeline, [writer(SubjectOutputs(make), "mine")], ["alpha", "bare"])
    assert not result.success
    assert reasons(result)["mine"].strip().endswith("Failure: bare: cannot be made; think again")
    assert instance.get_materialized_partitions(dg.AssetKey("mine")) == {"alpha"}


def test_own_metadata_own_checks_and_assets_of_several_tables_work_as_dagster_has_them(
    made: Pipeline, instance: dg.DagsterInstance
) -> None:
    def said(rows: pd.DataFrame) -> dg.MaterializeResult[pd.DataFrame]:
        return dg.MaterializeResult(value=rows, metadata={"mine": 5})

    def added(context: dg.AssetExecutionContext, rows: pd.DataFrame) -> pd.DataFrame:
        context.add_output_metadata({"mine": 6})
        return rows

    @dg.asset_check(asset="said")
    def has_rows(said: pd.DataFrame) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=len(said) > 0, metadata={"rows": len(said)})

    @dg.multi_asset(
        outs={"one": dg.AssetOut(), "other": dg.AssetOut()},
        ins={"rows": dg.AssetIn(key="authors", dagster_type=pd.DataFrame)},
        partitions_def=subjects,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def several(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        return rows, rows.head(1)

    assets = [own(said), own(added), several]
    extended = dg.Definitions.merge(made.definitions, dg.Definitions(assets=assets, asset_checks=[has_rows]))
    chosen = {dg.AssetKey(name) for name in ("said", "added", "one", "other")}
    job = extended.resolve_implicit_global_asset_job_def().get_subset(asset_selection=chosen)
    result = run_job(made, job, ["alpha"])
    assert result.success, failure_text(result)
    told = {}
    for name in ("said", "added"):
        (record,) = instance.fetch_materializations(dg.AssetKey(name), limit=1).records
        assert record.asset_materialization
        told[name] = record.asset_materialization
    assert [told["said"].metadata["mine"].value, told["added"].metadata["mine"].value] == [5, 6]
    assert "dagster/code_version" not in (told["said"].tags or {})
    assert (
        stored_rows(made, path_of("gold", "other", "alpha")) == stored_rows(made, path_of("gold", "one", "alpha"))[:1]
    )
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == ("has_rows", True)


def test_an_unusable_silver_table_is_made_again_by_an_ordinary_run(
    sandbox: Sandbox, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    pipeline = Pipeline(new_place("local"), instance, sandbox.url)
    assert pipeline.run("alpha").success
    before = pipeline.digests("")
    pipeline.storage.write(path_of("silver", "books", "alpha"), b"PAR1")
    result = run_assets(pipeline, [reader(pd.DataFrame, [], "books")], ["alpha"])
    (reason,) = reasons(result).values()
    assert reason.strip().endswith("not a readable Parquet file; make it with: openlib run alpha")
    assert pipeline.run("alpha").success
    assert pipeline.digests("") == before
