"""What looks wrong in the data is said of the field it is in, and chance is not taken for it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from portfolio.monitoring.quality import _rose, check_quality
from portfolio.spec import Frame

RNG = np.random.default_rng(5)
KNOWN = {
    "n": np.where(np.arange(1000) % 10 == 0, np.nan, RNG.uniform(0, 1, 1000)),
    "t": RNG.choice(np.array(["a", "b", ""], dtype=object), 1000),
}


@dataclass(frozen=True)
class Case:
    name: str
    now: Frame
    field: str
    figure: str
    share: float
    state: str


def numbers(*values: float, rows: int = 200) -> np.ndarray[Any, Any]:
    return np.resize(np.array(values), rows)


def texts(*values: str, rows: int = 200) -> np.ndarray[Any, Any]:
    return np.resize(np.array(values, dtype=object), rows)


CASES = (
    Case("as before", {"n": numbers(0.5), "t": texts("a")}, "n", "out_of_range", 0.0, "ok"),
    Case("half is missing", {"n": numbers(0.5, np.nan), "t": texts("a")}, "n", "missing", 0.5, "watch"),
    Case("too large", {"n": numbers(0.5, 7.0), "t": texts("a")}, "n", "out_of_range", 0.5, "watch"),
    Case("never seen", {"n": numbers(0.5), "t": texts("a", "new")}, "t", "unseen", 0.5, "watch"),
    Case("a missing text is not unseen", {"n": numbers(0.5), "t": texts("a", "b", "")}, "t", "unseen", 0.0, "ok"),
    Case(
        "a missing number is not out of range",
        {"n": numbers(np.nan), "t": texts("a")},
        "n",
        "out_of_range",
        0.0,
        "watch",
    ),
    Case(
        "four rows say nothing", {"n": numbers(0.5, np.nan, rows=4), "t": texts("a", rows=4)}, "n", "missing", 0.5, "ok"
    ),
    Case(
        "a stray value",
        {"n": np.append(numbers(0.5), 7.0), "t": texts("a", rows=201)},
        "n",
        "out_of_range",
        1 / 201,
        "ok",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_quality(case: Case) -> None:
    reference = {name: {"missing": float(np.mean(values != values))} for name, values in KNOWN.items()}  # noqa: PLR0124
    reference["t"]["missing"] = float(np.mean(KNOWN["t"] == ""))
    live: Any = SimpleNamespace(
        scorer=SimpleNamespace(manifest=SimpleNamespace(reference=reference, test_rows=1000)),
        sample=SimpleNamespace(frame=KNOWN),
    )
    found = {each.feature: each for each in check_quality(live, SimpleNamespace(frame=case.now))}  # type: ignore[arg-type]
    assert getattr(found[case.field], case.figure) == pytest.approx(case.share)
    assert found[case.field].state == case.state


def test_the_missing_share_of_a_small_reference_is_no_certainty() -> None:
    alarms = 0
    for _ in range(400):
        before, now = RNG.random(60) < 0.1, RNG.random(1000) < 0.1
        alarms += _rose(now, (int(before.sum()), 60), 0.01)
    assert alarms <= 10


def test_a_rise_beyond_the_error_of_both_is_found() -> None:
    assert _rose(RNG.random(1000) < 0.5, (6, 60), 0.01)
