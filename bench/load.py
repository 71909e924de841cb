"""The load generator: wrk, on a core of its own, and what it reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from portfolio.errors import PortfolioError

SCRIPT = Path(__file__).with_name("post.lua")
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Round:
    """What one round measured: requests a second, and latencies in seconds."""

    throughput: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Target:
    """Where the load goes; `body` is the file that holds the request's body."""

    name: str
    url: str
    body: Path


def require_wrk() -> str:
    """The version of wrk; raises PortfolioError where it is not installed."""
    if shutil.which("wrk") is None:
        raise PortfolioError("wrk, the load generator, is not installed.", remedy="apt-get install wrk")
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return said.partition(" [")[0].strip()


def load(target: Target, *, connections: int, seconds: float, core: int) -> Round:
    """Load a target for a round; raises PortfolioError where any answer was not 2xx or did not come."""
    command = ["taskset", "--cpu-list", str(core), "wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{max(1, round(seconds))}s", "--timeout", f"{TIMEOUT_SECONDS}s"]
    command += ["--script", str(SCRIPT), target.url]
    done = subprocess.run(
        command, env={**os.environ, "BODY": str(target.body)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PortfolioError(f"{target.name}: wrk failed: {(done.stderr or done.stdout).strip()}")
    return read(target.name, done.stdout)


def read(name: str, output: str) -> Round:
    """The round in wrk's output; raises PortfolioError where answers were refused, lost, or none."""
    figures = json.loads(next(line for line in reversed(output.splitlines()) if line.startswith("{")))
    wrong = {kind: figures[kind] for kind in ("refused", "broken", "late") if figures[kind]}
    if wrong or not figures["requests"]:
        counts = ", ".join(f"{count} {kind}" for kind, count in wrong.items()) or "no answer at all"
        raise PortfolioError(f"{name}: a round is void: {counts} of {figures['requests']} answers.")
    return Round(figures["requests"] / figures["seconds"], figures["p50"], figures["p99"])
