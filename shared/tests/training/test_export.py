"""The graph scores as the fitted model does, on the rows where exports go wrong."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import onnx
import pytest

from portfolio.bundle import open_session
from portfolio.bundle.scorer import run
from portfolio.data.frames import Arrays, Layout
from portfolio.spec import Binary, Regression
from portfolio.training.encoder import Encoder, fit_encoder
from portfolio.training.export import to_onnx
from portfolio.training.fit import linear_fit, tree_fit
from portfolio.training.models import Model, TreeModel

LAYOUT = Layout(("age", "income", "visits"), ("colour", "city"))
TASKS = [Binary(target="y"), Regression(target="y", unit="USD", within=(1, 10))]


def rows(count: int, seed: int = 0) -> Arrays:
    random = np.random.default_rng(seed)
    numeric = random.normal(0, 50, (count, 3)).astype(np.float32)
    numeric[random.random((count, 3)) < 0.1] = np.nan
    numeric[:, 0] = np.round(random.uniform(18, 90, count))  # never missing, so its trees learn no side for NaN
    categorical = np.empty((count, 2), dtype=object)
    categorical[:, 0] = random.choice(["", "red", "blue"], count)
    categorical[:, 1] = random.choice(["Bern", "Köln", "São Paulo"], count)
    return Arrays(numeric, categorical)


def target(arrays: Arrays) -> np.ndarray:
    signal = np.nan_to_num(arrays.numeric[:, 1]) + 20 * (arrays.categorical[:, 0] == "red") - arrays.numeric[:, 0]
    return (signal > -50).astype(float)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return fit_encoder(rows(2000), LAYOUT)


@pytest.fixture(scope="module", params=["trees", "linear"])
def model(request: pytest.FixtureRequest, encoder: Encoder) -> Model:
    task = TASKS[0]
    fit = tree_fit(task, {"n_estimators": 80}, seed=1) if request.param == "trees" else linear_fit(task, seed=1)
    return fit(encoder.encode(rows(2000)), target(rows(2000)))


def scores(model: Model, encoder: Encoder, arrays: Arrays) -> np.ndarray:
    return run(open_session(to_onnx(model, encoder)), arrays, "score")[:, 0]


def splits_of(booster: lgb.Booster) -> list[tuple[int, float]]:
    """(column, threshold as LightGBM has it) from the model's text."""
    text = booster.model_to_string().splitlines()
    features, values = (
        [v for line in text if line.startswith(key) for v in line.split("=")[1].split()]
        for key in ("split_feature=", "threshold=")
    )
    return [(int(f), float(v)) for f, v in zip(features, values, strict=True) if abs(float(v)) < 1e30]


def damaged(arrays: Arrays) -> Arrays:
    random = np.random.default_rng(5)
    numeric, categorical = arrays.numeric.copy(), arrays.categorical.copy()
    numeric[random.random(numeric.shape) < 0.4] = np.nan
    categorical[random.random(categorical.shape) < 0.4] = "never seen"
    return Arrays(numeric, categorical)


@pytest.mark.parametrize("change", [lambda arrays: arrays, damaged], ids=["plain", "missing and unseen"])
def test_graph_and_model_agree(model: Model, encoder: Encoder, change: object) -> None:
    arrays = change(rows(3000, seed=9))  # type: ignore[operator]
    assert scores(model, encoder, arrays) == pytest.approx(model.score(encoder.encode(arrays)), abs=2e-5)


def test_rows_on_either_side_of_every_threshold_agree(encoder: Encoder) -> None:
    model = tree_fit(TASKS[0], {"n_estimators": 80}, seed=1)(encoder.encode(rows(2000)), target(rows(2000)))
    assert isinstance(model, TreeModel)
    splits = [split for split in splits_of(model.booster) if split[0] < 3]
    arrays = rows(3 * len(splits), seed=2)
    numeric = arrays.numeric.copy()
    for row, (column, value) in enumerate(splits):
        at = np.float32(value)
        around = (np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf)))
        numeric[3 * row : 3 * row + 3, column] = around
    near = Arrays(numeric, arrays.categorical)
    rounded_up = sum(float(np.float32(value)) > value for _, value in splits)
    assert rounded_up > 20  # or this test would show nothing
    assert scores(model, encoder, near) == pytest.approx(model.score(encoder.encode(near)), abs=2e-5)


def test_one_row_scores_the_same_bits_as_in_a_batch(encoder: Encoder) -> None:
    model = tree_fit(TASKS[1], {"n_estimators": 80}, seed=1)(
        encoder.encode(rows(2000)), rows(2000).numeric[:, 0].copy()
    )
    session, arrays = open_session(to_onnx(model, encoder)), rows(300, seed=4)
    singles = [run(session, arrays[row : row + 1], "score")[0, 0] for row in range(300)]
    assert (run(session, arrays, "score")[:, 0] == np.array(singles)).all()


def test_the_encoded_matrix_is_the_one_that_was_trained_on(model: Model, encoder: Encoder) -> None:
    arrays = damaged(rows(50))
    encoded = run(open_session(to_onnx(model, encoder)), arrays, "encoded")
    assert np.array_equal(encoded, encoder.encode(arrays), equal_nan=True)
    assert encoder.columns == ("age", "income", "visits", *["colour"] * 3, *["city"] * 3)


def test_the_same_model_gives_the_same_bytes_under_a_fixed_name(model: Model, encoder: Encoder) -> None:
    graph = to_onnx(model, encoder)
    assert graph == to_onnx(model, encoder)
    assert onnx.load_from_string(graph).graph.name == "portfolio"


@pytest.mark.parametrize(("numeric", "categorical"), [(("a",), ()), ((), ("c",))])
def test_a_tensor_without_columns_is_no_input(numeric: tuple[str, ...], categorical: tuple[str, ...]) -> None:
    arrays = Arrays(rows(500).numeric[:, : len(numeric)], rows(500).categorical[:, : len(categorical)])
    encoder = fit_encoder(arrays, Layout(numeric, categorical))
    model = tree_fit(TASKS[0], {"n_estimators": 5}, seed=1)(encoder.encode(arrays), target(rows(500)))
    graph = to_onnx(model, encoder)
    assert len(onnx.load_from_string(graph).graph.input) == 1
    scores = run(open_session(graph), arrays, "score")[:, 0]
    assert scores == pytest.approx(model.score(encoder.encode(arrays)), abs=2e-5)


def test_a_booster_that_takes_zero_for_missing_is_refused(encoder: Encoder) -> None:
    data = lgb.Dataset(np.nan_to_num(encoder.encode(rows(2000))), target(rows(2000)))
    booster = lgb.train({"objective": "binary", "zero_as_missing": True, "verbose": -1}, data, num_boost_round=5)
    with pytest.raises(ValueError, match="zero_as_missing"):
        to_onnx(TreeModel(booster), encoder)
