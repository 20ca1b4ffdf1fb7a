"""What to order: the stocking list of a subject, and the editions of its first works."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Any

import dagster as dg
from pydantic import Field

from openlib_assets.defs.assets.common import KEEP_FRESH, SUBJECTS_AT_ONCE, keep_fresh, table_arguments
from openlib_assets.defs.assets.tables import make_table
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.resources import OpenLibraryResource, StorageResource
from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs, put_out, said_in_one_line
from openlib_assets.defs.ui_metadata import table_markdown, table_metadata
from openlib_assets.lake import layout
from openlib_assets.lake.contract import ORDER_LIST, STOCKING_LIST, STORE_CATALOGUE
from openlib_assets.lake.exports.csv_files import write_csv_file
from openlib_assets.lake.orders.order_list import OrderList, order_list_of
from openlib_assets.lake.orders.stocking import Weights, open_catalogue
from openlib_assets.lake.orders.workbook import write_workbook
from openlib_assets.lake.store.matching import find_in_store
from openlib_assets.openlibrary.source import Editions
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage

_DEFAULT = Weights()
_PREVIEW_ROWS = 5
# Dagster hides a wide preview behind a link.
_RANKED = ("rank", "work_key", "title", "score", "in_store", "duplicate_of")
_PREVIEWED = ("rank", "title", "isbn13", "publisher", "score", "reason")


class WeightsConfig(dg.Config):
    """How much each criterion counts, against the others."""

    demand: float = Field(default=_DEFAULT.demand, ge=0, description="Wanted, read, rated, reprinted.")
    recency: float = Field(default=_DEFAULT.recency, ge=0, description="Published lately.")
    author: float = Field(default=_DEFAULT.author, ge=0, description="Many books of the author here, or many sold.")
    no_free: float = Field(default=_DEFAULT.no_free, ge=0, description="No e-book for free.")


class StockingConfig(dg.Config):
    """How to rank works."""

    weights: WeightsConfig = WeightsConfig()


@dg.asset(
    **table_arguments(STOCKING_LIST),
    kinds={"sql", "duckdb", "parquet"},
    # Where no store catalogue is set, or was read yet, the list is made without.
    automation_condition=keep_fresh((STORE_CATALOGUE.name,)),
    deps=[STORE_CATALOGUE.name],
    ins={name: dg.AssetIn(dagster_type=SubjectTables) for name in STOCKING_LIST.made_from},
)
def stocking_list(
    context: dg.AssetExecutionContext, config: StockingConfig, storage: StorageResource, **inputs: SubjectTables
) -> Iterator[Any]:
    """Rank the works of subjects."""
    weights = Weights(**config.weights.model_dump())
    with ExitStack() as stack:
        with said_in_one_line():
            place = storage.open()
            is_set = Settings.from_env().store_catalogue is not None
            catalogue = stack.enter_context(open_catalogue(place)) if is_set else None
        if is_set and catalogue is None:
            context.log.warning("the store's catalogue was not read yet; materialize store_catalogue")
        make = partial(
            make_table,
            place,
            STOCKING_LIST,
            inputs,
            more={"asked": weights.row(store_is_set=catalogue is not None)},
            prepare=partial(find_in_store, catalogue=catalogue),
            version=(version := _version_with(asdict(weights))),
            previewed=_RANKED,
        )
        outputs = SubjectOutputs(
            make,
            paths=lambda subject: [layout.table_file(STOCKING_LIST.layer, STOCKING_LIST.name, subject)],
            version=version,
            at_once=SUBJECTS_AT_ONCE,
        )
        yield from put_out(context, outputs)


@dg.asset(
    **table_arguments(ORDER_LIST),
    kinds={"sql", "duckdb", "parquet", "csv", "excel"},
    automation_condition=KEEP_FRESH,
    ins={STOCKING_LIST.name: dg.AssetIn(dagster_type=SubjectTables)},
)
def order_list(
    context: dg.AssetExecutionContext,
    openlibrary: OpenLibraryResource,
    storage: StorageResource,
    stocking_list: SubjectTables,
) -> Iterator[Any]:
    """Look for the editions to order of subjects, several subjects at once."""
    with said_in_one_line():
        place = storage.open()
        orders = _Orders(context, place, stocking_list, openlibrary.editions(place), openlibrary.languages())
    yield from put_out(context, orders.outputs())


@dataclass(frozen=True)
class _Orders:
    """The order lists of a step; without a source, no editions are asked for."""

    context: dg.AssetExecutionContext
    storage: Storage
    stocking_lists: SubjectTables
    source: Editions | None
    languages: str

    def outputs(self) -> SubjectOutputs:
        """Return what the step puts out."""
        source = self.source
        return SubjectOutputs(
            self._make,
            paths=_order_files,
            version=self._version,
            # While one is written, there are as many others to ask for as may be asked for at once.
            at_once=source.max_in_flight + 1 if source else SUBJECTS_AT_ONCE,
            stop=source.stop.set if source else lambda: None,
            tolerated=True,
        )

    @property
    def _version(self) -> Callable[[Sequence[str]], str]:
        asked = {"languages": self.languages if self.source else ""}
        found_in = self.source.version if self.source else ""
        return _version_with(asked | ({"editions": found_in} if found_in else {}))

    @contextmanager
    def _make(self, subject: str) -> Iterator[SubjectOutput]:
        with (
            self.stocking_lists.open(subject) as stocking_list,
            order_list_of(stocking_list, self.source, self.languages) as made,
        ):
            table, csv, workbook = paths = _order_files(subject)
            requests = made.traffic.requests
            self.context.log.info(
                f"{subject}: editions found of {made.editions} of {made.works} works, in {requests} requests"
            )

            def done(digests: Mapping[str, str]) -> Done:
                version = self._version([digests[path] for path in paths])
                return Done(_order_metadata(made, self.storage.uri(table)), version, made.outcomes)

            files: dict[str, Callable[[Path], object]] = {
                table: partial(copyfile, made.rows.file),
                csv: lambda file: write_csv_file(file, ORDER_LIST, made.rows, excel_safe=True),
                workbook: lambda file: write_workbook(file, ORDER_LIST, made.rows),
            }
            yield SubjectOutput(files, done)


def _order_files(subject: str) -> list[str]:
    return [
        layout.table_file(ORDER_LIST.layer, ORDER_LIST.name, subject),
        layout.csv_file(subject, ORDER_LIST.name),
        layout.workbook_file(subject, ORDER_LIST.name),
    ]


def _order_metadata(made: OrderList, uri: str) -> dict[str, Any]:
    listed = made.rows.to_table(_PREVIEWED).slice(0, _PREVIEW_ROWS)
    return {
        **table_metadata(made.works, table_markdown(listed), uri),
        "editions": made.editions,
        "requests": made.traffic.requests,
        "retries": made.traffic.retries,
    }


def _version_with(asked: Mapping[str, Any]) -> Callable[[Sequence[str]], str]:
    """Return what makes the version of the data: of its files, and of what was asked for, which may change, too."""

    def version(digests: Sequence[str]) -> str:
        return hashlib.sha256("".join([*digests, json.dumps(asked)]).encode()).hexdigest()

    return version
