"""The evaluation as pictures, drawn from the manifest alone."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from portfolio.bundle import Manifest

ACCENT = "#2563eb"


def draw(manifest: Manifest, folder: Path) -> None:
    """PNG files: ROC, precision-recall and calibration, or residuals; and feature importance."""
    folder.mkdir(parents=True, exist_ok=True)
    curves = manifest.curves
    if "roc" in curves:
        _line(folder, "roc", curves["roc"], "False positive rate", "True positive rate", diagonal=True)
        _line(folder, "precision_recall", curves["precision_recall"], "Recall", "Precision")
        _line(folder, "calibration", curves["calibration"], "Predicted probability", "Observed rate", diagonal=True)
    else:
        _residuals(folder, curves["residuals"], str(manifest.task["unit"]))
    _importance(folder, manifest.importance)


def _save(figure: Figure, folder: Path, name: str) -> None:
    figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")


def _axes(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 4.5))
    axes = figure.subplots()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes


def _line(
    folder: Path, name: str, points: dict[str, list[float]], across: str, up: str, *, diagonal: bool = False
) -> None:
    figure, axes = _axes(name.replace("_", " ").capitalize(), across, up)
    if diagonal:
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--")
    axes.plot(*points.values(), color=ACCENT, marker="o" if len(next(iter(points.values()))) < 30 else None)
    _save(figure, folder, name)


def _residuals(folder: Path, points: dict[str, list[list[float]]], unit: str) -> None:
    figure, axes = _axes("Relative error by predicted value", f"Predicted ({unit})", "Prediction / truth − 1")
    bands = list(zip(*points["relative_error_quantiles"], strict=True))
    axes.fill_between(points["predicted"], bands[0], bands[4], color=ACCENT, alpha=0.15, label="80 % of rows")
    axes.fill_between(points["predicted"], bands[1], bands[3], color=ACCENT, alpha=0.3, label="50 % of rows")
    axes.plot(points["predicted"], bands[2], color=ACCENT, label="median")
    axes.set_xscale("log")
    axes.legend(frameon=False)
    _save(figure, folder, "residuals")


def _importance(folder: Path, importance: dict[str, float]) -> None:
    figure, axes = _axes("Feature importance", "Share of the model's gain", "")
    shown = list(importance.items())[:15][::-1]
    axes.barh([name for name, _ in shown], [share for _, share in shown], color=ACCENT)
    _save(figure, folder, "importance")
