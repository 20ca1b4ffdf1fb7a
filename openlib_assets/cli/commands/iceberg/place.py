"""Where the commands about Iceberg tables find them: what the settings name."""

from openlib_assets.lake.iceberg.catalogue import Place
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage, open_storage
from openlib_assets.storage.errors import SettingsError


def place_and_storage() -> tuple[Place, Storage]:
    """Return the catalogue and the storage that the settings name; raises SettingsError where there is no catalogue."""
    settings = Settings.from_env()
    place = Place.of(settings)
    if place is None:
        raise SettingsError(
            "OPENLIB_ICEBERG is not set: it names the catalogue to register tables in, as in: "
            "export OPENLIB_ICEBERG=sqlite:///iceberg.db"
        )
    return place, open_storage(settings.storage)
