"""`python -m drills.lifecycle.load PORT BODY FILE`: constant load on /predict, every answer recorded, until SIGTERM."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from pathlib import Path
from struct import Struct
from typing import BinaryIO

RATE = 700.0
"""Requests a second of all connections together."""
CONNECTIONS = 16
PATIENCE = 10.0
RECORD = Struct("<ddHH")
"""When it was sent and when its answer was there (monotonic seconds), its status, the model's version; 0: none."""
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
VERSION = re.compile(rb'"model_version":"(\d+)"')
Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def load(port: int, body: bytes, out: BinaryIO) -> None:
    """Ask on every connection in turn, evenly over time, until SIGTERM; then wait for the answers that are due."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    head = f"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    begun = time.monotonic()
    starts = [begun + number / RATE for number in range(CONNECTIONS)]
    await asyncio.gather(*(_ask_always(port, request, out, start=start, over=over) for start in starts))


async def _ask_always(port: int, request: bytes, out: BinaryIO, *, start: float, over: asyncio.Event) -> None:
    """One connection, opened anew where it was lost. A late answer delays the next question, not those after it."""
    link: Link | None = None
    due = start
    while not over.is_set():
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += CONNECTIONS / RATE
        sent = time.monotonic()
        try:
            link = link or await asyncio.open_connection("127.0.0.1", port)
            status, version = await asyncio.wait_for(_ask(link, request), PATIENCE)
        except (OSError, EOFError, TimeoutError):
            link, status, version = None, 0, 0
        out.write(RECORD.pack(sent, time.monotonic(), status, version))


async def _ask(link: Link, request: bytes) -> tuple[int, int]:
    reader, writer = link
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[1]) if length else 0)
    version = VERSION.search(body)
    return int(head.split(b" ", 2)[1]), int(version[1]) if version else 0


if __name__ == "__main__":
    with Path(sys.argv[3]).open("ab", buffering=0) as file:  # at once, as the drill reads along
        asyncio.run(load(int(sys.argv[1]), sys.argv[2].encode(), file))
