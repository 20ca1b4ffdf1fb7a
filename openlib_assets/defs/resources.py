"""The resources of assets: Open Library, and the storage.

Each can be set anew in Dagster's launchpad, for one run.
"""

import os
from typing import Annotated, Any

import dagster as dg
from pydantic import Field, PrivateAttr

from openlib_assets.lake.dumps.files import Listener as DumpListener
from openlib_assets.lake.dumps.source import Dump, DumpEditions
from openlib_assets.openlibrary.enumeration import Listener
from openlib_assets.openlibrary.listings import DETAILS, WORKS
from openlib_assets.openlibrary.source import Editions, Source, open_details, open_editions, open_source
from openlib_assets.settings import DETAILS_ON, Settings, is_dump, storage_root
from openlib_assets.storage import ROOT_FORMS, Storage, open_storage, storage_kind, storage_uri
from openlib_assets.storage.errors import OpenlibError, SettingsError

_CONTACT = "OPENLIB_CONTACT"
_S3 = "s3"


class OpenLibraryResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # generic only for old-style code
    """Open Library, its API or a dump of it, as the OPENLIB_* variables say when a run starts."""

    contact: Annotated[
        str | None,
        Field(description="E-mail address or URL that is sent to Open Library (OPENLIB_CONTACT).", repr=False),
    ] = None
    works_from: Annotated[
        str | None,
        Field(description="api, dump (the latest one built) or dump:DATE; OPENLIB_SOURCE where nothing is said here."),
    ] = None
    _listener: Listener | None = PrivateAttr(default=None)
    _in_force: Settings | None = PrivateAttr(default=None)

    @staticmethod
    def from_env() -> "OpenLibraryResource":
        """Return the resource of the deployment; the contact stays in the environment until a run needs it."""
        return OpenLibraryResource(contact=dg.EnvVar(_CONTACT) if os.environ.get(_CONTACT) else None)

    def heard_by(self, listener: Listener) -> dg.ResourceDefinition:
        """Return the same for runs in this process, whose fetches tell `listener` how far they have come."""

        def listened_to(_: object) -> OpenLibraryResource:
            resource = OpenLibraryResource(contact=os.environ.get(_CONTACT) or None)
            resource._listener = listener
            return resource

        return dg.ResourceDefinition(listened_to)

    @property
    def listener(self) -> Listener | None:
        """Whoever hears how far a fetch has come."""
        return self._listener

    def source(self, storage: Storage) -> Source:
        """Open the source of works for one step; a dump lies in the storage."""
        settings = self._settings()
        return Dump(storage, settings.source, WORKS) if is_dump(settings.source) else open_source(settings)

    def details(self, storage: Storage) -> Source | None:
        """Open the source of what the search says of works for one step; None where it is left out."""
        settings = self._settings()
        if is_dump(settings.source) and settings.details == DETAILS_ON:
            return Dump(storage, settings.source, DETAILS)
        return open_details(settings)

    def editions(self, storage: Storage) -> Editions | None:
        """Open the source of editions to order for one step; None where what the search says is left out."""
        settings = self._settings()
        if is_dump(settings.source) and settings.details == DETAILS_ON:
            return DumpEditions(storage, settings.source)
        return open_editions(settings)

    def languages(self) -> str:
        """Return the languages in which books are to be ordered, with commas, in order of preference."""
        return self._settings().languages

    def _settings(self) -> Settings:
        """Return the settings in force, read once a run."""
        if self._in_force is None:
            said = {"contact": self.contact, "source": self.works_from}
            given: dict[str, Any] = {name: value for name, value in said.items() if value}
            self._in_force = Settings(**given) if given else Settings.from_env()
        return self._in_force


class DumpsResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # as above
    """The monthly dumps, from where the OPENLIB_* variables say when a run starts."""

    _listener: DumpListener | None = PrivateAttr(default=None)

    @staticmethod
    def heard_by(listener: DumpListener) -> dg.ResourceDefinition:
        """Return it for runs in this process, which tell `listener` how far they have come."""

        def listened_to(_: object) -> DumpsResource:
            resource = DumpsResource()
            resource._listener = listener
            return resource

        return dg.ResourceDefinition(listened_to)

    @property
    def listener(self) -> DumpListener:
        """Whoever hears what is done of what: bytes, of how many if that is known."""
        return self._listener or _nobody

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return Settings.from_env()


def _nobody(_what: str, _done: int, _due: int) -> None:
    return


class OtherRootError(OpenlibError):
    """What lies at a root that was given for one run was to go where only that of the settings belongs."""


class StorageResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # as above
    """The storage root; S3's credentials, region and endpoint come from AWS's variables and chain."""

    root: Annotated[str, Field(description="A folder or s3://bucket/prefix (OPENLIB_STORAGE).")]
    _opened: Storage | None = PrivateAttr(default=None)

    def open(self) -> Storage:
        """Open the storage, once a run: a client of S3 costs a third of a second, and a run asks for twenty.

        Raises SettingsError for a root that OPENLIB_STORAGE could not be set to either.
        """
        if self._opened is None:
            self._opened = self._open(_checked(self.root))
        return self._opened

    def require_own_root(self, settings: Settings, variable: str, asset: dg.AssetKey) -> None:
        """Raise OtherRootError unless the root is that of the settings.

        What a variable names lies beside the storage, and a root that is given for one run does not change it.
        """
        own, given = (storage_uri(root, "").rstrip("/") for root in (settings.storage, _checked(self.root)))
        if given != own:
            raise OtherRootError(
                f"the storage of this run is {given}, and what {variable} names is for {own} (OPENLIB_STORAGE), so it "
                f"stays as it is; leave {asset.to_user_string()} out of this run, or set both variables anew instead"
            )

    def _open(self, root: str) -> Storage:
        return open_storage(root)


def _checked(root: str) -> str:
    """Return a root that may have been given for one run; one that is empty would be the process's own folder."""
    try:
        return storage_root(root)
    except ValueError as error:
        shown = "" if "@" in root else f"={root!r}"  # which may end a secret
        reason = f"{error}; " if str(error) else ""
        raise SettingsError(
            f"resources.storage.config.root{shown}: {reason}give {ROOT_FORMS}, or leave it out for OPENLIB_STORAGE"
        ) from None


def storage_resource(root: str) -> Any:
    """Return the storage at `root` as a resource whose root can be set anew for a run, also to another kind."""
    if storage_kind(root) != _S3:
        return StorageResource.configure_at_launch(root=root)
    # Loads dagster-aws, for which those who are not on S3 should not wait.
    from openlib_assets.defs.s3_resource import s3_storage_resource  # noqa: PLC0415

    return s3_storage_resource(root)
