"""The index page, and the reports that it links: plain HTML without scripts of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from portfolio.errors import RequestRefused
from portfolio.watch.found import Run

REPORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,200}\.(html|json)", re.ASCII)
KINDS = {".html": "text/html; charset=utf-8", ".json": "application/json"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:; base-uri 'none'; "
    "form-action 'none'"
)
"""Evidently's report carries its scripts inside: they run, in an origin of their own, and reach nothing else."""
STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
ul { list-style: none; padding: 0 } li { padding: .3rem 0; border-top: 1px solid #8884 }
li a { overflow-wrap: anywhere }
.decision { display: inline-block; min-width: 5.5rem; font-weight: 600 }
.ok { color: #2a7d4f } .watch, .unknown { color: #a06a00 } .retrain, .roll-back { color: #b3372e }
@media (prefers-color-scheme: dark) { .ok { color: #6cc596 } .watch, .unknown { color: #e0b050 }
  .retrain, .roll-back { color: #ef8a80 } }
nav a { margin-right: 1rem } small { opacity: .75 }
"""
LINKS = ("runs", "metrics", "health", "docs")


def index(runs: Mapping[str, Sequence[Run]], failures: Mapping[str, int], now: datetime) -> str:
    """Every project with its runs, newest first, and how many of them failed."""
    links = "".join(f'<a href="/{name}">{name}</a>' for name in LINKS)
    sections = "".join(_section(name, found, failures[name], now) for name, found in runs.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Monitoring</title><style>{STYLE}</style></head>"
        f"<body><h1>Monitoring</h1><nav>{links}</nav>{sections}</body></html>"
    )


def find_report(folder: Path, name: str) -> tuple[bytes, str]:
    """(content, media type) of a report; raises RequestRefused (404) for anything else."""
    file = folder / name
    if not REPORT.fullmatch(name) or file.is_symlink() or not file.is_file():
        raise RequestRefused("There is no such report.", remedy="/ lists those there are.", status=404)
    return file.read_bytes(), KINDS[file.suffix]


def _section(project: str, runs: Sequence[Run], failed: int, now: datetime) -> str:
    lines = "".join(map(_line, runs)) or "<li>not looked at yet</li>"
    named = escape(project)
    links = " ".join(f'<a href="/{what}?project={named}">{what}</a>' for what in ("drift", "performance", "traffic"))
    return f"<section><h2>{named}</h2><nav>{links}</nav><p>{_age(runs, failed, now)}</p><ul>{lines}</ul></section>"


def _age(runs: Sequence[Run], failed: int, now: datetime) -> str:
    """How long ago the last run was, and how many failed: a page that looks well may be an old one."""
    ago = f"last run {max(0, round((now - runs[0].at).total_seconds() / 60))} minutes ago" if runs else "no run yet"
    return f'{ago} · <span class="unknown">{failed} failed since the service started</span>' if failed else ago


def _line(run: Run) -> str:
    kind, time = run.decision.replace(" ", "-"), f"{run.at:%Y-%m-%d %H:%M} UTC"
    shown = f'<a href="{escape(run.report_url)}">{time}</a>' if run.report_url else time
    reasons = f"<br><small>{escape(' · '.join(run.reasons))}</small>" if run.reasons else ""
    decision = f'<span class="decision {escape(kind)}">{escape(run.decision)}</span>'
    return f"<li>{decision} {shown} <small>{run.days:g} days</small>{reasons}</li>"
