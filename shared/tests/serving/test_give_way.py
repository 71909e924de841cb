"""How a program gives way to others: asked of the kernel itself, in a process that may lose its priority."""

from __future__ import annotations

import platform
import subprocess
import sys

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
    assert done.stdout.splitlines() == [f"0 5 {length}"] * 2
