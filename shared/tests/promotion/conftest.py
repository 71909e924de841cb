"""A registry, an operator's machine and a project that no other test has registered anything of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflows import mlflow_server
from toys import LATE, project

from portfolio.bundle.keys import SigningKey, make_keys
from portfolio.settings import Settings
from portfolio.spec import ModelSpec


@pytest.fixture(scope="session")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps what it is given."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="session")
def server(mlflow_folder: Path) -> Iterator[Settings]:
    with mlflow_server(mlflow_folder) as settings:
        yield settings


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return make_keys(tmp_path / "keys" / "bundle.key", tmp_path / "keys" / "bundle.pub")


@pytest.fixture
def settings(server: Settings, key: SigningKey, tmp_path: Path) -> Settings:
    """Of an operator's machine: it has the private key, and a store of its own."""
    return server.model_copy(
        update={
            "signing_key": str(tmp_path / "keys" / "bundle.key"),
            "bundle_public_key": "",
            "database_url": f"sqlite:///{tmp_path}/store/portfolio.db",
        }
    )


@pytest.fixture
def keyless(settings: Settings, tmp_path: Path) -> Settings:
    """Of a machine that has the public key alone."""
    public = str(tmp_path / "keys" / "bundle.pub")
    return settings.model_copy(update={"signing_key": str(tmp_path / "nowhere"), "bundle_public_key": public})


@pytest.fixture
def spec(tmp_path: Path, request: pytest.FixtureRequest) -> ModelSpec:
    """A project of this test alone."""
    return replace(project(LATE, tmp_path / "project"), name=f"toy-{abs(hash(request.node.name))}")
