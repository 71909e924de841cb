"""An alarm is raised by what moved, not by chance, and never by silence."""

from __future__ import annotations

import numpy as np
import pytest

from portfolio.errors import BundleError
from portfolio.monitoring.drift import drifts, gravest
from portfolio.profile import current_counts, profile, psi, psi_by_chance, reference_counts
from portfolio.settings import MonitoringConfig
from portfolio.spec import Frame

LIMITS = MonitoringConfig().psi
RNG = np.random.default_rng(7)


def judge(before: Frame, now: Frame) -> dict[str, str]:
    rows = len(next(iter(before.values())))
    return {drift.column: drift.state for drift in drifts(profile(before), rows, now, LIMITS)}


def normal(rows: int, *, shift: float = 0.0) -> Frame:
    return {"x": RNG.normal(shift, 1, rows)}


def texts(*shares: float, rows: int = 2000) -> Frame:
    return {"t": np.repeat(np.array(["a", "b", "c"], dtype=object), [int(share * rows) for share in shares])}


def test_psi_is_the_textbook_sum() -> None:
    before, now = np.array([500_000, 500_000]), np.array([250_000, 750_000])
    assert psi(before, now) == pytest.approx(0.25 * np.log(3), abs=1e-5)


def test_bins_that_nobody_uses_count_for_nothing() -> None:
    before, now = np.array([50, 50]), np.array([25, 75])
    assert psi(np.append(before, 0), np.append(now, 0)) == psi(before, now)
    assert psi_by_chance(np.append(before, 0), np.append(now, 0), alarms=0.05) == psi_by_chance(
        before, now, alarms=0.05
    )


def test_a_bin_that_only_one_side_has_is_far_but_finite() -> None:
    assert 1 < psi(np.array([100, 0]), np.array([50, 50])) < 10


@pytest.mark.parametrize(("n", "m"), [(500, 300), (2000, 5000)])
def test_chance_exceeds_its_bound_as_often_as_asked(n: int, m: int) -> None:
    random, measured = np.random.default_rng(n), []
    for _ in range(1000):
        reference = random.normal(size=n)
        column = profile({"x": reference})["x"]
        before, now = reference_counts(column, n), current_counts(column, random.normal(size=m))
        measured.append(psi(before, now))
    bound = psi_by_chance(before, now, alarms=0.05)  # that of ten bins filled alike hardly differs from draw to draw
    assert 0.03 < np.mean(np.array(measured) > bound) < 0.07


def test_rare_bins_and_few_rows_raise_no_more_alarms_than_asked() -> None:
    shares = np.array([0.9, *[0.01] * 10])
    exceeded = 0
    for _ in range(100):
        before, now = RNG.multinomial(600, shares), RNG.multinomial(60, shares)
        exceeded += psi(before, now) > psi_by_chance(before, now, alarms=0.05)
    assert exceeded / 100 < 0.12


def test_chance_is_the_same_whenever_it_is_asked() -> None:
    before, now = np.array([500, 300, 200]), np.array([60, 30, 10])
    assert psi_by_chance(before, now, alarms=0.01) == psi_by_chance(before, now, alarms=0.01)


def test_chance_knows_no_bound_without_rows() -> None:
    assert psi_by_chance(np.array([5, 5]), np.array([0, 0]), alarms=0.01) == float("inf")


def test_every_row_is_in_one_bin_wherever_it_lies() -> None:
    frame = {"x": np.array([1.0, 2.0, 3.0, np.nan]), "t": np.array(["a", "", "a", "b"], dtype=object)}
    found = profile(frame)
    later = {"x": np.array([-9.0, 2.0, 99.0, np.nan, np.nan]), "t": np.array(["new", "", "a", "a", "b"], dtype=object)}
    for name, values in later.items():
        assert current_counts(found[name], values).sum() == 5
        assert reference_counts(found[name], 4).sum() == 4
    assert current_counts(found["x"], later["x"])[-1] == 2
    assert current_counts(found["t"], later["t"])[-1] == 1


def test_the_same_distribution_is_ok() -> None:
    assert judge(normal(2000), normal(2000)) == {"x": "ok"}
    assert judge(texts(0.5, 0.3, 0.2), texts(0.5, 0.3, 0.2)) == {"t": "ok"}


def test_a_shift_is_watched_and_a_larger_one_acted_upon() -> None:
    assert judge(normal(4000), normal(4000, shift=0.38)) == {"x": "watch"}
    assert judge(normal(4000), normal(4000, shift=0.8)) == {"x": "act"}
    assert judge(texts(0.5, 0.3, 0.2), texts(0.3, 0.3, 0.4)) == {"t": "act"}


def test_values_that_go_missing_are_drift() -> None:
    holes = np.where(np.arange(2000) % 3 == 0, np.nan, RNG.normal(size=2000))
    assert judge(normal(2000), {"x": holes}) == {"x": "act"}


def test_a_few_rows_raise_no_alarm_but_are_not_called_fine() -> None:
    assert judge(normal(2000), normal(30)) == {"x": "unknown"}
    assert judge(normal(2000), normal(30, shift=3)) == {"x": "act"}


@pytest.mark.parametrize("rows", [1, 5, 29])
def test_fewer_rows_than_can_be_judged_are_never_called_fine(rows: int) -> None:
    before = {"x": RNG.normal(size=2000), "t": RNG.choice(np.array(["a", "b"], dtype=object), 2000)}
    now = {name: values[:rows] for name, values in before.items()}
    assert judge(before, now) == {"x": "unknown", "t": "unknown"}


def test_a_hundred_columns_raise_no_more_false_alarms_than_one() -> None:
    before = {f"x{n}": RNG.normal(size=250) for n in range(100)}
    now = {name: RNG.normal(size=250) for name in before}
    found = drifts(profile(before), 250, now, LIMITS)
    assert sum(drift.psi > 0.1 for drift in found) > 10
    assert [drift for drift in found if drift.state in {"watch", "act"}] == []


def test_what_moved_most_comes_first() -> None:
    before = {"still": RNG.normal(size=1000), "moved": RNG.normal(size=1000)}
    now = {"still": RNG.normal(size=1000), "moved": RNG.normal(2, size=1000)}
    assert [drift.column for drift in drifts(profile(before), 1000, now, LIMITS)] == ["moved", "still"]


def test_a_bundle_without_a_profile_judges_nothing() -> None:
    with pytest.raises(BundleError, match="no reference profile"):
        drifts({}, 100, normal(10), LIMITS)


def test_the_gravest_state_is_the_one_that_asks_for_most() -> None:
    assert gravest(["ok", "watch", "ok"]) == "watch"
    assert gravest(["watch", "unknown"]) == "unknown"
    assert gravest(["unknown", "act", "ok"]) == "act"
