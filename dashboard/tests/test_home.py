"""The first page: a card for each model, whatever of the rest is down."""

from __future__ import annotations

import time
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from cockpit import models, services
from cockpit.home import drift_note
from cockpit.models import Drift, Model
from dashboard.tests.overseer import read
from dashboard.tests.portfolio_of_two import DRIFT, MONITORING, opened, running


def text(page: AppTest) -> str:
    """All HTML of the page."""
    return "\n".join(str(each.value) for each in page.get("html"))


def test_a_card_has_what_is_known_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch) as at:
        said = text(opened())
    assert "2 of 2 models answer" in said
    for part in ("The apple &amp; co", "live for 1 hour", "0.850", "0.830 to 0.870", ">42<", "4.2 ms"):
        assert part in said, part
    assert said.count("synthetic data") == 1
    assert f"{at['apple']}/docs" in said
    assert f"{at['mlflow']}/#/" in said
    assert f"{at['monitoring']}/reports/a.html" in said


def test_drift_and_decision_are_told_in_words_and_what_services_say_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch):
        said = text(opened())
    assert "strong drift" in said
    assert "40\u00a0% of the columns drifted (limit 30\u00a0%): Age, &lt;b&gt;City&lt;/b&gt;" in said
    assert "1 hour ago: Age moved." in said


@pytest.mark.parametrize(
    ("share", "states", "words"),
    [(0.0, ("ok", "ok"), "no drift"), (0.35, ("ok", "ok"), "some drift"), (0.1, ("ok", "unknown"), "not known")],
)
def test_the_state_of_drift_is_the_worst_of_columns_and_share(
    share: float, states: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = [{"feature": "Age", "state": state} for state in states]
    told = MONITORING | {"/drift": DRIFT | {"drifted_share": share, "features": features}}
    with running(monkeypatch, monitoring=told):
        assert f">{words}<" in text(opened())


def test_an_api_that_is_down_is_shown_as_down_and_the_other_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch, apple=None) as at:
        page = opened()
    assert "1 of 2 models answer" in text(page)
    assert ">down<" in text(page)
    assert "The pear &amp; co" in text(page)
    assert [read(error.value) for error in page.error] == [
        f"{at['apple']} does not answer. Is it running? `make health` tells."
    ]


def test_without_monitoring_and_registry_models_are_shown_and_words_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch, monitoring=None, mlflow=None):
        page = opened().run()
    assert "2 of 2 models answer" in text(page)
    assert [warning.value.partition(" at ")[0] for warning in page.warning] == ["Monitoring", "MLflow"]
    assert text(page).count(">not known<") == 4
    assert text(page).count("/versions/7") == 2


def test_a_model_that_was_never_judged_has_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"/health": {}, "/runs": {"runs": []}, "/traffic": {"points": [], "latency_p95_ms": None}}
    with running(monkeypatch, monitoring=nothing):
        page, until = opened(), time.monotonic() + 20
        while text(page).count("not judged yet") < 2 and time.monotonic() < until:  # asked, but not told yet
            page.run()
        said = text(page)
    assert said.count("not judged yet") == 2
    assert "no recent traffic was judged" in said


def test_the_run_that_a_version_came_from_is_linked_as_soon_as_mlflow_has_told_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running(monkeypatch) as at:
        run, page, until = f"{at['mlflow']}/#/experiments/3/runs/a1b2", opened(), time.monotonic() + 20
        while text(page).count(run) < 2 and time.monotonic() < until:  # asked, but not told yet
            page.run()
    assert text(page).count(run) == 2
    assert "/versions/7" not in text(page)


def test_nobody_waits_for_the_run_and_the_version_is_linked_until_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Event()
    monkeypatch.setattr(models, "_run", lambda *_: told.wait(20) and "")
    with running(monkeypatch) as at:
        page, begun = opened(), time.monotonic()
        assert models.run_of(Model(services.mlflow(), "quince", "Quinces")) == ""
        assert time.monotonic() - begun < models.PATIENCE_SECONDS / 2
    told.set()
    for name in ("apple", "pear"):
        assert f"{at['mlflow']}/#/models/{name}/versions/7" in text(page)


def test_a_button_of_a_card_opens_the_page_of_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch):
        page = opened()
        page.button(key="home-quality-pear").click().run()
    assert page.query_params["page"] == "quality"
    assert page.query_params["model"] == "pear"
    assert page.session_state["model"] == "pear"


def test_no_more_columns_are_named_than_a_card_has_room_for() -> None:
    note = drift_note(Drift("act", 0.5, 0.3, ("a", "b", "c", "d", "e")))
    assert note.endswith(": a, b, c and 2 more")
