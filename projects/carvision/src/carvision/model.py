"""The project's spec."""

from collections.abc import Mapping
from typing import Any

from carvision.features import features
from carvision.schema import Car, PricePrediction
from portfolio.spec import AtLeast, AtMost, Dataset, ModelSpec, NoWorse, Regression, RegressionOutcome, Source


def prepare(table: Any) -> Any:
    return table.assign(drive=table["is_4wd"].map(lambda cell: "4wd" if cell else "2wd"))


def respond(outcome: RegressionOutcome, _options: Mapping[str, Any]) -> dict[str, Any]:
    prices = {"prediction": outcome.value, "price_low": outcome.low, "price_high": outcome.high}
    return {name: round(price, 2) for name, price in prices.items()}


ADVERTS = Dataset(
    name="US Craigslist vehicles 2018-19",
    licence="educational use; upstream terms not verified",
    sha256=(
        "f018c23feba7a500798bebb4493031ebc791860523eef721144ad5efb1891391",
        "f26e6a2e3d365156d09cec544936a975654f8249c58327fc5360f3826846f290",  # Windows line ends
    ),
)

SOURCE = Source(
    file="vehicles.csv",
    mirror="carvision/vehicles_us.csv",
    url="https://github.com/esteban5tael/vehicles-us/raw/32c66c8d822f438fb8d43d3e145eb22eefefec89/vehicles_us.csv",
    datasets=(ADVERTS, ADVERTS.twin("85fa3370a2b16a7478a4374bd6d4af715db06fc7d1b3370b785ea95f37086edc")),
    prepare=prepare,
)

SPEC = ModelSpec(
    name="carvision",
    title="Used car prices",
    request=Car,
    response=PricePrediction,
    task=Regression(target="price", unit="USD", within=(1_000, 100_000), coverage=0.8),
    features=features,
    source=SOURCE,
    respond=respond,
    slices=("type", "condition", "fuel"),
    rules=(AtMost("mae", 2_250), AtMost("median_ape", 0.15), AtLeast("coverage", 0.78), NoWorse("mae", by=30)),
    extras=("date_posted", "days_listed"),
    open_data=True,
)
