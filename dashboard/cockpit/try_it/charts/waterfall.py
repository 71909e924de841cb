"""The parts of an explanation, each beginning where the one above it ends."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from cockpit import look
from cockpit.try_it.reasons import Step, figure

RAISES, LOWERS, WHOLE = look.ACCENT, "#b08968", "#475569"
MEASURES = {"base": "absolute", "answer": "total"}
LABEL_LENGTH = 26


def waterfall(steps: Sequence[Step], *, scale: str, ends: tuple[str, str]) -> go.Figure:
    """`ends` are the base and the answer in what people measure them in: "13 %", "$25,956"."""
    labels = [_label(step, ends) for step in steps]
    drawn = go.Figure(
        go.Waterfall(
            orientation="h",
            y=[_short(label, place) for place, label in enumerate(labels)],
            x=[step.size for step in steps],
            measure=[MEASURES.get(step.part, "relative") for step in steps],
            text=[figure(step.size, signed=step.part not in MEASURES) for step in steps],
            textposition="outside",
            cliponaxis=False,
            customdata=[(label, step.note) for label, step in zip(labels, steps, strict=True)],
            hovertemplate="%{customdata[0]}<br>%{text}<br>%{customdata[1]}<extra></extra>",
            connector={"line": {"color": look.LINE, "width": 1}},
            increasing={"marker": {"color": RAISES}},
            decreasing={"marker": {"color": LOWERS}},
            totals={"marker": {"color": WHOLE}},
        )
    )
    drawn.update_yaxes(autorange="reversed", showgrid=False, type="category", ticklabelstandoff=6)
    drawn.update_xaxes(title=scale, range=list(_room(steps)))
    return drawn.update_layout(showlegend=False, bargap=0.35, margin={"l": 8, "r": 8, "t": 4, "b": 8})


def _label(step: Step, ends: tuple[str, str]) -> str:
    """What it is; of base and answer also what they are in what people measure them in."""
    return f"{step.label}: {ends[step.part == 'answer']}" if step.part in MEASURES else step.label


def _short(label: str, place: int) -> str:
    """At most so long, and unlike the others: equal names would share a row."""
    text = label if len(label) <= LABEL_LENGTH else f"{label[: LABEL_LENGTH - 1]}…"
    return text + "\u200b" * place


def _room(steps: Sequence[Step]) -> tuple[float, float]:
    """What the bars reach, and room for the figures beside them."""
    reached, at = [0.0], 0.0
    for step in steps[:-1]:
        at += step.size
        reached.append(at)
    reached.append(steps[-1].size)
    if min(abs(steps[0].size), abs(steps[-1].size)) > 2 * (max(reached[1:]) - min(reached[1:])):
        reached = reached[1:]  # far from zero: the parts would be slivers
    low, high = min(reached), max(reached)
    room = (high - low) * 0.3 or 1.0
    return low - room, high + room
