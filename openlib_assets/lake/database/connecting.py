"""A connection to PostgreSQL: where to, how errors are told, and that no password is ever among what is told."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from openlib_assets.settings import Settings
from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor, Error

_SECRETS = ("password", "sslpassword", "passfile", "oauth_client_secret")
# A server that does not answer is given up, also where it has vanished in the middle; a URL may say otherwise.
_DEFAULTS = {"connect_timeout": "10", "tcp_user_timeout": "120000", "application_name": "openlib"}
_ENCODING = ("client_encoding", "UTF8")
_PORT = re.compile(r":\d+(?=,|$)")
_VARIABLES = {"connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME"}

# What to do about errors, by what begins their SQLSTATE.
_REMEDIES = {
    "08": "check that the server runs, then run again",
    "25006": "name the server that can be written to, not a copy that can only be read",
    "2BP01": "drop what depends on the tables of the earlier release, then run again",
    "40": "run again",
    "42501": "give this user the role openlib_writer, or have the schema made for it: see docs/database.md",
    "53": "make room on the server, then run again",
    "55P03": "somebody holds the tables; run again when they are done",
    "57": "the server ended it; run again",
}
_REFUSED = {
    "password authentication failed": "check user and password",
    "no password supplied": "name the password in the URL, in PGPASSWORD or in PGPASSFILE",
    "does not exist": "check the names of the database and of the user",
    "no pg_hba.conf entry": "the server does not admit this user from here",
    "certificate": "check sslmode and sslrootcert",
    "invalid URI query parameter": "check what follows the ? in OPENLIB_DATABASE",
}
_UNREACHABLE = "check that the server runs and that OPENLIB_DATABASE names it"


class DatabaseError(OpenlibError):
    """The database cannot be used; the text says why, and what to do."""


@dataclass(frozen=True)
class Target:
    """The database, and the schema in it, that the warehouse is loaded into."""

    url: str = field(repr=False)
    schema: str

    @staticmethod
    def of(settings: Settings) -> "Target | None":
        """Return what the settings name, None where they name no database."""
        return Target(settings.database, settings.database_schema) if settings.database else None

    @property
    def server(self) -> str:
        """The address of the database without user, password and options."""
        # As libpq puts it together: of options, the URL and variables, the first that has it.
        netloc, path, query = _parts(self.url)
        options = dict(_options(query))
        place = options.get("host") or options.get("hostaddr") or netloc.rpartition("@")[2]
        place = place or os.environ.get("PGHOST") or os.environ.get("PGHOSTADDR", "")
        if port := options.get("port") or ("" if _PORT.search(place) else os.environ.get("PGPORT", "")):
            place = f"{_PORT.sub('', place)}:{port}"
        database = options.get("dbname") or path.strip("/") or os.environ.get("PGDATABASE", "")
        service = options.get("service") or os.environ.get("PGSERVICE")
        return f"postgresql://{place}/{database}{f'?service={service}' if service else ''}"

    @property
    def address(self) -> str:
        """The same, and the schema."""
        return f"{self.server}, schema {self.schema}"

    def error(self, reason: str) -> DatabaseError:
        """Return an error that says in one line what the matter is with the database."""
        return DatabaseError(f"{self.address}: {self.without_secrets(' '.join(reason.split()))}")

    def without_secrets(self, text: str) -> str:
        """Return a text in which no password is."""
        netloc, _, query = _parts(self.url)
        password = netloc.rpartition("@")[0].partition(":")[2]
        options = dict(_options(query))
        secrets = [password, unquote(password), *(options.get(name, "") for name in _SECRETS)]
        secrets.append(os.environ.get("PGPASSWORD", ""))
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def connection_url(self) -> str:
        """Return the URL with what it leaves open, and with the encoding of what is sent, whatever others say."""
        base, _, query = self.url.partition("?")
        given = [*(option for option in _options(query) if option[0] != _ENCODING[0]), _ENCODING]
        named = {name for name, _ in given}
        left = {
            name: value
            for name, value in _DEFAULTS.items()
            if name not in named and not os.environ.get(_VARIABLES.get(name, ""))
        }
        return f"{base}?{urlencode([*given, *left.items()], quote_via=quote)}"


def _parts(url: str) -> tuple[str, str, str]:
    """Return what a URL has before its path, the path, and its options, as libpq takes it apart."""
    base, _, query = url.partition("://")[2].partition("?")
    netloc, _, path = base.partition("/")
    return netloc, path, query


def _options(query: str) -> list[tuple[str, str]]:
    """Return the options of a URL as libpq reads them: a plus stands for itself."""
    return parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)


@dataclass(frozen=True)
class Session:
    """A transaction in the database."""

    target: Target
    cursor: "Cursor"

    def execute(self, statement: str) -> None:
        """Execute a statement."""
        self.cursor.execute(statement)

    def cancel(self) -> None:
        """Let the statement that another thread executes end with an error."""
        self.cursor.adbc_cancel()

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; `values` stand for $1, $2, ... in it."""
        return self.cursor.execute(query, values or None).fetchall()

    def row(self, query: str, *values: str) -> tuple[Any, ...]:
        """Return the one row of a query."""
        (row,) = self.rows(query, *values)
        return row


@contextmanager
def connected(target: Target) -> Iterator[Session]:
    """Lend a transaction, which is committed when the block ends well, and else is as if it had not been.

    Raises DatabaseError.
    """
    # Slow to import, and few need it.
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415

    try:
        with dbapi.connect(target.connection_url()) as connection, connection.cursor() as cursor:
            session = Session(target, cursor)
            _require_utf8(session)
            yield session
            connection.commit()
    except dbapi.Error as error:
        raise target.error(_told(error)) from None


def _require_utf8(session: Session) -> None:
    (encoding,) = session.row("SELECT current_setting('server_encoding')")
    if encoding != _ENCODING[1]:
        raise session.target.error(
            f"the database has the encoding {encoding}, and must have UTF8; make another one with: "
            "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
        )


def _told(error: "Error") -> str:
    """Return in one line what a server said, and what to do."""
    text = " ".join(str(error).split())
    for end in (". SQLSTATE", "Query was:", "HINT:", "LINE 1:"):
        text = text.partition(end)[0].rstrip()
    for noise in ("PGRES_FATAL_ERROR", "[libpq]", "[]:"):
        text = text.replace(noise, "")
    said = (text.partition("ERROR:")[2] or text.partition("FATAL:")[2] or text.partition(": ")[2]).strip()
    if error.sqlstate is None:
        return f"{said}; {_remedy(_REFUSED, said) or _UNREACHABLE}"
    remedy = _remedy(_REMEDIES, error.sqlstate, start=True)
    return f"{said} (SQLSTATE {error.sqlstate}){f'; {remedy}' if remedy else ''}"


def _remedy(remedies: dict[str, str], said: str, *, start: bool = False) -> str | None:
    found: Sequence[str] = [
        remedy for sign, remedy in remedies.items() if (said.startswith(sign) if start else sign in said)
    ]
    return found[0] if found else None
