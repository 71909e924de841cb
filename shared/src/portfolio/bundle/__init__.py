"""The bundle: one immutable model version on disk, written once, verified before it is parsed, read by one Scorer."""

from portfolio.bundle.calibration import Calibration
from portfolio.bundle.contributions import Contributions, contributions
from portfolio.bundle.manifest import (
    DataProvenance,
    GoldenRow,
    Interval,
    LinearTerms,
    Manifest,
    Parity,
    fingerprint,
)
from portfolio.bundle.scorer import Scorer, open_session
from portfolio.bundle.store import MANIFEST, load, seal, verify

__all__ = [
    "MANIFEST",
    "Calibration",
    "Contributions",
    "DataProvenance",
    "GoldenRow",
    "Interval",
    "LinearTerms",
    "Manifest",
    "Parity",
    "Scorer",
    "contributions",
    "fingerprint",
    "load",
    "open_session",
    "seal",
    "verify",
]
