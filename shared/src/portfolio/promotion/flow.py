"""One promotion, from a version's number to the champion's alias."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from portfolio import registry
from portfolio.bundle import Trust, read_trust, vouch
from portfolio.bundle.keys import SigningKey, require_signing_key
from portfolio.errors import BundleError, NotPromoted
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.spec import ModelSpec


@dataclass(frozen=True)
class Promotion:
    """What came of it: the champion and its predecessor, which may be none or the same version."""

    version: RegisteredVersion
    before: RegisteredVersion | None
    key: SigningKey


def promote(spec: ModelSpec, number: int, settings: Settings, *, force: bool = False) -> Promotion:
    """Make a registered version the champion; `force` takes one that the gate has blocked.

    Raises NotPromoted, ConfigError without a private key, RegistryError, BundleError.
    """
    key = require_signing_key(settings.signing_key_file)
    version = registry.find_version(spec.name, number, settings)
    if version.verdict == "block" and not force:
        raise NotPromoted(
            f"The gate has blocked version {number} of {spec.name}.", remedy="--force takes it all the same."
        )
    with tempfile.TemporaryDirectory() as folder:
        bundle = registry.download(version, Path(folder) / "bundle", settings)
        _vouch(bundle, spec, version, key=key, trust=read_trust(settings))
        before = make_champion(version, bundle, key=key, settings=settings)
    return Promotion(version, before, key)


def make_champion(
    version: RegisteredVersion, bundle: Path, *, key: SigningKey, settings: Settings
) -> RegisteredVersion | None:
    """Give a version its signature, then the alias; returns the champion before, which `previous` names from now on."""
    registry.attach_signature(settings, version, bundle, key_id=key.public.id)
    before = registry.champion(version.name, settings)
    if before and before.version != version.version:
        registry.point(settings, before, registry.PREVIOUS)
    registry.tag(settings, version, registry.PROMOTED_AT, datetime.now(UTC).isoformat(timespec="seconds"))
    registry.point(settings, version, registry.CHAMPION)
    return before


def _vouch(bundle: Path, spec: ModelSpec, version: RegisteredVersion, *, key: SigningKey, trust: Trust) -> None:
    manifest = vouch(bundle, spec, key=key, trust=trust)
    if manifest.version != version.bundle_version:
        raise BundleError(f"Version {version.version} holds another bundle than it says: {manifest.version}.")
