"""The head of a run's page: what was decided and why, above Evidently's own tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from portfolio.store import MonitoringRun

STYLE = (
    "font-family:system-ui,sans-serif;font-size:15px;line-height:1.5;max-width:1100px;margin:24px auto;padding:0 24px"
)
BELOW = (
    "Below are the tests of Evidently, for a closer look at the columns. They have bins of their own and know no "
    "chance, so they may say something else; the decision is made by what stands above."
)


def with_head(page: str, run: MonitoringRun) -> str:
    """Evidently's page with the run's own findings before all else."""
    before, body, after = page.partition("<body>")
    head = "".join(_head(run))
    return f'{before}{body}<section style="{STYLE}">{head}</section>{after}' if body else f"{head}{page}"


def _head(run: MonitoringRun) -> Iterator[str]:
    window = f"{run.since:%Y-%m-%d %H:%M} to {run.until:%Y-%m-%d %H:%M} UTC"
    yield f"<h1>{escape(run.project)}: {escape(run.decision)}</h1>"
    yield f"<ul>{''.join(f'<li>{escape(reason)}</li>' for reason in run.reasons)}</ul>"
    yield f"<p>Model {escape(run.model_version)} ({escape(run.bundle)}). {run.rows:,} predictions, {window}; "
    yield f"{run.labelled:,} have a label.</p>"
    yield _table(("column", "PSI", "by chance", "state"), map(_column, run.findings.get("drift", ())))
    for title, kind in (("Performance by labels", "performance"), ("Estimated without labels (CBPE)", "estimate")):
        if found := run.findings.get(kind):
            state = f": {found['state']}" if "state" in found else ""
            yield f"<h2>{title}{escape(state)}</h2>"
            rows = (_metric(name, each) for name, each in found["metrics"].items())
            yield _table(("metric", "value", "95 % interval", "test rows"), rows)
    yield f"<p>{BELOW}</p>"


def _column(drift: Mapping[str, Any]) -> tuple[str, ...]:
    return drift["feature"], f"{drift['psi']:.3f}", f"{drift['by_chance']:.3f}", drift["state"]


def _metric(name: str, each: Mapping[str, Any]) -> tuple[str, ...]:
    reference = "" if each["reference"] is None else f"{each['reference']:.4g}"
    return name, f"{each['value']:.4g}", f"{each['low']:.4g} to {each['high']:.4g}", reference


def _table(names: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f'<th align="left" style="padding-right:24px">{escape(name)}</th>' for name in names)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
