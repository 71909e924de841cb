"""What each metric means, which way is better, and what its intervals say: of slices, and against another version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figure = Mapping[str, float]
"""`value`, `low` and `high`: a metric and its 95 % interval."""
Figures = Mapping[str, Figure]
HIGHER = {"roc_auc", "average_precision", "f1", "r2", "accuracy"}
LOWER = {"brier", "log_loss", "ece", "mae", "mape", "median_ape", "rmse"}
NEARER = {"coverage"}
"""Neither high nor low is good, but near to what the interval promises. A metric in none of the three is not judged."""
MEANING = {
    "roc_auc": "How often a case that happens ranks above one that does not: 0.5 is chance, 1 is perfect.",
    "average_precision": "How pure the top of the list is, averaged over all cut-offs: 1 is perfect; chance reaches "
    "the share of cases that happen.",
    "f1": "The harmonic mean of precision and recall at the model's threshold: 1 is perfect.",
    "brier": "The mean squared difference between the probability and what happened: 0 is perfect.",
    "log_loss": "How surprised the model is by what happens; confident errors cost most: 0 is perfect.",
    "ece": "How far probabilities are from the observed shares on average: 0 is perfect.",
    "mae": "How far off a prediction is on average, in the unit of what is predicted.",
    "mape": "How far off a prediction is on average, as a share of the truth; the cheapest cases weigh most.",
    "median_ape": "Half of all predictions are off by less than this share of the truth.",
    "rmse": "Like the mean error, but large errors weigh more, in the unit of what is predicted.",
    "r2": "How much of the variation is explained: 1 is all of it, 0 no more than the mean tells.",
    "coverage": "How often the truth lies inside the interval that the model gives; it should be what was promised.",
}
WIDE = 5.0
"""Where a bundle does not tell a slice's rows: one whose interval is this many times the whole model's has few."""
FEW_ROWS = 200


@dataclass(frozen=True)
class Slice:
    """A part of the test rows. `worse` where its whole interval is on the wrong side of the whole model's value.

    `rows` is None where the bundle does not tell it.
    """

    value: str
    figure: Figure
    worse: bool
    small: bool
    rows: int | None = None


def direction(name: str) -> str:
    """Which way is better, in words."""
    ways = ((HIGHER, "higher is better"), (LOWER, "lower is better"), (NEARER, "as promised is best"))
    return next((way for names, way in ways if name in names), "which way is better is not known")


def meaning(name: str) -> str:
    """One sentence on what it measures, and which way is better."""
    way = direction(name)
    return f"{MEANING.get(name, '')} {way[0].upper()}{way[1:]}.".strip()


def worse(name: str, figure: Figure, than: float) -> bool:
    """Whether the whole interval is on the wrong side of a value: of what was promised, below it.

    No side is wrong where the direction is not known.
    """
    return (name in LOWER and figure["low"] > than) or (name in HIGHER | NEARER and figure["high"] < than)


def overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two intervals share a value; False where one has no ends."""
    if None in (one.get("low"), one.get("high"), other.get("low"), other.get("high")):
        return False
    return bool(one["low"] <= other["high"] and other["low"] <= one["high"])


def slices(
    told: Mapping[str, Figures], headline: str, whole: Figure, sizes: Mapping[str, int] | None = None
) -> list[Slice]:
    """Of one column, in the order told; `told` has figures by value, `sizes` the numbers of test rows."""
    width = whole["high"] - whole["low"]
    found = []
    for value, figures in told.items():
        if figure := figures.get(headline):
            rows = (sizes or {}).get(value)
            wide = figure["high"] - figure["low"] > WIDE * width
            small = wide if rows is None else rows < FEW_ROWS
            found.append(Slice(value, figure, worse(headline, figure, whole["value"]), small, rows))
    return found


def untold(choices: Iterable[str], told: Iterable[str]) -> list[str]:
    """Values that the schema knows and no slice tells of: too few test rows have them."""
    known = set(told)
    return [each for each in choices if each not in known]


def previous(told: Mapping[str, Any], live: str) -> Mapping[str, Any] | None:
    """The version that was champion before `live`, of what the monitoring service says of a project's versions.

    From the audit; where it does not tell, the version with the alias, or else the one before; None without any.
    """
    versions: Sequence[Mapping[str, Any]] = told.get("versions", ())
    by_name = {each["version"]: each for each in versions}
    for line in told.get("audit", ()):  # newest first
        moved = line["action"] in ("promote", "rollback") and line["outcome"] in ("done", "live")
        if moved and line["to_version"] == live and line["from_version"] not in ("", live):
            if line["from_version"] in by_name:
                return by_name[line["from_version"]]
            break
    named = next((each for each in versions if "previous" in each["aliases"] and each["version"] != live), None)
    before = [each for each in versions if each["version"].isdigit() and live.isdigit()]
    before = [each for each in before if int(each["version"]) < int(live)]
    return named or max(before, key=lambda each: int(each["version"]), default=None)
