"""The MLflow registry: runs, versions, aliases. The only module that imports mlflow."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from portfolio.errors import RegistryError
from portfolio.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from portfolio.bundle import Manifest

CHAMPION, CHALLENGER = "champion", "challenger"
BUNDLE = "bundle"
UNREACHABLE = "Start it with `make mlflow`, or name another with MLFLOW_TRACKING_URI."
LOG = "Look at its log; a 403 means its MLFLOW_SERVER_ALLOWED_HOSTS lacks this host name."


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model. `version` is the registry's number, `bundle_version` the bundle's own name."""

    name: str
    version: str
    bundle_version: str
    run_id: str


def reachable(settings: Settings) -> bool:
    """Whether a tracking server answers within the limit; asked plainly, so that a dead one costs no mlflow import."""
    if not settings.mlflow_tracking_uri.startswith(("http://", "https://")):
        return False
    try:
        with _ask(settings, "/version") as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (OSError, ValueError, HTTPException):
        return False


def require(settings: Settings) -> None:
    """Raise RegistryError where no server answers."""
    if settings.mlflow_tracking_uri and not settings.mlflow_tracking_uri.startswith(("http://", "https://")):
        raise RegistryError(
            f"{settings.registry_address} is no http(s) address.", remedy="MLFLOW_TRACKING_URI names a tracking server."
        )
    if not reachable(settings):
        raise RegistryError(
            f"MLflow does not answer at {settings.registry_address or '(no MLFLOW_TRACKING_URI)'}.",
            remedy=UNREACHABLE,
        )


def register(
    settings: Settings, manifest: Manifest, *, bundle: Path, plots: Path, tags: Mapping[str, str]
) -> RegisteredVersion:
    """Log a run (parameters, metrics, plots, bundle) and create a model version of it, still without an alias."""
    with _client(settings) as client:
        run_id = _log_run(client, manifest, bundle, plots)
        _ensure_model(client, manifest.name)
        created = client.create_model_version(
            manifest.name,
            source=f"runs:/{run_id}/{BUNDLE}",
            run_id=run_id,
            tags={**_tags(manifest), **tags},
            await_creation_for=0,
        )
    return RegisteredVersion(manifest.name, str(created.version), manifest.version, run_id)


def point(settings: Settings, version: RegisteredVersion, alias: str) -> None:
    """Move an alias to a version."""
    with _client(settings) as client:
        client.set_registered_model_alias(version.name, alias, version.version)


def champion(name: str, settings: Settings) -> RegisteredVersion | None:
    """The version that shall be live, or None. Raises RegistryError where the registry can't be asked.

    Over plain HTTP: a sidecar asks this at every start, and importing mlflow would take it two seconds and 110 MB.
    """
    query = urllib.parse.urlencode({"name": name, "alias": CHAMPION})
    try:
        with _ask(settings, f"/api/2.0/mlflow/registered-models/alias?{query}") as answer:
            found = json.load(answer)["model_version"]
    except urllib.error.HTTPError as error:
        if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):  # no such model; a model without that alias
            return None
        raise RegistryError(f"MLflow at {settings.registry_address} answers {error.code}.", remedy=LOG) from None
    except (OSError, ValueError, HTTPException) as error:
        raise RegistryError(
            f"MLflow does not answer at {settings.registry_address}: {error}.", remedy=UNREACHABLE
        ) from None
    tags = {tag["key"]: tag["value"] for tag in found.get("tags", ())}
    return RegisteredVersion(name, found["version"], tags.get("bundle_version", ""), found.get("run_id", ""))


def download(version: RegisteredVersion, destination: Path, settings: Settings) -> Path:
    """Fetch a version's bundle into `destination`, a folder that does not exist yet. The caller verifies it."""
    from mlflow.artifacts import download_artifacts

    with _client(settings):
        destination.mkdir(parents=True)
        fetched = download_artifacts(
            artifact_uri=f"runs:/{version.run_id}/{BUNDLE}",
            dst_path=str(destination),
            tracking_uri=settings.mlflow_tracking_uri,
        )
    return Path(fetched)


def _ask(settings: Settings, path: str) -> HTTPResponse:
    """A plain GET with the credentials that MLflow's client would send; urllib takes none from the address itself."""
    request = urllib.request.Request(settings.registry_address.rstrip("/") + path)
    address = urlsplit(settings.mlflow_tracking_uri)
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or unquote(address.username or "")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or unquote(address.password or "")
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    elif user:
        request.add_header("Authorization", f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}")
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=settings.mlflow_timeout_seconds)
    return answer


@contextmanager
def _client(settings: Settings) -> Iterator[MlflowClient]:
    """A client that fails fast: by default one call to a dead server blocks 247 s."""
    require(settings)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")  # of an upload; whether it lives was just asked
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        yield MlflowClient(settings.mlflow_tracking_uri)
    except MlflowException as error:
        raise RegistryError(
            f"MLflow at {settings.registry_address} refuses: {error.message}",
            remedy=LOG,
        ) from error


def _log_run(client: MlflowClient, manifest: Manifest, bundle: Path, plots: Path) -> str:
    from mlflow.entities import Metric, Param

    experiment = client.get_experiment_by_name(manifest.name)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(manifest.name)
    run = client.create_run(experiment_id, run_name=manifest.version, tags=_tags(manifest))
    run_id: str = run.info.run_id
    try:
        metrics = [Metric(key, value, run.info.start_time, 0) for key, value in _metrics(manifest)]
        params = [Param(key, str(value)) for key, value in {"family": manifest.family, **manifest.params}.items()]
        client.log_batch(run_id, metrics=metrics, params=params)
        client.log_artifacts(run_id, str(bundle), BUNDLE)
        client.log_artifacts(run_id, str(plots), "plots")
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
    return run_id


def _metrics(manifest: Manifest) -> Iterator[tuple[str, float]]:
    for who, reading in manifest.metrics.items():
        prefix = "" if who == "model" else f"{who}_"
        for name, estimate in reading.items():
            yield f"{prefix}{name}", estimate.value
            if who == "model":
                yield f"{name}_low", estimate.low
                yield f"{name}_high", estimate.high


def _tags(manifest: Manifest) -> dict[str, str]:
    from portfolio.bundle import MANIFEST  # the idle sidecar does without numpy and onnxruntime

    return {
        "bundle_version": manifest.version,
        "data": manifest.data.label,
        "data_sha256": manifest.data.sha256,
        "git_commit": manifest.git_commit,
        "manifest": MANIFEST,
    }


def _ensure_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
