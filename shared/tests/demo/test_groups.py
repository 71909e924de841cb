"""Programs are stopped with all their children, and no other program ever is."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portfolio.demo import groups, state
from portfolio.demo.errors import DemoError
from portfolio.demo.groups import Group, alive, start_time, stop
from portfolio.demo.state import recall, remember

Start = Callable[[str], Group]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a shell command in a session of its own, as a group."""
    programs: list[subprocess.Popen[bytes]] = []

    def begin(command: str) -> Group:
        programs.append(subprocess.Popen(["/bin/sh", "-c", command], start_new_session=True))
        return Group("sleeper", programs[-1].pid, start_time(programs[-1].pid), 28001)

    yield begin
    for program in programs:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def test_a_group_is_stopped_with_all_its_children(start: Start) -> None:
    group = start("sleep 60 & sleep 60 & wait")
    eventually(lambda: members(group) == 3)
    assert alive([group]) == (group,)
    assert stop([group]) == ()
    assert members(group) == 0


def test_children_that_outlive_the_first_program_are_stopped_too(start: Start) -> None:
    group = start("sleep 60 & exit 0")
    eventually(lambda: start_time(group.pid) == "")
    assert stop([group]) == ()
    assert members(group) == 0


def test_a_program_that_does_not_listen_is_killed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "ASKED_SECONDS", 0.2)
    group = start(f"exec {sys.executable} -c 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)'")
    time.sleep(0.3)
    assert stop([group]) == ()
    assert alive([group]) == ()


def test_a_task_may_clear_up_before_it_ends(start: Start, tmp_path: Path) -> None:
    part, begun = tmp_path / "model.part", tmp_path / "begun"
    script = f"""
import pathlib, time
part = pathlib.Path({str(part)!r})
part.touch()
try:
    pathlib.Path({str(begun)!r}).touch()
    time.sleep(60)
finally:
    part.unlink()
"""
    task = replace(start(f"exec {sys.executable} -c '{script.replace(chr(39), chr(34))}' 2>/dev/null"), port=None)
    eventually(begun.exists)
    stop([task])
    assert not part.exists()


def test_a_pid_that_belongs_to_another_program_by_now_is_not_touched(start: Start) -> None:
    stranger = start("exec sleep 60")
    recycled = replace(stranger, started="1")
    assert alive([recycled]) == ()
    assert stop([recycled]) == ()
    assert alive([stranger]) == (stranger,)


def test_what_runs_is_recalled_and_what_has_ended_is_not(start: Start, tmp_path: Path) -> None:
    one, other = start("exec sleep 60"), start("exec sleep 60")
    remember(tmp_path, [one, other])
    assert recall(tmp_path) == (one, other)
    stop([one])
    assert recall(tmp_path) == (other,)


def test_nothing_running_leaves_no_file(start: Start, tmp_path: Path) -> None:
    remember(tmp_path, [start("exec sleep 60")])
    remember(tmp_path, [])
    assert list((tmp_path / ".demo").iterdir()) == []
    assert recall(tmp_path) == ()


def test_pids_from_before_the_machine_started_anew_mean_nothing(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(tmp_path, [start("exec sleep 60")])
    boot = tmp_path / "boot"
    boot.write_text("another")
    monkeypatch.setattr(state, "BOOT", boot)
    assert recall(tmp_path) == ()


def test_a_state_that_cannot_be_read_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    remember(tmp_path, [Group("mlflow", 1, "1")])
    (tmp_path / ".demo" / "state.json").write_text("{")
    with pytest.raises(DemoError, match=r"state.json can't be read. Delete it"):
        recall(tmp_path)


@pytest.mark.skipif(not (groups.PROC / "self").exists() or not shutil.which("ps"), reason="compares ps with /proc")
def test_ps_lists_the_same_programs_where_there_is_no_proc(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    group = start("exec sleep 60")
    monkeypatch.setattr(groups, "PROC", Path("/nowhere"))
    seen = replace(group, started=start_time(group.pid))
    assert seen.started not in ("", group.started)
    assert alive([seen]) == (seen,)


def members(group: Group) -> int:
    return sum(member.group == group.pid for member in groups._running())


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
