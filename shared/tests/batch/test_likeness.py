"""Rows are scored in another order than they come in, and nobody can tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from toys import LATE, Order, orders, write_bundle

from portfolio.batch.likeness import LikeRows
from portfolio.bundle import ANYONE, load
from portfolio.data.frames import frame_of


class Positions:
    """A session that answers with the first number of each row, and remembers in which order they came."""

    def run(self, _outputs: Any, tensors: Any, _options: None, /) -> list[Any]:
        self.seen = tensors["numeric"][:, 0].tolist(), tensors["categorical"][:, 0].tolist()
        return [tensors["numeric"][:, :1]]


def test_like_rows_stand_together_and_results_do_not() -> None:
    session = Positions()
    numbers = np.array([[4.0], [1.0], [3.0], [2.0]], dtype=np.float32)
    texts = np.array([["b"], ["a"], ["a"], ["b"]], dtype=object)
    (result,) = LikeRows(session).run(["score"], {"numeric": numbers, "categorical": texts}, None)
    assert result.tolist() == numbers.tolist()
    assert session.seen == ([2.0, 4.0, 1.0, 3.0], ["b", "b", "a", "a"])


def test_scores_of_trees_are_the_same_to_the_bit(tmp_path: Path) -> None:
    scorer = load(write_bundle(LATE, tmp_path / "v1"), LATE, ANYONE)
    frame = frame_of(orders(500), Order.COLUMNS)
    sorted_scorer = replace(scorer, session=LikeRows(scorer.session))
    assert sorted_scorer.margins(frame).tolist() == scorer.margins(frame).tolist()
