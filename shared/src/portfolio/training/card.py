"""The model card, from a bundle's manifest alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from portfolio.bundle import Manifest
from portfolio.measures import Estimate, Reading
from portfolio.training.charts import chart

NOT_ASKED = "The bundle holds no verdict: it was made before the gate wrote its verdict there."


def render(manifest: Manifest) -> str:
    """Markdown after the model cards of Mitchell et al. 2019 (arXiv:1810.03993)."""
    sections = (_head, _features, _metrics, _slices, _calibration, _limits, _verdict, _lineage)
    return "\n".join([line for section in sections for line in section(manifest)] + [""])


def headline(manifest: Manifest) -> str:
    """The one figure for a table: name, value and interval."""
    name = manifest.task["headline"]
    reading: Reading = manifest.metrics["model"]
    return f"{name} {_cell(reading[name])}"


def _head(manifest: Manifest) -> Iterator[str]:
    purpose, data = manifest.purpose, manifest.data
    yield f"# {purpose.title or manifest.name}: {manifest.name} {manifest.version}\n"
    if data.synthetic:
        yield "> Trained on a **synthetic sample**: the figures say nothing about real cases.\n"
    if purpose.use:
        yield f"{purpose.use}\n"
    yield "| | |\n|---|---|"
    yield f"| from | {_line(purpose.request)} |"
    yield f"| answers | {_line(purpose.response)} |"
    yield f"| data | {data.label}, {data.rows:,} rows ({data.refused:,} refused, {data.out_of_scope:,} out of scope) |"
    yield f"| licence of the data | {data.licence} |"
    yield f"| sha256 of the data | `{data.sha256}` |"
    yield f"| model | {manifest.family}, {manifest.train_rows:,} training rows, {manifest.test_rows:,} test rows |"
    if manifest.threshold is not None:
        yield f"| threshold | {manifest.threshold:.3f} |"


def _features(manifest: Manifest) -> Iterator[str]:
    yield "\n## What goes in\n"
    schema = manifest.request_schema
    required = schema.get("required", ())
    rows = [
        (name, field.get("description", ""), _allowed(field), "" if name in required else "may be missing")
        for name, field in schema.get("properties", {}).items()
    ]
    yield from _table(("field", "what it is", "allowed", ""), rows)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in list(manifest.importance.items())[:10])
    yield f"\nWhat the model makes of it, by share of its gain: {shares}."


def _metrics(manifest: Manifest) -> Iterator[str]:
    yield "\n## On the test part\n\n95 % bootstrap intervals in brackets; beside a dummy and LightGBM's defaults.\n"
    compared = [manifest.metrics[who] for who in ("model", "defaults", "dummy")]
    rows = [(name, *(_cell(reading.get(name)) for reading in compared)) for name in compared[0]]
    yield from _table(("metric", "this model", "LightGBM defaults", "dummy"), rows)


def _slices(manifest: Manifest) -> Iterator[str]:
    name = manifest.task["headline"]
    for field, readings in manifest.slices.items():
        yield f"\n### By {field}\n"
        sizes = manifest.slice_sizes.get(field, {})
        cells = [
            (value, f"{sizes[value]:,}" if value in sizes else "not kept", _cell(reading.get(name)))
            for value, reading in readings.items()
        ]
        yield from _table((field, "test rows", name), cells)


def _calibration(manifest: Manifest) -> Iterator[str]:
    yield "\n## Calibration\n"
    yield chart(manifest)


def _limits(manifest: Manifest) -> Iterator[str]:
    yield "\n## Limits\n"
    yield from (f"- {limit}" for limit in manifest.purpose.limits)
    yield f"- Trained on {manifest.train_rows:,} rows of one source; other people, places and times were not measured."
    yield "- A request outside the ranges above is refused. A text that training never saw is scored as an unknown one."
    if manifest.slices:
        yield "- A slice that is not listed had too few test rows to tell a figure of."
    if manifest.interval:
        yield f"- The interval holds {manifest.interval.coverage:.0%} of the truths on average, not in every slice."


def _verdict(manifest: Manifest) -> Iterator[str]:
    verdict = manifest.verdict
    yield "\n## What the gate said\n"
    if verdict is None:
        yield NOT_ASKED
        return
    beside = f", beside champion {verdict.champion}" if verdict.champion else ", without a champion to compare it with"
    yield f"**{verdict.decision}**{beside}\n"
    yield from _table(("rule", "", "why"), [(check.rule, check.outcome, check.why) for check in verdict.checks])


def _lineage(manifest: Manifest) -> Iterator[str]:
    parity = manifest.parity
    yield "\n## How it was made\n"
    yield f"- {manifest.created}, from commit `{manifest.git_commit[:12]}`, data `{manifest.data.sha256[:12]}`"
    if manifest.verdict and manifest.verdict.champion:
        yield f"- the champion then: {manifest.verdict.champion}"
    yield f"- feature code: `{manifest.features_fingerprint[:12]}`"
    yield f"- parameters: `{manifest.params}`"
    yield f"- repeatable to the byte: {'yes' if manifest.repeatable else 'no, the search was ended by its time brake'}"
    yield f"- parity: {parity.rows:,} rows, largest difference {parity.largest_difference:.2g} of {parity.tolerance:g}"
    yield f"- libraries: {', '.join(f'{name} {number}' for name, number in manifest.libraries.items())}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(_line(cell) for cell in row)} |" for row in rows)


def _allowed(field: dict[str, Any]) -> str:
    """What a field of a JSON schema takes, in words."""
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    return " or ".join(_kind(kind) for kind in kinds)


def _kind(kind: dict[str, Any]) -> str:
    if choices := kind.get("enum"):
        return ", ".join(map(str, choices))
    if "const" in kind:
        return str(kind["const"])
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    said = [f"{sign} {kind[bound]:g}" for bound, sign in bounds.items() if bound in kind]
    name = {"integer": "whole number", "number": "number", "string": "text"}.get(kind.get("type", ""), "any")
    return " ".join([name, ", ".join(said)]).strip()


def _cell(estimate: Estimate | None) -> str:
    return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]" if estimate else "not applicable"


def _line(text: str) -> str:
    """Text as a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
