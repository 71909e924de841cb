"""How a program gives way to others: asked of the kernel itself, in a process that may lose its priority."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
import time

import pytest

from portfolio.serving import give_way as module
from portfolio.serving.give_way import AUTOGROUP
from portfolio.serving.keeper import Keeper

ASK = """
import ctypes, os, platform
from threading import Thread
from portfolio.serving.give_way import Attributes, give_way

def told():
    found = Attributes()
    number = {"x86_64": 315, "aarch64": 275}[platform.machine()]  # sched_getattr
    assert ctypes.CDLL(None).syscall(number, 0, ctypes.byref(found), ctypes.sizeof(found), 0) == 0
    print(found.policy, found.nice - before, found.runtime)

before = os.nice(0)
give_way()
told()
thread = Thread(target=told)
thread.start()
thread.join()
"""


def test_it_is_nicer_and_its_slice_is_the_longest_also_for_threads_to_come() -> None:
    kernel = tuple(int(part) for part in platform.release().split(".")[:2])
    length = 100_000_000 if kernel >= (6, 12) else 0  # before, none but deadline tasks had a slice of their own
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [f"0 10 {length}"] * 2


GROUPED = pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel does not group processes by session")
TELL = (
    "from portfolio.serving.give_way import AUTOGROUP, give_way; give_way(); print(AUTOGROUP.read_text(), flush=True)"
)


@GROUPED
def test_what_stands_beside_the_workers_is_less_important_than_them(capfd: pytest.CaptureFixture[str]) -> None:
    """Seen red with a group of processes instead of a session: the shipper took half of a core from others."""
    said = ""
    with Keeper("teller", [sys.executable, "-c", TELL]):
        until = time.monotonic() + 60
        while "nice" not in said and time.monotonic() < until:
            time.sleep(0.1)
            said += capfd.readouterr().out
    assert "nice 10" in said


@GROUPED
def test_it_does_not_make_a_session_that_is_anothers_less_important() -> None:
    before = AUTOGROUP.read_text()
    done = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == before.strip()


class Group:
    """The file of a session that refuses at first, as the kernel does where another has just asked."""

    def __init__(self, refusals: int) -> None:
        self.refusals, self.written = refusals, list[str]()

    def exists(self) -> bool:
        return True

    def write_text(self, text: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.written.append(text)


@pytest.mark.parametrize(("refusals", "written", "lines"), [(2, ["10"], 0), (99, [], 1)])
def test_a_kernel_that_takes_such_wishes_seldom_is_asked_again_and_one_that_does_not_is_told_of(
    monkeypatch: pytest.MonkeyPatch, refusals: int, written: list[str], lines: int
) -> None:
    group = Group(refusals)
    told: list[str] = []
    monkeypatch.setattr(module, "AUTOGROUP", group)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(module.os, "getsid", lambda _: os.getpid())
    monkeypatch.setattr(module.log, "info", lambda said, **_: told.append(said))
    module._lower_session()
    assert (group.written, len(told)) == (written, lines)
