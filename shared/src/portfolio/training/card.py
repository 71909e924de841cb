"""The model card, from the spec and the manifest alone."""

from __future__ import annotations

from collections.abc import Iterator

from portfolio.bundle import Manifest
from portfolio.measures import Estimate, Reading
from portfolio.spec import ModelSpec


def render(spec: ModelSpec, manifest: Manifest) -> str:
    """Markdown after the model card of Mitchell et al. 2019 (arXiv:1810.03993)."""
    return "\n".join([*_head(spec, manifest), *_metrics(manifest), *_slices(manifest), *_making(manifest), ""])


def _head(spec: ModelSpec, manifest: Manifest) -> Iterator[str]:
    data = manifest.data
    yield f"# {spec.title}: {manifest.name} {manifest.version}\n"
    if data.synthetic:
        yield "> Trained on a **synthetic sample**: the figures say nothing about real cases.\n"
    yield "| | |\n|---|---|"
    yield f"| answers | {(spec.response.__doc__ or '').strip()} |"
    yield f"| from | {(spec.request.__doc__ or '').strip()} |"
    yield f"| data | {data.label}, {data.rows:,} rows ({data.refused:,} refused, {data.out_of_scope:,} out of scope) |"
    yield f"| licence of the data | {data.licence} |"
    yield f"| sha256 of the data | `{data.sha256}` |"
    yield f"| model | {manifest.family}, {manifest.train_rows:,} training rows, {manifest.test_rows:,} test rows |"
    if manifest.threshold is not None:
        yield f"| threshold | {manifest.threshold:.3f} |"
    yield f"| created | {manifest.created}, commit `{manifest.git_commit[:12]}` |"


def _metrics(manifest: Manifest) -> Iterator[str]:
    yield "\n## On the test part\n\n95 % bootstrap intervals in brackets; beside a dummy and LightGBM's defaults.\n"
    yield "| metric | this model | LightGBM defaults | dummy |\n|---|---|---|---|"
    for name in manifest.metrics["model"]:
        cells = [_cell(manifest.metrics[who].get(name)) for who in ("model", "defaults", "dummy")]
        yield f"| {name} | {' | '.join(cells)} |"


def _slices(manifest: Manifest) -> Iterator[str]:
    headline = manifest.task["headline"]
    for field, readings in manifest.slices.items():
        yield f"\n### By {field}\n\n| {field} | {headline} |\n|---|---|"
        yield from (f"| {value} | {_cell(reading.get(headline))} |" for value, reading in readings.items())


def _making(manifest: Manifest) -> Iterator[str]:
    yield "\n## How it was made\n"
    yield f"- parameters: `{manifest.params}`"
    yield f"- repeatable to the byte: {'yes' if manifest.repeatable else 'no, the search was ended by its time brake'}"
    parity = manifest.parity
    yield f"- parity: {parity.rows:,} rows, largest difference {parity.largest_difference:.2g} of {parity.tolerance:g}"
    yield f"- features by importance: {', '.join(f'{k} {v:.0%}' for k, v in list(manifest.importance.items())[:10])}"
    yield f"- libraries: {', '.join(f'{name} {number}' for name, number in manifest.libraries.items())}"


def _cell(estimate: Estimate | None) -> str:
    return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]" if estimate else "not applicable"


def headline(manifest: Manifest) -> str:
    """The one figure for a table: name, value and interval."""
    name = manifest.task["headline"]
    reading: Reading = manifest.metrics["model"]
    return f"{name} {_cell(reading[name])}"
