"""The registry against a real MLflow server."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from mlflows import mlflow_server
from toys import LATE, write_candidate

from portfolio import registry
from portfolio.bundle import ANYONE, load, verify
from portfolio.errors import BundleError, RegistryError
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A server of its own on a free port."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as settings:
        yield settings


def registered(settings: Settings, spec: ModelSpec, folder: Path, *, name: str = "v1") -> RegisteredVersion:
    bundle = write_candidate(spec, folder / name)
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    (plots / "roc.png").write_bytes(b"picture")
    return registry.register(
        settings, verify(bundle, ANYONE), bundle=bundle, artifacts=plots, tags={"verdict": "promote"}
    )


def test_a_registered_bundle_comes_back_as_it_was_and_loads(settings: Settings, tmp_path: Path) -> None:
    version = registered(settings, LATE, tmp_path)
    fetched = registry.download(version, tmp_path / "fetched", settings)
    assert verify(fetched, ANYONE) == verify(tmp_path / "v1", ANYONE)
    assert load(fetched, LATE, ANYONE).manifest.version == version.bundle_version == "v1"


def test_a_download_that_is_not_what_was_registered_is_refused(settings: Settings, tmp_path: Path) -> None:
    version = registered(settings, replace(LATE, name="toypinned"), tmp_path)
    assert registry.find_version("toypinned", 1, settings) == version
    other = replace(version, bundle_sha256="0" * 64)
    with pytest.raises(BundleError, match=r"not as it was registered: bundle.json"):
        registry.download(other, tmp_path / "fetched", settings)


def test_a_version_that_is_not_there_is_told_by_its_number(settings: Settings) -> None:
    with pytest.raises(RegistryError, match="toynobody has no version 7"):
        registry.find_version("toynobody", 7, settings)


def test_the_champion_is_whom_the_alias_points_to(settings: Settings, tmp_path: Path) -> None:
    spec = replace(LATE, name="toychampion")
    assert registry.champion(spec.name, settings) is None
    first = registered(settings, spec, tmp_path, name="v1")
    assert registry.champion(spec.name, settings) is None  # registering alone makes no champion
    second = registered(settings, spec, tmp_path, name="v2")
    registry.point(settings, second, registry.CHAMPION)
    assert registry.champion(spec.name, settings) == second
    assert (first.version, second.version) == ("1", "2")


def test_the_run_shows_metrics_parameters_and_provenance(settings: Settings, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    version = registered(settings, replace(LATE, name="toyrun"), tmp_path)
    run = MlflowClient(settings.mlflow_tracking_uri).get_run(version.run_id)
    assert run.data.metrics["auc"] == 0.8
    assert run.data.metrics["defaults_auc"] == 0.8
    assert run.data.params["family"] == "lightgbm"
    assert run.data.tags["data"] == "Orders (synthetic sample)"
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    assert run.info.status == "FINISHED"


def test_a_dead_server_is_told_at_once(tmp_path: Path) -> None:
    nowhere = Settings(mlflow_tracking_uri="http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(RegistryError, match=r"does not answer at http://127\.0\.0\.1:9"):
        registry.champion("toylate", nowhere)
    assert time.monotonic() - started < 5


def test_a_server_that_never_answers_costs_only_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(
            mlflow_tracking_uri=f"http://127.0.0.1:{silent.getsockname()[1]}", mlflow_timeout_seconds=0.5
        )
        started = time.monotonic()
        assert not registry.reachable(settings)
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("uri", ["http://ann:s3cret@127.0.0.1:9", "ftp://ann:s3cret@nowhere"])
def test_a_password_in_the_address_is_never_shown(uri: str) -> None:
    with pytest.raises(RegistryError) as caught:
        registry.require(Settings(mlflow_tracking_uri=uri))
    assert "s3cret" not in str(caught.value)


@contextmanager
def answering(status: int, body: bytes = b"{}") -> Iterator[tuple[Settings, list[str | None]]]:
    """A service that answers whatever it is asked in one way, and the credentials it was shown."""
    seen = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Settings(mlflow_tracking_uri=f"http://ann:s3cret@127.0.0.1:{server.server_port}"), seen
        server.shutdown()


def test_a_password_in_the_address_is_sent_as_the_client_would() -> None:
    with answering(200) as (settings, seen):
        assert registry.reachable(settings)
    assert seen == ["Basic YW5uOnMzY3JldA=="]


def test_another_service_on_the_port_is_no_registry() -> None:
    with answering(403) as (settings, _):
        assert not registry.reachable(settings)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b'{"title": "Not found"}'), (400, b"<html>"), (405, b"[]"), (200, b"<html>"), (200, b"[1]")],
)
def test_what_is_no_mlflow_is_not_taken_for_an_empty_registry(status: int, body: bytes) -> None:
    with answering(status, body) as (settings, _):
        for question in (partial(registry.champion, "toy"), registry.list_versions):
            with pytest.raises(RegistryError, match=r"What answers at http://127\.0\.0\.1:\d+ is no MLflow"):
                question(settings)


def test_a_question_that_mlflow_does_not_take_is_no_empty_answer(settings: Settings) -> None:
    with pytest.raises(RegistryError, match=r"answers 400 \(INVALID_PARAMETER_VALUE\). Look at its log"):
        registry.list_versions(settings, name="n'o")


@pytest.mark.parametrize(("status", "hosts"), [(403, True), (500, False)])
def test_allowed_hosts_are_named_only_where_mlflow_forbids(status: int, hosts: bool) -> None:
    with answering(status) as (settings, _), pytest.raises(RegistryError, match=f"answers {status}") as caught:
        registry.champion("toy", settings)
    assert ("MLFLOW_SERVER_ALLOWED_HOSTS" in caught.value.remedy) == hosts


@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 99999999999999999999])
def test_a_number_that_no_version_can_have_names_none(settings: Settings, number: int) -> None:
    with pytest.raises(RegistryError, match=f"toylate has no version {number}"):
        registry.find_version("toylate", number, settings)


@pytest.mark.parametrize(
    ("uri", "said"),
    [("", r"\(no MLFLOW_TRACKING_URI\)"), ("mlruns", "mlruns is no"), ("ann:s3cret@host:5000", "^host:5000 is no")],
)
def test_an_address_of_no_server_is_told_whatever_is_asked(uri: str, said: str) -> None:
    nowhere = Settings(mlflow_tracking_uri=uri)
    asked = (registry.require, registry.list_versions, partial(registry.champion, "toy"))
    for question in asked:
        with pytest.raises(RegistryError, match=said):
            question(nowhere)
    assert not registry.reachable(nowhere)
