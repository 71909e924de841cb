"""Copies of the repository that a test may do with as it likes."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST_FILES = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]


def copy_repository(folder: Path) -> None:
    """Copy the repository's own files as they are now, committed or not."""
    listed = subprocess.run(LIST_FILES, cwd=ROOT, check=True, capture_output=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
            (folder / name).chmod((ROOT / name).stat().st_mode)
