"""One retraining, from today's data to a champion that is replaced or kept."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from portfolio import registry
from portfolio.bundle import ANYONE, Manifest, verify
from portfolio.data import source, split, table
from portfolio.data.source import DataFile
from portfolio.errors import BundleError, PortfolioError
from portfolio.logs import logger
from portfolio.promotion.flow import promote
from portfolio.registry import RegisteredVersion
from portfolio.settings import Config, Settings
from portfolio.spec import ModelSpec
from portfolio.training.flow import BAD_ROWS, Order, Trained, train
from portfolio.training.problem import pose
from portfolio.training.search import Progress

log = logger(__name__)


@dataclass(frozen=True)
class Champion:
    """The version that was live before. `manifest` is None where its bundle can't be read any more."""

    version: RegisteredVersion
    manifest: Manifest | None


@dataclass(frozen=True)
class Outcome:
    """What was done about the verdict. `failed`: the gate promotes, and the promotion did not succeed, for `reason`.

    `served` says since when the running API serves it, or why nobody waited for that. `same`: it is kept because the
    trained model is the champion's very own, which the gate can't tell.
    """

    state: Literal["promoted", "kept", "blocked", "failed"]
    served: str = ""
    reason: str = ""
    same: bool = False


@dataclass(frozen=True)
class Retrained:
    """All that a report tells. `seconds` is what the training took."""

    before: Champion | None
    file: DataFile
    trained: Trained
    version: RegisteredVersion
    outcome: Outcome
    seconds: float

    @property
    def data_changed(self) -> bool | None:
        """Whether the data has another content than the champion was trained on; None where that is not known."""
        known = self.before.manifest if self.before else None
        return known.data.sha256 != self.file.sha256 if known else None


def retrain(spec: ModelSpec, order: Order, config: Config, settings: Settings, progress: Progress) -> Retrained:
    """Refresh the data, train, ask the gate, promote or keep. A file that the order names is taken as it is.

    Raises RegistryError before anything is trained, DataError, BundleError. A promotion that fails is an outcome: the
    version stays registered, and can be promoted later.
    """
    registry.require(settings)
    before = _champion(spec, settings)
    file = _refresh(spec, order, config, settings)
    started = time.monotonic()
    trained = train(spec, replace(order, data_path=file.path, register=True), config, settings, progress)
    seconds = time.monotonic() - started
    version = _registered(trained)
    return Retrained(before, file, trained, version, _conclude(spec, trained, before, settings), seconds)


def _champion(spec: ModelSpec, settings: Settings) -> Champion | None:
    version = registry.champion(spec.name, settings)
    if version is None:
        return None
    try:
        with tempfile.TemporaryDirectory() as folder:
            return Champion(version, verify(registry.download(version, Path(folder) / "bundle", settings), ANYONE))
    except BundleError as error:
        log.warning("the champion's bundle can't be read, so it can't be reported on", reason=error.detail)
        return Champion(version, None)


def _refresh(spec: ModelSpec, order: Order, config: Config, settings: Settings) -> DataFile:
    if order.data_path:
        return source.find(spec, named=order.data_path)
    training, bad_rows = config.training, spec.root / "models" / BAD_ROWS

    def check(file: DataFile) -> None:
        rows = table.load(spec, file, max_bad_rows=training.max_bad_rows, bad_rows_path=bad_rows)
        pose(spec, rows, training, salt=split.SALT)

    return source.renew(spec, check, mirror=settings.data_mirror)


def _registered(trained: Trained) -> RegisteredVersion:
    assert trained.published.registered, "a retraining registers what it trains"
    return trained.published.registered


def _conclude(spec: ModelSpec, trained: Trained, before: Champion | None, settings: Settings) -> Outcome:
    if trained.verdict.decision != "promote":
        return Outcome("kept" if trained.verdict.decision == "keep" else "blocked")
    if trained.published.live:  # there was no champion
        return Outcome("promoted")
    if before and before.manifest and _model(before.manifest) == _model(trained.manifest):
        registry.unpoint(settings, spec.name, registry.CHALLENGER)  # nothing would come of comparing the two
        return Outcome("kept", same=True)
    try:
        served = promote(spec, _registered(trained).version, settings).served
    except PortfolioError as error:
        return Outcome("failed", reason=f"{error.detail} {error.remedy}".rstrip())
    return Outcome("promoted", served=served.sentence)


def _model(manifest: Manifest) -> tuple[object, ...]:
    """All that makes an answer of features."""
    return manifest.files["model.onnx"], manifest.calibration, manifest.threshold, manifest.interval
