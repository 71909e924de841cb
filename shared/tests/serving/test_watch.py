"""A worker's look at the pointers is told to whoever asked for it."""

from __future__ import annotations

import time

from portfolio.bundle.files import manifest_digest
from portfolio.serving.board import Board, Mark
from portfolio.serving.live import Live
from portfolio.serving.watch import Watch
from portfolio.spec import ModelSpec


class AskedMeanwhile(Board):
    """A board on which someone asks for a look while one is on its way."""

    when = 0.0

    def asked(self) -> Mark:
        if not self.when:
            self.when = time.monotonic()
            self.ask_workers()
        return super().asked()


def test_who_asks_while_a_worker_looks_is_not_kept_waiting(late: ModelSpec) -> None:
    board = AskedMeanwhile(None)
    watch = Watch(late, Live(late), board, failed=lambda _: None)
    watch.look()
    watch.look()
    [notice] = board.notices()
    assert notice.looked >= board.when


def test_a_worker_tells_what_it_holds(late: ModelSpec) -> None:
    board = Board(None)
    Watch(late, Live(late), board, failed=lambda _: None).look()
    [notice] = board.notices()
    assert list(notice.held) == [notice.bundle]
    assert list(notice.held.values()) == [manifest_digest(late.root / "models" / "v1")]
