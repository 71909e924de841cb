"""The calibration of a model as a chart that is text: Mermaid, which GitHub and many editors draw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from portfolio.bundle import Manifest


def chart(manifest: Manifest) -> str:
    """Predicted beside observed rates by tenth of the test rows; for amounts, the error's quantiles by prediction."""
    curves = manifest.curves
    if "calibration" in curves:
        return _rates(curves["calibration"])
    return _errors(curves["residuals"], str(manifest.task["unit"]))


def _rates(points: dict[str, Any]) -> str:
    predicted, observed = points["predicted"], points["observed"]
    top = max(*predicted, *observed)
    lines = [
        "Test rows by predicted probability, a tenth each: the line is what was predicted, the bars are what came.\n",
        *_opening("#94a3b8", "#2563eb"),
        f'  x-axis "predicted probability" {_numbers(predicted, "{:.3f}")}',
        f'  y-axis "rate" 0 --> {min(1.0, top * 1.1):.2f}',
        f"  bar {_numbers(observed, '{:.3f}')}",
        f"  line {_numbers(predicted, '{:.3f}')}",
        "```",
    ]
    return "\n".join(lines)


def _errors(points: dict[str, Any], unit: str) -> str:
    quantiles = list(zip(*points["relative_error_quantiles"], strict=True))
    shown = [[100 * error for error in quantiles[which]] for which in (0, 2, 4)]
    low, high = min(shown[0]), max(shown[2])
    lines = [
        "Prediction / truth - 1 in %, test rows by prediction, a twentieth each. The middle line is the median, four",
        "in five rows lie between the outer ones.\n",
        *_opening("#94a3b8", "#2563eb", "#94a3b8"),
        f'  x-axis "predicted (1,000 {unit})" {_numbers([amount / 1000 for amount in points["predicted"]], "{:.2g}")}',
        f'  y-axis "error, %" {low:.0f} --> {high:.0f}',
        *(f"  line {_numbers(line, '{:.1f}')}" for line in shown),
        "```",
    ]
    return "\n".join(lines)


def _opening(*colours: str) -> tuple[str, ...]:
    theme = json.dumps({"themeVariables": {"xyChart": {"plotColorPalette": ", ".join(colours)}}})
    return "```mermaid", f"%%{{init: {theme}}}%%", "xychart-beta"


def _numbers(values: Sequence[float], form: str) -> str:
    return f"[{', '.join(form.format(value) for value in values)}]"
