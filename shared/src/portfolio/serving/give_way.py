"""How a program beside the workers gives way to them, and to whoever else wakes up, on a core that they share."""

from __future__ import annotations

import ctypes
import os
import platform
import time
from pathlib import Path

from portfolio.logs import logger

NICE = 10  # a tenth of a busy core: answers come first, but what waits must not wait for ever
SLICE_NANOSECONDS = 100_000_000  # the longest that Linux takes
AUTOGROUP = Path("/proc/self/autogroup")
AGAIN_SECONDS, TRIES = 0.15, 20  # the kernel takes one such wish in 0.1 s from all who are not root
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}

log = logger(__name__)


class Attributes(ctypes.Structure):
    """`struct sched_attr` in its first version, of 48 bytes (sched_setattr(2))."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def give_way() -> None:
    """Lower the priority of this session, this thread, and those that it will start; the log tells what fails.

    To be called by the first program of a session. Where the kernel groups by session (autogroup, sched(7); not within
    a container), the niceness of a process counts among its session only: the shipper took half of a core from whoever
    else was on it, and 16 connections got 0.84 of the answers that they got without a journal; so they get 0.92.

    The long slice is what a process that wakes up for a request needs: since Linux 6.12 it preempts one whose slice is
    longer than its own at once, without anyone getting less of the core (EEVDF's request size; an older kernel ignores
    it). Being nice alone, the shipper's neighbours waited 1.7 ms in the slowest hundredth; so they wait 0.8 ms.
    """
    nice = os.nice(NICE)
    _lower_session()
    _take_long_slices(nice)


def _lower_session() -> None:
    if not AUTOGROUP.exists() or os.getsid(0) != os.getpid():  # of another's session the others would suffer
        return
    for left in reversed(range(TRIES)):
        try:
            AUTOGROUP.write_text(str(NICE))
        except OSError as error:
            if isinstance(error, BlockingIOError) and left:
                time.sleep(AGAIN_SECONDS)
                continue
            log.info("nice, but as a session as important as others", reason=error.strerror)
        return


def _take_long_slices(nice: int) -> None:
    number = SCHED_SETATTR.get(platform.machine())
    if number is None:
        log.info("nice, but with a slice as long as everyone's", machine=platform.machine())
        return
    wanted = Attributes(size=ctypes.sizeof(Attributes), policy=os.SCHED_OTHER, nice=nice, runtime=SLICE_NANOSECONDS)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, 0, ctypes.byref(wanted), 0):
        log.info("nice, but with a slice as long as everyone's", reason=os.strerror(ctypes.get_errno()))
