"""`python -m portfolio.serving.sidecar PROJECT`: fetch the registry's champion into the cache, once.

Runs before the workers, as a process of its own, because the MLflow client takes 110 MB that no worker should carry.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from portfolio import logs, registry
from portfolio.bundle import Trust, load, read_trust, verify
from portfolio.bundle.pointer import Current, read_current, write_current
from portfolio.errors import BundleError, PortfolioError
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings, read_settings
from portfolio.spec import ModelSpec
from portfolio.spec.projects import find_project

log = logs.logger("portfolio.serving.sidecar")  # run as a program, its own name is __main__


def fetch(spec: ModelSpec, settings: Settings) -> None:
    """Point `cache/current` at the champion. Where that can't be done the cache stays as it is, and a line says why."""
    if not settings.mlflow_tracking_uri:
        log.info("no registry is set, the cache stays", remedy="MLFLOW_TRACKING_URI names one")
        return
    try:
        trust = read_trust(settings)
        champion = registry.champion(spec.name, settings)
        if champion is None:
            log.info("the registry has no champion, the cache stays", project=spec.name)
        elif _is_cached(spec, champion, trust):
            log.info("the champion is cached", project=spec.name, model_version=champion.version)
        else:
            _download(spec, champion, settings, trust)
    except (PortfolioError, OSError) as error:
        log.warning("the cache stays", project=spec.name, reason=str(error))


def _is_cached(spec: ModelSpec, champion: RegisteredVersion, trust: Trust) -> bool:
    cache = spec.root / "cache"
    current = read_current(cache / "current")
    if current is None or (current.bundle, current.model_version) != (champion.bundle_version, champion.version):
        return False
    return _is_intact(cache / current.bundle, trust)


def _is_intact(directory: Path, trust: Trust) -> bool:
    try:
        verify(directory, trust)
    except BundleError:
        return False
    return True


def _download(spec: ModelSpec, champion: RegisteredVersion, settings: Settings, trust: Trust) -> None:
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
        _move(fetched, cache / version, trust)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    current = Current(bundle=version, model_version=champion.version, source="registry", since=since)
    write_current(cache / "current", current)
    log.info("the champion is now cached", project=spec.name, model_version=champion.version, bundle=version)


def _move(fetched: Path, target: Path, trust: Trust) -> None:
    if _is_intact(target, trust):
        return
    shutil.rmtree(target, ignore_errors=True)
    fetched.replace(target)


def main() -> None:
    """Fetch the champion of the project that the command line names."""
    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)
    fetch(find_project(sys.argv[1]), settings)


if __name__ == "__main__":
    main()
