"""What processes tell each other, and that the dead no longer say anything."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from threading import Timer

from portfolio.serving.board import Attempt, Board, Failure, Notice, start_time

FAILURE = Failure("1", "b1", "verify", "altered", "A file was altered.", "2026-01-01T00:00:00.000+00:00")
NOTICE = Notice(os.getpid(), start_time(os.getpid()), 1.5, "toy", "1", "/b1", "Orders", {"/b1": "e3b0"}, FAILURE)


def test_a_notice_is_read_as_it_was_posted(tmp_path: Path) -> None:
    Board(tmp_path).post(NOTICE)
    assert Board(tmp_path).notices() == [NOTICE]


def test_a_worker_has_one_notice(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.post(NOTICE)
    board.post(replace(NOTICE, model_version="2", failure=None))
    assert [notice.model_version for notice in board.notices()] == ["2"]


def test_the_notice_of_a_process_that_ended_is_passed_over(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.post(replace(NOTICE, pid=2**22 + 1))
    board.post(replace(NOTICE, started="1"))  # another process has the id now
    assert board.notices() == []


def test_an_attempt_is_read_as_it_was_reported(tmp_path: Path) -> None:
    attempt = Attempt(1.5, "failed", FAILURE, "", {"verify": {"altered": 2}})
    board = Board(tmp_path)
    assert board.attempt() is None
    board.report(attempt)
    assert board.attempt() == attempt


def test_workers_see_that_they_are_asked(tmp_path: Path) -> None:
    for board in (Board(tmp_path), Board(None)):
        seen = [board.asked()]
        for _ in range(2):
            board.ask_workers()
            seen.append(board.asked())
        assert len(set(seen)) == 3


def test_the_bell_wakes_who_listens(tmp_path: Path) -> None:
    board, worker = Board(tmp_path), Board(tmp_path)
    board.hang_bell()
    assert not board.listen(0.01)
    ringing = Timer(0.2, worker.ring)
    ringing.start()
    assert board.listen(20)
    ringing.join()
    assert not board.listen(0.01)


def test_a_bell_that_nobody_hears_is_told(tmp_path: Path) -> None:
    board = Board(tmp_path)
    assert not board.followed
    board.hang_bell()
    assert board.followed
    assert not board.ring()


def test_an_application_without_a_service_keeps_to_itself() -> None:
    board = Board(None)
    board.post(NOTICE)
    assert board.notices() == [NOTICE]
    assert board.attempt() is None
    assert not board.followed
