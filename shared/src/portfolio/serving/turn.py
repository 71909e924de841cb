"""What arrives together is answered together, so that the fixed cost of scoring is paid once for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from portfolio.logs import logger

log = logger(__name__)

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

MOST = 64  # answered at once: other requests wait meanwhile


class Turn(Generic[Asked, Answer]):
    """Collects what is asked until a turn of the event loop brings nothing more. Nobody waits for a clock.

    `answer` takes what was asked and gives an answer or an error for each, in order. Where it raises, each is asked
    alone, so that one request can't spoil another.
    """

    def __init__(self, answer: Callable[[Sequence[Asked]], Sequence[Answer | Exception]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Asked, Callable[[Answer | Exception], None]]] = []
        self._seen = 0
        self._context = Context()  # a line logged for all belongs to no single request

    def join(self, asked: Asked, reply: Callable[[Answer | Exception], None], *, among: int = MOST) -> None:
        """Have `reply` called with the answer, or the error, soon: at once when all `among` that could ask have."""
        self._waiting.append((asked, reply))
        if len(self._waiting) >= min(among, MOST):
            self.close()
        elif len(self._waiting) == 1:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._look, loop, context=self._context)

    async def ask(self, asked: Asked) -> Answer:
        """The answer; raises the error."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.join(asked, lambda answer: _settle(future, answer))
        return await future

    def close(self) -> None:
        """Answer all that wait."""
        if not self._waiting:
            return
        waiting, self._waiting, self._seen = self._waiting, [], 0
        for (_, reply), answer in zip(waiting, self._answers([asked for asked, _ in waiting]), strict=True):
            try:
                reply(answer)
            except Exception:
                log.exception("an answer was not delivered")  # the others' are

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._seen < len(self._waiting) < MOST:
            self._seen = len(self._waiting)
            loop.call_soon(self._look, loop, context=self._context)
        else:
            self.close()

    def _answers(self, asked: Sequence[Asked]) -> Sequence[Answer | Exception]:
        try:
            return self._answer(asked)
        except Exception as error:  # noqa: BLE001 - the one it belongs to gets it
            return [error] if len(asked) == 1 else [self._answers([one])[0] for one in asked]


def _settle(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.done():
        return  # the request was cancelled
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
