"""Elementwise features of a car."""

import numpy as np

from portfolio.spec import Frame

LAST_YEAR = 2019
"""Year of the newest advert in the data: a fixed reference, so that a car has one age at training and serving."""
CONDITIONS = {"salvage": 0.0, "fair": 1.0, "good": 2.0, "excellent": 3.0, "like new": 4.0, "new": 5.0}
THOUSANDS_BELOW, IMPLAUSIBLE_MILES = 1_000, 500_000


def features(frame: Frame) -> Frame:
    age = LAST_YEAR - frame["model_year"]
    miles = plausible_miles(frame["odometer"], age)
    texts = ("model", "fuel", "transmission", "drive", "type", "paint_color")
    numbers = {
        "model_year": frame["model_year"],
        "odometer": frame["odometer"],
        "cylinders": frame["cylinders"],
        "condition": np.array([CONDITIONS.get(text, np.nan) for text in frame["condition"]]),
        "miles": miles,
        "miles_per_year": miles / np.maximum(age + 1, 1),
    }
    brands = np.array([text.split(" ")[0] for text in frame["model"]], dtype=object)
    return numbers | {name: frame[name] for name in texts} | {"brand": brands}


def plausible_miles(odometer: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Zero and half a million miles are typing errors; 145 on an old car means thousands."""
    in_thousands = (odometer < THOUSANDS_BELOW) & (age >= 4)
    miles = np.where(in_thousands, odometer * 1000, odometer)
    return np.where((odometer <= 0) | (odometer >= IMPLAUSIBLE_MILES), np.nan, miles)
