"""Bring labels: a CSV file, sent to the API in parts, what became of each line, and those that need a look."""

from __future__ import annotations

import streamlit as st

from cockpit import look
from cockpit.models import Model
from cockpit.table import TableError
from cockpit.versions import change, labels
from cockpit.versions.labels import Line, Sent

MEANINGS = {
    "recorded": "joined with its prediction",
    "repeated": "the same value was there already",
    "replaced": "overruled another value",
    "unknown": "no such prediction yet; kept",
    "conflict": "another value is there; kept aside",
    "refused": "no label of this model",
    "not sent": "try these again later",
}
SHOWN = 200
EXAMPLE = "prediction_id,true_label,label_timestamp,label_source\n<id of an answer>,1,2026-03-01T12:00:00Z,crm\n"


def show(model: Model) -> None:
    """Choose, send, and see what became of it."""
    name = model.name
    st.subheader("Bring labels")
    st.caption(
        "A label is the truth about one prediction, found by the prediction_id of its answer. The CSV's first line "
        "names its columns; label_timestamp and label_source may be left out. The same labels again change nothing."
    )
    with st.expander("What such a file looks like"):
        st.code(EXAMPLE, language=None)
    sent_at = _at(name, "sent")
    file = st.file_uploader(
        "CSV file of labels", type="csv", key=_at(name, "file"), on_change=st.session_state.pop, args=(sent_at, None)
    )
    replace = st.checkbox("Replace labels that say something else (needs the admin key)", key=_at(name, "replace"))
    if replace:
        st.text_input(
            "Admin key",
            type="password",
            autocomplete="off",
            key=_at(name, "key"),
            help="The ADMIN_KEY of the API. It is used once and not kept.",
        )
    st.button("Record the labels", disabled=file is None, on_click=_submit, args=(name,), key=_at(name, "send"))
    go = st.session_state.pop(_at(name, "go"), None)
    if file is not None and go is not None:
        st.session_state[sent_at] = _take(model, file.getvalue(), *go)
    for sentence in st.session_state.pop(_at(name, "lacking"), ()):
        look.warning("Nothing was sent.", sentence)
    sent = st.session_state.get(sent_at)
    if sent is not None:
        _tell(sent, name)


def _submit(name: str) -> None:
    """Take the key out of its field, and the last outcome away."""
    replace = bool(st.session_state.get(_at(name, "replace")))
    key = str(st.session_state.get(_at(name, "key"), "")).strip() if replace else ""
    st.session_state.pop(_at(name, "sent"), None)
    lacking = change.lacking_key(key) if replace else []
    if lacking:
        st.session_state[_at(name, "lacking")] = lacking
        return
    if replace:
        st.session_state[_at(name, "key")] = ""
    st.session_state[_at(name, "go")] = (key, replace)


def _take(model: Model, content: bytes, key: str, replace: bool) -> Sent | str:
    try:
        lines = labels.read(content)
    except TableError as error:
        return f"{error.words} {error.remedy}"
    bar = st.progress(0.0, "Sending the labels …")
    sent = labels.send(lines, model.service, key=key, replace=replace, told=lambda done: _progress(bar, done, lines))
    bar.empty()
    return sent


def _progress(bar: st.delta_generator.DeltaGenerator, done: int, lines: list[Line]) -> None:
    bar.progress(done / len(lines), f"{done:,} of {len(lines):,} lines are done")


def _tell(sent: Sent | str, name: str) -> None:
    if isinstance(sent, str):
        look.error("Nothing was sent.", sent)
        return
    if sent.trouble:
        remedy = change.KEY_REMEDY.replace("the monitoring service", "the API")
        said = remedy if sent.trouble.status in (401, 403) else sent.trouble.remedy
        look.error("Not all labels were taken:", sent.trouble.words, said)
    counts = [(what, f"{sent.counts[what]:,}", note) for what, note in MEANINGS.items() if sent.counts[what]]
    st.html(look.facts(counts))
    if not sent.problems:
        st.success("Every label is recorded.")
        return
    _problems(sent, name)


def _problems(sent: Sent, name: str) -> None:
    """The lines that were not recorded, the first of them shown and all to download."""
    number = len(sent.problems)
    st.markdown(f"**{number:,} {'line was' if number == 1 else 'lines were'} not recorded**")
    first = sorted(sent.problems, key=lambda each: each.line.number)[:SHOWN]
    st.dataframe(
        {
            "Line": [each.line.number for each in first],
            "Outcome": [each.outcome for each in first],
            "Reason": [each.reason or MEANINGS.get(each.outcome, "") for each in first],
            "prediction_id": [each.line.cells.get("prediction_id", "") for each in first],
            "true_label": [each.line.cells.get("true_label", "") for each in first],
        },
        hide_index=True,
        key=_at(name, "problems"),
    )
    if len(sent.problems) > SHOWN:
        st.caption(f"The first {SHOWN} are shown; the file has all of them.")
    st.download_button(
        "Download these lines",
        labels.rejected_csv(sorted(sent.problems, key=lambda each: each.line.number)),
        file_name=f"{name}-labels.rejected.csv",
        mime="text/csv",
        key=_at(name, "download"),
        on_click="ignore",
    )


def _at(name: str, part: str) -> str:
    return f"labels-{part}-{name}"
