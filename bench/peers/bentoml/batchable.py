"""A BentoML service with adaptive batching: requests that wait together are one call of the pipeline."""

import os
from typing import Any

import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Churn:
    """Loads the pipeline once, as the documentation shows."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["CHURN_PIPELINE"])

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=1000)
    def predict(self, customers: list[dict[str, Any]]) -> list[float]:
        """Probabilities of the rows of all requests in the batch."""
        return self.model.predict_proba(pd.DataFrame(customers))[:, 1].tolist()
