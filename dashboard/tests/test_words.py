"""Figures and times read as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cockpit import words

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0"), (12, "12"), (0.5, "0.5"), (0.47213, "0.472"), (4236, "4,236")]
)
def test_a_number_has_three_digits_and_thousands_apart(value: float | None, text: str) -> None:
    assert words.number(value) == text


def test_a_share_is_in_per_cent_and_never_breaks_before_the_sign() -> None:
    assert words.percent(0.3) == "30\u00a0%"
    assert words.percent(0.1234, 1) == "12.3\u00a0%"
    assert words.percent(None) == "–"


@pytest.mark.parametrize(
    ("name", "value", "unit", "text"),
    [
        ("roc_auc", 0.79, "", "0.790"),
        ("brier", 0.10951, "", "0.110"),
        ("brier", 0.00012, "", "0.00012"),
        ("mae", 2136.4, "USD", "$2,136"),
        ("mae", 2136.4, "kg", "2,136 kg"),
        ("coverage", 0.8012, "USD", "80.1\u00a0%"),
        ("roc_auc", None, "", "–"),
    ],
)
def test_a_metric_is_in_what_it_is_measured_in(name: str, value: float | None, unit: str, text: str) -> None:
    assert words.metric(name, value, unit) == text


def test_an_interval_names_both_ends_with_the_same_digits() -> None:
    assert words.interval("roc_auc", {"low": 0.79, "high": 0.8601}) == "0.790 to 0.860"


def test_a_metric_nobody_named_reads_as_words() -> None:
    assert words.metric_name("mean_time") == "mean time"


@pytest.mark.parametrize(
    ("passed", "text"),
    [(5, "moments"), (40, "40 seconds"), (60, "1 minute"), (7300, "2 hours"), (90000, "1 day"), (200000, "2 days")],
)
def test_a_time_that_has_passed_is_told_in_its_largest_unit(passed: int, text: str) -> None:
    then = NOW - timedelta(seconds=passed)
    assert words.since(then, NOW) == text
    assert words.ago(then.isoformat(), NOW) == f"{text} ago"


def test_a_time_without_a_zone_is_utc() -> None:
    assert words.moment("2026-03-01T12:00:00") == NOW
    assert words.ago("") == "–"
