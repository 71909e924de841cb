"""FastAPI with nothing behind it: a pydantic model in, a pydantic model out."""

from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel


class Customer(BaseModel):
    """The fields that the real service takes, without its bounds."""

    CreditScore: int
    Geography: Literal["France", "Germany", "Spain"]
    Gender: Literal["Female", "Male"]
    Age: int
    Tenure: float | None = None
    Balance: float
    NumOfProducts: int
    HasCrCard: int
    IsActiveMember: int
    EstimatedSalary: float


class Prediction(BaseModel):
    """The fields that the real service answers with."""

    churn_probability: float
    churn_prediction: int
    risk_level: str
    confidence: float
    prediction_id: str
    model_version: str


app = FastAPI()


@app.post("/predict")
async def predict(customer: Customer) -> Prediction:  # noqa: ARG001 - that it is parsed is all
    """The same answer to everyone."""
    return Prediction(
        churn_probability=0.5,
        churn_prediction=1,
        risk_level="MEDIUM",
        confidence=0.5,
        prediction_id="01JD0000000000000000000000",
        model_version="1",
    )
