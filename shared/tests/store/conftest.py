"""An empty store in a real SQLite file, and one in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import postgresql
from sqlalchemy import create_engine, text

from portfolio.settings import Settings


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgresql() as address:
        yield address


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A store that nobody has opened yet."""
    if request.param == "SQLite":
        return Settings(database_url=f"sqlite:///{tmp_path}/new/portfolio.db")
    address = str(request.getfixturevalue("server"))
    name = f"db{abs(hash(request.node.name))}"
    engine = create_engine(address.replace("postgresql", "postgresql+psycopg", 1), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return Settings(database_url=address.removesuffix("postgres") + name)
