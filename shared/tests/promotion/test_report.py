"""What people are told of versions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from champions import registered, registered_as, several

from portfolio import registry
from portfolio.measures import Estimate
from portfolio.promotion.archive import archive
from portfolio.promotion.flow import promote
from portfolio.promotion.report import diff, models, summary
from portfolio.registry import ask
from portfolio.settings import Settings
from portfolio.spec import AtLeast, ModelSpec


def test_the_list_tells_of_every_version(spec: ModelSpec, settings: Settings) -> None:
    judged = replace(spec, rules=(AtLeast("auc", 0.5),))
    registered(settings, spec, "v1")
    registered(settings, spec, "v2", verdict="block")
    promote(spec, 1, settings)
    archive(spec, 2, settings)
    second, first = models(judged, settings)
    assert (first.version, first.bundle, first.aliases, first.verdict) == ("1", "v1", ("champion",), "promote")
    assert (first.metrics, first.data) == ({"auc": (0.8, 0.7, 0.9)}, "Orders (synthetic sample)")
    assert first.signed_by
    assert first.promoted_at
    assert (second.version, second.aliases, second.verdict, second.signed_by) == ("2", (), "block", "")
    assert second.archived_at


def test_more_versions_take_no_more_calls(spec: ModelSpec, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = ask._ask

    def counted(known: Settings, path: str, body: object = None) -> object:
        calls.append(path)
        return real(known, path, body)

    monkeypatch.setattr(ask, "_ask", counted)
    several(settings, spec, 3)
    calls.clear()
    assert len(models(spec, settings)) == 3
    assert len(calls) == 4


def test_long_lists_come_in_pages(spec: ModelSpec, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portfolio.registry.listing.PAGE", 2)
    several(settings, spec, 5)
    assert [row.version for row in models(spec, settings)] == ["5", "4", "3", "2", "1"]
    assert len(registry.read_metrics(spec.name, settings)) == 5


def test_the_summary_counts_models_and_those_in_production(spec: ModelSpec, settings: Settings) -> None:
    before = summary(settings)
    several(settings, spec, 2)
    without = summary(settings)
    promote(spec, 2, settings)
    now = summary(settings)
    assert (without.models, without.production, without.versions) == (
        before.models + 1,
        before.production,
        before.versions + 2,
    )
    assert now.production == before.production + 1
    [own] = [each for each in now.projects if each.project == spec.name]
    assert (own.versions, own.champion, own.challenger, bool(own.champion_since)) == (2, "2", "", True)


def test_the_difference_is_that_of_the_manifests(spec: ModelSpec, settings: Settings) -> None:
    several(settings, spec, 1)
    registered_as(settings, spec, "v2", params={"num_leaves": 9}, numeric=("pieces",), train_rows=401)
    found = diff(spec, "1", 2, settings)
    assert found.metrics == {"auc": (Estimate(0.8, 0.7, 0.9), Estimate(0.8, 0.7, 0.9))}
    assert found.data == {"training rows": (400, 401)}
    assert found.parameters == {"num_leaves": (None, 9)}
    assert found.features == {"weight": ("number", None), "load": ("number", None)}
