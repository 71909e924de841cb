"""What a model answered, as a person reads it; found by the kinds of its fields, whatever their names are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cockpit import words
from cockpit.fields import label_of

Body = Mapping[str, Any]
ASIDE = {"prediction_id", "model_version", "explanation"}
PROBABILITY, LOW, HIGH = (
    re.compile("probab(ility)?", re.I),
    re.compile("_low$|^low", re.I),
    re.compile("_high$|^high", re.I),
)


@dataclass(frozen=True)
class Answer:
    """`main` names the field with the probability or the amount, `value` is it; both are empty where there is none.

    `decision` is the model's 0 or 1; `low` and `high` bound an amount; `others` are the answer's further fields.
    """

    version: str
    main: str
    value: float | None
    probable: bool
    threshold: float | None
    decision: bool | None
    low: float | None
    high: float | None
    others: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        """What the probability is of: `churn_probability` is of "Churn", `probability_is_ultra` of "Ultra"."""
        return label_of(PROBABILITY.sub("", self.main).strip("_ ").removeprefix("is_") or "yes")


def read(body: Body, info: Body) -> Answer:
    """Of the body of an answer and the model's /model/info."""
    fields = {name: value for name, value in body.items() if name not in ASIDE}
    main, probable = _main(fields, str(info.get("task", {}).get("kind", "")))
    value = None if main is None else float(fields.pop(main))
    threshold = info.get("threshold") if probable else None
    decided = _decision(fields) if probable else None
    decision = bool(fields.pop(decided)) if decided else None
    if decision is None and threshold is not None and value is not None:
        decision = value >= threshold
    low, high = (None, None) if probable or main is None else (_bound(fields, LOW), _bound(fields, HIGH))
    version = str(body.get("model_version", ""))
    return Answer(version, main or "", value, probable, threshold, decision, low, high, fields)


def decision_words(answer: Answer) -> str:
    """How the decision came: "73 % reaches the threshold of 31 %."; empty where there is none."""
    if answer.decision is None or answer.value is None or answer.threshold is None:
        return ""
    side = "reaches" if answer.value >= answer.threshold else "stays below"
    return f"{words.percent(answer.value, 1)} {side} the threshold of {words.percent(answer.threshold, 1)}."


def facts(answer: Answer, schema: Body) -> list[tuple[str, str, str]]:
    """The answer's further fields: label, value in words, and no note."""
    said = schema.get("properties", {})
    return [
        (label_of(name), _words(value, said.get(name, {})), "")
        for name, value in answer.others.items()
        if not isinstance(value, (dict, list))
    ]


def answer_schema(document: Body) -> Body:
    """The JSON schema of the answer of POST /predict; empty where the document has none."""
    try:
        schema = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        found: Body = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    except KeyError:
        return {}
    return found


def _main(fields: Body, kind: str) -> tuple[str | None, bool]:
    numbers = [name for name, value in fields.items() if isinstance(value, (int, float))]
    probable = [name for name in numbers if PROBABILITY.search(name) and 0 <= fields[name] <= 1]
    if probable:
        return probable[0], True
    amounts = [name for name in numbers if not LOW.search(name) and not HIGH.search(name)]
    if kind != "regression" or not amounts:
        return None, False
    return min(amounts, key=lambda name: "predict" not in name.lower()), False


def _decision(fields: Body) -> str | None:
    named = re.compile("predict|decision", re.I)
    whole = (name for name, value in fields.items() if isinstance(value, int) and value in (0, 1))
    return next((name for name in whole if named.search(name)), None)


def _bound(fields: dict[str, Any], name: re.Pattern[str]) -> float | None:
    found = next(
        (each for each, value in fields.items() if name.search(each) and isinstance(value, (int, float))), None
    )
    return None if found is None else float(fields.pop(found))


def _words(value: Any, schema: Body) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return words.percent(value, 1) if schema.get("maximum") == 1 else words.number(value)
    text = words.NONE if value is None else str(value)
    return text.capitalize() if text.isupper() else text[:1].upper() + text[1:]
