"""A row's part depends on its group and the salt alone."""

from __future__ import annotations

import numpy as np

from portfolio.data.split import folds, group_keys, is_test

FRAME = {
    "model": np.array(["a", "a", "b", "b"], dtype=object),
    "year": np.array([2000.0, 2000.0, 2000.0, np.nan]),
    "price": np.array([1.0, 2.0, 3.0, 4.0]),
}


def keys(count: int) -> list[bytes]:
    return [f"group {number}".encode() for number in range(count)]


def test_rows_alike_in_the_group_fields_share_a_key() -> None:
    first, second, third, fourth = group_keys(FRAME, ("model", "year"))
    assert first == second
    assert len({first, third, fourth}) == 3


def test_a_row_keeps_its_part_when_rows_are_added_before_it() -> None:
    few, many = keys(500), [b"new", *keys(500), b"newer"]
    assert (is_test(many, salt=1)[1:-1] == is_test(few, salt=1)).all()
    assert (folds(many, 5, salt=1)[1:-1] == folds(few, 5, salt=1)).all()


def test_a_fifth_of_the_groups_is_for_testing_and_another_salt_chooses_others() -> None:
    one, two = is_test(keys(20_000), salt=1), is_test(keys(20_000), salt=2)
    assert abs(one.mean() - 0.2) < 0.01
    assert abs((one & two).mean() - 0.04) < 0.01


def test_folds_are_of_equal_size_and_independent_of_the_part() -> None:
    chosen, tested = folds(keys(20_000), 5, salt=1), is_test(keys(20_000), salt=1)
    assert set(chosen.tolist()) == {0, 1, 2, 3, 4}
    assert np.abs(np.bincount(chosen) / 20_000 - 0.2).max() < 0.01
    assert np.abs(np.bincount(chosen[tested]) / tested.sum() - 0.2).max() < 0.03


def test_the_parts_are_the_ones_of_every_release() -> None:
    # a changed hash would move rows that the running champion trained on into the test part
    assert np.flatnonzero(is_test(keys(30), salt=42)).tolist() == [1, 2, 6, 7, 9, 23, 24, 25, 29]
