"""Ids of predictions (sortable by time) and of requests (the caller's own where it is sane)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable

SANE = re.compile(rb"[\x20-\x7e]{1,128}")
PIECE, PIECES = 16, 256
VARIANT = "89ab"


class Entropy:
    """Random bytes from the system, fetched by the page: a call a request would cost as much as parsing its body.

    Threads may share it: taking one piece off a list is atomic.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def take(self) -> bytes:
        """Sixteen bytes that nobody else gets."""
        try:
            return self._pieces.pop()
        except IndexError:
            page = os.urandom(PIECE * PIECES)
            pieces = [page[start : start + PIECE] for start in range(0, len(page), PIECE)]
            mine, self._pieces = pieces.pop(), pieces
            return mine


class Ids:
    """Makes the ids of one worker."""

    def __init__(self) -> None:
        self._entropy = Entropy()

    def predictions(self, number: int) -> list[str]:
        """Ids of new predictions."""
        now = time.time_ns() // 1_000_000
        return [uuid7(now, self._entropy.take()) for _ in range(number)]

    def given(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
        """The caller's X-Request-ID, else a new one, and X-Entity-ID, else "": 1 to 128 printable ASCII characters."""
        request_id = entity_id = ""
        for name, value in headers:
            if name == b"x-request-id" and not request_id and SANE.fullmatch(value):
                request_id = value.decode("ascii")
            elif name == b"x-entity-id" and not entity_id and SANE.fullmatch(value):
                entity_id = value.decode("ascii")
        return request_id or self._entropy.take().hex(), entity_id


def uuid7(milliseconds: int, entropy: bytes) -> str:
    """A version 7 UUID (RFC 9562, section 5.7) of a Unix time and at least ten random bytes, 74 bits of them."""
    time_part, random_part = f"{milliseconds:012x}", entropy.hex()
    variant = VARIANT[entropy[2] >> 4 & 3]
    return f"{time_part[:8]}-{time_part[8:]}-7{random_part[1:4]}-{variant}{random_part[5:8]}-{random_part[8:20]}"
