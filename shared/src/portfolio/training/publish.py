"""The end of a run: the registry's entry, and what serving loads."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson

from portfolio import registry
from portfolio.bundle import Manifest, sign
from portfolio.bundle.keys import SigningKey, read_signing_key
from portfolio.errors import StoreError
from portfolio.gate import Verdict
from portfolio.logs import logger
from portfolio.pointer import Current, write_current
from portfolio.promotion.flow import make_champion
from portfolio.registry import RegisteredVersion
from portfolio.settings import Settings
from portfolio.store import Dataset, add_dataset
from portfolio.training.plots import draw

log = logger(__name__)


@dataclass(frozen=True)
class Published:
    """Where a result stands. `unsigned`: it would be `live`, had there been a private key to sign it with."""

    registered: RegisteredVersion | None
    live: bool = False
    unsigned: bool = False


def publish(bundle: Path, manifest: Manifest, verdict: Verdict, settings: Settings, *, register: bool) -> Published:
    """Register (where asked) and let serving load the bundle (where verdict, registry and key allow)."""
    registered = _register(manifest, bundle, verdict, settings) if register else None
    if verdict.decision != "promote":
        return Published(registered)
    key = read_signing_key(settings.signing_key_file)
    vacant = registered is None or registry.champion(manifest.name, settings) is None
    if key and vacant:
        _go_live(bundle, manifest, registered, key=key, settings=settings)
    elif registered:
        registry.point(settings, registered, registry.CHALLENGER)
    return Published(registered, live=key is not None and vacant, unsigned=key is None and vacant)


def record(models: Path, manifest: Manifest, verdict: Verdict) -> None:
    """Write `models/metrics.json`: the last run's figures, for people and for data version control."""
    figures = {
        "version": manifest.version,
        "data": manifest.data.label,
        "metrics": {who: {k: e.value for k, e in reading.items()} for who, reading in manifest.metrics.items()},
        "verdict": asdict(verdict),
    }
    part = models / ".metrics.json.part"
    part.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    part.replace(models / "metrics.json")


def _register(manifest: Manifest, bundle: Path, verdict: Verdict, settings: Settings) -> RegisteredVersion:
    with tempfile.TemporaryDirectory() as folder:
        draw(manifest, Path(folder) / "plots")
        (Path(folder) / "verdict.json").write_bytes(orjson.dumps(asdict(verdict), option=orjson.OPT_INDENT_2))
        tags = {"verdict": verdict.decision, "verdict_failed": orjson.dumps(verdict.failed).decode()}
        registered = registry.register(settings, manifest, bundle=bundle, artifacts=Path(folder), tags=tags)
    _remember_data(manifest, settings)
    return registered


def _remember_data(manifest: Manifest, settings: Settings) -> None:
    """Tell the store what the version was trained on; its manifest says so too, so a store that is away is no loss."""
    data = manifest.data
    dataset = Dataset(
        project=manifest.name,
        bundle=manifest.version,
        **data.model_dump(include={"name", "licence", "sha256", "synthetic", "rows", "refused", "out_of_scope"}),
        git_commit=manifest.git_commit,
        at=datetime.fromisoformat(manifest.created),
    )
    try:
        add_dataset(dataset, settings)
    except StoreError as error:
        log.warning("the store does not know this version's data set", detail=error.detail, remedy=error.remedy)


def _go_live(
    bundle: Path, manifest: Manifest, registered: RegisteredVersion | None, *, key: SigningKey, settings: Settings
) -> None:
    sign(bundle, key)
    if registered:
        make_champion(registered, bundle, key=key, settings=settings)
    current = Current(
        bundle=bundle.name,
        model_version=registered.version if registered else manifest.version,
        source="local",
        since=manifest.created,
    )
    write_current(bundle.parent / "current", current)
