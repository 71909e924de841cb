"""The project's spec."""

from collections.abc import Mapping
from typing import Any

from bankchurn.features import features
from bankchurn.schema import ChurnPrediction, Customer
from portfolio.spec import AtLeast, AtMost, Binary, BinaryOutcome, Dataset, ModelSpec, NoWorse, Source


def respond(outcome: BinaryOutcome, options: Mapping[str, Any]) -> dict[str, Any]:
    p = outcome.probability
    levels = options["risk_below"]
    risk = "LOW" if p < levels["LOW"] else "MEDIUM" if p < levels["MEDIUM"] else "HIGH"
    return {
        "churn_probability": p,
        "churn_prediction": outcome.decision,
        "risk_level": risk,
        "confidence": max(p, 1 - p),
    }


CHURN = Dataset(
    name="Churn Modelling",
    licence="educational use; terms of the Kaggle original not verified",
    sha256=(
        "d998e176a1d6b0baff4b362f2aa7cee1a90922ef4063c45f52b0f9b3b25dc758",
        "f212b3f2d0b97134069560966fa269b23ffc12df7125d7c2167dd100001fdc48",  # Windows line ends
    ),
)

SOURCE = Source(
    file="churn.csv",
    mirror="bankchurn/Churn_Modelling.csv",
    url="https://raw.githubusercontent.com/DuqueOM/ML-MLOps-Portfolio/6828c0d4e8254f0609f3bf4902a22abffcc94adf/"
    "BankChurn-Predictor/data/raw/Churn_Modelling.csv",
    datasets=(CHURN, CHURN.twin("66bbde6aede4b550a31fdd62fa8c10cb1106899c7579f99d601a50a73af6ad33")),
)

SPEC = ModelSpec(
    name="bankchurn",
    title="Bank customer churn",
    request=Customer,
    response=ChurnPrediction,
    task=Binary(target="Exited"),
    features=features,
    source=SOURCE,
    respond=respond,
    slices=("Geography", "Gender"),
    # limits three deviations off the mean of 20 splits: they stop broken models, not unlucky test parts
    rules=(AtLeast("roc_auc", 0.835), AtMost("brier", 0.112), NoWorse("roc_auc", by=0.01), NoWorse("brier", by=0.01)),
)
