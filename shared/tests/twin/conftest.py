"""The flats in a folder of their own, once for each kind of task, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from twin.flats import write_project

from portfolio.spec import Binary, ModelSpec, Regression


@pytest.fixture
def dear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """Is the flat dear? A binary task; the mirror is empty."""
    monkeypatch.setenv("DATA_MIRROR", str(tmp_path / "mirror"))
    return write_project(Binary(target="dear"), tmp_path / "flats")


@pytest.fixture
def rent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """The rent, where it is between 500 and 2,500. A regression; the mirror is empty."""
    monkeypatch.setenv("DATA_MIRROR", str(tmp_path / "mirror"))
    return write_project(Regression(target="rent", unit="EUR", within=(500, 2500)), tmp_path / "flats")
