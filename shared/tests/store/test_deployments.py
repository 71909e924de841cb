"""The audit in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from postgres import PASSWORD, USER
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from stores import address_of

from portfolio.errors import StoreError
from portfolio.settings import Settings
from portfolio.store import Deployment, append, deployments

FIRST = Deployment(
    operation="a" * 32,
    at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    who="ann@desk",
    project="toylate",
    action="promote",
    outcome="intended",
    to_version="1",
    to_bundle="20260102T030405Z-abcdef",
    reason="Grüße; 'quoted'",
    verdict="block",
    forced=True,
)
DONE = replace(FIRST, outcome="live", at=FIRST.at + timedelta(seconds=3), seconds=2.5, detail="as it should")
OTHER = replace(FIRST, operation="b" * 32, project="toycost")
WRITER = """
import sys
from dataclasses import replace
from test_deployments import FIRST
from portfolio.settings import Settings
from portfolio.store import append
append(replace(FIRST, who=sys.argv[2]), Settings(database_url=sys.argv[1]))
"""


def test_what_was_appended_is_read_back_in_its_order(settings: Settings) -> None:
    for line in (FIRST, OTHER, DONE):
        append(line, settings)
    assert deployments(settings) == (FIRST, OTHER, DONE)
    assert deployments(settings, project="toylate") == (FIRST, DONE)


def test_a_database_that_nobody_has_written_to_is_empty(server: str) -> None:
    assert deployments(Settings(database_url=server)) == ()


def test_the_repositorys_own_store_is_empty_until_somebody_writes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Procfile").touch()
    monkeypatch.chdir(tmp_path)
    assert deployments(Settings(database_url="")) == ()
    assert not (tmp_path / "store").exists()


def test_a_file_that_is_named_and_not_there_is_no_empty_past(tmp_path: Path) -> None:
    file = tmp_path / "new" / "portfolio.db"
    with pytest.raises(StoreError, match=rf"There is no store at {file}\. Check DATABASE_URL"):
        deployments(Settings(database_url=f"sqlite:///{file}"))
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("sqlite://", ":memory:"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite:///file:store?mode=memory&uri=true", "file:store"),
        ("sqlite:////dev/null", "/dev/null"),
        ("sqlite:////tmp", "/tmp"),
    ],
)
def test_what_keeps_nothing_is_no_store(address: str, name: str) -> None:
    settings = Settings(database_url=address)
    for asked in (deployments, partial(append, FIRST)):
        with pytest.raises(StoreError, match=f"^{name} is no file for a store"):
            asked(settings)


@pytest.mark.parametrize("what", ["UPDATE model_deployments SET who = 'nobody'", "DELETE FROM model_deployments"])
def test_the_database_itself_refuses_to_alter_the_past(settings: Settings, what: str) -> None:
    append(FIRST, settings)
    engine = create_engine(address_of(settings))
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(what))
    engine.dispose()
    assert deployments(settings) == (FIRST,)


def test_several_who_come_first_at_once_make_the_tables_once(settings: Settings) -> None:
    command = [sys.executable, "-c", WRITER, settings.database_url]
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    writers = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, text=True, env=environment)
        for number in range(4)
    ]
    assert [writer.communicate(timeout=60)[1] for writer in writers] == [""] * 4
    assert sorted(line.who for line in deployments(settings)) == ["0", "1", "2", "3"]


def test_the_tables_are_those_that_the_code_declares(settings: Settings) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from portfolio.store.tables import METADATA

    append(FIRST, settings)
    engine = create_engine(address_of(settings))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert inspect(connection).has_table("alembic_version")
    engine.dispose()


def test_a_file_of_sqlite_is_read_while_another_writes(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/portfolio.db")
    append(FIRST, settings)
    engine = create_engine(settings.store_address)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        assert deployments(settings) == (FIRST,)
    engine.dispose()


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://{USER}:{PASSWORD}@127.0.0.1:9/toys",
        f"postgresql://{USER}:{PASSWORD}@127.0.0.1:9/toys?password={PASSWORD}",
        f"postgresql://{USER}:{PASSWORD}@127.0.0.1:port/toys",
        f"cobol://{USER}:{PASSWORD}@127.0.0.1/toys",
        "sqlite:////proc/nowhere/portfolio.db",
    ],
)
def test_a_store_that_does_not_answer_is_told_without_user_and_password(address: str) -> None:
    with pytest.raises(StoreError, match=r"store|DATABASE_URL") as caught:
        append(FIRST, Settings(database_url=address))
    assert caught.value.remedy
    assert USER not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_refused_password_names_nobody(server: str) -> None:
    address = server.replace(PASSWORD, "wr0ng").replace(f"//{USER}", "//eve")
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        deployments(Settings(database_url=address))
    assert "eve" not in str(caught.value)
    assert "wr0ng" not in str(caught.value)


def test_left_empty_the_store_is_a_file_of_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "Procfile").touch()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert Settings(database_url="").store_address == f"sqlite:///{tmp_path}/store/portfolio.db"


def test_no_part_of_a_service_loads_the_database() -> None:
    program = "import sys, portfolio.cli, portfolio.serving.app, portfolio.serving.sidecar, portfolio.serving.command\n"
    program += "print([name for name in sys.modules if name.startswith(('sqlalchemy', 'alembic', 'psycopg'))])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
