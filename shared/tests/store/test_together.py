"""Several who write and read the same store at once, and a connection that breaks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from stores import BEGIN, address_of, predictions, ship

from portfolio.errors import StoreError
from portfolio.settings import Settings
from portfolio.store import shipping, summary, window

SHIPPER = """
import sys
from dataclasses import replace
from stores import predictions
from portfolio.settings import Settings
from portfolio.store import shipping
project = sys.argv[2]
rows = [replace(row, prediction_id=row.prediction_id[:-7] + project) for row in predictions(1000, project=project)]
with shipping(Settings(database_url=sys.argv[1])) as send:
    print(sum(send(rows[start:start + 100]) for start in range(0, 1000, 100)))
"""
LABELLER = """
import sys
from stores import BEGIN, predictions
from portfolio.settings import Settings
from portfolio.store import Label, join
settings = Settings(database_url=sys.argv[1])
labels = [Label(row.prediction_id, 1, BEGIN) for row in predictions(1000)]
print(sum(len(join(labels[part::5], settings, lambda *_: "")) for part in range(5)))
"""
PRUNER = """
import sys
from datetime import timedelta
from stores import BEGIN
from portfolio.settings import Settings
from portfolio.store.pruning import prune
print(sum(prune(Settings(database_url=sys.argv[1]), before=BEGIN, project="nobody").runs for _ in range(3)))
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_shippers_labels_and_pruning_do_not_disturb_one_another(settings: Settings) -> None:
    ship(predictions(1000), settings)
    address = settings.database_url
    apis = ("toylate", "toycost", "another")
    programs = [*(start(SHIPPER, address, api) for api in apis), start(LABELLER, address), start(PRUNER, address)]
    while any(program.poll() is None for program in programs):
        summary("toylate", settings, now=BEGIN)
        time.sleep(0.2)
    told = [program.communicate() for program in programs]
    assert [error for _, error in told] == [""] * 5
    assert [int(shown) for shown, _ in told] == [1000, 1000, 1000, 1000, 0]
    found = summary("toylate", settings, now=BEGIN)
    assert (found.total.number, found.labels) == (2000, 1000)
    assert window("toycost", settings, since=BEGIN, until=BEGIN + timedelta(days=1)).total == 1000


def test_two_who_ship_the_same_rows_at_once_count_them_once(settings: Settings) -> None:
    address = settings.database_url
    shippers = [start(SHIPPER, address, "toylate") for _ in range(3)]
    told = [shipper.communicate() for shipper in shippers]
    assert [error for _, error in told] == [""] * 3
    assert sum(int(shown) for shown, _ in told) == 1000
    assert summary("toylate", settings, now=BEGIN).total.number == 1000


def test_a_connection_that_breaks_is_a_store_error_and_the_next_one_goes_on(server: str) -> None:
    settings = Settings(database_url=server)
    rows = predictions(20)
    with shipping(settings) as send:
        send(rows[:10])
        engine = create_engine(address_of(settings))
        with engine.begin() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(text(f"{others} AND usename = current_user"))
        engine.dispose()
        with pytest.raises(StoreError, match="does not answer"):
            send(rows)
        assert send(rows) == 10
    with shipping(settings) as send:
        assert send(rows) == 0
