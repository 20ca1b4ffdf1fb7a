"""Who may load and who may read, what is said to others in one line, and whose tables are left alone."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from openlib_assets.lake.contract.model import SCHEMA_VERSION
from openlib_assets.lake.database.connecting import DatabaseError, Target
from openlib_assets.lake.database.loading import held_version, load
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.database.conftest import Database, assert_same_as_files
from openlib_assets_tests.tools.deployment import PROJECT_ROOT
from openlib_assets_tests.tools.ports import free_port
from openlib_assets_tests.tools.postgres import connect
from openlib_assets_tests.tools.warehouses import publish

pytestmark = pytest.mark.database

SUBJECTS = {"tea": (30, 1), "coffee": (20, 1)}
SECRET = "pass%40word"
LOADER = f"CREATE ROLE loader LOGIN PASSWORD '{SECRET.replace('%40', '@')}'"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """A storage with a small warehouse."""
    storage = LocalStorage(tmp_path / "root")
    publish(storage, SUBJECTS)
    return storage


def as_loader(database: Database, schema: str = "openlib") -> Target:
    """Return the database for an ordinary user."""
    return Target(database.url("loader", SECRET), schema)


def refused(storage: LocalStorage, target: Target) -> str:
    """Return the line that a load is refused with."""
    with pytest.raises(DatabaseError) as told:
        load(storage, target)
    text = str(told.value)
    assert "\n" not in text
    assert "pass" not in text.replace("password", "")
    assert told.value.__cause__ is None
    return text.removeprefix(f"{target.address}: ")


def test_an_administrator_makes_roles_of_which_one_reads_and_one_owns(
    database: Database, storage: LocalStorage
) -> None:
    assert load(storage, database.target()).notes == []
    owners = database.ask("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'openlib'")
    assert owners == [("openlib_writer",)]
    database.tell(LOADER, "GRANT openlib_reader TO loader")
    as_user = {**database.variables, "PGUSER": "loader", "PGPASSWORD": "pass@word"}
    with closing(connect(as_user)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM openlib.works_merged, openlib.openlib_load")
        assert cursor.fetchall()[0][0] > 0
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM openlib.works")


def test_a_writer_loads_what_an_administrator_loaded_first(database: Database, storage: LocalStorage) -> None:
    load(storage, database.target())
    database.tell(LOADER, "GRANT openlib_writer TO loader")
    publish(storage, {"tea": (40, 2)})
    assert load(storage, as_loader(database)).state == "changed"
    database.tell("UPDATE openlib.openlib_load SET shape = 'of an earlier release'")
    assert load(storage, as_loader(database)).state == "loaded"
    assert_same_as_files(database, storage)


def test_what_the_docs_tell_an_administrator_is_enough_for_a_user_without_other_rights(
    database: Database, storage: LocalStorage
) -> None:
    lines = (PROJECT_ROOT / "docs/database.md").read_text(encoding="utf-8").splitlines()
    statements = [line.strip() for line in lines if line.startswith("    ")]
    assert len(statements) == 4
    database.tell(LOADER, *statements)
    loaded = load(storage, as_loader(database))
    assert (loaded.state, loaded.notes) == ("loaded", [])
    assert_same_as_files(database, storage)
    assert database.ask("SELECT has_table_privilege('openlib_reader', 'openlib.works', 'SELECT')") == [(True,)]


def test_without_the_right_to_make_roles_the_tables_are_loaded_and_one_line_tells_of_it(
    database: Database, storage: LocalStorage
) -> None:
    database.tell(LOADER, "CREATE SCHEMA books AUTHORIZATION loader")
    loaded = load(storage, as_loader(database, "books"))
    (note,) = loaded.notes
    assert "openlib_reader and openlib_writer are not there, and loader may not create roles" in note
    assert_same_as_files(database, storage, "books")
    database.tell("CREATE ROLE openlib_reader")
    assert load(storage, as_loader(database, "books")).state == "unchanged"
    assert database.ask("SELECT has_table_privilege('openlib_reader', 'books.works', 'SELECT')") == [(True,)]


def test_a_user_without_rights_is_told_in_one_line(database: Database, storage: LocalStorage) -> None:
    database.tell(LOADER)
    said = refused(storage, as_loader(database))
    assert said.startswith("permission denied for database books_")
    assert said.endswith(
        "(SQLSTATE 42501); give this user the role openlib_writer, or have the schema made for it: see docs/database.md"
    )
    load(storage, database.target())
    said = refused(storage, as_loader(database))
    assert said.startswith("permission denied for schema openlib (SQLSTATE 42501); give this user")


def test_who_cannot_connect_is_told_in_one_line(database: Database, storage: LocalStorage) -> None:
    url = database.url("nobody", SECRET)
    assert refused(storage, Target(url, "openlib")).endswith(
        'password authentication failed for user "nobody"; check user and password'
    )
    elsewhere = url.replace(database.variables["PGDATABASE"], "nowhere").replace("nobody", database.variables["PGUSER"])
    elsewhere = elsewhere.replace(SECRET, database.variables["PGPASSWORD"])
    assert refused(storage, Target(elsewhere, "openlib")).endswith(
        'database "nowhere" does not exist; check the names of the database and of the user'
    )
    nobody_there = url.replace(database.variables["PGPORT"], str(free_port()))
    assert refused(storage, Target(nobody_there, "openlib")).endswith(
        "check that the server runs and that OPENLIB_DATABASE names it"
    )
    assert refused(storage, Target(f"{url}?no_such=option", "openlib")).startswith(
        'Failed to connect: invalid URI query parameter: "no_such"; check what follows the ?'
    )


@pytest.mark.parametrize("by", ["PGPASSWORD", "PGPASSFILE", "password"])
def test_the_password_may_come_from_libpqs_variables(
    by: str, database: Database, storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = database.variables["PGPASSWORD"]
    url = database.url().replace(f":{secret}@", "@")
    if by == "PGPASSWORD":
        monkeypatch.setenv(by, secret)
    elif by == "PGPASSFILE":
        file = tmp_path / "pgpass"
        file.write_text(f"*:*:*:*:{secret}\n")
        file.chmod(0o600)
        monkeypatch.setenv(by, str(file))
    else:
        url += f"?password={secret}"
    assert load(storage, Target(url, "openlib")).state == "loaded"


def test_a_plus_in_a_password_stands_for_itself_as_libpq_reads_it(database: Database, storage: LocalStorage) -> None:
    database.tell("CREATE ROLE plus LOGIN SUPERUSER PASSWORD 'a+b c'")
    place = database.url("plus", "").replace(":@", "@")
    target = Target(f"{place}?password=a+b%20c", "openlib")
    assert load(storage, target).state == "loaded"
    assert target.without_secrets("it is a+b c") == "it is ***"


def test_tables_of_a_later_release_are_refused(database: Database, storage: LocalStorage) -> None:
    load(storage, database.target())
    database.tell(f"UPDATE openlib.openlib_load SET schema_version = {SCHEMA_VERSION + 1}")  # noqa: S608
    said = refused(storage, database.target())
    assert said.startswith(f"loaded by a later release, with schema version {SCHEMA_VERSION + 1}, and this one has")
    assert said.endswith("upgrade, or name another schema in OPENLIB_DATABASE_SCHEMA")


def test_tables_of_an_earlier_release_are_made_anew_unless_somebody_built_on_them(
    database: Database, storage: LocalStorage
) -> None:
    load(storage, database.target())
    earlier = (
        "ALTER TABLE openlib.works DROP COLUMN isbn13 CASCADE",
        "UPDATE openlib.openlib_load SET shape = 'earlier'",
    )
    database.tell("CREATE VIEW old_books AS SELECT title FROM openlib.works", *earlier)
    said = refused(storage, database.target())
    assert said.startswith("cannot drop desired object(s) because other objects depend on them")
    assert "view public.old_books depends on table works" in said
    assert said.endswith("(SQLSTATE 2BP01); drop what depends on the tables of the earlier release, then run again")
    assert len(database.ask("SELECT FROM openlib.works")) == 48
    database.tell("DROP VIEW old_books")
    assert load(storage, database.target()).state == "loaded"
    assert_same_as_files(database, storage)


def test_indexes_view_and_comments_of_an_earlier_release_are_made_anew_in_place(
    database: Database, storage: LocalStorage
) -> None:
    load(storage, database.target())
    rows = database.ask("SELECT ctid::text FROM openlib.works")
    database.tell(
        "DROP INDEX openlib.works_isbn13_idx",
        "COMMENT ON TABLE openlib.works IS NULL",
        "UPDATE openlib.openlib_load SET around = 'earlier'",
    )
    assert load(storage, database.target()).state == "unchanged"
    assert database.ask("SELECT to_regclass('openlib.works_isbn13_idx') IS NOT NULL") == [(True,)]
    assert database.ask("SELECT obj_description('openlib.works'::regclass) IS NOT NULL") == [(True,)]
    assert database.ask("SELECT ctid::text FROM openlib.works") == rows


def test_tables_of_others_are_left_alone(database: Database, storage: LocalStorage) -> None:
    database.tell("CREATE SCHEMA openlib", "CREATE TABLE openlib.authors (name text)")
    assert refused(storage, database.target()) == (
        "has tables of others by names of the warehouse (authors); name another schema in OPENLIB_DATABASE_SCHEMA"
    )
    assert held_version(database.target()) is None
    assert load(storage, database.target("user")).state == "loaded"  # a word of SQL's own
    assert_same_as_files(database, storage, '"user"')
