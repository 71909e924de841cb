"""Traffic is unusual where neither its own ups and downs nor chance explain it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from monitored import AT

from portfolio.monitoring import volume
from portfolio.monitoring.traffic import Span
from portfolio.monitoring.volume import compare_volume
from portfolio.settings import Settings

SPAN = Span(AT - timedelta(hours=1), AT)


def state(total: int, before: list[int], monkeypatch: pytest.MonkeyPatch) -> str:
    counts = iter(before)
    monkeypatch.setattr(volume, "total_of", lambda *_, **__: next(counts))
    return compare_volume("toylate", total, SPAN, Settings()).state


@pytest.mark.parametrize(
    ("total", "before", "expected"),
    [
        (10, [3, 3, 2, 4], "ok"),  # three an hour: ten are rare, and no wonder
        (1, [5, 4, 5, 5], "ok"),
        (30, [3, 3, 2, 4], "watch"),
        (1, [30, 31, 29, 30], "watch"),
        (1000, [100, 100, 100, 100], "watch"),
        (200, [100, 100, 100, 100], "ok"),  # beyond chance, and within the factor
        (1000, [100, 0, 100, 100], "unknown"),
    ],
)
def test_volume(total: int, before: list[int], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state(total, before, monkeypatch) == expected


def test_unchanged_traffic_of_three_an_hour_is_hardly_ever_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.random.default_rng(3).poisson(3, (2000, 5)).tolist()
    watched = sum(state(total, before, monkeypatch) == "watch" for total, *before in counts)
    assert watched <= 20
