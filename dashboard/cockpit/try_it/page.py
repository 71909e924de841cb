"""Try it: ask a model about one case that a form describes, or about the rows of a file. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from cockpit import look, models, words
from cockpit.fields import Field, example_row, label_of, request_fields
from cockpit.models import Model
from cockpit.services import ServiceError, said
from cockpit.try_it import answer, form, from_file, reasons, tryout, what_if
from cockpit.try_it.answer import Answer
from cockpit.try_it.charts import curve, gauge, interval, waterfall
from cockpit.try_it.known import Known, known

CASE, FILE = "One case", "A file"


@dataclass(frozen=True)
class Case:
    """What the page knows of a model before anything is asked."""

    model: Model
    fields: Sequence[Field]
    example: Mapping[str, Any]
    schema: Mapping[str, Any]
    known: Known

    @property
    def target(self) -> str:
        """What is predicted, in words."""
        return label_of(str(self.model.info.get("task", {}).get("target") or "answer"))

    @property
    def prefix(self) -> str:
        """Of the keys of the form's widgets."""
        return f"try-{self.model.name}-"


def show(model: Model) -> None:
    """The form with the answer, or the file."""
    note = "What is asked here is a dry run: it is not recorded, and monitoring does not see it."
    look.head(model.title, note, synthetic=model.synthetic)
    if not model.up:
        look.error(model.trouble or "This API has no model.", model.remedy)
        return
    try:
        case = _case(model)
    except ServiceError as error:
        look.error(error.words, error.remedy)
        return
    one, file = st.tabs([CASE, FILE], key="view", bind="query-params")
    if one.open:
        with one:
            _one(case)
    if file.open:
        with file:
            from_file.draw(model, case.fields, case.example)


def _case(model: Model) -> Case:
    document = models.document(model.service)
    target = str(model.info.get("task", {}).get("target", ""))
    found = known(model.service, document, model.version, target)
    return Case(model, request_fields(document), example_row(document), answer.answer_schema(document), found)


@st.fragment
def _one(case: Case) -> None:
    """The form, and beside it the answer to what it says now; a change draws only this part again."""
    _begin(case)
    left, right = st.columns(2, gap="large")
    values = {field.name: st.session_state[f"{case.prefix}{field.name}"] for field in case.fields}
    row = form.row_of(case.fields, values)
    try:
        with right, st.spinner("Asking the model …"):
            body: Mapping[str, Any] = tryout.answer(case.model.service, row)
        error = None
    except ServiceError as refused:
        body, error = {}, refused
    with left:
        _form(case, {problem["field"]: said(problem) for problem in error.problems} if error else {})
    with right:
        if error is not None:
            _refused(case, error)
            return
        told = answer.read(body, case.model.info)
        _answer(case, told)
    why, moved = st.columns(2, gap="large")
    with why:
        _why(case, told, body.get("explanation"), row)
    with moved:
        _what_if(case, told, body.get("explanation"), row)


def _begin(case: Case) -> None:
    for field in case.fields:
        st.session_state.setdefault(f"{case.prefix}{field.name}", form.start_of(field, case.example.get(field.name)))


def _form(case: Case, wrong: Mapping[str, str]) -> None:
    with st.container(key="try-form"):
        form.draw(case.prefix, case.fields, case.known.texts, wrong)
    with st.container(horizontal=True, gap="small"):
        st.button("Reset to the example", key="try-reset", on_click=_fill, args=(case, case.example))
        if any(field.optional for field in case.fields):
            given = {field.name: st.session_state[f"{case.prefix}{field.name}"] for field in case.fields}
            bare = {field.name: None if field.optional else given[field.name] for field in case.fields}
            st.button("Empty what is optional", key="try-empty", on_click=_fill, args=(case, bare))


def _fill(case: Case, row: Mapping[str, Any]) -> None:
    for field in case.fields:
        st.session_state[f"{case.prefix}{field.name}"] = form.start_of(field, row.get(field.name))


def _refused(case: Case, error: ServiceError) -> None:
    labels = {field.name: form.name_of(field) for field in case.fields}
    wrong = [f"{labels.get(each['field'], each['field'])} {said(each)}." for each in error.problems]
    if wrong:
        st.warning(words.plain(f"No answer yet. {' '.join(wrong)}"), icon=":material/edit:")
    else:
        look.error(error.words, error.remedy)


def _answer(case: Case, told: Answer) -> None:
    further = answer.facts(told, case.schema)
    if told.value is not None and told.probable:
        _probability(told)
    elif told.value is not None:
        _amount(case, told)
    st.html(look.facts([*further, ("Model version", told.version or words.NONE, "")]))
    if told.value is not None:
        measure = _measure(case, told)
        st.html(f'<p class="answer-bar">{escape(measure.name)}<strong>{escape(measure.told(told.value))}</strong></p>')


def _probability(told: Answer) -> None:
    assert told.value is not None
    name = label_of(told.main)
    alt = f"{name}: {words.percent(told.value, 1)}. {answer.decision_words(told)}"
    st.html(f'<p class="answer-name">{escape(name)}</p>')
    look.chart(gauge.gauge(told.value, told.threshold), key="try-gauge", height=215, alt=alt)
    if told.decision is not None:
        verdict = f"{escape(told.outcome)}: {'yes' if told.decision else 'no'}"
        st.html(f'<p class="verdict">{verdict}<small>{escape(answer.decision_words(told))}</small></p>')


def _amount(case: Case, told: Answer) -> None:
    assert told.value is not None
    unit = case.model.unit
    between = ""
    if told.low is not None and told.high is not None:
        coverage = case.model.info.get("task", {}).get("coverage")
        between = f"Probably between {words.amount(told.low, unit)} and {words.amount(told.high, unit)}."
        if coverage:
            between += f" Over all cases, {words.percent(coverage)} of such intervals hold the truth."
    if case.known.quantiles:
        share = words.percent(case.known.share_below(told.value))
        between += f" Higher than {share} of the {case.known.rows:,} rows that it was trained and tested on."
    st.html(f'<p class="answer-name">{escape(case.target)}, predicted</p>')
    st.html(f'<p class="amount">{escape(words.amount(told.value, unit))}<small>{escape(between)}</small></p>')
    figure = interval.interval(told, case.known, unit, case.target)
    look.chart(figure, key="try-interval", height=250 if case.known.counts else 130, alt=between)


def _why(case: Case, told: Answer, explanation: Mapping[str, Any] | None, row: Mapping[str, Any]) -> None:
    st.html("<h2 class='part'>Why this answer</h2>")
    if not explanation:
        st.caption("This model does not tell reasons.")
        return
    found = reasons.steps(explanation, case.fields, row)
    scale = str(explanation["scale"])
    measure = _measure(case, told)
    ends = tuple(measure.told(reasons.back(scale, found[place].size)) for place in (0, -1))
    what = "the probability" if told.probable else f"the {case.target.lower()}"
    st.markdown(words.plain(reasons.sentence(found, what)))
    shown = reasons.SCALES.get(scale, scale)
    figure = waterfall.waterfall(found, scale=shown.capitalize(), ends=(ends[0], ends[1]))
    look.chart(figure, key="try-why", height=110 + 30 * len(found), alt=reasons.sentence(found, what))
    st.caption(reasons.addition(found, shown, ends[1]))


def _measure(case: Case, told: Answer) -> curve.Measure:
    name = label_of(told.main) if told.probable else case.target
    return curve.Measure(name, told.probable, case.model.unit, told.threshold)


def _what_if(case: Case, told: Answer, explanation: Mapping[str, Any] | None, row: Mapping[str, Any]) -> None:
    movable = {field.name: field for field in what_if.movable(case.fields, case.known)}
    if told.value is None or not movable:
        return
    st.html("<h2 class='part'>What if</h2>")
    sizes = (explanation or {}).get("contributions", {})
    first = max(movable, key=lambda name: abs(sizes.get(name, 0.0)))
    key = f"{case.prefix}:what-if"
    st.session_state.setdefault(key, first)
    name = st.selectbox(
        "Move one field, and leave all others as they are",
        list(movable),
        format_func=lambda each: form.name_of(movable[each]),
        key=key,
        persist_state="session",
        width=420,
    )
    try:
        with st.spinner("Asking the model about each value …"):
            tried = what_if.tried(case.model, case.known, movable[name], row)
    except ServiceError as error:
        look.error(error.words, error.remedy)
        return
    if not tried.answers:
        st.caption("The model takes none of the values that were tried.")
        return
    measure = _measure(case, told)
    draw = curve.curve if movable[name].kind in ("integer", "number") else curve.bars
    height = 320 if draw is curve.curve else 90 + 34 * len(tried.values)
    alt = f"{measure.name} over {tried.field}: from {measure.told(min(tried.answers))} to "
    alt += measure.told(max(tried.answers))
    look.chart(draw(tried, measure), key="try-what-if", height=height, alt=alt)
