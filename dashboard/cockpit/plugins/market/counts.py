"""What is counted of adverts: shares, distributions, quartiles, bargains. Adverts in, small frames out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

OLD = 25
"""Years from which on cars are shown together: the few older ones are collectors' cars or errors."""
FEW = 20
"""A median of fewer adverts is not shown."""
IMPLAUSIBLE = 0.5
"""An advert below this share of the low end of its interval is rather an error than a bargain."""
AGES = {"under 3 years": 3, "3 to 5 years": 6, "6 to 10 years": 11, "11 to 15 years": 16, "16 to 20 years": 21}
STEPS = (100, 250, 500, 1000, 2000, 2500, 5000, 10000)


@dataclass(frozen=True)
class Summary:
    """Of a selection; a figure that nothing tells is None. `low` and `high` are quartiles of the price."""

    adverts: int
    price: float | None
    low: float | None
    high: float | None
    age: float | None
    odometer: float | None


def summary(frame: pd.DataFrame) -> Summary:
    """The selection in a few figures."""
    low, middle, high = (_quantile(frame["price"], q) for q in (0.25, 0.5, 0.75))
    return Summary(len(frame), middle, low, high, _quantile(frame["age"], 0.5), _quantile(frame["odometer"], 0.5))


def shares(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """By value, the largest first: adverts, share of those that say it, and median price."""
    groups = frame.groupby(by, observed=True)["price"]
    adverts = groups.size()
    found = pd.DataFrame({"adverts": adverts, "share": adverts / max(1, adverts.sum()), "price": groups.median()})
    return found.sort_values("adverts", ascending=False, kind="stable")


def prices(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """A histogram, `low` `high` `adverts`, and how many adverts beyond its end are counted in the last bar.

    It ends where 99 in 100 adverts are: a single price of a million would leave the others one bar.
    """
    values = frame["price"].dropna().to_numpy()
    top = float(np.quantile(values, 0.99)) if len(values) else 0.0
    step = next((each for each in STEPS if top / each <= 40), STEPS[-1])
    edges = np.arange(0, max(1, int(np.ceil(top / step))) + 1) * step
    counted, _ = np.histogram(np.clip(values, 0, edges[-1] - step / 2), edges)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "adverts": counted}), int((values > edges[-1]).sum())


def ages(frame: pd.DataFrame) -> pd.Series:
    """Adverts by age in years from 0 to OLD, which holds all that are older, too."""
    counted = frame["age"].dropna().clip(upper=OLD).astype(int).value_counts()
    return counted.reindex(range(OLD + 1), fill_value=0)


def quartiles(frame: pd.DataFrame, by: str, *, few: int = FEW) -> pd.DataFrame:
    """By value: adverts and the quartiles of the price, `low` `middle` `high`; without those of few adverts."""
    groups = frame.groupby(by, observed=True)["price"]
    found = pd.DataFrame(
        {
            "adverts": groups.size(),
            "low": groups.quantile(0.25),
            "middle": groups.median(),
            "high": groups.quantile(0.75),
        }
    )
    return found[found["adverts"] >= few]


def age_bands(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a column `age_band`, ordered."""
    edges = [-1.0, *(limit - 0.5 for limit in AGES.values()), np.inf]
    return frame.assign(age_band=pd.cut(frame["age"], edges, labels=[*AGES, "over 20 years"]))


def depreciation(frame: pd.DataFrame, *, few: int = FEW) -> pd.DataFrame:
    """Quartiles of the price by age up to OLD years, and `kept`: the median as a share of the youngest age's."""
    found = quartiles(frame[frame["age"] <= OLD], "age", few=few)
    return found.assign(kept=found["middle"] / found["middle"].iloc[0] if len(found) else found["middle"])


def weekly(frame: pd.DataFrame, *, few: int = FEW) -> pd.DataFrame:
    """Quartiles of the price by the Monday of the week in which adverts were posted."""
    return quartiles(frame, "week", few=few)


def bargains(frame: pd.DataFrame) -> pd.DataFrame:
    """Adverts that cost less than the low end of their own interval, the largest saving against the prediction first.

    Adds `saving` in dollars, `saving_share` of the prediction, and `implausible`.
    """
    found = frame[frame["price"] < frame["prediction_low"]]
    saving = found["prediction"] - found["price"]
    return found.assign(
        saving=saving,
        saving_share=saving / found["prediction"],
        implausible=found["price"] < IMPLAUSIBLE * found["prediction_low"],
    ).sort_values("saving", ascending=False, kind="stable")


def _quantile(values: pd.Series, q: float) -> float | None:
    told = values.dropna()
    return float(told.quantile(q)) if len(told) else None
