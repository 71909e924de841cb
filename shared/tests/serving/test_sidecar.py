"""The sidecar brings each champion once, stays quiet while MLflow is away, and remembers what failed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from portfolio.errors import RegistryError
from portfolio.registry import RegisteredVersion
from portfolio.serving.board import Attempt, Failure, Reason, Stage
from portfolio.serving.sidecar import AGAIN_SECONDS, AWAY_SECONDS, Follower

IDLE = """
import sys, portfolio.serving.sidecar
heavy = {"mlflow", "numpy", "onnxruntime", "fastapi", "uvicorn", "portfolio.bundle"} & set(sys.modules)
assert not heavy, heavy
"""


@dataclass
class World:
    """A registry, a cache and a clock."""

    pointer: Path
    champion: str | None = "1"
    away: bool = False
    bad: dict[str, tuple[Stage, Reason]] = field(default_factory=dict)
    brought: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    recalled: list[str] = field(default_factory=list)
    time: float = 0.0
    ill: bool = False

    def ask(self) -> RegisteredVersion | None:
        if self.away:
            raise RegistryError("MLflow does not answer.")
        return RegisteredVersion("toy", self.champion, f"b{self.champion}", "run") if self.champion else None

    def bring(self, champion: RegisteredVersion) -> Failure | None:
        self.brought.append(champion.version)
        if champion.version in self.bad:
            stage, reason = self.bad[champion.version]
            return Failure(champion.version, champion.bundle_version, stage, reason, "It was not to be.")
        self.point(champion)
        return None

    def recall(self, champion: RegisteredVersion) -> bool:
        if champion.version not in self.held:
            return False
        self.recalled.append(champion.version)
        self.point(champion)
        return True

    def point(self, champion: RegisteredVersion) -> None:
        part = self.pointer.with_name("part")
        part.write_text(champion.version)
        part.replace(self.pointer)

    def follower(self, last: Attempt | None = None) -> Follower:
        kept = {"last": last} if last else {}
        return Follower(
            self.ask,
            self.bring,
            self.pointer,
            recall=self.recall,
            ill=lambda: self.ill,
            clock=lambda: self.time,
            **kept,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "current")


def test_each_champion_is_brought_once(world: World) -> None:
    follower = world.follower()
    outcomes = [follower.poll().outcome for _ in range(3)]
    world.champion = "2"
    outcomes += [follower.poll().outcome for _ in range(3)]
    assert set(outcomes) == {"followed"}
    assert world.brought == ["1", "2"]


def test_a_champion_that_goes_back_is_pointed_at_again(world: World) -> None:
    follower = world.follower()
    for world.champion in ("1", "2", "1"):
        follower.poll()
    assert world.brought == ["1", "2", "1"]


def test_a_pointer_that_was_removed_is_written_again(world: World) -> None:
    follower = world.follower()
    follower.poll()
    world.pointer.unlink()
    follower.poll()
    assert world.brought == ["1", "1"]


def test_without_a_champion_nothing_is_brought(world: World) -> None:
    world.champion = None
    assert world.follower().poll().outcome == "vacant"
    assert world.brought == []


def test_what_failed_is_not_tried_at_every_look(world: World) -> None:
    world.bad["1"] = ("verify", "altered")
    follower = world.follower()
    attempts = []
    for world.time in range(0, 50, 5):
        attempts.append(follower.poll())
    assert world.brought == ["1"]
    assert {attempt.outcome for attempt in attempts} == {"failed"}
    failure = attempts[-1].failure
    assert failure is not None
    assert (failure.bundle, failure.model_version, failure.reason) == ("b1", "1", "altered")
    assert attempts[-1].failures == {"verify": {"altered": 1}}


def test_what_failed_is_tried_again_later_and_later(world: World) -> None:
    world.bad["1"] = ("download", "unavailable")
    follower = world.follower()
    tried = []
    while len(world.brought) < 4:
        before = len(world.brought)
        follower.poll()
        if len(world.brought) > before:
            tried.append(world.time)
        world.time += 5
    waited = [after - before for before, after in pairwise(tried)]
    assert waited == [AGAIN_SECONDS + 5, 2 * AGAIN_SECONDS + 5, 4 * AGAIN_SECONDS + 5]
    assert follower.poll().failures == {"download": {"unavailable": 4}}


def test_what_failed_is_tried_at_once_where_someone_asks(world: World) -> None:
    world.bad["1"] = ("verify", "altered")
    follower = world.follower()
    follower.poll()
    world.bad.clear()
    assert follower.poll(now=True).outcome == "followed"


def test_what_is_done_is_not_done_again_where_someone_asks(world: World) -> None:
    follower = world.follower()
    follower.poll()
    assert follower.poll(now=True).outcome == "followed"
    assert world.brought == ["1"]


def test_what_a_worker_can_not_load_is_brought_again_but_not_at_every_look(world: World) -> None:
    follower = world.follower()
    follower.poll()
    world.ill = True
    for world.time in range(0, 65, 5):
        follower.poll()
    assert world.brought == ["1"]
    world.time += 5
    follower.poll()
    assert world.brought == ["1", "1"]
    follower.poll(now=True)
    assert world.brought == ["1", "1", "1"]


def test_another_champion_is_tried_at_once_and_the_failure_is_remembered(world: World) -> None:
    world.bad["1"] = ("verify", "altered")
    follower = world.follower()
    follower.poll()
    world.champion = "2"
    attempt = follower.poll()
    assert (attempt.outcome, attempt.detail) == ("followed", "")
    assert attempt.failure is not None
    assert attempt.failure.model_version == "1"


def test_it_says_once_that_the_registry_is_away_and_once_that_it_is_back(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    follower = world.follower()
    for world.away in (False, True, True, True, False, False):
        follower.poll()
    said = "".join(capfd.readouterr())
    assert (said.count("MLflow is away"), said.count("MLflow answers again")) == (1, 1)
    assert world.brought == ["1"]


def test_it_asks_an_absent_registry_less_and_less_often(world: World) -> None:
    follower = world.follower()
    assert 4 <= follower.wait(5) <= 6
    world.away = True
    waits = []
    for _ in range(30):
        follower.poll()
        waits.append(follower.wait(5))
    assert 8 <= waits[0] <= 12
    assert 0.8 * AWAY_SECONDS <= waits[-1] <= 1.2 * AWAY_SECONDS
    world.away = False
    follower.poll()
    assert follower.wait(5) <= 6


def test_services_started_together_do_not_ask_together(world: World) -> None:
    assert len({world.follower().wait(5) for _ in range(10)}) > 5


def test_one_that_was_started_again_goes_on_counting(world: World) -> None:
    world.bad["1"] = ("verify", "altered")
    first = world.follower().poll()
    assert world.follower(last=first).poll().failures == {"verify": {"altered": 2}}


def test_failures_are_counted_by_stage_and_reason(world: World) -> None:
    world.bad = {"1": ("verify", "altered"), "2": ("verify", "unsigned"), "3": ("download", "unavailable")}
    follower = world.follower()
    for world.champion in ("1", "2", "3", "2"):
        attempt = follower.poll()
    assert attempt.failures == {"verify": {"altered": 1, "unsigned": 2}, "download": {"unavailable": 1}}


def test_what_the_workers_hold_is_recalled_for_who_asks_and_brought_at_the_next_look(world: World) -> None:
    follower = world.follower()
    follower.poll()
    world.champion, world.held = "2", {"2"}
    assert [follower.poll(now=True).outcome for _ in range(2)] == ["followed", "followed"]
    assert (world.recalled, world.brought) == (["2", "2"], ["1"])
    for _ in range(2):
        follower.poll()
    assert world.brought == ["1", "2"]  # so that the files are checked, and mended


def test_nothing_is_recalled_unless_someone_asks(world: World) -> None:
    world.held = {"1"}
    world.follower().poll()
    assert (world.recalled, world.brought) == ([], ["1"])


def test_a_recall_does_not_hide_the_last_failure(world: World) -> None:
    world.bad["1"], world.held = ("verify", "altered"), {"2"}
    follower = world.follower()
    follower.poll()
    world.champion = "2"
    attempt = follower.poll(now=True)
    assert (attempt.outcome, attempt.failures) == ("followed", {"verify": {"altered": 1}})
    assert attempt.failure is not None
    assert attempt.failure.model_version == "1"


def test_idle_it_carries_nothing_heavy() -> None:
    subprocess.run([sys.executable, "-c", IDLE], check=True, timeout=60)
