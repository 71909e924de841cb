"""The contract: what is asked and what is answered."""

from typing import Literal

from pydantic import Field

from portfolio.spec import Request, Response


class Usage(Request):
    """One month of a customer's phone use."""

    calls: int = Field(ge=0, le=10_000, description="Calls made", examples=[62])
    minutes: float = Field(ge=0, le=44_640, description="Minutes talked", examples=[430.6])
    messages: int = Field(ge=0, le=100_000, description="Text messages sent", examples=[30])
    mb_used: float = Field(ge=0, le=10_000_000, description="Data used, in megabytes", examples=[16_943.2])


class PlanRecommendation(Response):
    """Which plan this use points to."""

    prediction: Literal[0, 1] = Field(description="1: ultra, 0: smart")
    probability_is_ultra: float = Field(ge=0, le=1)
    recommended_plan: Literal["smart", "ultra"]
