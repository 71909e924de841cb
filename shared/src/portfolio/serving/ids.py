"""Ids of predictions (sortable by time) and of requests (the caller's own where it is sane)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable

SANE = re.compile(rb"[\x20-\x7e]{1,128}")
VERSION, VARIANT = 0x7 << 76, 0b10 << 62
RANDOM_BITS = ((1 << 80) - 1) ^ (0xF << 76) ^ (0b11 << 62)


def uuid7(milliseconds: int, entropy: bytes) -> str:
    """A version 7 UUID (RFC 9562, section 5.7) of a Unix time and ten random bytes, of which 74 bits are used."""
    tail = int.from_bytes(entropy) & RANDOM_BITS
    digits = f"{milliseconds << 80 | VERSION | VARIANT | tail:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def prediction_id() -> str:
    """A new prediction's id."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's X-Request-ID where it is 1 to 128 printable ASCII characters, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and SANE.fullmatch(value):
            return value.decode("ascii")
    return os.urandom(16).hex()
