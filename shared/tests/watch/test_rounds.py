"""Every project is looked at by a program of its own, one after the other, and what fails is counted and told."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread

import pytest
from oversight import a_run
from structlog.testing import capture_logs

from portfolio.errors import StoreError
from portfolio.store import MonitoringRun
from portfolio.watch import rounds as module
from portfolio.watch.rounds import Rounds

Program = Callable[[str], Sequence[str]]


def shell(script: str) -> Program:
    """A program that a shell runs; it has the project's name as $0."""
    return lambda project: ["/bin/sh", "-c", script, project]


class Store:
    """Has one run more whenever it is asked, unless it keeps nothing or is away."""

    def __init__(self, *, keeps: bool = True, away: bool = False) -> None:
        self.keeps, self.away, self.number = keeps, away, 0

    def newest(self, project: str) -> MonitoringRun:
        if self.away:
            raise StoreError("The store does not answer.")
        self.number += self.keeps
        return a_run(project, id=self.number)


def rounds(program: Program, store: Store | None = None, **changed: object) -> Rounds:
    projects = changed.pop("projects", ("one",))
    options = {"newest": (store or Store()).newest, "prune": lambda: 0, "seconds": 300.0} | changed
    return Rounds(projects, program, **options)  # type: ignore[arg-type]


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something, which has to come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_projects_are_looked_at_one_after_the_other(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f'echo "$0 begins" >> {log}; sleep 0.1; echo "$0 ends" >> {log}'
    rounds(shell(script), projects=("one", "two")).go_round()
    assert log.read_text().splitlines() == ["one begins", "one ends", "two begins", "two ends"]


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_what_a_run_found_is_no_failure(code: int) -> None:
    each = rounds(shell(f"exit {code}"))
    each.go_round()
    assert each.failures == {"one": 0}


def test_what_a_run_decided_and_why_is_logged() -> None:
    with capture_logs() as said:
        rounds(shell("exit 2")).go_round()
    assert (said[0]["event"], said[0]["project"], said[0]["decision"]) == ("monitoring run", "one", "retrain")
    assert said[0]["reasons"] == "distance: PSI 0.31, limit 0.20 (0.02 by chance)"


def test_of_an_error_in_a_box_the_line_with_words_is_told() -> None:
    with capture_logs() as said:
        rounds(shell("printf '╭─ Error ─╮\\n│ no such thing │\\n╰──────╯\\n'; exit 64")).go_round()
    assert said[0]["reason"] == "exit code 64: no such thing"


@pytest.mark.parametrize("end", ["exit 4", "exit 64", "kill -9 $$"])
def test_a_program_that_could_not_run_is_counted_and_told_by_its_last_line(end: str) -> None:
    each = rounds(shell(f"echo first; echo it broke; {end}"), projects=("one", "two"))
    with capture_logs() as said:
        each.go_round()
        each.go_round()
    assert each.failures == {"one": 2, "two": 2}
    assert said[0]["log_level"] == "error"
    assert "it broke" in said[0]["reason"]


def test_a_program_that_ends_well_but_leaves_no_run_has_failed() -> None:
    each = rounds(shell("exit 3"), Store(keeps=False))
    each.go_round()
    assert each.failures == {"one": 1}


def test_a_store_that_is_away_is_a_failure_and_not_the_end() -> None:
    each = rounds(shell("exit 0"), Store(away=True))
    with capture_logs() as said:
        each.go_round()
    assert (each.failures, said[0]["reason"]) == ({"one": 1}, "The store does not answer.")


def test_a_program_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RUN_SECONDS", 0.2)
    each = rounds(shell("exec sleep 60"))
    with capture_logs() as said:
        each.go_round()
    assert "killed, as it took longer" in said[0]["reason"]


def test_stopping_ends_the_program_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    pid = tmp_path / "pid"
    each = rounds(shell(f"echo $$ > {pid}; exec sleep 60"))
    each.start()
    until(lambda: pid.is_file() and pid.read_text().strip())
    began = time.monotonic()
    each.stop()
    assert time.monotonic() - began < module.STOP_SECONDS - 1  # it was asked, not waited for
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert each.failures == {"one": 0}


def test_a_service_that_is_killed_takes_the_program_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    program = (
        "import time\nfrom portfolio.watch import rounds\nrounds.FIRST_SECONDS = 0\n"
        f"rounds.Rounds(['one'], lambda _: ['/bin/sh', '-c', 'echo $$ > {pid}; exec sleep 60'],"
        " newest=lambda _: None, prune=lambda: 0, seconds=60).start()\ntime.sleep(60)\n"
    )
    service = os.posix_spawn(sys.executable, [sys.executable, "-c", program], os.environ)
    try:
        until(lambda: pid.is_file() and pid.read_text().strip())
    finally:
        os.kill(service, 9)
        os.waitpid(service, 0)
    until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())


def test_rounds_go_on_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    log = tmp_path / "log"
    each = rounds(shell(f"echo . >> {log}"), seconds=0.1)
    each.start()
    until(lambda: log.is_file() and len(log.read_text().splitlines()) >= 2)
    each.stop()


def test_the_store_is_pruned_once_a_day_and_again_where_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def prune() -> int:
        asked.append(1)
        if len(asked) == 1:
            raise StoreError("The store does not answer.")
        return 7

    monkeypatch.setattr(module, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    seen: list[int] = []
    each = rounds(lambda _: seen.append(1) or ["/bin/true"], prune=prune, seconds=0.01)  # type: ignore[func-returns-value]
    each.start()
    until(lambda: len(seen) >= 5)
    each.stop()
    assert len(asked) == 2


def test_a_round_that_takes_longer_than_three_intervals_is_no_stop() -> None:
    seen: list[bool] = []
    store = Store()

    def newest(project: str) -> MonitoringRun:
        seen.append(each.stopped)  # also where a program has ended and its run is not read yet
        return store.newest(project)

    each = rounds(shell("sleep 1"), projects=("one", "two"), seconds=0.2, newest=newest)
    going = Thread(target=each.go_round)
    going.start()
    time.sleep(0.1)
    while going.is_alive():
        seen.append(each.stopped)
        time.sleep(0.01)
    assert len(seen) > 20
    assert not any(seen)
    assert each.patience_seconds > 2 + 2 * 0.2
    until(lambda: each.stopped)


def test_three_intervals_without_a_round_are_a_stop() -> None:
    each = rounds(shell("exit 0"), seconds=0.1)
    assert not each.stopped
    until(lambda: each.stopped)
    each.go_round()
    assert not each.stopped
