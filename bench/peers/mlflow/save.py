"""Saves the fitted pipeline as an MLflow model: `save.py PIPELINE FOLDER`."""

import sys
from pathlib import Path

import churn_pipeline
import joblib
import mlflow

pipeline, folder = map(Path, sys.argv[1:])
mlflow.sklearn.save_model(
    joblib.load(pipeline),
    folder,
    serialization_format="cloudpickle",
    code_paths=[churn_pipeline.__file__],
    pyfunc_predict_fn="predict_proba",
    pip_requirements=["mlflow"],
    # no signature: enforcing one costs half the throughput
)
