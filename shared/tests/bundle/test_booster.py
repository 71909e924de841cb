"""LightGBM's C library gives what its Python package gives."""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from portfolio.bundle.booster import Booster
from portfolio.errors import BundleError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(500, 4))
    rows[generator.random(rows.shape) < 0.1] = np.nan
    labels = (np.nansum(rows[:, :2], axis=1) > 0).astype(int)
    trees = lgb.train({"objective": "binary", "verbose": -1, "seed": 1}, lgb.Dataset(rows, labels), 20)
    trees.save_model(tmp_path / "booster.txt")
    return tmp_path / "booster.txt"


@pytest.mark.parametrize("rows", [1, 7])
def test_contributions_are_those_of_the_python_package_to_the_last_bit(path: Path, rows: int) -> None:
    encoded = np.random.default_rng(rows).normal(size=(2 * rows, 4)).astype(np.float32)[::2]  # not in one piece
    encoded[0, 1] = np.nan
    expected = lgb.Booster(model_file=path).predict(encoded, pred_contrib=True)
    assert np.array_equal(Booster(path.read_bytes()).contributions(encoded), expected)


@pytest.mark.parametrize("text", [b"", b"no trees"])
def test_a_text_without_trees_is_refused(text: bytes) -> None:
    with pytest.raises(BundleError, match="No LightGBM model"):
        Booster(text)


def test_rows_of_another_width_are_refused(path: Path) -> None:
    with pytest.raises(BundleError, match="4"):
        Booster(path.read_bytes()).contributions(np.zeros((1, 3), dtype=np.float32))


def test_trees_of_several_classes_are_refused_before_they_write_beyond_their_room() -> None:
    generator = np.random.default_rng(3)
    data = lgb.Dataset(generator.normal(size=(300, 2)), generator.integers(0, 3, 300))
    trees = lgb.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, data, 2)
    with pytest.raises(BundleError, match="this has 3"):
        Booster(trees.model_to_string().encode())
