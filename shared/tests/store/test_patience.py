"""How long the store is waited for."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from portfolio.errors import StoreError
from portfolio.settings import Settings
from portfolio.store import database


def lock(connection: Connection) -> None:
    """In SQLite the transaction is one."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7)"))


def test_a_service_waits_for_no_lock_without_end(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.writing(settings):
        pass
    monkeypatch.setattr(database, "QUICK_SECONDS", 0.3)
    with database.writing(settings) as holder:
        lock(holder)
        with pytest.raises(StoreError, match=r"lock|timeout"), database.writing(settings) as other:
            lock(other)


@pytest.mark.parametrize("settings", ["PostgreSQL"], indirect=True)
def test_what_goes_through_everything_has_time(settings: Settings) -> None:
    """SQLite knows no statement that takes too long."""
    shown = []
    with database.staying(settings) as transaction, transaction() as connection:
        shown += [connection.execute(text(f"SHOW {name}_timeout")).scalar_one() for name in ("lock", "statement")]
    with database.writing(settings) as connection:
        shown.append(connection.execute(text("SHOW statement_timeout")).scalar_one())
    assert shown == ["1h", "1h", "10s"]
