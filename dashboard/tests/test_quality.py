"""The page on quality: which way a metric is better, warnings of slices, the version before, both task kinds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cockpit import metrics
from cockpit.quality import charts
from cockpit.quality.model_card import rendered
from tests.answering import serving


def figure(value: float, low: float | None = None, high: float | None = None) -> dict[str, float]:
    return {"value": value, "low": value - 0.01 if low is None else low, "high": value + 0.01 if high is None else high}


@pytest.mark.parametrize(
    ("name", "low", "high", "marked"),
    [
        ("roc_auc", 0.70, 0.79, True),
        ("roc_auc", 0.70, 0.81, False),
        ("roc_auc", 0.85, 0.90, False),  # better is no warning
        ("mae", 2_100, 2_400, True),
        ("mae", 1_900, 2_400, False),
        ("mae", 1_000, 1_500, False),
    ],
)
def test_a_slice_is_marked_where_its_whole_interval_is_on_the_wrong_side(
    name: str, low: float, high: float, marked: bool
) -> None:
    whole = figure(0.8) if name == "roc_auc" else figure(2_000, 1_900, 2_100)

    (found,) = metrics.slices({"x": {name: figure((low + high) / 2, low, high)}}, name, whole)

    assert found.worse is marked


def test_a_slice_of_few_rows_is_small_by_its_rows_or_else_by_its_interval() -> None:
    told = {
        "few": {"roc_auc": figure(0.8)},
        "many": {"roc_auc": figure(0.8, 0.5, 0.9)},
        "wide": {"roc_auc": figure(0.8, 0.7, 0.9)},
        "narrow": {"roc_auc": figure(0.8)},
    }

    found = metrics.slices(told, "roc_auc", figure(0.8), {"few": 60, "many": 5_000})

    assert [each.value for each in found if each.small] == ["few", "wide"]
    assert metrics.untold(("new", "good"), ["good"]) == ["new"]


@pytest.mark.parametrize("name", ["brier", "log_loss", "ece", "mae", "mape", "median_ape", "rmse"])
def test_errors_are_better_the_lower_they_are_and_it_is_said_in_words(name: str) -> None:
    assert metrics.direction(name) == "lower is better"
    assert metrics.meaning(name).endswith("Lower is better.")
    assert metrics.direction("roc_auc") == "higher is better"


def test_of_a_metric_that_nobody_has_told_no_side_is_wrong() -> None:
    assert metrics.direction("novelty") == "which way is better is not known"
    assert not metrics.worse("novelty", figure(0.1, 0.0, 0.2), 0.5)
    assert not metrics.worse("novelty", figure(0.9, 0.8, 1.0), 0.5)


def version(name: str, *aliases: str, **more: Any) -> dict[str, Any]:
    return {"version": name, "aliases": aliases, "metrics": {}, "data": "adverts"} | more


def move(before: str, after: str, action: str = "promote", outcome: str = "live") -> dict[str, str]:
    return {"action": action, "outcome": outcome, "from_version": before, "to_version": after}


def chosen(live: str, versions: list[dict[str, Any]], *audit: dict[str, str]) -> str | None:
    found = metrics.previous({"versions": versions, "audit": audit}, live)
    return found["version"] if found else None


ALL = [version("3"), version("2"), version("1")]


def test_the_version_before_is_the_champion_that_the_audit_names_newest_first() -> None:
    assert chosen("3", ALL, move("1", "3"), move("2", "3")) == "1"
    assert chosen("1", ALL, move("3", "1", "rollback", "done"), move("1", "3")) == "3"


def test_what_did_not_stand_or_moved_nothing_is_no_champion_before() -> None:
    assert chosen("3", ALL, move("1", "3", outcome="failed"), move("3", "3"), move("1", "3", "label")) == "2"


def test_without_an_audit_it_is_the_alias_and_then_the_one_before() -> None:
    assert chosen("3", [version("3"), version("2"), version("1", "previous")]) == "1"
    assert chosen("3", ALL) == "2"
    assert chosen("10", [version("10"), version("9"), version("2")]) == "9"
    assert chosen("1", ALL) is None


def test_a_baseline_far_away_does_not_squash_the_rest_and_is_written_at_the_edge() -> None:
    drawn = charts.forest("roc_auc", [("This", figure(0.85)), ("Defaults", figure(0.83)), ("Dummy", figure(0.5))])

    assert drawn.layout.xaxis.range[0] > 0.75
    assert "◂ 0.500" in [each.text for each in drawn.layout.annotations]
    assert len(drawn.data) == 2


def test_a_card_stands_inside_the_page_and_its_dollars_are_no_formula() -> None:
    assert rendered("# Cars\n## By type\n$1 to $2, `$x`\n#no") == "#### Cars\n##### By type\n\\$1 to \\$2, `$x`\n#no"


BINARY = {
    "task": {"kind": "binary", "headline": "roc_auc"},
    "metrics": {
        "model": {"roc_auc": figure(0.85), "brier": figure(0.11)},
        "dummy": {"roc_auc": figure(0.5), "brier": figure(0.2)},
        "defaults": {"roc_auc": figure(0.845), "brier": figure(0.112)},
    },
    "slices": {"Gender": {"Female": {"roc_auc": figure(0.8)}, "Male": {"roc_auc": figure(0.86)}}},
    "curves": {
        "roc": {"false_positive_rate": [0, 0.1, 1], "true_positive_rate": [0, 0.8, 1]},
        "precision_recall": {"recall": [0, 0.5, 1], "precision": [1, 0.8, 0.2]},
        "calibration": {"predicted": [0.1, 0.9], "observed": [0.12, 0.88]},
    },
}
REGRESSION = {
    "task": {"kind": "regression", "headline": "mae", "unit": "USD"},
    "interval": {"coverage": 0.8},
    "metrics": {
        "model": {"mae": figure(2_000, 1_900, 2_100), "coverage": figure(0.8)},
        "dummy": {"mae": figure(7_000, 6_900, 7_100)},
    },
    "slices": {
        "type": {
            "van": {"mae": figure(3_000, 2_800, 3_200), "coverage": figure(0.7)},
            "SUV": {"mae": figure(1_500, 1_400, 1_600), "coverage": figure(0.81)},
        }
    },
    "curves": {
        "residuals": {
            "predicted": [2_000, 9_000],
            "relative_error_quantiles": [[-0.4, -0.2, 0, 0.2, 0.5], [-0.3, -0.1, 0, 0.1, 0.2]],
            "quantiles": [10, 25, 50, 75, 90],
        }
    },
}
ABOUT = {
    "created": "2026-11-01T10:00:00+00:00",
    "train_rows": 8_000,
    "test_rows": 2_000,
    "family": "lightgbm",
    "git_commit": "0123456789abcdef",
    "data": {"name": "A twin", "licence": "free", "synthetic": True},
    "parity": {"passed": True, "rows": 8_000, "largest_difference": 3e-6},
    "importance": {"Age": 0.7, "income_per_head": 0.3},
}
VERSIONS = {
    "champion": "2",
    "versions": [
        version("2", "champion", metrics={"roc_auc": figure(0.85), "mae": figure(2_000)}),
        version("1", "previous", metrics={"roc_auc": figure(0.83), "mae": figure(2_100)}),
    ],
    "audit": [move("1", "2")],
}
ENUM = {"enum": ["Female", "Male", "Diverse"]}
DOCUMENT = {
    "paths": {"/predict": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/X"}}}}}}},
    "components": {"schemas": {"X": {"properties": {"Gender": ENUM}}}},
}


def api(answers: Mapping[str, Any]) -> type[BaseHTTPRequestHandler]:
    """What answers, by path; text stands for itself, the rest is JSON."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = answers.get(self.path)
            body = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(404 if said is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: Any) -> None:
            pass

    return Api


def _page() -> None:
    from cockpit import models
    from cockpit.quality import page as quality

    quality.show(models.models()[0])


@contextmanager
def opened(patch: pytest.MonkeyPatch, info: Mapping[str, Any], versions: Any = VERSIONS, **but: Any) -> Any:
    """The page over a fake API and a fake monitoring service; `but` are other answers of the API, by name."""
    answers = {
        "/": {"name": "toy", "title": "Toy model"},
        "/health": {"status": "healthy", "model_version": "2"},
        "/model/info": ABOUT | info,
        "/model/card": "# Toy\n\nThe card says $5.",
        "/openapi.json": DOCUMENT,
    } | {f"/{name.replace('_', '/')}": said for name, said in but.items()}
    with serving(api(answers)) as port, serving(api({"/versions/toy": versions})) as watch:
        patch.setenv("PORTFOLIO_APIS", f"http://127.0.0.1:{port}")
        patch.setenv("MONITORING_URL", f"http://127.0.0.1:{watch}")
        st.cache_data.clear()
        st.cache_resource.clear()
        yield AppTest.from_function(_page, default_timeout=60).run()


def said(app: AppTest) -> str:
    """All words of the page."""
    shown = [each.value for each in (*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader)]
    return " ".join([*shown, *(each.body for each in app.get("html"))])


def test_a_probability_shows_metrics_curves_and_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(monkeypatch, BINARY) as app:
        text = said(app)

    assert not app.exception
    assert "ROC AUC 0.85" in text
    assert "higher is better" in text
    assert "lower is better" in text
    assert "Before: version 1: 0.830, the intervals overlap" in text
    assert "Gender: Female" in text
    assert "Gender: Male" not in text
    assert "by Gender: Diverse" in text
    assert "synthetic data" in text
    assert "#### Toy" in text
    assert len(app.get("plotly_chart")) == 2 + 3 + 1 + 1


def test_an_amount_shows_residuals_and_coverage_in_its_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(monkeypatch, REGRESSION) as app:
        text = said(app)

    assert not app.exception
    assert r"Mean absolute error \$2,000" in text
    assert "Type: van" in text
    assert "Type: SUV" not in text
    assert "Clearly less than promised, marked amber: type: van." in text
    assert len(app.get("plotly_chart")) == 2 + 2 + 1 + 1
    table = app.dataframe[0].value
    assert table["Dummy"].tolist() == ["$7,000 ($6,900 to $7,100)", ""]


def test_a_first_version_has_none_before_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = {"champion": "2", "versions": VERSIONS["versions"][:1], "audit": []}
    with opened(monkeypatch, BINARY, alone) as app:
        assert "There is no version before this one" in said(app)


def test_a_version_measured_on_other_data_is_said_to_be_hard_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = [VERSIONS["versions"][0], VERSIONS["versions"][1] | {"data": "a sample"}]
    with opened(monkeypatch, BINARY, VERSIONS | {"versions": versions}) as app:
        assert "measured on other data, a sample" in said(app)


def test_without_monitoring_the_page_says_so_and_shows_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(monkeypatch, BINARY, None) as app:
        assert "The version before can't be compared" in app.warning[0].value
        assert len(app.get("plotly_chart")) == 7
        assert not app.exception


def test_without_an_answer_of_the_api_what_the_registry_kept_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(monkeypatch, BINARY, model_info=None, model_card=None) as app:
        text = said(app)

    assert not app.exception
    assert "answered 404" in app.error[0].value
    assert "The model card can't be shown" in text
    assert "ROC AUC" in text


def test_a_bundle_that_tells_little_is_shown_without_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {"task": BINARY["task"], "metrics": {"model": BINARY["metrics"]["model"]}, "importance": None}
    with opened(monkeypatch, bare | {"curves": None, "slices": {}, "parity": {}}) as app:
        text = said(app)

    assert not app.exception
    assert "tells no curves" in text
    assert "No slices are kept" in text
    assert "tells no importance" in text
