"""The report of a retraining: as JSON for programs, as Markdown for whoever operates the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from portfolio.bundle import DataProvenance
from portfolio.measures import Estimate, Reading
from portfolio.training.retrain import Retrained


def write_report(done: Retrained, folder: Path) -> Path:
    """Write `<bundle version>.json` and `.md` into `folder`; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{done.trained.manifest.version}.md"
    page.with_suffix(".json").write_bytes(orjson.dumps(facts(done), option=orjson.OPT_INDENT_2))
    page.write_text(render(done), encoding="utf-8")
    return page


def facts(done: Retrained) -> dict[str, Any]:
    """The report as plain values."""
    manifest, known = done.trained.manifest, done.before.manifest if done.before else None
    return {
        "project": manifest.name,
        "at": manifest.created,
        "decision": done.trained.verdict.decision,
        "outcome": asdict(done.outcome),
        "training_seconds": done.seconds,
        "data": {
            "file": str(done.file.path),
            "changed": done.data_changed,
            "now": _data(manifest.data),
            "before": _data(known.data) if known else None,
        },
        "candidate": _model(done.version.version, manifest.version, manifest.metrics["model"]),
        "champion": done.before
        and _model(
            done.before.version.version, done.before.version.bundle_version, known.metrics["model"] if known else {}
        ),
        "rules": [asdict(check) for check in done.trained.verdict.checks],
        "next": _next(done),
    }


def render(done: Retrained) -> str:
    """The report as a page."""
    manifest = done.trained.manifest
    head = f"# {manifest.name}, retrained {manifest.created}: {done.outcome.state}\n\n{_summary(done)}\n"
    return "\n".join([head, *_on_data(done), *_on_figures(done), *_on_rules(done), f"\n## Next\n\n{_next(done)}\n"])


def _summary(done: Retrained) -> str:
    version, before = done.version.version, done.before.version.version if done.before else None
    if done.outcome.state == "promoted":
        place = f"champion, in place of version {before}; {done.outcome.served}" if before else "first champion"
        return f"Version {version} is the {place}. Training took {done.seconds:.0f} s."
    stays = f"version {before} stays the champion" if before else "there is still no champion"
    if done.outcome.state == "failed":
        return f"The gate promotes version {version}, but the promotion failed: {done.outcome.reason}"
    if done.outcome.same:
        return f"Version {version} is the very model that the champion is: {stays}."
    if done.outcome.state == "kept":
        return f"Version {version} is no reason to change: {stays}. {_named(done)}"
    return f"The gate blocks version {version}: {stays}. {_named(done)}"


def _named(done: Retrained) -> str:
    return f"Rules that failed: {', '.join(done.trained.verdict.failed)}."


def _on_data(done: Retrained) -> Iterator[str]:
    now, known = done.trained.manifest.data, done.before.manifest if done.before else None
    yield "## Data\n"
    yield f"{_change(done)}\n"
    yield "| | name | rows | refused | sha256 |\n|---|---|---|---|---|"
    for when, data in (("champion's", known.data if known else None), ("now", now)):
        if data:
            yield f"| {when} | {data.label} | {data.rows:,} | {data.refused:,} | `{data.sha256}` |"


def _change(done: Retrained) -> str:
    if done.before is None:
        return "There is no champion to compare with."
    if done.data_changed is None:
        return "The champion's bundle can't be read, so it is not known whether the data has changed."
    return "Changed since the champion's training." if done.data_changed else "The same as at the champion's training."


def _on_figures(done: Retrained) -> Iterator[str]:
    candidate, known = done.trained.manifest.metrics["model"], done.before.manifest if done.before else None
    champion = known.metrics["model"] if known else {}
    rows = "its own test rows" if done.data_changed else "the same test rows"
    beside = f"; the champion's are those of its training, on {rows}" if known else ""
    yield f"\n## Figures\n\n95 % intervals in brackets{beside}.\n"
    yield f"| metric | version {done.version.version} | champion |\n|---|---|---|"
    for name, estimate in candidate.items():
        yield f"| {name} | {_cell(estimate)} | {_cell(champion.get(name))} |"


def _on_rules(done: Retrained) -> Iterator[str]:
    yield "\n## Rules\n"
    if done.before:
        yield "The champion is scored anew on the candidate's test rows.\n"
    yield "| rule | value | limit | | why |\n|---|---|---|---|---|"
    for check in done.trained.verdict.checks:
        value = "-" if check.value is None else f"{check.value:.4g}"
        yield f"| {check.rule} | {value} | {check.limit:.4g} | {check.outcome} | {check.why} |"


def _next(done: Retrained) -> str:
    name, version = done.trained.manifest.name, done.version.version
    promote = f"portfolio promote {name} --version {version}"
    if done.outcome.state == "promoted":
        if done.before:
            return f"Nothing. To go back: `portfolio rollback {name}`."
        return "Nothing."
    if done.outcome.state == "failed":
        return f"Put right what is named above; nothing is lost. Then `{promote}`."
    if done.outcome.same:
        return "Nothing. New data, or a longer search, may give another model."
    if done.outcome.state == "kept":
        take = f'`{promote} --reason "TEXT"`'
        return f"Nothing. Version {version} stays registered; to take it all the same: {take}."
    return "Look at the rules that failed: more often it is the data than the model. The champion goes on serving."


def _cell(estimate: Estimate | None) -> str:
    return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]" if estimate else "-"


def _data(data: DataProvenance) -> dict[str, Any]:
    return {"name": data.label, "sha256": data.sha256, "rows": data.rows, "refused": data.refused}


def _model(version: str, bundle: str, reading: Reading) -> dict[str, Any]:
    return {
        "version": version,
        "bundle": bundle,
        "metrics": {name: asdict(estimate) for name, estimate in reading.items()},
    }
