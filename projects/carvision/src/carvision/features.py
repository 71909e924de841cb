"""Elementwise features of a car."""

import numpy as np

from portfolio.spec import Frame

LAST_YEAR = 2019  # of the newest advert in the data: fixed, so that a car has one age at training and serving
CONDITIONS = {"salvage": 0.0, "fair": 1.0, "good": 2.0, "excellent": 3.0, "like new": 4.0, "new": 5.0}


def features(frame: Frame) -> Frame:
    age = LAST_YEAR - frame["model_year"]
    miles = plausible_miles(frame["odometer"], age)
    kept = ("model_year", "odometer", "cylinders", "model", "fuel", "transmission", "drive", "type", "paint_color")
    return {name: frame[name] for name in kept} | {
        "condition": np.array([CONDITIONS.get(text, np.nan) for text in frame["condition"]]),
        "miles": miles,
        "miles_per_year": miles / np.maximum(age + 1, 1),
        "brand": np.array([text.split(" ")[0] for text in frame["model"]], dtype=object),
    }


def plausible_miles(odometer: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Zero and half a million miles are typing errors; 145 on an old car means thousands."""
    miles = np.where((odometer < 1_000) & (age >= 4), odometer * 1_000, odometer)
    return np.where((odometer <= 0) | (odometer >= 500_000), np.nan, miles)
