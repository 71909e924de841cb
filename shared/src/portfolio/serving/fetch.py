"""Bring a version into the cache and point at it. It takes memory, so the sidecar does it in a process that ends."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from portfolio import logs, registry
from portfolio.bundle import Trust, load, read_trust, verify
from portfolio.errors import BundleError, PortfolioError, RegistryError
from portfolio.pointer import point_at_champion
from portfolio.registry import RegisteredVersion
from portfolio.serving.board import Board, Failure
from portfolio.settings import Settings
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project

KEPT = 3
"""Bundles in the cache: a rollback to one of them needs no download."""
USER = re.compile(r"://[^/@\s]+@")
"""User and password in an address: MLflow's client names it whole, and the reason is shown to everyone."""

log = logs.logger(__name__)


def follow(name: str, champion: RegisteredVersion, settings: Settings) -> Failure | None:
    """Fetch the champion of a project, then remove what is too much in the cache."""
    spec = find_project(name)
    failure = fetch(spec, champion, settings)
    with suppress(OSError):  # a cache that can't be tidied serves all the same
        tidy(spec.root / "cache", frozenset(Path(n.bundle) for n in Board.of_this_service().notices() if n.bundle))
    return failure


def fetch(spec: ModelSpec, champion: RegisteredVersion, settings: Settings) -> Failure | None:
    """Point `cache/current` at the champion. Where that can't be done it stays as it is, and the failure tells why."""
    cache = spec.root / "cache"
    try:
        trust = read_trust(settings)
        bundle = _cached(cache, champion, trust) or _download(spec, champion, settings, trust)
        load(bundle, spec, trust)
        os.utime(bundle)  # when it was last champion
        point_at_champion(cache / "current", bundle.name, champion.version)
        log.info("the champion is cached", project=champion.name, model_version=champion.version, bundle=bundle.name)
    except BundleError as error:
        return Failure(champion.version, champion.bundle_version, "verify", error.reason, str(error))
    except (PortfolioError, OSError) as error:
        detail = USER.sub("://", str(error))
        return Failure(champion.version, champion.bundle_version, "download", "unavailable", detail)
    return None


def bring_champion(spec: ModelSpec, settings: Settings) -> RegisteredVersion:
    """Fetch whoever is champion now; raises RegistryError where there is none or it can't be had."""
    champion = registry.champion(spec.name, settings)
    if champion is None:
        raise RegistryError(f"{spec.name} has no champion.", remedy=f"Train one: make train PROJECT={spec.name}.")
    if failure := fetch(spec, champion, settings):
        raise RegistryError(f"Version {champion.version} of {spec.name} is not fetched: {failure.detail}")
    return champion


def tidy(cache: Path, live: frozenset[Path]) -> None:
    """Remove the bundles that were champion longest ago, but none that a worker serves."""
    bundles = sorted((path for path in cache.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime_ns)
    for old in bundles[:-KEPT]:
        if old not in live:
            shutil.rmtree(old, ignore_errors=True)


def _cached(cache: Path, champion: RegisteredVersion, trust: Trust) -> Path | None:
    bundle = cache / champion.bundle_version
    return bundle if champion.bundle_version and _is_intact(bundle, champion, trust) else None


def _is_intact(directory: Path, champion: RegisteredVersion, trust: Trust) -> bool:
    try:
        verify(directory, trust, pinned=champion.bundle_sha256)
    except BundleError:
        return False
    return True


def _download(spec: ModelSpec, champion: RegisteredVersion, settings: Settings, trust: Trust) -> Path:
    cache = spec.root / "cache"
    cache.mkdir(exist_ok=True)
    for stale in cache.glob(".incoming-*"):  # of a download that was killed
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=cache) as incoming:
        fetched = registry.download(champion, Path(incoming) / "bundle", settings)
        version = load(fetched, spec, trust).manifest.version
        if version != champion.bundle_version:
            raise BundleError(
                f"The registry's version {champion.version} holds another bundle than it says: {version}.",
                reason="altered",
            )
        target = cache / version
        shutil.rmtree(target, ignore_errors=True)
        return fetched.replace(target)
