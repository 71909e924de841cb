"""The project's spec."""

from collections.abc import Mapping
from typing import Any

from portfolio.spec import AtLeast, AtMost, Binary, BinaryOutcome, Dataset, ModelSpec, NoWorse, Source
from telecomai.features import features
from telecomai.schema import PlanRecommendation, Usage


def respond(outcome: BinaryOutcome, _options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prediction": outcome.decision,
        "probability_is_ultra": outcome.probability,
        "recommended_plan": "ultra" if outcome.decision else "smart",
    }


SOURCE = Source(
    file="users_behavior.csv",
    mirror="telecomai/users_behavior.csv",
    url="https://raw.githubusercontent.com/DuqueOM/ML-MLOps-Portfolio/6828c0d4e8254f0609f3bf4902a22abffcc94adf/"
    "TelecomAI-Customer-Intelligence/data/raw/users_behavior.csv",
    sample="users_behavior.csv.gz",
    datasets=(
        Dataset(
            name="Megaline users behavior",
            licence="educational use; upstream terms not verified",
            sha256=("fa089b8abaee72e5fdc514749912dcf6e4959ca6f4c76900b5ea4ae55257354e",),
        ),
        Dataset(name="Megaline users behavior twin", licence="Apache-2.0", sha256=("0" * 64,), synthetic=True),
    ),
    prepare=lambda table: table,
)

SPEC = ModelSpec(
    name="telecomai",
    title="Phone plan recommendation",
    request=Usage,
    response=PlanRecommendation,
    task=Binary(target="is_ultra"),
    features=features,
    source=SOURCE,
    respond=respond,
    rules=(AtLeast("roc_auc", 0.77), AtMost("brier", 0.16), NoWorse("roc_auc", by=0.01)),
)
