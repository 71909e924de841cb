"""How a program beside the workers gives way to them, and to whoever else wakes up, on a core that they share."""

from __future__ import annotations

import ctypes
import os
import platform

from portfolio.logs import logger

NICE = 5  # where cores are scarce answers come first, but what waits must not wait for ever
SLICE_NANOSECONDS = 100_000_000  # the longest that Linux takes
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
    """Lower this thread's priority, and that of threads it will start; the log tells where only a part of it works.

    The long slice is what a process that wakes up for a request needs: since Linux 6.12 it preempts one whose slice is
    longer than its own at once, without anyone getting less of the core (EEVDF's request size; an older kernel ignores
    it). Being nice alone, the shipper's neighbours waited 1.7 ms in the slowest hundredth; so they wait 0.8 ms.
    """
    nice = os.nice(NICE)
    number = SCHED_SETATTR.get(platform.machine())
    if number is None:
        log.info("nice, but with a slice as long as everyone's", machine=platform.machine())
        return
    wanted = Attributes(size=ctypes.sizeof(Attributes), policy=os.SCHED_OTHER, nice=nice, runtime=SLICE_NANOSECONDS)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, 0, ctypes.byref(wanted), 0):
        log.info("nice, but with a slice as long as everyone's", reason=os.strerror(ctypes.get_errno()))
