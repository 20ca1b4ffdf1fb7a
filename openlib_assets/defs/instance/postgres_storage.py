"""Dagster's storage in PostgreSQL, of which a process keeps its connections open.

`deploy/*/dagster.yaml` name it; nothing imports it, since most instances have nothing in PostgreSQL.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import create_pg_engine, get_token_provider_from_config, pg_url_from_config

if TYPE_CHECKING:
    from dagster_postgres.auth import PgTokenProvider


class PostgresStorage(DagsterPostgresStorage):
    """Dagster's tables and queries, over connections that are used again.

    Dagster connects anew for each statement, in all processes but the webserver: the server starts a process for it,
    checks the password and, on AWS, negotiates TLS. Here one connection stays open as long as the instance does. As
    many more are opened as are needed at once, so that nothing waits for a connection that it holds itself. Before one
    is used again, it is asked whether it still works: the server may have been started anew.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: "PgTokenProvider | None" = None,
    ) -> None:
        """Take what Dagster's own takes."""
        super().__init__(postgres_url, should_autocreate_tables, inst_data, token_provider)
        # Its tables are there by now.
        self._event_log_storage = _EventLogStorage(
            postgres_url, should_autocreate_tables=False, token_provider=token_provider
        )
        engine = create_pg_engine(
            postgres_url,
            token_provider,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=-1,
            pool_pre_ping=True,
        )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PostgresStorage":
        """Return the storage that a dagster.yaml describes, by the configuration of Dagster's own."""
        return cls(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            token_provider=get_token_provider_from_config(config_value),
        )


class _EventLogStorage(PostgresEventLogStorage):
    """The part of the storage that is told when the instance is closed."""

    def dispose(self) -> None:
        """Close what is open, for all three parts."""
        super().dispose()
        self._engine.dispose()
