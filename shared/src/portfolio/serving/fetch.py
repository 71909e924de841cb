"""`python -m portfolio.serving.fetch PROJECT CHAMPION PARENT`: bring a version into the cache and point at it.

A process of its own, because the MLflow client takes 110 MB that neither a worker nor the sidecar should carry.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import orjson

from portfolio import logs, registry
from portfolio.bundle import Trust, load, read_trust, verify
from portfolio.bundle.pointer import Current, read_current, write_current
from portfolio.errors import BundleError, PortfolioError, RegistryError
from portfolio.registry import RegisteredVersion
from portfolio.serving.board import Board
from portfolio.serving.parent import end_with
from portfolio.settings import Settings, read_settings
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project

KEPT = 3
"""Bundles in the cache: a rollback to one of them needs no download."""
USER = re.compile(r"://[^/@\s]+@")
"""User and password in an address: MLflow's client names it whole, and the reason is shown to everyone."""

log = logs.logger("portfolio.serving.fetch")  # run as a program, its own name is __main__


@dataclass(frozen=True)
class Fetched:
    """How it went: done; not brought here; brought and refused."""

    outcome: Literal["followed", "download", "verify"]
    reason: str = ""


def fetch(spec: ModelSpec, champion: RegisteredVersion, settings: Settings) -> Fetched:
    """Point `cache/current` at the champion. Where that can't be done it stays as it is."""
    cache = spec.root / "cache"
    try:
        trust = read_trust(settings)
        bundle = _cached(cache, champion, trust) or _download(spec, champion, settings, trust)
        load(bundle, spec, trust)
        _point(cache, champion, bundle)
    except BundleError as error:
        return Fetched("verify", str(error))
    except (PortfolioError, OSError) as error:
        return Fetched("download", USER.sub("://", str(error)))
    return Fetched("followed")


def bring_champion(spec: ModelSpec, settings: Settings) -> RegisteredVersion:
    """Fetch whoever is champion now; raises RegistryError where there is none or it can't be had."""
    champion = registry.champion(spec.name, settings)
    if champion is None:
        raise RegistryError(f"{spec.name} has no champion.", remedy=f"Train one: make train PROJECT={spec.name}.")
    fetched = fetch(spec, champion, settings)
    if fetched.outcome != "followed":
        raise RegistryError(f"Version {champion.version} of {spec.name} is not fetched: {fetched.reason}")
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
                f"The registry's version {champion.version} holds another bundle than it says: {version}."
            )
        target = cache / version
        shutil.rmtree(target, ignore_errors=True)
        return fetched.replace(target)


def _point(cache: Path, champion: RegisteredVersion, bundle: Path) -> None:
    os.utime(bundle)  # when it was last champion
    before = read_current(cache / "current")
    if before and (before.bundle, before.model_version) == (bundle.name, champion.version):
        write_current(cache / "current", before)  # whoever could not load it looks again: it may have been mended
        log.info("the champion is cached", project=champion.name, model_version=champion.version)
        return
    since = datetime.now(UTC).isoformat(timespec="seconds")
    current = Current(bundle=bundle.name, model_version=champion.version, source="registry", since=since)
    write_current(cache / "current", current)
    log.info("the champion is now cached", project=champion.name, model_version=champion.version, bundle=bundle.name)


def main() -> None:
    """Fetch what the command line names; the outcome goes to standard output as JSON."""
    end_with(int(sys.argv[3]))
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    spec = find_project(sys.argv[1])
    with redirect_stdout(sys.stderr):  # of whatever libraries say there
        fetched = fetch(spec, RegisteredVersion(**orjson.loads(sys.argv[2])), settings)
    with suppress(OSError):  # a cache that can't be tidied serves all the same
        tidy(spec.root / "cache", frozenset(Path(n.bundle) for n in Board.of_this_service().notices() if n.bundle))
    sys.stdout.write(orjson.dumps(fetched).decode())


if __name__ == "__main__":
    main()
