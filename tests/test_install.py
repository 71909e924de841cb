"""`make install` where something is missing: one line that says what, and nothing that looks installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "models", "raw", "mlruns", ".demo", "__pycache__", ".*_cache")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("install") / "tree", ignore=LEFT_OUT))


def install(tree: Path, **environment: str) -> list[str]:
    """The last lines of an installation that must fail, without make's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP", "UV"))}
    done = subprocess.run(
        ["make", "install"], cwd=tree, env=kept | environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode != 0
    assert list(tree.glob(".venv/.installed-*")) == []
    return [line for line in done.stderr.splitlines() if "***" not in line]


def test_a_python_without_venv(tree: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python3"
    bare.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    bare.chmod(0o755)
    (line,) = install(tree, PYTHON=str(bare))
    assert "has no venv; remedy: apt-get install python3-venv" in line


def test_no_python_at_all(tree: Path) -> None:
    (line,) = install(tree, PYTHON="no-such-python")
    assert "no Python 3.11 to 3.14; remedy:" in line


def test_no_network(tree: Path, tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
    (line,) = install(tree, **nowhere, UV_CACHE_DIR=str(tmp_path / "uv"))
    assert "the package index cannot be reached; remedy: check the network" in line
