"""`openlib doctor`: whether everything is in place."""

from collections.abc import Callable

import click

from openlib_assets.settings import Settings


@click.command()
def doctor() -> int:
    """Check whatever the settings name, but for Spark and EMR Serverless; exit 1 if any is wrong."""
    from openlib_assets.storage.errors import OpenlibError

    settings = Settings.from_env()
    checks: dict[str, Callable[[Settings], str]] = {
        "settings": _names,
        "contact": _contact,
        "storage": _storage,
        "pace": _pace,
        "API": _api,
        "watch list": _watch_list,
        "instance": _instance,
        "schedule": _schedule,
        "events": _events,
        "store catalogue": _store_catalogue,
        "dumps": _dumps,
        "database": _database,
        "iceberg": _iceberg,
        "versions": _versions,
    }
    wrong = set()
    for name, check in checks.items():
        if name == "API" and (settings.needs_contact() and not settings.contact):
            click.echo(f"-      {name}: not asked without a contact")
            continue
        try:
            click.echo(f"ok     {name}: {check(settings)}")
        except OpenlibError as error:
            click.echo(f"WRONG  {name}: {error}")
            wrong.add(name)
    return int(bool(wrong))


def _names(_: Settings) -> str:
    import os
    from difflib import get_close_matches

    from openlib_assets.storage.errors import SettingsError
    from openlib_assets.storage.s3_options import S3Options

    known = [
        f"{model.model_config['env_prefix']}{name.upper()}"
        for model in (Settings, S3Options)
        for name in model.model_fields
    ]
    given = [name for name in os.environ if name.startswith("OPENLIB_")]
    for name in given:
        meant = get_close_matches(name, known, n=1, cutoff=0.9)
        if meant and name not in known:
            raise SettingsError(f"{name} is no setting: did you mean {meant[0]}?")
    return f"{len(set(given) & set(known))} of {len(known)} are set, the others have their defaults"


def _contact(settings: Settings) -> str:
    from openlib_assets.settings import is_dump

    if is_dump(settings.source) and settings.contact is None:
        return f"not set, and not needed as long as works come from a dump (OPENLIB_SOURCE={settings.source})"
    settings.require_contact()
    if settings.contact is None:
        return f"not set, and not needed for {settings.api_url}"
    return f"set; up to {settings.requests_per_second:g} requests per second"


def _storage(settings: Settings) -> str:
    import uuid

    from openlib_assets.storage import open_storage

    storage = open_storage(settings.storage)
    probe = f"_staging/doctor-{uuid.uuid4().hex}"
    storage.write(probe, b"openlib doctor")
    storage.read(probe)
    storage.delete(probe)
    # Rights that suffice for an existing file may not suffice to list files, or to see that one is gone.
    storage.folders("")
    storage.exists(probe)
    return f"{storage.uri()} can be written and read"


def _pace(settings: Settings) -> str:
    import os
    import threading

    from openlib_assets.openlibrary.pace.pacing import open_pace
    from openlib_assets.settings import PACE_IN_POSTGRES

    open_pace(settings, threading.Event())
    if settings.pace == PACE_IN_POSTGRES:
        return f"shared through Postgres at {os.environ.get('PGHOST', 'this host')}"
    return "shared by all processes of this user on this host"


def _api(settings: Settings) -> str:
    from openlib_assets.openlibrary.client import Client

    works = Client(settings).probe("science_fiction")
    return f"{settings.api_url} answers: {works:,} works of science_fiction"


def _watch_list(settings: Settings) -> str:
    from openlib_assets.lake.watch_list import NoWatchListError, WatchListError, read_watch_list

    try:
        found = read_watch_list(settings.subjects)
    except NoWatchListError as error:
        return str(error)
    if found.problems:
        raise WatchListError("; ".join(found.problems))
    return f"{settings.subjects}: {len(found.keys)} subjects"


def _instance(_: Settings) -> str:
    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.defs.partitions import SUBJECTS

    with open_instance() as instance:
        count = len(instance.get_dynamic_partitions(SUBJECTS))
        return f"{instance.root_directory}: {count} subjects registered, {instance.get_runs_count()} runs"


def _schedule(settings: Settings) -> str:
    from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType

    from openlib_assets.defs.instance.home import open_instance
    from openlib_assets.defs.schedules import MONTHLY_REFRESH
    from openlib_assets.settings import REFRESH_ON

    with open_instance() as instance:
        states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
        turned = [state.status for state in states if state.instigator_name == MONTHLY_REFRESH]
    is_on = settings.monthly_refresh == REFRESH_ON
    for status in turned:  # in Dagster's UI or by its command, which goes before the setting
        is_on = is_on if status == InstigatorStatus.DECLARED_IN_CODE else status == InstigatorStatus.RUNNING
    if is_on:
        return f"{MONTHLY_REFRESH} is on"
    if InstigatorStatus.STOPPED in turned:
        remedy = f"it was turned off in Dagster; turn it on there, or with: dagster schedule start {MONTHLY_REFRESH}"
    else:
        remedy = "turn it on with OPENLIB_MONTHLY_REFRESH=on"
    return f"{MONTHLY_REFRESH} is off, subjects are not refreshed by it; {remedy}"


def _events(settings: Settings) -> str:
    from openlib_assets.storage import LocalStorage, storage_kind

    if settings.events_queue is None:
        if storage_kind(settings.storage) == LocalStorage.kind:
            return "no queue is set; files that arrive are found in their folders"
        return "no queue is set, so on S3 only the watch list is followed; name one with OPENLIB_EVENTS_QUEUE"
    from openlib_assets.defs.sensors.events_queue import EventsQueue

    waiting = EventsQueue(settings.events_queue).waiting()
    return f"{settings.events_queue}: answers, {waiting} {'message waits' if waiting == 1 else 'messages wait'}"


def _store_catalogue(settings: Settings) -> str:
    from openlib_assets.lake.store.catalogue import StoreFile

    file = StoreFile.of(settings)
    if file is None:
        return "not set, so nothing says what the store sells; name its file with OPENLIB_STORE_CATALOGUE"
    return f"{file.address}: {', '.join(f'{name} {value!r}' for name, value in file.header().items())}"


def _dumps(settings: Settings) -> str:
    from openlib_assets.lake.dumps.lakes import complete_lakes, lake_date
    from openlib_assets.openlibrary.dumps import DumpFolder
    from openlib_assets.settings import dump_wanted, is_dump
    from openlib_assets.storage import StorageError, open_storage

    storage = open_storage(settings.storage)
    try:
        if is_dump(settings.source):
            lake_date(storage, dump_wanted(settings.source))
        built = ", ".join(complete_lakes(storage))
    except StorageError:
        state = "not known which are built, since the storage cannot be read"
    else:
        state = f"built: {built}" if built else "none is built; build the newest with: openlib dump build"
    if settings.dumps is None:
        return state
    return f"{state}; the newest in {settings.dumps} is of {DumpFolder(settings.dumps).resolve().day}"


def _database(settings: Settings) -> str:
    from openlib_assets.lake.database.connecting import Target
    from openlib_assets.lake.database.loading import held_version
    from openlib_assets.lake.warehouse import versions
    from openlib_assets.storage import open_storage

    target = Target.of(settings)
    if target is None:
        return "not set, so the warehouse is in files only; name a PostgreSQL with OPENLIB_DATABASE"
    held, current = held_version(target), versions.current(open_storage(settings.storage))
    if held is None:
        return f"{target.address}: answers, and holds no warehouse yet"
    is_current = current is not None and held == current.name
    return (
        f"{target.address}: holds the warehouse of {held}, {'the current one' if is_current else 'not the current one'}"
    )


def _iceberg(settings: Settings) -> str:
    from openlib_assets.lake.iceberg.catalogue import IcebergError, Place, is_registered
    from openlib_assets.lake.iceberg.record import registered
    from openlib_assets.storage import open_storage

    place = Place.of(settings)
    if place is None:
        return "not set, so nothing is registered as Iceberg tables; name a catalogue with OPENLIB_ICEBERG"
    storage = open_storage(settings.storage)
    anywhere = registered(storage)
    found = anywhere if anywhere and anywhere.catalogue == place.address else None
    if place.is_to_be_made:
        if found:
            raise IcebergError(f"{place.address}: the file is gone; make it again with: openlib iceberg register")
        return f"{place.address}: there is no such file yet; it is made when tables are registered"
    with place.opened(storage) as catalogue:
        if found is None:
            # Glue is asked by nothing else.
            catalogue.namespace_exists(place.namespace)
            return f"{place.address}: answers, and nothing is registered there yet"
        catalogue.load_namespace_properties(place.namespace)
        state = "the current one" if is_registered(storage, place) else "not the current one"
        dumps = f"; dumps: {', '.join(found.dumps)}" if found.dumps else ""
        return f"{place.address}: has the warehouse of {found.whole}, {state}{dumps}"


def _versions(_: Settings) -> str:
    import platform
    from importlib.metadata import version

    names = ("openlib-assets", "dagster", "dagster-webserver", "dagster-aws", "duckdb", "pyarrow", "pandas")
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])
