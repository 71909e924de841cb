"""The reference profile counts every row once, in bins that later traffic can be put into."""

from __future__ import annotations

import numpy as np

from portfolio.profile import profile


def test_numbers_are_binned_at_deciles_and_missing_ones_are_counted_apart() -> None:
    values = np.append(np.arange(1000.0), [np.nan] * 250)
    found = profile({"x": values})["x"]
    assert found["missing"] == 0.2
    assert len(found["edges"]) == 9
    assert sum(found["counts"]) == 1000
    assert max(found["counts"]) - min(found["counts"]) <= 2


def test_a_value_on_an_edge_belongs_to_the_bin_it_closes() -> None:
    found = profile({"x": np.array([0.0] * 60 + [1.0] * 40)})["x"]
    edges, counts = found["edges"], found["counts"]
    bins = np.searchsorted(edges, [0.0, 1.0], side="left")
    assert [counts[b] for b in bins] == [60, 40]


def test_rare_texts_are_counted_together() -> None:
    values = np.array(["a"] * 50 + ["b"] * 30 + [""] * 20 + [f"rare {n}" for n in range(100)], dtype=object)
    found = profile({"x": values})["x"]
    assert found["texts"][:3] == ["a", "b", ""]
    assert found["counts"][:3] == [50, 30, 20]
    assert sum(found["counts"]) + found["other"] == 200
    assert found["missing"] == 0.1
