"""The index page, and the reports that it links: plain HTML without scripts of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from portfolio.errors import RequestRefused
from portfolio.store import MonitoringRun

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


def index(projects: Sequence[str], runs: Sequence[MonitoringRun]) -> str:
    """Every project with its runs, newest first."""
    links = "".join(f'<a href="/{name}">{name}</a>' for name in LINKS)
    sections = "".join(_section(name, [run for run in runs if run.project == name]) for name in projects)
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


def _section(project: str, runs: Sequence[MonitoringRun]) -> str:
    lines = "".join(map(_line, runs)) or "<li>not looked at yet</li>"
    named = escape(project)
    links = " ".join(f'<a href="/{what}?project={named}">{what}</a>' for what in ("drift", "performance", "traffic"))
    return f"<section><h2>{named}</h2><nav>{links}</nav><ul>{lines}</ul></section>"


def _line(run: MonitoringRun) -> str:
    kind, time = run.decision.replace(" ", "-"), f"{run.at:%Y-%m-%d %H:%M} UTC"
    shown = f'<a href="/reports/{escape(run.report)}">{time}</a>' if run.report else time
    reasons = f"<br><small>{escape(' · '.join(run.reasons))}</small>" if run.reasons else ""
    return f'<li><span class="decision {escape(kind)}">{escape(run.decision)}</span> {shown}{reasons}</li>'
