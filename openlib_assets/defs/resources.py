"""What assets are given: the way to Open Library, the storage, and the tables in it."""

from typing import Annotated

import dagster as dg
from pydantic import Field, PrivateAttr

from openlib_assets.openlibrary.enumeration import Listener
from openlib_assets.openlibrary.source import Source, open_source
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage, open_storage


class OpenLibrary:
    """The way to Open Library, by the settings in force when a step runs.

    It has no configuration, so that nothing of it (the contact, say) shows in the Dagster UI. `listener` hears how far
    a fetch has come.
    """

    def __init__(self, listener: Listener | None = None) -> None:
        self.listener = listener

    def source(self) -> Source:
        """Open the source for one step."""
        return open_source(Settings.from_env())

    def as_resource(self) -> dg.ResourceDefinition:
        """Give it as a resource that says in the UI what it is."""
        return dg.ResourceDefinition(
            lambda _: self, description="Open Library, as the OPENLIB_* variables say when a run starts."
        )


class StorageResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # generic only in what it hands to old-style code
    """The storage root; credentials, region and endpoint of S3 come from AWS's standard variables and chain."""

    root: Annotated[str, Field(description="A folder or s3://bucket/prefix (OPENLIB_STORAGE).")]
    _opened: Storage | None = PrivateAttr(default=None)

    def open(self) -> Storage:
        """Open the storage, once a run: a client of S3 costs a third of a second, and a run asks for twenty."""
        if self._opened is None:
            self._opened = open_storage(self.root)
        return self._opened
