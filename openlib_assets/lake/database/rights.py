"""Who may do what in the database: the schema, the role that reads it, and the role that owns and writes it."""

from openlib_assets.lake.database.connecting import Session
from openlib_assets.lake.database.schema import ALL_NAMES

READER = "openlib_reader"
WRITER = "openlib_writer"


def prepare(session: Session) -> list[str]:
    """Have the roles and the schema, as far as this user may make them, and act as who owns the schema.

    Returns a line for what could not be made and need not be.
    """
    notes = _make_roles(session)
    schema = session.target.schema
    is_writer = _is_writer(session)
    if not session.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema):
        session.execute(f'CREATE SCHEMA "{schema}"{f" AUTHORIZATION {WRITER}" if is_writer else ""}')
    (owner,) = session.row("SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = $1", schema)
    if owner == WRITER and is_writer:
        session.execute(f"SET LOCAL ROLE {WRITER}")
    session.execute(f'SET LOCAL search_path = "{schema}"')
    return notes


def grant(session: Session) -> None:
    """Grant the roles that are there what they need, where they lack it."""
    schema = session.target.schema
    tables = ", ".join(f'"{schema}".{name}' for name in ALL_NAMES)
    for role, on_schema, on_tables in ((READER, "USAGE", "SELECT"), (WRITER, "USAGE, CREATE", "ALL")):
        if role in _roles(session) and not _has_all(session, role, schema):
            session.execute(f'GRANT {on_schema} ON SCHEMA "{schema}" TO {role}')
            session.execute(f"GRANT {on_tables} ON {tables} TO {role}")


def _has_all(session: Session, role: str, schema: str) -> bool:
    privilege = "SELECT" if role == READER else "INSERT"
    (missing,) = session.row(
        "SELECT count(*) FROM unnest(string_to_array($3, ' ')) AS name "
        "WHERE NOT (has_schema_privilege($1, $2, 'USAGE') "
        "AND has_table_privilege($1, quote_ident($2) || '.' || name, $4))",
        role,
        schema,
        " ".join(ALL_NAMES),
        privilege,
    )
    return bool(missing == 0)


def _make_roles(session: Session) -> list[str]:
    missing = [role for role in (READER, WRITER) if role not in _roles(session)]
    if not missing:
        return []
    user, may_create = session.row(
        "SELECT current_user::text, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    if not may_create:
        lacking = f"{' and '.join(missing)} are not there, and {user} may not create roles"
        return [f"{session.target.address}: {lacking}; an administrator can: see docs/database.md"]
    for role in missing:
        session.execute(f"CREATE ROLE {role} NOLOGIN")
    if WRITER in missing:
        session.execute(f"GRANT {WRITER} TO CURRENT_USER")
    return []


def _roles(session: Session) -> set[str]:
    found = session.rows("SELECT rolname::text FROM pg_roles WHERE rolname IN ($1, $2)", READER, WRITER)
    return {name for (name,) in found}


def _is_writer(session: Session) -> bool:
    (is_one,) = session.row(
        "SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'MEMBER')), false) FROM pg_roles WHERE rolname = $1",
        WRITER,
    )
    return bool(is_one)
