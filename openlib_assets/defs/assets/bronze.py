"""Bronze: what Open Library sent, kept exactly."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import dagster as dg
from pydantic import Field

from openlib_assets.defs.assets.common import table_arguments
from openlib_assets.defs.resources import OpenLibraryResource, StorageResource
from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs, put_out, said_in_one_line
from openlib_assets.defs.steps.records import latest_records
from openlib_assets.defs.steps.run_state import goes_on_from
from openlib_assets.defs.ui_metadata import table_markdown, table_metadata
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.fetching import Fetched, fetched_subject
from openlib_assets.lake.bronze.staging import forget
from openlib_assets.lake.contract import RAW_DETAILS, RAW_WORKS, Table
from openlib_assets.openlibrary.enumeration import Listener
from openlib_assets.openlibrary.source import Source
from openlib_assets.storage import Storage


class FetchConfig(dg.Config):
    """How to fetch subjects."""

    force: bool = Field(
        default=False,
        description="Write a snapshot even if nothing changed, and accept the loss of more than a fifth of the works.",
    )


@dg.asset(**table_arguments(RAW_WORKS), kinds={"python", "parquet"})
def raw_works(
    context: dg.AssetExecutionContext,
    config: FetchConfig,
    openlibrary: OpenLibraryResource,
    storage: StorageResource,
) -> Iterator[Any]:
    """Fetch the works of subjects, several subjects at once."""
    with said_in_one_line():
        place = storage.open()
        fetches = _Fetches(context, RAW_WORKS, openlibrary.source(place), place, openlibrary.listener, config.force)
        outputs = fetches.outputs(waits=False)
    yield from put_out(context, outputs)


# After the works, so that a subject that Open Library does not know is asked for once.
@dg.asset(**table_arguments(RAW_DETAILS), kinds={"python", "parquet"}, deps=[raw_works])
def raw_details(
    context: dg.AssetExecutionContext,
    config: FetchConfig,
    openlibrary: OpenLibraryResource,
    storage: StorageResource,
) -> Iterator[Any]:
    """Fetch what the search says of the works of subjects, several subjects at once.

    The tables that are made from works alone are made at the same time, so the lock of a subject is waited for.
    """
    with said_in_one_line():
        place = storage.open()
        source = openlibrary.details(place)
        if source:
            fetches = _Fetches(context, RAW_DETAILS, source, place, openlibrary.listener, config.force)
            outputs = fetches.outputs(waits=True, tolerated=True)
        else:
            context.log.info("the search is not asked, as OPENLIB_DETAILS says")
            outputs = SubjectOutputs(_not_asked, left=frozenset(context.partition_keys))
    yield from put_out(context, outputs)


def _not_asked(subject: str) -> NoReturn:
    raise AssertionError(f"{subject} was to be left")


@dataclass(frozen=True)
class _Fetches:
    """The fetches of a step, from one source into a table of bronze."""

    context: dg.AssetExecutionContext
    table: Table
    source: Source
    storage: Storage
    listener: Listener | None
    force: bool

    def outputs(self, *, waits: bool, tolerated: bool = False) -> SubjectOutputs:
        """Return what the step puts out; the flags are those of `SubjectOutputs`."""
        return SubjectOutputs(
            self._fetch,
            # While one is compared and written, there are as many others to ask for as may be asked for at once.
            at_once=self.source.max_in_flight + 1,
            stop=self.source.stop.set,
            waits=waits,
            left=self._fetched_before(),
            tolerated=tolerated,
        )

    @contextmanager
    def _fetch(self, subject: str) -> Iterator[SubjectOutput]:
        with fetched_subject(
            self.storage, self.source, subject, self.table, force=self.force, listener=self.listener
        ) as fetched:
            self.context.log.info(f"{subject}: {_story(fetched)}")

            def done(_: Mapping[str, str]) -> Done:
                return Done(
                    _metadata(fetched, self.storage.uri(fetched.path)),
                    fetched.snapshot.content_hash,
                    fetched.outcomes,
                    unchanged=not fetched.changed,
                )

            yield SubjectOutput({fetched.path: fetched.write} if fetched.changed else {}, done)

    def _fetched_before(self) -> frozenset[str]:
        """Return the subjects that a failed run fetched from which this one goes on; their staged pages go.

        Killed before it could, that run may have left pages that the next fetch would take for those of an unfinished
        one.
        """
        context = self.context
        subjects, before = context.partition_keys, goes_on_from(context.instance, context.run)
        if not before:
            return frozenset()
        records = latest_records(context.instance, context.asset_key, subjects)
        fetched = {subject: record for subject, record in records.items() if record.run_id in before}
        for subject, record in fetched.items():
            forget(self.storage, subject, record.timestamp, self.table)
        return frozenset(subject for subject, record in fetched.items() if self._stands(subject, record))

    def _stands(self, subject: str, record: dg.EventLogRecord) -> bool:
        """Tell whether what was fetched is still there, and from the source that is asked now."""
        metadata = record.asset_materialization.metadata if record.asset_materialization else {}
        snapshot, source = (metadata[name].value if name in metadata else None for name in ("snapshot", "source"))
        path = layout.snapshot_file(subject, str(snapshot), self.table.name)
        return source == self.source.url(subject) and self.storage.exists(path)


def _story(fetched: Fetched) -> str:
    state = f"new snapshot {fetched.snapshot.name}" if fetched.changed else f"unchanged since {fetched.snapshot.name}"
    return (
        f"{fetched.snapshot.work_count} works on {fetched.pages} pages in {fetched.requests} requests "
        f"({fetched.retries} retries), {fetched.seconds:.1f} s; {state}"
    )


def _metadata(fetched: Fetched, uri: str) -> dict[str, Any]:
    snapshot = fetched.snapshot
    return {
        **table_metadata(snapshot.work_count, table_markdown(fetched.preview), uri),
        "state": "new snapshot" if fetched.changed else "unchanged",
        "snapshot": snapshot.name,
        "verified_at": dg.MetadataValue.timestamp(fetched.verified_at),
        "works_reported": snapshot.work_count,
        "pages": fetched.pages,
        "requests": fetched.requests,
        "retries": fetched.retries,
        "seconds": round(fetched.seconds, 3),
        "proven_by": fetched.proof.by,
        "proven_at": dg.MetadataValue.timestamp(fetched.proof.at),
        "window_seconds": round(fetched.proof.window, 3),
        "requests_of_proof": fetched.proof.requests,
        "content_hash": snapshot.content_hash,
        "source": dg.MetadataValue.url(snapshot.url),
    }
