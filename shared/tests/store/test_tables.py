"""The store's migrations, in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from stores import BEGIN, LINE, address_of, predictions, ship

from portfolio.errors import StoreError
from portfolio.settings import Settings
from portfolio.store import append, deployments, window
from portfolio.store.database import MIGRATIONS
from portfolio.store.migrations import HEAD

WRITER = """
import sys
from stores import predictions, ship
from portfolio.settings import Settings
number = int(sys.argv[2])
print(ship(predictions(100)[number * 10:], Settings(database_url=sys.argv[1])))
"""


def steps() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def of_the_release_before(settings: Settings) -> None:
    """A store with a row in it, as step 0001 leaves it."""
    if settings.database_url.startswith("sqlite"):
        Path(settings.database_url.removeprefix("sqlite:///")).parent.mkdir()
    engine, config = create_engine(address_of(settings)), steps()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = "'a', '2026-01-02 03:04:05', 'ann', 'toylate', 'promote', 'live', '', '', '7', 'b', '', '', false, ''"
        names = "operation, at, who, project, action, outcome, from_version, from_bundle, to_version, to_bundle"
        query = f"INSERT INTO model_deployments ({names}, reason, verdict, forced, detail) VALUES ({row})"
        connection.execute(text(query))
    engine.dispose()


def test_the_code_names_the_newest_step() -> None:
    assert ScriptDirectory.from_config(steps()).get_current_head() == HEAD


def test_a_store_of_the_release_before_keeps_its_rows_and_gets_the_new_tables(settings: Settings) -> None:
    of_the_release_before(settings)
    assert [line.to_version for line in deployments(settings)] == ["7"]
    assert window("toylate", settings, since=BEGIN, until=BEGIN + timedelta(days=1)).total == 0
    assert ship(predictions(3), settings) == 3
    append(LINE, settings)
    assert [line.to_version for line in deployments(settings)] == ["7", "1"]


def test_several_who_ship_first_at_once_bring_the_tables_forward_once(settings: Settings) -> None:
    of_the_release_before(settings)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    program = [sys.executable, "-c", WRITER, settings.database_url]
    writers = [
        subprocess.Popen(
            [*program, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        for number in range(3)
    ]
    told = [writer.communicate(timeout=60) for writer in writers]
    assert [error for _, error in told] == [""] * 3
    assert sum(int(shipped) for shipped, _ in told) == 100
    assert window("toylate", settings, since=BEGIN, until=BEGIN + timedelta(days=1)).total == 100


def test_a_store_of_a_later_release_is_told_so(settings: Settings) -> None:
    append(LINE, settings)
    engine = create_engine(address_of(settings))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="9999"):
        append(LINE, settings)
