"""A rollback goes back to what every worker holds in memory; anything else is fetched by a process that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from portfolio.pointer import Current, read_current, write_current
from portfolio.registry import RegisteredVersion
from portfolio.serving.board import Board, Notice, start_time
from portfolio.serving.sidecar import recall

CHAMPION = RegisteredVersion("toy", "1", "b1", "run", bundle_sha256="5ea1")
LIVE = Current(bundle="b2", model_version="2", source="registry", since="2026-01-01T00:00:00+00:00")
BRING = """
import sys
from portfolio.registry import RegisteredVersion
from portfolio.serving import sidecar
from portfolio.settings import Settings
sidecar.FETCH_SECONDS = float(sys.argv[1])
failure = sidecar.bring("nowhere", Settings(), RegisteredVersion("nowhere", "1", "b1", "run"))
print(failure.model_version, failure.bundle, failure.stage, failure.reason, failure.detail)
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with two bundles, the second of which is live."""
    cache = tmp_path / "cache"
    for name in ("b1", "b2"):
        (cache / name).mkdir(parents=True)
    write_current(cache / "current", LIVE)
    return cache


def board(folder: Path, *helds: dict[str, str]) -> Board:
    """What as many workers say, each with what it holds."""
    sleepers = os.getpid(), os.getppid()  # two processes that run
    for pid, held in zip(sleepers, helds, strict=False):
        Board(folder).post(Notice(pid, start_time(pid), 1.0, "toy", "2", str(folder / "cache" / "b2"), held=held))
    return Board(folder)


def test_what_every_worker_holds_is_pointed_at(cache: Path) -> None:
    held = {str(cache / "b2"): "other", str(cache / "b1"): "5ea1"}
    assert recall(board(cache.parent, held, held), cache, CHAMPION)
    current = read_current(cache / "current")
    assert current is not None
    assert (current.bundle, current.model_version, current.source) == ("b1", "1", "registry")
    assert current.since > LIVE.since
    assert recall(board(cache.parent, held, held), cache, CHAMPION)
    assert read_current(cache / "current") == current  # live since the first time


@pytest.mark.parametrize("second", [{}, {"b1": "5ea1"}, {"/cache/b1": "another"}])
def test_what_a_worker_does_not_hold_is_not(cache: Path, second: dict[str, str]) -> None:
    held = {str(cache / "b1"): "5ea1"}
    other = {name.replace("/cache", str(cache)): digest for name, digest in second.items()}
    assert not recall(board(cache.parent, held, other), cache, CHAMPION)
    assert read_current(cache / "current") == LIVE


def test_another_bundle_of_the_same_name_is_not(cache: Path) -> None:
    held = {str(cache / "b1"): "another"}
    assert not recall(board(cache.parent, held, held), cache, CHAMPION)
    assert read_current(cache / "current") == LIVE


def test_without_a_digest_in_the_registry_nothing_is(cache: Path) -> None:
    assert not recall(board(cache.parent, {}, {}), cache, replace(CHAMPION, bundle_sha256=""))


def test_without_workers_nothing_is(cache: Path) -> None:
    assert not recall(board(cache.parent), cache, CHAMPION)


def test_what_was_removed_from_the_cache_is_not(cache: Path) -> None:
    held = {str(cache / "b1"): "5ea1"}
    (cache / "b1").rmdir()
    assert not recall(board(cache.parent, held), cache, CHAMPION)


def test_where_the_cache_can_not_be_written_bringing_tells(cache: Path) -> None:
    held = {str(cache / "b1"): "5ea1"}
    (cache / "current").unlink()
    (cache / "current").mkdir()  # as root, rights alone keep nobody from writing
    assert not recall(board(cache.parent, held), cache, CHAMPION)


@pytest.mark.parametrize(
    ("seconds", "why"), [("60", "Fetching ended with exit code 1; the log above tells why."), ("0", "It took longer")]
)
def test_a_process_that_dies_or_hangs_is_a_failed_download(seconds: str, why: str) -> None:
    said = subprocess.check_output([sys.executable, "-c", BRING, seconds], text=True, timeout=90)
    assert said.startswith(f"1 b1 download unavailable {why}")
