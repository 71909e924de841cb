"""Fitted models as ONNX graphs: `numeric` and `categorical` in, `score` (raw margin or value) and `encoded` out.

Written here and not by a converter, because onnxmltools 1.16 rounds LightGBM's float64 thresholds to the nearest
float32: a fifth of them then lie above the original, and 590 of 18,000 rows next to a threshold scored up to 0.18 off
(bankchurn, 200 trees). Rounding down is exact for float32 inputs. It also has no way to a binary booster's raw margin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np
import onnx
from onnx import TensorProto, helper

from portfolio.data.frames import Layout
from portfolio.training.encoder import Encoder
from portfolio.training.models import LinearModel, TreeModel

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
IR_VERSION = 9
ZERO = float(np.float32(1e-35))


def to_onnx(model: TreeModel | LinearModel, encoder: Encoder) -> bytes:
    """One self-contained graph, the same bytes for the same model."""
    nodes, weights = _encode(encoder)
    head = _trees(model.booster) if isinstance(model, TreeModel) else _linear(model)
    graph = helper.make_graph(
        [*nodes, *head[0]],
        "portfolio",
        _inputs(encoder.layout),
        [_tensor("score", TensorProto.FLOAT, 1), _tensor("encoded", TensorProto.FLOAT, encoder.width)],
        initializer=[*weights, *head[1]],
    )
    exported = helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION, producer_name="portfolio")
    onnx.checker.check_model(exported, full_check=True)
    content: bytes = exported.SerializeToString(deterministic=True)
    return content


Part = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]


def _inputs(layout: Layout) -> list[onnx.ValueInfoProto]:
    tensors = [("numeric", TensorProto.FLOAT, layout.numeric), ("categorical", TensorProto.STRING, layout.categorical)]
    return [_tensor(name, kind, len(columns)) for name, kind, columns in tensors if columns]


def _tensor(name: str, kind: int, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, [None, width])


def _encode(encoder: Encoder) -> Part:
    nodes, weights, parts = [], [], ["numeric"] if encoder.layout.numeric else []
    for position, known in enumerate(encoder.categories):
        weights.append(helper.make_tensor(f"position_{position}", TensorProto.INT64, [], [position]))
        nodes.append(helper.make_node("Gather", ["categorical", f"position_{position}"], [f"text_{position}"], axis=1))
        nodes.append(
            helper.make_node(
                "OneHotEncoder",
                [f"text_{position}"],
                [f"one_hot_{position}"],
                domain="ai.onnx.ml",
                cats_strings=list(known),
                zeros=1,
            )
        )
        parts.append(f"one_hot_{position}")
    nodes.append(helper.make_node("Concat", parts, ["encoded"], axis=1))
    return nodes, weights


def _linear(model: LinearModel) -> Part:
    constants = {
        "fill": model.fill,
        "center": model.center,
        "scale": model.scale,
        "weights": model.weights[:, None],
        "intercept": np.array([model.intercept]),
    }
    nodes = [
        helper.make_node("IsNaN", ["encoded"], ["missing"]),
        helper.make_node("Where", ["missing", "fill", "encoded"], ["filled"]),
        helper.make_node("Sub", ["filled", "center"], ["centered"]),
        helper.make_node("Div", ["centered", "scale"], ["scaled"]),
        helper.make_node("Gemm", ["scaled", "weights", "intercept"], ["score"]),
    ]
    return nodes, [onnx.numpy_helper.from_array(v.astype(np.float32), name) for name, v in constants.items()]


def _trees(booster: lgb.Booster) -> Part:
    ensemble = _Ensemble()
    for tree, dumped in enumerate(booster.dump_model()["tree_info"]):
        ensemble.add(tree, dumped["tree_structure"])
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["encoded"],
        ["score"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        **ensemble.attributes(),
    )
    return [node], []


@dataclass
class _Ensemble:
    """Collects the nodes of all trees as the parallel lists that TreeEnsembleRegressor wants."""

    nodes: list[tuple[int, int, int, str, float, int, int, int]] = field(default_factory=list)
    leaves: list[tuple[int, int, float]] = field(default_factory=list)

    def add(self, tree: int, root: dict[str, Any]) -> None:
        waiting, seen = [(root, 0)], 1
        while waiting:
            node, number = waiting.pop()
            if "leaf_value" in node:
                self.nodes.append((tree, number, 0, "LEAF", 0.0, 0, 0, 0))
                self.leaves.append((tree, number, node["leaf_value"]))
                continue
            threshold = _floor32(node["threshold"])
            branch = (node["split_feature"], "BRANCH_LEQ", threshold, seen, seen + 1, _missing_goes_left(node))
            self.nodes.append((tree, number, *branch))
            waiting += [(node["left_child"], seen), (node["right_child"], seen + 1)]
            seen += 2

    def attributes(self) -> dict[str, Any]:
        names = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
        columns = list(zip(*sorted(self.nodes), strict=True))
        leaves = list(zip(*sorted(self.leaves), strict=True))
        return {
            **{f"nodes_{name}": column for name, column in zip(names, columns, strict=False)},
            "nodes_missing_value_tracks_true": columns[7],
            "target_treeids": leaves[0],
            "target_nodeids": leaves[1],
            "target_ids": [0] * len(self.leaves),
            "target_weights": leaves[2],
        }


def _floor32(threshold: float) -> float:
    """The largest finite float32 that is not above: for a finite float32 x, x <= threshold exactly where x <= this."""
    if abs(threshold) <= ZERO:  # LightGBM's predict takes every |x| <= ZERO for 0, which then falls on one side
        return ZERO if threshold >= 0 else float(np.nextafter(np.float32(-ZERO), np.float32(-np.inf)))
    rounded = np.float32(min(threshold, float(np.finfo(np.float32).max)))
    return float(rounded if float(rounded) <= threshold else np.nextafter(rounded, np.float32(-np.inf)))


def _missing_goes_left(node: dict[str, Any]) -> int:
    """LightGBM's three ways with NaN: a learned side, or (where training saw none) as if it were 0."""
    if node["missing_type"] == "NaN":
        return int(node["default_left"])
    if node["missing_type"] == "None":
        return int(node["threshold"] >= 0)
    raise ValueError(f"A tree treats {node['missing_type']} as missing; train without zero_as_missing.")
