"""POST /predict past ASGI and the router: what the route of that path answers, without the frameworks' cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portfolio.serving.body import PREDICT_BYTES, refusal
from portfolio.serving.edge import Headers, asked, begin, closing, end
from portfolio.serving.flow import Asked
from portfolio.serving.problems import JSON, MEDIA_TYPE, RETRY_HEADER, passes, settled
from portfolio.serving.service import Service
from portfolio.serving.turn import Turn

PATH = b"/predict"
JSON_HEADER = (b"content-type", JSON.encode())
PROBLEM_HEADER = (b"content-type", MEDIA_TYPE.encode())

Write = Callable[[int, Headers, bytes], None]


@dataclass(frozen=True)
class Shortcut:
    """What a connection needs to answer predictions by itself: the same turn that the route asks."""

    service: Service
    turn: Turn[Asked, bytes]

    def takes(self, headers: Headers) -> bool:
        """Whether a request with these headers is a plain one; the route knows what to say of the others."""
        sized = b"content-length" in dict(headers)
        return sized and refusal(headers, PREDICT_BYTES) is None and not self.service.drain.begun

    def answer(self, scope: dict[str, Any], body: bytes, write: Write, *, among: int) -> None:
        """Have `write` called with status, headers and body, soon. `among` is the number of open connections."""
        scope |= {"method": "POST", "path": PATH.decode(), "endpoint": self}
        own = begin(self.service, scope)

        def reply(answer: bytes | Exception) -> None:
            status, content = settled(answer, scope)
            kind = JSON_HEADER if status == 200 else PROBLEM_HEADER
            more = closing(self.service.drain)
            if status != 200 and passes(answer):
                more = [RETRY_HEADER, *more]
            write(status, [kind, (b"content-length", b"%d" % len(content)), *own, *more], content)
            end(self.service, scope, status)

        self.turn.join(asked(scope, body), reply, among=among)
