"""The catalogue in which tables are registered: where it is, how it is opened, and how its errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from openlib_assets.lake import layout
from openlib_assets.lake.database.connecting import Target
from openlib_assets.lake.iceberg.record import registered
from openlib_assets.lake.warehouse import versions
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage, Storage, absolute_path
from openlib_assets.storage.errors import OpenlibError
from openlib_assets.storage.s3_options import given_endpoint

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

# By this name other programs find the tables in a SQL catalogue, which may hold those of several.
NAME = "openlib"

_GLUE, _FILE = "glue", "sqlite:///"


class IcebergError(OpenlibError):
    """The catalogue cannot be used; the text says why, and what to do."""


@dataclass(frozen=True)
class Place:
    """The catalogue, and the namespace in it, that tables are registered in."""

    url: str = field(repr=False)
    namespace: str

    @staticmethod
    def of(settings: Settings) -> "Place | None":
        """Return what the settings name, None where they name no catalogue."""
        if settings.iceberg is None:
            return None
        file = settings.iceberg.removeprefix(_FILE)
        # Said in full: the same words mean another file in another folder.
        url = settings.iceberg if file == settings.iceberg else f"{_FILE}{absolute_path(file)}"
        return Place(url, settings.iceberg_namespace)

    @property
    def address(self) -> str:
        """The address without user, password and options."""
        where = self._target.server if self._is_postgres else self.url
        return f"{where}, namespace {self.namespace}"

    @property
    def is_to_be_made(self) -> bool:
        """Whether the catalogue is a file that is not there, but would be as soon as it is opened."""
        file = Path(self.url.removeprefix(_FILE))
        return self.url.startswith(_FILE) and not file.exists() and file.parent.is_dir()

    @contextmanager
    def opened(self, storage: Storage) -> Iterator["Catalog"]:
        """Lend the catalogue; its tables lie in the storage. Raises IcebergError, also if the namespace is missing."""
        # Slow to import, and few need it.
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        from pyiceberg import exceptions  # noqa: PLC0415
        from pyiceberg.catalog import load_catalog  # noqa: PLC0415
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        try:
            catalogue = load_catalog(NAME, **self._properties(storage))
            with catalogue:
                yield catalogue
        except exceptions.NotInstalledError:
            install = "pip install -c constraints.txt -e '.[deploy]'"
            raise IcebergError(f"{self.address}: needs psycopg2; install it with: {install}") from None
        except exceptions.NoSuchNamespaceError:
            raise IcebergError(
                f"{self.address}: the namespace is gone; make it again with: openlib iceberg register"
            ) from None
        except (SQLAlchemyError, BotoCoreError, ClientError, OSError, exceptions.CommitFailedException) as error:
            raise IcebergError(f"{self.address}: {self._told(error)}") from None
        except exceptions.ValidationError:
            raise IcebergError(
                f"{self.address}: the metadata of a table is damaged; make it again with: openlib iceberg register"
            ) from None

    @property
    def _is_postgres(self) -> bool:
        return self.url.startswith("postgres")

    @property
    def _target(self) -> Target:
        return Target(self.url, self.namespace)

    def _properties(self, storage: Storage) -> dict[str, str]:
        properties = {"warehouse": storage.uri(layout.ICEBERG), **_of_s3(storage)}
        if self.url == _GLUE:
            return {"type": "glue", **properties}
        if self._is_postgres:
            # As libpq reads it: SQLAlchemy takes URLs apart in its own way.
            dsn = urlencode({"dsn": self._target.connection_url()})
            return {"type": "sql", "uri": f"postgresql+psycopg2://?{dsn}", **properties}
        return {"type": "sql", "uri": f"{_FILE}{quote(self.url.removeprefix(_FILE))}", **properties}

    def _told(self, error: Exception) -> str:
        """Return in one line what was said, without secrets."""
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        text = said[0] if said else type(error).__name__
        return self._target.without_secrets(text) if self._is_postgres else text


def is_registered(storage: Storage, place: Place) -> bool:
    """Tell, without asking the catalogue, whether the current version of the warehouse was registered there."""
    current, found = versions.current(storage), registered(storage)
    return bool(current and found and (found.catalogue, found.whole) == (place.address, current.name))


def _of_s3(storage: Storage) -> dict[str, str]:
    """Return what pyiceberg has to be told of S3 beside AWS's own chain of credentials."""
    if storage.kind == LocalStorage.kind:
        return {}
    import boto3  # noqa: PLC0415 - only those who chose S3 should wait for it

    endpoint = given_endpoint()
    return {
        "s3.region": boto3.Session().region_name or "us-east-1",
        **({"s3.endpoint": endpoint} if endpoint else {}),
    }
