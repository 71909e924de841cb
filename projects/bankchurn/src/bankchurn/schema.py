"""The contract: what is asked and what is answered."""

from typing import Literal

from pydantic import Field

from portfolio.spec import Request, Response


class Customer(Request):
    """A bank customer today."""

    CreditScore: int = Field(ge=300, le=850, description="Bureau score", examples=[650])
    Geography: Literal["France", "Germany", "Spain"] = Field(description="Country", examples=["Germany"])
    Gender: Literal["Female", "Male"] = Field(examples=["Female"])
    Age: int = Field(ge=18, le=100, description="Years", examples=[44])
    Tenure: float | None = Field(None, ge=0, le=50, description="Years as a customer; may be missing", examples=[3])
    Balance: float = Field(ge=0, description="Account balance in euro", examples=[118_500.5])
    NumOfProducts: int = Field(ge=1, le=4, description="Products held", examples=[1])
    HasCrCard: int = Field(ge=0, le=1, description="Holds a credit card (1) or not (0)", examples=[1])
    IsActiveMember: int = Field(ge=0, le=1, description="Active lately (1) or not (0)", examples=[0])
    EstimatedSalary: float = Field(ge=0, description="Estimated yearly salary in euro", examples=[92_000])


class ChurnPrediction(Response):
    """How likely the customer is to leave."""

    churn_probability: float = Field(ge=0, le=1)
    churn_prediction: Literal[0, 1]
    risk_level: Literal["LOW", "MEDIUM", "HIGH"]
    confidence: float = Field(ge=0.5, le=1, description="max(p, 1 - p)")
