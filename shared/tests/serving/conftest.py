"""Running toy APIs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from services import installed
from toys import COST, LATE, go_live, project, write_bundle

from portfolio.serving import create_app
from portfolio.spec import ModelSpec


@pytest.fixture(scope="session")
def late(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """A binary project with a live model, shared: tests only read it."""
    return _with_model(LATE, tmp_path_factory)


@pytest.fixture(scope="session")
def cost(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """A regression project with a live model that opens its data, shared: tests only read it."""
    return _with_model(COST, tmp_path_factory)


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """The binary project as an installed package, for services that are processes of their own."""
    return installed(tmp_path_factory.mktemp("served") / "toylate")


@pytest.fixture
def client(late: ModelSpec) -> Iterator[TestClient]:
    """A fresh API of the binary project."""
    with TestClient(create_app(late)) as client:
        yield client


@pytest.fixture
def cost_client(cost: ModelSpec) -> Iterator[TestClient]:
    """A fresh API of the regression project."""
    with TestClient(create_app(cost)) as client:
        yield client


@pytest.fixture
def empty_client(tmp_path: Path) -> Iterator[TestClient]:
    """An API without a model."""
    with TestClient(create_app(project(LATE, tmp_path / "toylate"))) as client:
        yield client


def _with_model(spec: ModelSpec, folders: pytest.TempPathFactory) -> ModelSpec:
    placed = project(spec, folders.mktemp(spec.name) / spec.name)
    go_live(write_bundle(placed, placed.root / "models" / "v1"), model_version="7")
    return placed
