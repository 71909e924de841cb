"""The part of the page that scores a CSV file."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from cockpit import look, table, words
from cockpit.fields import Field
from cockpit.models import Model
from cockpit.services import ServiceError
from cockpit.table import TableError
from cockpit.try_it import by_schema, scoring
from cockpit.try_it.by_schema import Header
from cockpit.try_it.scoring import Scored

MOST_ROWS, SHOWN_ROWS, SHOWN_PROBLEMS = 200_000, 1000, 5


@dataclass(frozen=True)
class Outcome:
    """A file that was scored, kept until another is chosen: the table whole as CSV, and its beginning to look at.

    `own` of the columns are the file's.
    """

    name: str
    version: str
    notes: str
    total: int
    refused: int
    failure: ServiceError | None
    problems: Sequence[tuple[int, str]]
    header: Sequence[str]
    own: int
    rows: Sequence[Sequence[Any]]
    content: bytes
    seconds: float


def draw(model: Model, fields: Sequence[Field], example: Mapping[str, Any]) -> None:
    """The sample, the upload, and what came of it."""
    st.markdown("Upload rows as a CSV file and get them back with the model's answers. Nothing of it is kept.")
    with st.expander("Columns and format"):
        st.markdown("\n".join(f"- `{field.name}` {_rule(field)}" for field in fields))
        st.caption(by_schema.ACCEPTED)
    content = by_schema.sample(fields, example)
    st.download_button(
        "Sample CSV", content, f"{model.name}-sample.csv", "text/csv", key=f"try-sample-{model.name}", on_click="ignore"
    )
    kept = f"try-outcome-{model.name}"
    upload = st.file_uploader("CSV file", "csv", key=f"try-file-{model.name}", on_change=_forget, args=(kept,))
    if upload is not None and st.session_state.get(kept) is None:
        st.session_state[kept] = _scored(model, fields, upload.name, upload.getvalue())
    outcome = st.session_state.get(kept)
    if outcome is not None:
        _show(model, outcome, kept, again=upload is not None)


def _forget(kept: str) -> None:
    """When another file is chosen or this one is taken away; not when the page is left, which takes the widget away."""
    st.session_state.pop(kept, None)


def header_words(header: Header) -> tuple[str, str]:
    """What is wrong with a header, and what is only to be known; empty where there is nothing to say."""
    meant = {field: name for name, field in header.unknown.items() if field}
    missing = [f"`{name}`" + (f" (is `{meant[name]}` it?)" if name in meant else "") for name in header.missing]
    wrong = f"The file lacks {', '.join(missing)}." if missing else ""
    notes = []
    if header.unknown:
        unknown = [f"`{name}`" + (f" (meant: `{field}`?)" if field else "") for name, field in header.unknown.items()]
        notes.append(f"Not a field of the model, so kept in the table but not sent: {', '.join(unknown)}.")
    left_out = [f"`{name}`" for name in header.left_out]
    if left_out:
        notes.append(f"Not in the file, so taken as not known: {', '.join(left_out)}.")
    return wrong, " ".join(notes)


def _scored(model: Model, fields: Sequence[Field], name: str, content: bytes) -> Outcome | None:
    try:
        file = table.read(content, [field.name for field in fields])
        if len(file.rows) > MOST_ROWS:
            much = f"The file has {len(file.rows):,} rows; here at most {MOST_ROWS:,} are scored."
            raise TableError(much, f"Split it, or use the command line: `portfolio score {model.name} FILE`.")
    except TableError as error:
        look.error(error.words, error.remedy)
        return None
    wrong, notes = header_words(by_schema.check(file.header, fields))
    if wrong:
        look.error(wrong, "Rename or add the columns; the sample has them all.", notes)
        return None
    begun = time.perf_counter()
    found = _run(model, by_schema.convert(file, fields))
    header, rows = scoring.result(file, found)
    return Outcome(
        name,
        model.version,
        notes,
        found.total,
        found.refused,
        found.failure,
        [(line, words) for line, words in zip(file.lines, found.problems, strict=True) if words][:SHOWN_PROBLEMS],
        header,
        len(file.header),
        rows[:SHOWN_ROWS],
        table.write(header, rows).encode("utf-8-sig"),  # with the mark by which spreadsheets know UTF-8
        time.perf_counter() - begun,
    )


def _run(model: Model, rows: Sequence[Mapping[str, Any] | str]) -> Scored:
    bar = st.progress(0.0, f"Scoring {len(rows):,} rows …")
    found = Scored(len(rows))
    for found in scoring.scored(model.service, rows):
        refused = f", {found.refused:,} with a problem" if found.refused else ""
        bar.progress(found.done / found.total, f"{found.done:,} of {found.total:,} rows scored{refused}")
    bar.progress(1.0, "Writing the table …")
    bar.empty()
    return found


def _show(model: Model, outcome: Outcome, kept: str, *, again: bool) -> None:
    good = outcome.total - outcome.refused
    if outcome.notes:
        st.info(outcome.notes)
    if outcome.failure is not None:
        look.error(outcome.failure.words, outcome.failure.remedy)
    took = f"in {outcome.seconds:.1f} s" if outcome.seconds >= 0.1 else "at once"
    name = words.plain(outcome.name)
    st.markdown(f"**{good:,} of {outcome.total:,} rows scored** of {name} {took}, by version {outcome.version}.")
    if outcome.refused:
        _problems(outcome)
    with st.container(horizontal=True):
        st.download_button(
            "Download the scored table",
            outcome.content,
            f"{outcome.name.rpartition('.')[0] or outcome.name}-scored.csv",
            "text/csv",
            key=f"try-download-{model.name}",
            on_click="ignore",
            type="primary",
            icon=":material/download:",
        )
        if again and st.button("Score again", key=f"try-again-{model.name}"):
            _forget(kept)
            st.rerun()
    shown = pd.DataFrame(outcome.rows, columns=list(outcome.header))
    answers = list(outcome.header[outcome.own :])  # before the file's own columns, which may be many
    order = [*answers, *outcome.header[: outcome.own]]
    st.dataframe(shown, hide_index=True, placeholder=words.NONE, column_order=order)
    if outcome.total > len(outcome.rows):
        st.caption(f"The first {len(outcome.rows):,} rows; the download has all {outcome.total:,}.")


def _problems(outcome: Outcome) -> None:
    listed = "\n".join(f"- Line {line}: {words.plain(problem)}" for line, problem in outcome.problems)
    more = outcome.refused - len(outcome.problems)
    rest = f"\n\n{more:,} more; the column `problem` of the table names them all." if more else ""
    were = "1 row was not scored" if outcome.refused == 1 else f"{outcome.refused:,} rows were not scored"
    st.warning(f"{were}:\n\n{listed}{rest}")


def _rule(field: Field) -> str:
    """What a column may have, in Markdown."""
    kind = {
        "integer": "a whole number",
        "number": "a number",
        "switch": "1 or 0",
        "text": "a text",
        "choice": f"one of {', '.join(field.choices)}",
    }[field.kind]
    bounds = ""
    if field.kind in ("integer", "number"):
        low, high = field.low, field.high
        bounds = "" if low is None else f", at least {low:g}"
        bounds = bounds if high is None else f", at most {high:,.12g}" if low is None else f", {low:g} to {high:.12g}"
    return words.plain(f"{kind}{bounds}{', may be empty' if field.optional else ''}")
