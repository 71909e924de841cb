"""Monitoring services in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from oversight import Watch, asking, assembled

from portfolio import store
from portfolio.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a machine with a store and nothing else; the folder of reports is the test's own."""
    (tmp_path / "Procfile").touch()
    monkeypatch.chdir(tmp_path)
    made = Settings(database_url=f"sqlite:///{tmp_path}/portfolio.db", mlflow_tracking_uri="http://127.0.0.1:9")
    store.prepare(made)
    return made


@pytest.fixture
def watch(settings: Settings) -> Watch:
    service = assembled(settings)
    return Watch(service, asking(service))
