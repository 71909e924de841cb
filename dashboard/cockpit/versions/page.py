"""Versions of a model: which there are, which is live, who changed that, how two differ; and acting on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from cockpit import look, words
from cockpit.models import Model
from cockpit.services import ServiceError, monitoring
from cockpit.versions import act, upload
from cockpit.versions.comparison import Compared, compare

FRESH_SECONDS = 3.0
TOLD_SECONDS = 10.0  # it asks the registry and the API in turn
LISTED = 3
MARKS = {"better": look.GOOD, "worse": look.BAD, "equal": look.UNKNOWN, "unknown": look.UNKNOWN}
Facts = Mapping[str, Any]


def show(model: Model) -> None:
    """Everything that is known of them, and the two acts."""
    note = "What is registered, what is live, and who changed that when and why."
    look.head(model.title, note, synthetic=model.synthetic)
    try:
        told = versions(model.name)
    except ServiceError as error:
        look.error("The versions are not known:", error.words, error.remedy)
        upload.show(model)
        return
    _standing(told)
    _table(told, model.unit)
    _compare(told, model)
    act.show(model, told)
    upload.show(model)
    _audit(told)


@st.cache_data(ttl=FRESH_SECONDS, show_spinner="Asking the registry, the audit and the API …")
def versions(name: str) -> Facts:
    """What GET /versions says. Raises ServiceError."""
    found: Facts = monitoring().get(f"/versions/{name}", seconds=TOLD_SECONDS)
    return found


def _standing(told: Facts) -> None:
    live = told["live_versions"]
    serves = words.NONE if live is None else ", ".join(live)
    st.html(
        look.facts(
            (
                ("Live", serves, "the API does not answer" if live is None else "in all of the API's workers"),
                ("Champion", told["champion"] or words.NONE, "of the registry"),
                ("Challenger", told["challenger"] or words.NONE, "waits for a promotion" if told["challenger"] else ""),
                ("Versions", str(len(told["versions"])), "registered"),
            )
        )
    )
    if live is None:
        st.warning("The API does not answer, so which version is live is not known. `make health` tells what runs.")
    elif live != [told["champion"]]:
        look.warning(f"The API serves version {serves}, the registry's champion is {told['champion'] or 'none'}.")


def _table(told: Facts, unit: str) -> None:
    rows, live = told["versions"], told["live_versions"] or ()
    if not rows:
        st.info("No version is registered yet: train the model first.")
        return
    metrics = list(dict.fromkeys(name for row in rows for name in row["metrics"]))[:LISTED]  # a comparison has them all
    st.dataframe(
        {
            "Version": [row["version"] for row in rows],
            "Live": ["live" if row["version"] in live else "" for row in rows],
            "Alias": [", ".join(row["aliases"]) for row in rows],
            "Gate says": [row["verdict"] or "not judged" for row in rows],
            **{words.metric_name(name): [_value(row, name, unit) for row in rows] for name in metrics},
            "Created (UTC)": [_time(row["created"]) for row in rows],
            "Signed by": [row["signed_by"][:8] or "nobody yet" for row in rows],
            "Promoted (UTC)": [_time(row["promoted_at"]) for row in rows],
            "Archived (UTC)": [_time(row["archived_at"]) for row in rows],
            "Data": [row["data"] for row in rows],
            "Bundle": [row["bundle"] for row in rows],
        },
        hide_index=True,
        key=f"versions-table-{told['project']}",
    )


def _value(row: Facts, name: str, unit: str) -> str:
    return words.metric(name, row["metrics"][name]["value"], unit) if name in row["metrics"] else words.NONE


def _time(at: str) -> str:
    return f"{words.moment(at):%Y-%m-%d %H:%M}" if at else ""


def _compare(told: Facts, model: Model) -> None:
    by_version = {row["version"]: row for row in told["versions"]}
    if len(by_version) < 2:
        return
    name = told["project"]
    st.subheader("Compare two versions")
    first, second = _pair(told)
    left, right = st.columns(2)
    names = list(by_version)
    with left:
        a = st.selectbox("Version", names, index=names.index(first), key=f"versions-first-{name}")
    with right:
        b = st.selectbox("with version", names, index=names.index(second), key=f"versions-second-{name}")
    aim = model.info.get("task", {}).get("coverage")
    lines = compare(by_version[a]["metrics"], by_version[b]["metrics"], aim=aim)
    st.html(comparison_table(lines, (a, b), model.unit))
    if by_version[a]["data"] != by_version[b]["data"]:
        look.warning(f"They were measured on different data: {by_version[a]['data']}; {by_version[b]['data']}.")
    st.caption("On each version's own test rows, with 95 % intervals. Where the intervals overlap it may be chance.")


def _pair(told: Facts) -> tuple[str, str]:
    """The champion, and the challenger or else the newest other."""
    numbers = [row["version"] for row in told["versions"]]
    first = told["champion"] if told["champion"] in numbers else numbers[-1]
    others = [number for number in numbers if number != first]
    return first, told["challenger"] if told["challenger"] in others else others[0]


def comparison_table(lines: Sequence[Compared], versions: tuple[str, str], unit: str) -> str:
    """As HTML: each metric of both, and what the second one gains or loses."""
    heads = ("", *(f"Version {each}" for each in versions), f"{versions[1]} against {versions[0]}")
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(_line(line, unit) for line in lines)
    return f'<table class="compare"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _line(line: Compared, unit: str) -> str:
    cells = "".join(_figure(line.metric, figure, unit) for figure in (line.first, line.second))
    return f"<tr><th>{escape(words.metric_name(line.metric))}</th>{cells}<td>{_difference(line, unit)}</td></tr>"


def _figure(metric: str, figure: Facts | None, unit: str) -> str:
    if figure is None or figure["value"] is None:
        return f"<td>{words.NONE}</td>"
    within = words.interval(metric, figure, unit) if figure.get("low") is not None else ""
    return f"<td>{escape(words.metric(metric, figure['value'], unit))}<small>{escape(within)}</small></td>"


def _difference(line: Compared, unit: str) -> str:
    if line.difference is None:
        return words.NONE
    sign = "+" if line.difference > 0 else "−" if line.difference < 0 else "±"
    said = "not judged" if line.judged == "unknown" else line.judged
    note = "<small>intervals overlap</small>" if line.overlap and line.judged != "equal" else ""
    value = escape(sign + words.metric(line.metric, abs(line.difference), unit))
    return f"{value} {look.badge(said, look.UNKNOWN if line.overlap else MARKS[line.judged])}{note}"


def _audit(told: Facts) -> None:
    st.subheader("Who changed what")
    lines = told["audit"]
    if not lines:
        st.info("Nobody has changed anything yet.")
        return
    st.dataframe(
        {
            "When (UTC)": [_time(line["at"]) for line in lines],
            "Who": [line["who"] for line in lines],
            "What": [_what(line) for line in lines],
            "Outcome": [line["outcome"] for line in lines],
            "Reason": [line["reason"] for line in lines],
            "Served after": [words.NONE if line["seconds"] is None else f"{line['seconds']:.1f} s" for line in lines],
            "Detail": [line["detail"] for line in lines],
        },
        hide_index=True,
        key=f"versions-audit-{told['project']}",
    )


def _what(line: Facts) -> str:
    """Such as "promote 1 → 2, forced"."""
    versions = " → ".join(each for each in (line["from_version"], line["to_version"]) if each)
    return f"{line['action']} {versions}{', forced' if line['forced'] else ''}"
