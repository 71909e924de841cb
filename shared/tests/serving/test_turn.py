"""What arrives in one turn of the event loop is answered in one go, and nobody pays for another's error."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from portfolio.serving.turn import MOST, Turn


class Squares:
    """Answers with squares, and remembers what it was asked together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.asked.append(list(numbers))
        if 13 in numbers:
            raise ValueError("unlucky")
        return [ValueError("negative") if number < 0 else number**2 for number in numbers]


@pytest.fixture
def squares() -> Squares:
    return Squares()


def ask(squares: Squares, *numbers: int) -> list[int | BaseException]:
    """What each of several askers gets."""

    async def all_of_them() -> list[int | BaseException]:
        turn = Turn(squares)
        return await asyncio.gather(*map(turn.ask, numbers), return_exceptions=True)

    return asyncio.run(all_of_them())


def test_everyone_gets_the_own_answer(squares: Squares) -> None:
    assert ask(squares, 3, 1, 2) == [9, 1, 4]


def test_what_arrives_together_is_asked_once(squares: Squares) -> None:
    ask(squares, *range(10))
    assert squares.asked == [list(range(10))]


def test_what_still_arrives_while_the_loop_turns_is_taken_along(squares: Squares) -> None:
    async def one_after_the_other() -> None:
        turn = Turn(squares)
        first = asyncio.create_task(turn.ask(1))
        await asyncio.sleep(0)
        second = asyncio.create_task(turn.ask(2))
        await asyncio.gather(first, second)

    asyncio.run(one_after_the_other())
    assert squares.asked == [[1, 2]]


def test_an_endless_stream_is_cut_into_turns(squares: Squares) -> None:
    async def stream() -> None:
        turn, waiting = Turn(squares), []
        for number in range(5 * MOST):
            waiting.append(asyncio.create_task(turn.ask(number % 10)))
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)

    asyncio.run(stream())
    assert max(map(len, squares.asked)) <= MOST + 2
    assert len(squares.asked) >= 4


def test_a_lone_question_waits_for_no_clock(squares: Squares) -> None:
    async def alone() -> None:
        asyncio.get_running_loop().call_later = lambda *_, **__: pytest.fail("a timer")  # type: ignore[method-assign]
        assert await Turn(squares).ask(4) == 16

    asyncio.run(alone())


def test_an_error_goes_to_the_one_it_belongs_to(squares: Squares) -> None:
    good, bad = ask(squares, 2, -1)
    assert good == 4
    assert isinstance(bad, ValueError)


def test_one_that_spoils_the_whole_turn_is_found_and_the_others_are_answered(squares: Squares) -> None:
    first, bad, last = ask(squares, 2, 13, 3)
    assert (first, last) == (4, 9)
    assert str(bad) == "unlucky"


def test_an_answer_that_cannot_be_delivered_keeps_nobody_from_theirs(squares: Squares) -> None:
    async def one_breaks() -> int:
        turn, kept = Turn(squares), []
        turn.join(2, {}.__getitem__)  # raises KeyError
        turn.join(3, kept.append)
        turn.close()
        return kept[0]

    assert asyncio.run(one_breaks()) == 9


def test_a_cancelled_question_does_not_keep_the_others_from_their_answer(squares: Squares) -> None:
    async def one_gives_up() -> int:
        turn = Turn(squares)
        gives_up, stays = asyncio.create_task(turn.ask(2)), asyncio.create_task(turn.ask(3))
        await asyncio.sleep(0)
        gives_up.cancel()
        return await stays

    assert asyncio.run(one_gives_up()) == 9
