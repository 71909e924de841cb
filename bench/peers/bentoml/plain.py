"""A BentoML service: one request, one call of the pipeline."""

import os

import bentoml
import joblib
import numpy as np
import pandas as pd


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Churn:
    """Loads the pipeline once, as the documentation shows."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["CHURN_PIPELINE"])

    @bentoml.api
    def predict(self, customers: pd.DataFrame) -> np.ndarray:
        """Probabilities [N] of N rows."""
        return self.model.predict_proba(customers)[:, 1]
