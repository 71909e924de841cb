"""The contract: what is asked and what is answered."""

from typing import Literal

from pydantic import Field

from portfolio.spec import Request, Response


class Car(Request):
    """A used car as advertised. Only the model must be known."""

    model: str = Field(min_length=1, max_length=80, description="Make and model", examples=["ford f-150"])
    model_year: int | None = Field(None, ge=1900, le=2030, description="Year of the model", examples=[2015])
    condition: Literal["new", "like new", "excellent", "good", "fair", "salvage"] | None = Field(
        None, examples=["good"]
    )
    cylinders: int | None = Field(None, ge=1, le=16, examples=[6])
    fuel: str | None = Field(None, max_length=40, description="gas, diesel, hybrid, electric, ...", examples=["gas"])
    odometer: float | None = Field(None, ge=0, le=1_000_000, description="Miles driven", examples=[50_000])
    transmission: str | None = Field(None, max_length=40, examples=["automatic"])
    drive: Literal["4wd", "2wd", "fwd", "rwd"] | None = Field(None, description="Driven wheels", examples=["4wd"])
    type: str | None = Field(None, max_length=40, description="Body: SUV, truck, sedan, ...", examples=["truck"])
    paint_color: str | None = Field(None, max_length=40, examples=["white"])


class PricePrediction(Response):
    """What the car would be advertised for, with an 80 % interval, in US dollars."""

    prediction: float = Field(gt=0)
    price_low: float = Field(gt=0)
    price_high: float = Field(gt=0)
