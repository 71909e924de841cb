"""The short form of `make drift-calibration`: what it counts, and that its claims hold on a few windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
