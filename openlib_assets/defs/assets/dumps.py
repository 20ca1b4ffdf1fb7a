"""The whole catalogue from a monthly dump: its files, their lines, and the tables made of them; partitioned by date."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, TypedDict

import dagster as dg
from pydantic import Field

from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.assets.common import OWNERS, address, layer_tags
from openlib_assets.defs.partitions import dumps as dump_dates
from openlib_assets.defs.resources import DumpsResource, StorageResource
from openlib_assets.defs.steps.checks import check_specs, results
from openlib_assets.defs.steps.outputs import said_in_one_line
from openlib_assets.defs.ui_metadata import DEFINED, URI_METADATA, column_schema, markdown, table_description
from openlib_assets.lake import layout
from openlib_assets.lake.contract import CATALOGUE_TABLES, Layer, Table
from openlib_assets.lake.dumps.building import Build, Built, engine_of
from openlib_assets.lake.dumps.engines import APPLICATION_URL
from openlib_assets.lake.dumps.files import FILES_TABLE, Files, Listener, fetch_files, require_files, require_room
from openlib_assets.lake.dumps.lakes import building, choose_before, publish_lake
from openlib_assets.lake.dumps.steps import FILES, STEPS, LineFile, Step
from openlib_assets.lake.transform import CheckFailedError
from openlib_assets.openlibrary.dumps import DUMP_FILES, parse_day
from openlib_assets.storage import LocalStorage, Storage

GROUP = "dumps"
_ANY_DATE = "YYYY-MM-DD"
_RECORDS = "dump_records"
_WHOLE, _IN_PARTS = "complete", "other tables of it are still to be made"
_POLICY = dg.BackfillPolicy.multi_run(1)
# Tables that nobody reads but the asset that makes them on its way.
_ON_THE_WAY = {
    "catalogue_works": ("work_records", "work_authors", "work_documents"),
    "catalogue_subjects": ("catalogue_subject_works",),
}


class _Arguments(TypedDict):
    """Arguments of dg.asset that all assets of a dump have."""

    group_name: str
    owners: list[str]
    partitions_def: dg.PartitionsDefinition[str]
    backfill_policy: dg.BackfillPolicy
    tags: Mapping[str, str]
    metadata: Mapping[str, Any]


def dump_asset_arguments(layer: Layer, path: str, **more: Any) -> _Arguments:
    """Return what dg.asset is told of an asset of a dump."""
    return _Arguments(
        group_name=GROUP,
        owners=OWNERS,
        partitions_def=dump_dates,
        backfill_policy=_POLICY,
        tags=layer_tags(layer),
        metadata={**address(path), **more},
    )


@dg.asset(
    name=FILES_TABLE,
    description="The files of a monthly dump, downloaded from archive.org and checked, or as they lie in the folder "
    f"that `OPENLIB_DUMPS` names. {DEFINED}",
    kinds={"python"},
    code_version="1",
    **dump_asset_arguments(Layer.BRONZE, layout.dump_folder(Layer.BRONZE, FILES_TABLE, _ANY_DATE)),
)
def dump_files(
    context: dg.AssetExecutionContext, storage: StorageResource, dumps: DumpsResource
) -> dg.MaterializeResult[None]:
    """Fetch the files of a dump."""

    def told(wait: str) -> None:
        context.log.warning(wait)
        dumps.listener(wait, 0, 0)

    with said_in_one_line():
        files = fetch_files(dumps.settings, storage.open(), parse_day(context.partition_key), dumps.listener, told=told)
        choose_before(storage.open(), context.partition_key)
    rows = ((name, files.sizes[name], files.md5[name]) for name in DUMP_FILES)
    return dg.MaterializeResult(
        metadata={
            URI_METADATA: files.address,
            "bytes": sum(files.sizes.values()),
            "files": dg.MetadataValue.md(markdown(("file", "bytes", "MD5"), rows)),
        },
        data_version=dg.DataVersion(hashlib.sha256(repr((files.sizes, files.md5)).encode()).hexdigest()),
    )


class ReadConfig(dg.Config):
    """How to read the files of a dump."""

    force: bool = Field(
        default=False, description="Accept files with less than 80 % of the lines of those of the dump before."
    )


@dg.asset(
    name=_RECORDS,
    description="What is wanted of each line of the files of a dump, typed, with its number; or why it cannot be used. "
    f"Of each file it is a table of its own. {DEFINED}",
    kinds={"sql", "duckdb", "parquet"},
    code_version="1",
    deps=[dump_files],
    **dump_asset_arguments(Layer.BRONZE, f"{Layer.BRONZE}/dump_works/{layout.DUMP}{_ANY_DATE}"),
)
def dump_records(
    context: dg.AssetExecutionContext, config: ReadConfig, storage: StorageResource, dumps: DumpsResource
) -> dg.MaterializeResult[None]:
    """Read the files of a dump."""
    place, date = storage.open(), context.partition_key
    made: dict[str, Built] = {}
    if dumps.settings.emr:
        # Loads dagster-aws, which takes a second.
        from openlib_assets.defs.emr.job_run import build_on_emr  # noqa: PLC0415

        with said_in_one_line():
            build_on_emr(context, dumps.settings, place, accepts_loss=config.force)
    engine = engine_of(dumps.settings)
    with said_in_one_line(), building(place, date, engine, accepts_loss=config.force) as build:
        files = require_files(place, date)
        found = {file: build.found(file, files.content(file.name)) for file in FILES}
        if not (all(found.values()) and build.versions()):
            require_room(place, files)
        for file in FILES:
            made[file.name] = found[file] or _read(build, files, file, dumps.listener)
            context.log.info(f"{file.name}: {_story(made[file.name])}")
    rows = ((name, one.made.rows, one.made.bytes, f"{one.made.seconds:.1f}") for name, one in made.items())
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": sum(one.made.rows for one in made.values()),
            "bytes": sum(one.made.bytes for one in made.values()),
            "seconds": sum(one.made.seconds for one in made.values()),
            "state": "made" if any(one.changed for one in made.values()) else "unchanged",
            **_engine(made.values()),
            "lines": dg.MetadataValue.md(markdown(("file", "lines", "bytes", "seconds"), rows)),
        },
        data_version=dg.DataVersion(_joined(made[name].made.version for name in DUMP_FILES)),
    )


def _read(build: Build, files: Files, file: LineFile, listener: Listener) -> Built:
    heard = partial(_heard, listener, f"reading {file.name}", files.sizes[file.name])
    # Where the lake is a folder, its machines may know no S3.
    on_s3 = build.engine.reads_addresses and not isinstance(build.storage, LocalStorage)
    with nullcontext(files.uri(file.name)) if on_s3 else files.local(file.name) as where:
        return build.read(file, where, files.content(file.name), heard)


def _table_asset(table: Table) -> dg.AssetsDefinition:
    """Return the asset of a table of the whole catalogue."""
    steps = [step for step in STEPS if step.table in (*_ON_THE_WAY.get(table.name, ()), table.name)]

    @dg.asset(
        name=table.name,
        description=table_description(table),
        kinds={"sql", "duckdb", "parquet"},
        code_version=table.code_version,
        deps=list(table.made_from),
        check_specs=check_specs(table),
        **dump_asset_arguments(
            table.layer,
            layout.dump_folder(table.layer, table.name, _ANY_DATE),
            **{"dagster/column_schema": column_schema(table), "key": ", ".join(table.key)},
        ),
    )
    def made(context: dg.AssetExecutionContext, storage: StorageResource, dumps: DumpsResource) -> Iterator[Any]:
        place, date = storage.open(), context.partition_key
        with said_in_one_line(), building(place, date, engine_of(dumps.settings), is_under_way=True) as build:
            try:
                built = _built(context, build, steps, dumps.listener)
            except CheckFailedError as error:
                yield from results(error.outcomes, asset_key(error.table))
                raise
            is_whole = publish_lake(build)
        own = built[table.name]
        yield dg.MaterializeResult(
            metadata={**_told(place, table, own, list(built.values())), "dump": _WHOLE if is_whole else _IN_PARTS},
            data_version=dg.DataVersion(own.made.version),
            check_results=list(results(own.outcomes, asset_key(table))),
        )
        if not own.outcomes:
            for spec in context.assets_def.check_specs:
                yield dg.Output(None, output_name=spec.get_python_identifier())

    return made


def _built(
    context: dg.AssetExecutionContext, build: Build, steps: Sequence[Step], listener: Listener
) -> Mapping[str, Built]:
    built = {}
    for step in steps:
        listener(f"making {step.table}", 0, 0)
        built[step.table] = build.make(step)
        context.log.info(f"{step.table}: {_story(built[step.table])}")
    return built


def _heard(listener: Listener, what: str, due: int, done: int) -> None:
    listener(what, done, due)


def _joined(versions: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(versions).encode()).hexdigest()[:16]


def _story(built: Built) -> str:
    made = built.made
    if not built.changed:
        return f"{made.rows:,} rows are there already"
    return f"{made.rows:,} rows in {made.seconds:.1f} s, {made.cpu_seconds:.1f} s of CPU"


def _engine(built: Iterable[Built]) -> dict[str, Any]:
    """Return which engine made the tables of an asset, and what it tells of them: of numbers the sums."""
    told: dict[str, Any] = {}
    for one in built:
        told["engine"] = one.made.engine
        for name, value in one.made.numbers.items():
            told[name] = value if isinstance(value, str) else told.get(name, 0) + value
    if APPLICATION_URL in told:
        told[APPLICATION_URL] = dg.MetadataValue.url(told[APPLICATION_URL])
    return told


def _told(storage: Storage, table: Table, own: Built, all_steps: Sequence[Built]) -> dict[str, Any]:
    return {
        "dagster/partition_row_count": own.made.rows,
        URI_METADATA: storage.uri(layout.dump_folder(table.layer, table.name, own.made.date)),
        "bytes": own.made.bytes,
        "parts": len(own.made.parts),
        "seconds": round(sum(built.made.seconds for built in all_steps), 3),
        "CPU seconds": round(sum(built.made.cpu_seconds for built in all_steps), 3),
        "state": "made" if own.changed else "unchanged",
        **_engine(all_steps),
        **({"preview": dg.MetadataValue.md(markdown(table.schema.names, own.preview))} if own.changed else {}),
    }


catalogue_assets = [_table_asset(table) for table in CATALOGUE_TABLES]
