"""The conditions of a run: the machine, the versions, the commit, the command."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.load import require_wrk
from bench.model import BENCH, ROOT

OURS = ("fastapi", "uvicorn", "uvloop", "httptools", "pydantic", "onnxruntime", "numpy")
MODELS = ("scikit-learn", "lightgbm", "pandas")
PEERS = {"mlflow": "mlflow", "bentoml": "bentoml", "litserve": "litserve", "mlserver": "mlserver"}

Conditions = dict[str, str]


def conditions(arguments: list[str]) -> Conditions:
    """Read at the start, before the bench itself is a load."""
    begun = datetime.now(UTC)
    return {
        "command": shlex.join(["make", "bench", *([f"ARGS={' '.join(arguments)}"] if arguments else [])]),
        "date": f"{begun:%Y-%m-%d %H:%M} UTC",
        "commit": _commit(),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "load average at the start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "load generator": require_wrk(),
        "service": ", ".join(f"{name} {version(name)}" for name in OURS),
        "pipeline": ", ".join(f"{name} {version(name)}" for name in MODELS),
        "peers": ", ".join(f"{name} {_locked(peer, name)}" for peer, name in PEERS.items()),
    }


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (" with changes" if git("status", "--porcelain") else "")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _locked(peer: str, package: str) -> str:
    """The version in a peer's own environment."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = BENCH / peer / "venv" / "lib" / python / "site-packages"
    found = next(packages.glob(f"{package}-*.dist-info"), None)
    return found.name.split("-")[1].removesuffix(".dist") if found else "missing"
