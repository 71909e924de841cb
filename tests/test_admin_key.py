"""`scripts/admin-key.sh` makes the key that acting from the dashboard needs, once, and shows it to nobody."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from portfolio.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository without settings."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "admin-key.sh", tmp_path / "scripts")
    return tmp_path


def make_key(folder: Path, **environment: str) -> str:
    """Run the script; returns what it prints."""
    plain = {name: value for name, value in os.environ.items() if name != "ADMIN_KEY"}
    done = subprocess.run(
        [folder / "scripts" / "admin-key.sh"],
        cwd="/",
        env=plain | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def key_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key as every service reads it there."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ADMIN_KEY", raising=False)
    return Settings().admin_key.get_secret_value()


def test_where_there_is_none_one_is_written_for_its_owner_alone_and_not_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = make_key(folder).splitlines()
    key = key_of(folder, monkeypatch)
    assert re.fullmatch(r"[\w-]{43}", key)
    assert str(folder / ".env") in line
    assert key not in line
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_no_two_keys_are_the_same_and_a_second_start_keeps_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(folder)
    first = key_of(folder, monkeypatch)
    assert make_key(folder) == ""
    assert key_of(folder, monkeypatch) == first
    (folder / ".env").unlink()
    make_key(folder)
    assert key_of(folder, monkeypatch) != first


@pytest.mark.parametrize("last", ["WORKERS=3", "WORKERS=3\n", "# ADMIN_KEY=\nWORKERS=3\n", "WORKERS=3\nADMIN_KEY=\n"])
def test_other_lines_and_the_files_mode_stay(folder: Path, monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    (folder / ".env").write_text(f"LOG_LEVEL=DEBUG\n{last}")
    (folder / ".env").chmod(0o640)
    assert make_key(folder) != ""
    assert len(key_of(folder, monkeypatch)) == 43
    assert (Settings().log_level, Settings().workers) == ("DEBUG", 3)
    assert (folder / ".env").read_text().startswith(f"LOG_LEVEL=DEBUG\n{last}")
    assert (folder / ".env").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "line", ["ADMIN_KEY=mine", "ADMIN_KEY='it\"s mine'", 'export ADMIN_KEY = "mine"  # the team\'s']
)
def test_a_key_that_is_there_stays(folder: Path, line: str) -> None:
    (folder / ".env").write_text(f"{line}\nWORKERS=3\n")
    assert make_key(folder) == ""
    assert (folder / ".env").read_text() == f"{line}\nWORKERS=3\n"


@pytest.mark.parametrize("key", ["mine", ""])
def test_what_the_environment_says_goes_first_even_that_nobody_shall_act(folder: Path, key: str) -> None:
    assert make_key(folder, ADMIN_KEY=key) == ""
    assert not (folder / ".env").exists()


def test_git_ignores_where_it_is() -> None:
    done = subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=False)
    assert done.returncode == 0
