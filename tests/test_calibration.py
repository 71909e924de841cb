"""The short form of `make drift-calibration`: what it counts, and that its claims hold on a few windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drills.calibration.__main__ import _hold
from drills.calibration.alarms import Alarms
from drills.calibration.estimates import Estimates, Window

ROOT = Path(__file__).parents[1]


@pytest.mark.e2e
def test_the_claims_hold_on_a_few_windows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drills.calibration", "--short"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["bankchurn", "1,000", "10", "0.0%"] in [line[:4] for line in lines]  # false alarms
    assert ["bankchurn", "1,000", "10", "100.0%"] in [line[:4] for line in lines]  # older customers
    assert sum("mostly" in line for line in lines) == 1


def alarms(raised: int) -> Alarms:
    return Alarms("bankchurn", 1000, 100, raised, beyond_limit=0, unknown=0)


def estimates(*, error: float = 0.01, within: int = 90) -> Estimates:
    windows = [Window({"roc_auc": error}, {"roc_auc": number < within}, by_labels=0.0) for number in range(100)]
    return Estimates("bankchurn", "older", 1000, tuple(windows))


@pytest.mark.parametrize(
    ("false", "found", "estimated", "holds"),
    [
        (2, 100, estimates(), True),
        (3, 100, estimates(), False),
        (2, 99, estimates(), False),
        (2, 100, estimates(error=0.021), False),
        (2, 100, estimates(within=89), False),
    ],
)
def test_each_claim_counts(false: int, found: int, estimated: Estimates, *, holds: bool) -> None:
    assert _hold([alarms(false)], [alarms(found)], [estimated]) is holds
