"""A repository with predictions in its store."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import predictions, ship

from portfolio.settings import Settings


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """A repository with ten predictions in its store."""
    (tmp_path / "Procfile").touch()
    (tmp_path / "monitoring" / "labels").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    settings = Settings(database_url=f"sqlite:///{tmp_path}/store/portfolio.db")
    ship(predictions(10), settings)
    return settings
