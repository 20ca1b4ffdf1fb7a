"""Bronze: what Open Library sent, kept exactly."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from openlib_assets.defs.assets.common import common_arguments
from openlib_assets.defs.assets.each_subject import Done, materialize_each, said_in_one_line
from openlib_assets.defs.resources import OpenLibrary, StorageResource
from openlib_assets.defs.ui_metadata import table_metadata
from openlib_assets.lake.bronze.fetching import Fetched, fetched_subject
from openlib_assets.lake.contract import RAW_WORKS
from openlib_assets.openlibrary.subject_keys import InvalidSubjectError, subject_key


class FetchConfig(dg.Config):
    """How to fetch."""

    force: bool = Field(
        default=False,
        description="Write a snapshot even if nothing changed, and accept a fall of more than a fifth.",
    )


def raw_works_asset(place: str) -> dg.AssetsDefinition:
    """Give the asset `raw_works`; `place` is the kind of storage."""

    @dg.asset(**common_arguments(RAW_WORKS, {"python", "parquet", place}))
    def raw_works(
        context: dg.AssetExecutionContext,
        config: FetchConfig,
        openlibrary: dg.ResourceParam[OpenLibrary],
        storage: StorageResource,
    ) -> Iterator[Any]:
        with said_in_one_line():
            bytes_ = storage.open()
            source = openlibrary.source()

        @contextmanager
        def fetch(subject: str) -> Iterator[Done]:
            normal = subject_key(subject)
            if subject != normal:
                raise InvalidSubjectError(f"{subject!r} is not a subject key; its key is {normal!r}")
            with fetched_subject(bytes_, source, subject, force=config.force, listener=openlibrary.listener) as fetched:
                context.log.info(f"{subject}: {_story(fetched)}")
                yield Done(
                    metadata=_metadata(fetched, bytes_.uri(fetched.path)),
                    outcomes=fetched.outcomes,
                    data_version=fetched.snapshot.content_hash,
                )
                # Events wait to be stored; reading ends that, before the staged pages go.
                context.instance.event_log_storage.get_logs_for_run(context.run.run_id, limit=1)

        yield from materialize_each(context, fetch, at_once=source.max_in_flight, stop=source.stop.set)

    return raw_works


def _story(fetched: Fetched) -> str:
    state = f"wrote snapshot {fetched.snapshot.name}" if fetched.changed else f"unchanged since {fetched.snapshot.name}"
    return (
        f"{fetched.snapshot.work_count} works on {fetched.pages} pages in {fetched.requests} requests "
        f"({fetched.retries} retries), {fetched.seconds:.1f} s; {state}"
    )


def _metadata(fetched: Fetched, uri: str) -> dict[str, Any]:
    snapshot = fetched.snapshot
    return {
        **table_metadata(snapshot.work_count, fetched.preview, uri),
        "state": "new snapshot" if fetched.changed else "unchanged",
        "snapshot": snapshot.name,
        "verified_at": dg.MetadataValue.timestamp(fetched.verified_at),
        "works_reported": snapshot.work_count,
        "pages": fetched.pages,
        "requests": fetched.requests,
        "retries": fetched.retries,
        "seconds": round(fetched.seconds, 3),
        "content_hash": snapshot.content_hash,
        "source": dg.MetadataValue.url(snapshot.url),
    }
