"""Rows become frames, and frames the model's two tensors."""

from __future__ import annotations

import numpy as np
import pytest
from toys import Order

from portfolio.data.frames import Layout, floats, frame_of, pack


def test_what_is_missing_is_nan_or_an_empty_text() -> None:
    frame = frame_of([{"pieces": 3, "colour": "red"}, {"pieces": 4, "colour": "blue", "weight": None}], Order.COLUMNS)
    assert np.isnan(frame["weight"]).all()
    assert frame["note"].tolist() == ["", ""]
    assert frame["pieces"].tolist() == [3.0, 4.0]


def test_columns_keep_the_order_of_the_fields() -> None:
    assert list(frame_of([{"colour": "red", "pieces": 3}], Order.COLUMNS)) == [c.name for c in Order.COLUMNS]


def test_a_whole_number_beyond_float64_is_infinite_so_that_it_is_refused_as_too_large() -> None:
    frame = frame_of([{"pieces": 10**400}, {"pieces": -(10**400)}, {"pieces": 3}], Order.COLUMNS)
    assert frame["pieces"].tolist() == [np.inf, -np.inf, 3.0]


@pytest.mark.parametrize(("number", "nearest"), [(10**400, np.inf), (-(10**400), -np.inf), (7, 7.0)])
def test_a_list_and_rows_of_numbers_become_floats_in_the_same_way(number: int, nearest: float) -> None:
    made = floats([1, None, number])
    np.testing.assert_array_equal(made, [1.0, np.nan, nearest])
    np.testing.assert_array_equal(floats([[1, None, number], [2.5, 3, 4]]), [made, [2.5, 3.0, 4.0]])
    assert made.dtype == np.float64


def test_packing_orders_the_columns_as_the_layout_names_them() -> None:
    made = {
        "a": np.array([1.0, 2.0]),
        "t": np.array(["x", "y"], dtype=object),
        "b": np.array([3.0, 1e39]),
        "u": np.array(["z", ""], dtype=object),
    }
    packed = pack(made, Layout(("b", "a"), ("u", "t")))
    assert packed.numeric.tolist() == [[3.0, 1.0], [np.inf, 2.0]]
    assert packed.numeric.dtype == np.float32
    assert packed.categorical.tolist() == [["z", "x"], ["", "y"]]


def test_a_kind_without_columns_is_a_tensor_without_columns() -> None:
    packed = pack({"a": np.array([1.0, 2.0])}, Layout(("a",), ()))
    assert (packed.numeric.shape, packed.categorical.shape) == ((2, 1), (2, 0))
