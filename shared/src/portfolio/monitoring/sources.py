"""The drift of a file of rows, or of a project's source as it is today, against a bundle's reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from portfolio.bundle import Manifest, Scorer, load, read_trust
from portfolio.bundle.live import live_bundle
from portfolio.data import source, table
from portfolio.data.source import DataFile
from portfolio.data.table import Rows
from portfolio.errors import DataError
from portfolio.monitoring.drift import Drift, State, drifts, gravest
from portfolio.settings import Config, Limits, Settings
from portfolio.spec import Frame, ModelSpec


@dataclass(frozen=True)
class Order:
    """What to compare. `address` is a URL or a path, left out the project's own source; `bundle` the one served."""

    address: str = ""
    bundle: Path | None = None


@dataclass(frozen=True)
class Report:
    """What a check found. `own`: the rows are of the project's own source; `pinned`: its spec lists their content."""

    manifest: Manifest
    file: DataFile
    address: str
    rows: int
    refused: int
    own: bool
    pinned: bool
    limits: Limits
    drifts: tuple[Drift, ...]

    @property
    def source_changed(self) -> bool:
        """The project's own source no longer holds what its spec lists."""
        return self.own and not self.pinned

    @property
    def state(self) -> State:
        """The gravest of the columns'; a source that changed is to be watched, however alike its rows are."""
        return gravest([*(drift.state for drift in self.drifts), "watch" if self.source_changed else "ok"])


def check(spec: ModelSpec, order: Order, config: Config, settings: Settings) -> Report:
    """Compare rows with the reference. Raises DataError, BundleError or ModelNotAvailable where that can't be done."""
    trust = read_trust(settings)
    scorer = load(order.bundle or live_bundle(spec, trust).folder, spec, trust)
    address = order.address or source.addresses(spec, mirror=settings.data_mirror)[0]
    with TemporaryDirectory() as folder:
        file = source.copy(spec, address, Path(folder))
        rows = table.load(
            spec,
            file,
            max_bad_rows=config.training.max_bad_rows,
            bad_rows_path=spec.root / "models" / "drift_bad_rows.csv",
        )
    if not order.address and scorer.manifest.data.synthetic and not file.dataset.synthetic:
        raise DataError(
            f"{spec.name} was trained on the synthetic sample, which says nothing about drift of the real data.",
            remedy=f"Train it on that: make data train PROJECT={spec.name}.",
        )
    limits = config.monitoring.psi
    moved = drifts(scorer.manifest.reference, scorer.manifest.test_rows, _scored(scorer, rows), limits)
    return Report(
        manifest=scorer.manifest,
        file=file,
        address=address,
        rows=len(rows),
        refused=int(rows.refused.bad.sum()),
        own=not order.address,
        pinned=file.dataset in spec.source.datasets,
        limits=limits,
        drifts=moved,
    )


def _scored(scorer: Scorer, rows: Rows) -> Frame:
    return {**rows.frame, "score": scorer.margins(rows.frame)}
