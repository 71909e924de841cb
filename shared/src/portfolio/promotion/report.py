"""What the registry and its bundles tell people: the versions of a project, how two differ, who is live."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from portfolio import registry
from portfolio.bundle import MANIFEST, Manifest
from portfolio.errors import BundleError
from portfolio.gate import Verdict
from portfolio.measures import METRICS, Reading
from portfolio.promotion.admission import find
from portfolio.registry import CHALLENGER, CHAMPION, Listed, RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec


@dataclass(frozen=True)
class Row:
    """A version in a list. `metrics` has value, low and high, first of the figures that its project is judged by."""

    project: str
    version: str
    bundle: str
    aliases: tuple[str, ...]
    metrics: Mapping[str, tuple[float, float | None, float | None]]
    data: str
    created: datetime
    verdict: str
    signed_by: str
    promoted_at: str
    archived_at: str


@dataclass(frozen=True)
class Standing:
    """How one project stands; empty where it has no champion or challenger."""

    project: str
    versions: int
    champion: str = ""
    champion_since: str = ""
    challenger: str = ""


@dataclass(frozen=True)
class Summary:
    """The whole registry: how many models, how many of them have a champion, and each project."""

    models: int
    production: int
    versions: int
    projects: tuple[Standing, ...]


@dataclass(frozen=True)
class Difference:
    """Two versions beside each other. `metrics` has all of them, the others only what differs, as (first, second)."""

    first: RegisteredVersion
    second: RegisteredVersion
    metrics: Mapping[str, tuple[Any, Any]]
    data: Mapping[str, tuple[Any, Any]]
    features: Mapping[str, tuple[Any, Any]]
    parameters: Mapping[str, tuple[Any, Any]]


def models(spec: ModelSpec, settings: Settings) -> tuple[Row, ...]:
    """A project's versions, newest first, asked in a few calls however many there are. Raises RegistryError."""
    measured = registry.read_metrics(spec.name, settings)
    judged = (getattr(rule, "metric", "") for rule in spec.rules)
    names = dict.fromkeys((spec.task.headline, *judged, *METRICS[spec.task.kind]))
    return tuple(
        _row(each, measured.get(each.version.run_id, {}), tuple(names))
        for each in registry.list_versions(settings, name=spec.name)
    )


def summary(settings: Settings) -> Summary:
    """What the registry holds. Raises RegistryError."""
    listed = registry.list_versions(settings)
    projects = tuple(
        _standing(name, tuple(versions)) for name, versions in groupby(listed, key=lambda each: each.version.name)
    )
    live = sum(bool(each.champion) for each in projects)
    return Summary(len(projects), live, len(listed), projects)


def verdict(spec: ModelSpec, version: int | str, settings: Settings) -> Verdict:
    """What the gate said about a version. Raises RegistryError, ConfigError, BundleError."""
    found = find(spec.name, version, settings)
    said = _manifest(found, settings).verdict
    if said is None:
        raise BundleError(f"Version {found.version} holds no verdict: it was made by an earlier release.")
    return said


def diff(spec: ModelSpec, first: int | str, second: int | str, settings: Settings) -> Difference:
    """How two versions differ, by their bundles' manifests. Raises RegistryError, ConfigError, BundleError."""
    versions = find(spec.name, first, settings), find(spec.name, second, settings)
    a, b = (_manifest(version, settings) for version in versions)
    return Difference(
        *versions,
        metrics=_pairs(a.metrics["model"], b.metrics["model"]),
        data=_changed(_data(a), _data(b)),
        features=_changed(_features(a), _features(b)),
        parameters=_changed(_parameters(a), _parameters(b)),
    )


def _row(listed: Listed, measured: Mapping[str, float], names: tuple[str, ...]) -> Row:
    version = listed.version
    return Row(
        project=version.name,
        version=version.version,
        bundle=version.bundle_version,
        aliases=listed.aliases,
        metrics={
            name: (measured[name], measured.get(f"{name}_low"), measured.get(f"{name}_high"))
            for name in names
            if name in measured
        },
        data=listed.data,
        created=listed.created,
        verdict=version.verdict,
        signed_by=version.signed_by,
        promoted_at=version.promoted_at,
        archived_at=version.archived_at,
    )


def _standing(project: str, versions: tuple[Listed, ...]) -> Standing:
    by_alias = {alias: each.version for each in versions for alias in each.aliases}
    champion, challenger = by_alias.get(CHAMPION), by_alias.get(CHALLENGER)
    return Standing(
        project,
        len(versions),
        champion=champion.version if champion else "",
        champion_since=champion.promoted_at if champion else "",
        challenger=challenger.version if challenger else "",
    )


def _manifest(version: RegisteredVersion, settings: Settings) -> Manifest:
    with tempfile.TemporaryDirectory() as folder:
        fetched = registry.download_manifest(version, Path(folder) / "bundle", settings)
        try:
            return Manifest.model_validate_json((fetched / MANIFEST).read_bytes())
        except ValueError as error:
            raise BundleError(f"Version {version.version} has no manifest of format 1: {error}") from None


def _data(manifest: Manifest) -> dict[str, Any]:
    rows = {"training rows": manifest.train_rows, "test rows": manifest.test_rows}
    return {"name": manifest.data.label, **manifest.data.model_dump(exclude={"name", "synthetic"}), **rows}


def _features(manifest: Manifest) -> dict[str, Any]:
    kinds = {**dict.fromkeys(manifest.numeric, "number"), **dict.fromkeys(manifest.categorical, "category")}
    return {"code": manifest.features_fingerprint, "commit": manifest.git_commit, **kinds}


def _parameters(manifest: Manifest) -> dict[str, Any]:
    return {"family": manifest.family, "threshold": manifest.threshold, **manifest.params}


def _pairs(a: Mapping[str, Any] | Reading, b: Mapping[str, Any] | Reading) -> dict[str, tuple[Any, Any]]:
    return {name: (a.get(name), b.get(name)) for name in dict.fromkeys((*a, *b))}


def _changed(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: pair for name, pair in _pairs(a, b).items() if pair[0] != pair[1]}
