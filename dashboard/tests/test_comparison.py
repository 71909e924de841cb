"""Two versions beside each other: what is better, by how much, and told how."""

from __future__ import annotations

import re

import pytest
from overseer import both, opened, said
from registered import figure, told
from streamlit.testing.v1 import AppTest

from cockpit.versions import page
from cockpit.versions.comparison import compare, judge


@pytest.mark.parametrize(
    ("metric", "first", "second", "judged"),
    [
        ("roc_auc", 0.8, 0.9, "better"),
        ("roc_auc", 0.9, 0.8, "worse"),
        ("brier", 0.1, 0.2, "worse"),
        ("mae", 2000.0, 1900.0, "better"),
        ("coverage", 0.9, 0.81, "better"),
        ("coverage", 0.8, 0.95, "worse"),
        ("roc_auc", 0.8, 0.8, "equal"),
        ("novelty", 1.0, 2.0, "unknown"),
    ],
)
def test_better_is_what_a_metrics_direction_says(metric: str, first: float, second: float, judged: str) -> None:
    assert judge(metric, first, second, aim=0.8) == judged


def test_two_versions_differ_by_second_less_first_and_chance_is_told() -> None:
    (line,) = compare({"mae": figure(2000, 1900, 2100)}, {"mae": figure(1950, 1850, 2050)}, aim=None)
    assert (line.difference, line.judged, line.overlap) == (-50, "better", True)
    (apart,) = compare({"mae": figure(2000, 1990, 2010)}, {"mae": figure(1950, 1940, 1960)}, aim=None)
    assert apart.overlap is False
    (missing,) = compare({"f1": figure(0.5)}, {}, aim=None)
    assert (missing.difference, missing.judged) == (None, "unknown")


def test_the_comparison_is_told_in_a_table_without_markup_of_others() -> None:
    lines = compare({"<i>": figure(1.0)}, {"<i>": figure(2.0)}, aim=None)
    table = page.comparison_table(lines, ("<1>", "2"), "")
    assert "<i>" not in table
    assert "&lt;i&gt;" in table
    assert "&lt;1&gt;" in table


def compared(app: AppTest) -> str:
    """The words of the table."""
    (table,) = (each.value for each in app.get("html") if 'class="compare"' in each.value)
    return " ".join(re.sub("<[^>]*>", " ", table).split())


def test_the_page_compares_the_champion_with_the_challenger_and_then_what_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page.versions.clear()
    with both() as (overseer, api):
        monkeypatch.setenv("MONITORING_URL", overseer.address)
        overseer.answers = {"GET /versions/toy": (200, told())}
        app = opened("versions", api)
        assert "Compare two versions" in [each.value for each in app.subheader]
        assert compared(app).startswith("Version 1 Version 2 2 against 1 ROC AUC 0.800 0.780 to 0.820 0.790 0.770 to")
        assert compared(app).endswith("−0.010 worse intervals overlap")
        assert "measured on different data" not in said(app)
        app.selectbox(key="versions-second-toy").select("3").run()
    assert "0.900 0.880 to 0.920 +0.100 better" in compared(app)
    assert "They were measured on different data: toys; other toys." in said(app)
