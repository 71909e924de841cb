"""The database behind the store: where it is, its migrations, and errors that show neither user nor password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import orjson

from portfolio.errors import StoreError
from portfolio.settings import Settings
from portfolio.store.migrations import HEAD

try:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.util import CommandError
    from sqlalchemy import Connection, Engine, NullPool, Table, create_engine, event, inspect, make_url, text
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError
except ModuleNotFoundError as missing:
    raise StoreError(f"The store needs {missing.name}.", remedy="pip install 'portfolio[store]'") from None

MIGRATIONS = Path(__file__).parent / "migrations"
QUICK_SECONDS = 10.0  # for a lock and for a statement, where a service waits
LONG_SECONDS = 3600.0  # for what goes through everything: an export, a migration
LOCKED_SECONDS = 30.0  # for others who write to the same file
CONNECT_SECONDS = 5
ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
"""Of libpq: a host that is gone is given up after some 25 seconds."""
LOCK = 0x706F7274  # of PostgreSQL: one process migrates, the others wait
Transactions = Callable[[], AbstractContextManager[Connection]]
REACH = "Check DATABASE_URL; left empty, the store is a file of the repository, store/portfolio.db."


@contextmanager
def writing(settings: Settings) -> Iterator[Connection]:
    """A transaction in a database whose tables are those of this release. Raises StoreError."""
    with _opened(settings, QUICK_SECONDS) as engine:
        _prepare_to_write(engine)
        with engine.begin() as connection:
            _migrate(connection)
        with engine.begin() as connection:
            yield connection


@contextmanager
def staying(settings: Settings, patience: float = LONG_SECONDS) -> Iterator[Transactions]:
    """Any number of transactions on one connection, in one thread; each raises StoreError, and so does the beginning.

    No lock is waited for longer than `patience` seconds, no statement of PostgreSQL takes longer.
    So does one after which SQLite's file is no longer the one that was opened: what it stored is nowhere then. What the
    block itself does is not the store's: its errors pass as they are.
    """
    url = _url(settings)
    with _told(url):
        engine = _engine(url, patience)
        _prepare_to_write(engine)
        with engine.begin() as connection:
            _migrate(connection)
        opened = _place(url)  # before it is opened: what replaces it in between is seen, too
        connection = engine.connect()

    @contextmanager
    def transaction() -> Iterator[Connection]:
        with _told(url), connection.begin():
            yield connection
        if _place(url) != opened:
            raise StoreError(
                f"The store at {_shown(url)} was removed or replaced under its writer.", remedy="It is opened anew."
            )

    try:
        yield transaction
    finally:
        connection.close()
        engine.dispose()


@contextmanager
def reading(settings: Settings, table: str) -> Iterator[Connection | None]:
    """A connection, or None where nobody has written to this table yet. Raises StoreError.

    A file that DATABASE_URL names is there: an address that is mistyped shall not look like an empty past.
    """
    with _opened(settings, LONG_SECONDS) as engine:
        file = _file(engine.url)
        if file and not file.exists():
            if settings.database_url:
                raise StoreError(
                    f"There is no store at {file}.", remedy="Check DATABASE_URL; who writes first makes it."
                )
            yield None
            return
        with engine.connect() as connection:
            yield connection if inspect(connection).has_table(table) else None


def has_place(settings: Settings) -> bool:
    """Whether what is written has a place to go: a server, the default file, or a file that is there."""
    file = _file(_url(settings))
    return not settings.database_url or file is None or file.exists()


@contextmanager
def _opened(settings: Settings, patience: float) -> Iterator[Engine]:
    url = _url(settings)
    with _told(url):
        engine = _engine(url, patience)
        try:
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _told(url: URL) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, CommandError, OSError, ModuleNotFoundError) as error:
        raise StoreError(f"The store at {_shown(url)} does not answer: {_said(error, url)}", remedy=REACH) from None


def _url(settings: Settings) -> URL:
    try:
        url = make_url(settings.store_address)
    except (SQLAlchemyError, ValueError):
        raise StoreError(
            "DATABASE_URL is no address of a database.", remedy="Such as postgresql://user@host/name."
        ) from None
    if url.drivername in ("postgres", "postgresql"):  # what a provider hands out names no driver
        return url.set(drivername="postgresql+psycopg")
    return url


def _engine(url: URL, patience: float) -> Engine:
    waits = {
        "sqlite": {"timeout": min(patience, LOCKED_SECONDS)},
        "postgresql": {"connect_timeout": CONNECT_SECONDS, **ALIVE},
    }
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args=waits.get(url.get_backend_name(), {}),
        hide_parameters=True,
        json_serializer=_json,
        json_deserializer=orjson.loads,
    )
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", lambda connection: _limit(connection, patience))
    return engine


def _limit(connection: Connection, seconds: float) -> None:
    """For this transaction alone: a pooler that stands between would hand a session's settings on."""
    limit = f"{seconds * 1000:.0f}"
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}")


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows what to do where the row is there already."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _prepare_to_write(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        if file := _file(engine.url):
            file.parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _let_others_read)
        event.listen(engine, "begin", _begin_at_once)


def _let_others_read(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # Python's sqlite3 would begin only at the first INSERT, too late for a migration
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    """Bring the tables to this release's; whoever comes at the same time waits, and finds it done."""
    if MigrationContext.configure(connection).get_current_revision() == HEAD:
        return  # without loading every step
    if connection.dialect.name == "postgresql":
        _limit(connection, LONG_SECONDS)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _file(url: URL) -> Path | None:
    """SQLite's file, which need not be there. Raises StoreError for what keeps nothing for the next command."""
    if url.get_backend_name() != "sqlite":
        return None
    name = url.database or ":memory:"
    file = Path(name)
    if name == ":memory:" or name.startswith("file:") or (file.exists() and not file.is_file()):
        raise StoreError(f"{name} is no file for a store.", remedy="Such as sqlite:////srv/portfolio.db.")
    return file


def _place(url: URL) -> tuple[int, int] | None:
    """Device and inode of SQLite's file; None where there is no file."""
    file = _file(url)
    if file is None or not file.exists():
        return None
    found = file.stat()
    return found.st_dev, found.st_ino


def _shown(url: URL) -> str:
    """An address as it may be shown: without its query, too, which may hold a password."""
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


def _said(error: Exception, url: URL) -> str:
    """What the driver said, in one line and without who asked."""
    reason = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()[0]
    secrets = [str(value) for value in (url.password, *url.query.values()) if value]
    for secret in secrets:
        reason = reason.replace(secret, "***")
    return reason.replace(f'"{url.username}"', "***") if url.username else reason
