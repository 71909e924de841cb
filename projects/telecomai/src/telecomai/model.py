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


USAGE = Dataset(
    name="Megaline users behavior",
    licence="educational use; upstream terms not verified",
    sha256=("fa089b8abaee72e5fdc514749912dcf6e4959ca6f4c76900b5ea4ae55257354e",),
)

SOURCE = Source(
    file="users_behavior.csv",
    mirror="telecomai/users_behavior.csv",
    url="https://raw.githubusercontent.com/DuqueOM/ML-MLOps-Portfolio/6828c0d4e8254f0609f3bf4902a22abffcc94adf/"
    "TelecomAI-Customer-Intelligence/data/raw/users_behavior.csv",
    datasets=(USAGE, USAGE.twin("81d15bc90510466e0b92ec33bbdacf9c772ddf6696251a9e2370d11e11293f2f")),
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
    # limits three deviations off the mean of 20 splits: they stop broken models, not unlucky test parts
    rules=(AtLeast("roc_auc", 0.79), AtMost("brier", 0.158), NoWorse("roc_auc", by=0.02), NoWorse("brier", by=0.01)),
)
