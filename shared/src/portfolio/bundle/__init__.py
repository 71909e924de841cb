"""The bundle: one immutable model version on disk, written once, verified before it is parsed, read by one Scorer."""

from portfolio.bundle.calibration import Calibration
from portfolio.bundle.contributions import Contributions, contributions
from portfolio.bundle.files import MANIFEST, SIGNATURE
from portfolio.bundle.manifest import (
    DataProvenance,
    GoldenRow,
    Interval,
    LinearTerms,
    Manifest,
    Parity,
    Purpose,
    fingerprint,
)
from portfolio.bundle.scorer import Scorer, open_session
from portfolio.bundle.store import load, seal, sign, verify, vouch
from portfolio.bundle.trust import ANYONE, Trust, read_trust

__all__ = [
    "ANYONE",
    "MANIFEST",
    "SIGNATURE",
    "Calibration",
    "Contributions",
    "DataProvenance",
    "GoldenRow",
    "Interval",
    "LinearTerms",
    "Manifest",
    "Parity",
    "Purpose",
    "Scorer",
    "Trust",
    "contributions",
    "fingerprint",
    "load",
    "open_session",
    "read_trust",
    "seal",
    "sign",
    "verify",
    "vouch",
]
