"""Fits are repeatable, imbalance strategies do what they say, features are attributed to their fields."""

from __future__ import annotations

import numpy as np
import pytest

from portfolio.errors import BundleError
from portfolio.spec import Binary, Frame
from portfolio.training.attribution import attribute
from portfolio.training.fit import linear_fit, resampled, tree_fit
from portfolio.training.models import TreeModel

TASK = Binary(target="y")


@pytest.fixture
def encoded() -> np.ndarray:
    matrix = np.random.default_rng(1).normal(size=(600, 4)).astype(np.float32)
    matrix[::7, 2] = np.nan
    return matrix


@pytest.fixture
def truth(encoded: np.ndarray) -> np.ndarray:
    return (encoded[:, 0] + encoded[:, 1] > 1.2).astype(float)


def test_the_same_seed_gives_the_same_trees(encoded: np.ndarray, truth: np.ndarray) -> None:
    params = {"n_estimators": 20, "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.5}
    texts = []
    for seed in (1, 1, 2):
        model = tree_fit(TASK, params, seed=seed)(encoded, truth)
        assert isinstance(model, TreeModel)
        texts.append(model.booster.model_to_string().split("parameters:")[0])
    assert texts[0] == texts[1] != texts[2]


def test_undersampling_keeps_real_rows_in_equal_numbers(encoded: np.ndarray, truth: np.ndarray) -> None:
    kept, targets = resampled(encoded, truth, "undersample", seed=1)
    assert targets.mean() == 0.5
    assert len(kept) == 2 * truth.sum()
    rows = {row.tobytes() for row in encoded}
    assert all(row.tobytes() in rows for row in np.ascontiguousarray(kept))


def test_smote_adds_whole_rows_and_leaves_real_ones_as_they_are(encoded: np.ndarray, truth: np.ndarray) -> None:
    more, targets = resampled(encoded, truth, "smote", seed=1)
    assert targets.mean() == 0.5
    assert np.array_equal(more[: len(encoded)], encoded, equal_nan=True)
    assert not np.isnan(more[len(encoded) :]).any()


def test_class_weight_raises_the_score_of_the_rare_class(encoded: np.ndarray, truth: np.ndarray) -> None:
    truth = np.where(np.random.default_rng(2).random(len(truth)) < 0.1, 1 - truth, truth)  # so that no fit is sure
    for fit in (tree_fit, linear_fit):
        arguments = ({"n_estimators": 20},) if fit is tree_fit else ()
        plain = fit(TASK, *arguments, seed=1)(encoded, truth).score(encoded).mean()
        weighted = fit(TASK, *arguments, seed=1, imbalance="class_weight")(encoded, truth).score(encoded).mean()
        assert weighted > plain + 0.3


def test_a_feature_that_follows_no_field_is_refused() -> None:
    with pytest.raises(BundleError, match="The feature row varies"):
        attribute(lambda frame: {"row": np.arange(float(len(frame["a"])))}, {"a": np.arange(60.0)})


def test_a_feature_is_attributed_to_every_field_it_is_made_of() -> None:
    def features(frame: Frame) -> Frame:
        return {
            "a": frame["a"],
            "a_per_b": frame["a"] / frame["b"],
            "known": np.isnan(frame["b"]).astype(float),
            "brand": np.array([text.split(" ")[0] for text in frame["model"]], dtype=object),
            "one": np.ones(len(frame["a"])),
        }

    b = np.arange(1.0, 61.0)
    b[::4] = np.nan
    models = np.array([f"make{row % 3} {row}" for row in range(60)], dtype=object)
    frame = {"a": np.arange(60.0) ** 2, "b": b, "model": models}
    assert attribute(features, frame) == {
        "a": ("a",),
        "a_per_b": ("a", "b"),
        "known": ("b",),
        "brand": ("model",),
        "one": (),
    }
