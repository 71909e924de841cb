"""Answers of a monitoring service, piece by piece."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def point(
    seconds: float, *, up: bool = True, requests: int = 20, p95: float | None = 2.0, **more: Any
) -> dict[str, Any]:
    counts = {"requests": requests, "predictions": requests, "errors_4xx": 0, "errors_5xx": 0}
    counts = {name: value if up else 0 for name, value in counts.items()}
    return {
        "at": (NOON + timedelta(seconds=seconds)).isoformat(),
        "up": up,
        "seconds": 10.0 if up else 0.0,
        "latency_p50_ms": 1.0 if up else None,
        "latency_p95_ms": p95 if up else None,
        **counts,
        **more,
    }


def feature(name: str, psi: float | None, state: str, **more: Any) -> dict[str, Any]:
    bins = {
        "labels": ["to 1e+03", "above 1e+03", "(missing)"],
        "reference": [0.6, 0.4, 0.0],
        "current": [0.1, 0.9, 0.0],
    }
    return {
        "feature": name,
        "psi": psi,
        "by_chance": 0.05,
        "test": "ks",
        "p_value": 0.0001,
        "wasserstein": 0.8,
        "state": state,
        "missing": 0.02,
        "missing_reference": 0.0,
        "bins": bins,
    } | more


def measured(minutes: int, kind: str, value: float, **more: Any) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    ends = {"low": value - 0.02, "high": value + 0.03, "reference": 0.86, "labelled": 400}
    return {"at": at, "kind": kind, "metric": "roc_auc", "value": value, **ends} | more


def run(minutes: int, decision: str, **more: Any) -> dict[str, Any]:
    return {
        "at": (NOON + timedelta(minutes=minutes)).isoformat(),
        "decision": decision,
        "reasons": [f"It is <{decision}>."],
        "model_version": "1",
        "days": 7.0,
        "predictions": 900,
        "labelled": 400,
        "drifted_share": 0.4,
        "report_url": "",
    } | more


def named(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)
