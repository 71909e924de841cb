"""What is written to the registry and fetched from it, with MLflow's client: runs, versions, aliases, bundles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from portfolio.errors import RegistryError
from portfolio.registry.ask import PIN, SIGNED_BY, VERDICT, RegisteredVersion, remedy_for, require
from portfolio.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from portfolio.bundle import Manifest

BUNDLE = "bundle"


def register(
    settings: Settings, manifest: Manifest, *, bundle: Path, artifacts: Path, tags: Mapping[str, str]
) -> RegisteredVersion:
    """Log a run (parameters, metrics, bundle, other artifacts) and create a version of it, still without an alias."""
    from portfolio.bundle.files import (
        manifest_digest,  # late, as all of bundle here: the idle sidecar has no numpy
    )

    digest = manifest_digest(bundle)
    with _client(settings) as client:
        run_id = _log_run(client, manifest, bundle, artifacts)
        _ensure_model(client, manifest.name)
        created = client.create_model_version(
            manifest.name,
            source=f"runs:/{run_id}/{BUNDLE}",
            run_id=run_id,
            tags={**_tags(manifest), PIN: digest, **tags},
            await_creation_for=0,
        )
    return RegisteredVersion(
        manifest.name, str(created.version), manifest.version, run_id, digest, verdict=tags.get(VERDICT, "")
    )


def point(settings: Settings, version: RegisteredVersion, alias: str) -> None:
    """Move an alias to a version."""
    with _client(settings) as client:
        client.set_registered_model_alias(version.name, alias, version.version)


def unpoint(settings: Settings, name: str, alias: str) -> None:
    """Take an alias away from whichever version has it."""
    with _client(settings) as client:
        client.delete_registered_model_alias(name, alias)


def tag(settings: Settings, version: RegisteredVersion, name: str, value: str) -> None:
    """Note something on a version; an empty value takes the note away."""
    with _client(settings) as client:
        if value:
            client.set_model_version_tag(version.name, version.version, name, value)
        else:
            client.delete_model_version_tag(version.name, version.version, name)


def attach_signature(settings: Settings, version: RegisteredVersion, bundle: Path, *, key_id: str) -> None:
    """Put a bundle's signature beside the registered files, so that every download brings it."""
    from portfolio.bundle import SIGNATURE

    with _client(settings) as client:
        client.log_artifact(version.run_id, str(bundle / SIGNATURE), BUNDLE)
        client.set_model_version_tag(version.name, version.version, SIGNED_BY, key_id)


def download(version: RegisteredVersion, destination: Path, settings: Settings) -> Path:
    """Fetch a version's bundle into `destination`, a folder that does not exist yet. The caller verifies it.

    Raises BundleError where `bundle.json` is not the one that was registered.
    """
    return _fetch(version, BUNDLE, destination, settings)


def download_manifest(version: RegisteredVersion, destination: Path, settings: Settings) -> Path:
    """Fetch `bundle.json` alone into the folder `destination`, which does not exist yet; raises as `download` does."""
    from portfolio.bundle import MANIFEST

    return _fetch(version, f"{BUNDLE}/{MANIFEST}", destination, settings).parent


def _fetch(version: RegisteredVersion, path: str, destination: Path, settings: Settings) -> Path:
    from mlflow.artifacts import download_artifacts

    from portfolio.bundle.files import check_pin

    with _client(settings):
        destination.mkdir(parents=True)
        fetched = Path(
            download_artifacts(
                artifact_uri=f"runs:/{version.run_id}/{path}",
                dst_path=str(destination),
                tracking_uri=settings.mlflow_tracking_uri,
            )
        )
    check_pin(fetched if fetched.is_dir() else fetched.parent, version.bundle_sha256)
    return fetched


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
            remedy=remedy_for(error.get_http_status_code()),  # type: ignore[no-untyped-call]
        ) from error


def _log_run(client: MlflowClient, manifest: Manifest, bundle: Path, artifacts: Path) -> str:
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
        client.log_artifacts(run_id, str(artifacts))
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
    from portfolio.bundle import MANIFEST

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
