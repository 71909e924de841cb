"""What the monitoring service says of a model's versions, piece by piece."""

from __future__ import annotations

from typing import Any


def figure(value: float, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    return {"value": value, "low": low, "high": high}


def version(number: str, **more: Any) -> dict[str, Any]:
    return {
        "version": number,
        "bundle": f"bundle-{number}",
        "aliases": [],
        "verdict": "promote",
        "metrics": {"roc_auc": figure(0.8, 0.78, 0.82)},
        "data": "toys",
        "created": "2026-05-01T12:00:00Z",
        "signed_by": "5a4e51f9cbb4",
        "promoted_at": "",
        "archived_at": "",
    } | more


LINE = {
    "at": "2026-05-01T12:00:00Z",
    "who": "ann",
    "action": "promote",
    "outcome": "live",
    "from_version": "1",
    "to_version": "2",
    "reason": "better <b>",
    "forced": True,
    "detail": "",
    "seconds": 2.0,
}


def told(**more: Any) -> dict[str, Any]:
    listed = [
        version("3", verdict="", metrics={"roc_auc": figure(0.9, 0.88, 0.92)}, data="other toys"),
        version("2", aliases=["challenger"], verdict="block", metrics={"roc_auc": figure(0.79, 0.77, 0.81)}),
        version("1", aliases=["champion"]),
    ]
    return {
        "project": "toy",
        "champion": "1",
        "challenger": "2",
        "live_versions": ["1"],
        "versions": listed,
        "audit": [LINE],
    } | more
