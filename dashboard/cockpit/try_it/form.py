"""The form of a request: for each field the widget that fits, and the row that they make."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cockpit.fields import Field
from cockpit.words import plain

SLIDES = 1000.0
"""The widest range that a slider is good for."""
EMPTY = "empty: not known"


def draw(prefix: str, fields: Sequence[Field], known: Mapping[str, tuple[str, ...]], wrong: Mapping[str, str]) -> None:
    """All widgets, two beside each other; under each what is wrong with it. Their values are in the session's state."""
    for start in range(0, len(fields), 2):
        for column, field in zip(st.columns(2, vertical_alignment="center"), fields[start : start + 2], strict=False):
            with column:
                _widget(f"{prefix}{field.name}", field, known.get(field.name, ()))
                if field.name in wrong:
                    st.caption(f":red[{plain(wrong[field.name])}]")


def row_of(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """The request; a field that is left empty is left out."""
    kept = ((field, values.get(field.name)) for field in fields)
    return {field.name: _value(field, value) for field, value in kept if value is not None and value != ""}


def start_of(field: Field, example: Any) -> Any:
    """What a widget shows at first: the example, or the field's lowest value or first choice where it has none."""
    if example is None and field.optional:
        return "" if field.kind == "text" else None
    if field.kind == "switch":
        return example if field.optional else bool(example)
    if field.kind == "choice":
        return example if example in field.choices else field.choices[0]
    if field.kind == "text":
        return str(example or "")
    return _sort(field)(field.low or 0 if example is None else example)


def slides(field: Field) -> bool:
    """Whether a slider is a good way to say its value: both bounds known and near enough, and never empty."""
    if field.kind not in ("integer", "number") or field.optional or field.low is None or field.high is None:
        return False
    return 0 < field.high - field.low <= SLIDES


def step_of(field: Field) -> float:
    """By how much a number moves: a hundredth of its range or a tenth of its example, as 1, 10, 100, ..."""
    sizes = [abs(field.example) / 10] if isinstance(field.example, (int, float)) and field.example else []
    if field.low is not None and field.high is not None:
        sizes.append((field.high - field.low) / 100)
    step = 10.0 ** math.floor(math.log10(min(sizes))) if sizes and min(sizes) > 0 else 1.0
    if field.kind == "integer":
        return max(1, int(step))
    return min(step, _grain(field.example)) if slides(field) else step


def title_of(field: Field) -> str:
    """The label of its widget: its name, and behind it what the schema says of it; read out as it stands."""
    name, said = name_of(field), _said(field)
    return plain(f"{name} – {said}" if said not in ("", name) and field.kind != "switch" else name)


def name_of(field: Field) -> str:
    """What it is called here: by its description where that has the name in it, which says more."""
    said = _said(field)
    has_name = set(field.label.lower().split()) <= set(re.findall(r"\w+", said.lower()))
    return said if said and has_name else field.label


def _widget(key: str, field: Field, known: tuple[str, ...]) -> None:
    label = title_of(field)
    help_of = None if plain(field.description) in label else plain(field.description)
    kept: dict[str, Any] = {"key": key, "help": help_of, "persist_state": "session"}
    if field.kind == "switch" and not field.optional:
        st.toggle(label, **kept)
    elif field.kind in ("switch", "choice"):
        options: Sequence[Any] = field.choices or (0, 1)
        shown = {0: "No", 1: "Yes"}
        index = None if field.optional else 0
        st.selectbox(label, options, index, lambda each: str(shown.get(each, each)), placeholder=EMPTY, **kept)
    elif field.kind == "text":
        _text(label, field, known, kept)
    else:
        _number(label, field, kept)


def _text(label: str, field: Field, known: tuple[str, ...], kept: dict[str, Any]) -> None:
    hint = EMPTY if field.optional else "Type a text"
    if not known:
        st.text_input(label, max_chars=field.longest, placeholder=hint, **kept)
        return
    st.session_state[kept["key"]] = st.session_state.get(kept["key"]) or None  # "" would be an option of its own
    st.selectbox(label, known, None, accept_new_options=True, placeholder=hint, **kept)


def _number(label: str, field: Field, kept: dict[str, Any]) -> None:
    sort = _sort(field)
    kept |= {"step": sort(step_of(field)), "format": "%d" if field.kind == "integer" else "%g"}
    if field.low is not None and field.high is not None and slides(field):
        st.slider(label, sort(field.low), sort(field.high), **kept)
    else:  # without bounds: the API refuses in words, where the widget would keep the answer to another number
        st.number_input(label, value=None if field.optional else "min", placeholder=EMPTY, **kept)


def _said(field: Field) -> str:
    return field.description.split(";")[0].strip()


def _value(field: Field, value: Any) -> Any:
    return int(value) if field.kind == "switch" else value


def _sort(field: Field) -> type[int] | type[float]:
    return int if field.kind == "integer" else float


def _grain(example: Any) -> float:
    """The last decimal place that an example has: 0.25 has a grain of 0.01."""
    digits = f"{example}".partition(".")[2] if isinstance(example, float) else ""
    return 10.0 ** -len(digits) if digits.isdigit() else 1.0
