"""Promote and roll back: what to do and why, the admin key, a typed confirmation, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import streamlit as st

from cockpit import look, models, words
from cockpit.models import Model
from cockpit.services import monitoring
from cockpit.versions import change
from cockpit.versions.change import Outcome, Wish

ACTIONS = {"promote": "Promote a version", "roll back": "Roll back"}
TICK_SECONDS = 0.5
Facts = Mapping[str, Any]


def show(model: Model, told: Facts) -> None:
    """The form; while a change goes on, how far it is."""
    name = told["project"]
    st.subheader("Promote or roll back")
    going = st.session_state.get(_at(name, "going"))
    if going:
        _wait(model, name, *going)
    _tell(st.session_state.get(_at(name, "outcome")), told["champion"])
    action = st.segmented_control(
        "What to do",
        list(ACTIONS),
        format_func=ACTIONS.__getitem__,
        default="promote",
        required=True,
        key=_at(name, "action"),
        label_visibility="collapsed",
        on_change=_forget,
        args=(name,),
    )
    choices = _choices(told, str(action))
    if not choices:
        st.info("There is no version beside the champion: train another one, then it can be promoted here.")
        return
    key = _at(name, f"version-{action}")
    st.selectbox("Version", list(choices), format_func=choices.__getitem__, key=key, on_change=_forget, args=(name,))
    _form(model, name)


def _choices(told: Facts, action: str) -> dict[str, str]:
    """What can be chosen, and how it reads; the challenger first."""
    others = [each for each in told["versions"] if each["version"] != told["champion"]]
    others.sort(key=lambda each: "challenger" not in each["aliases"])
    named = {each["version"]: _named(each) for each in others}
    if action == "roll back":
        return {"": "The champion before the present one", **named} if named else {}
    return named


def _named(version: Facts) -> str:
    parts = [*version["aliases"], f"the gate says {version['verdict']}" if version["verdict"] else "never judged"]
    if version["archived_at"]:
        parts.append("archived")
    return f"Version {version['version']} – {', '.join(parts)}"


def _form(model: Model, name: str) -> None:
    action, version = _chosen(name)
    with st.form(_at(name, "form")):
        st.text_input("Reason", max_chars=change.REASON_LENGTH, key=_at(name, "reason"), help="The audit keeps it.")
        left, right = st.columns(2)
        with left:
            st.text_input(
                "Admin key",
                type="password",
                autocomplete="off",
                key=_at(name, "key"),
                help="The ADMIN_KEY of the monitoring service. It is used once and not kept.",
            )
            st.text_input("Your name (optional)", max_chars=64, key=_at(name, "user"), help="Whom the audit names.")
        with right:
            st.text_input(f"Type {name} to confirm", autocomplete="off", key=_at(name, "confirmation"))
        if action == "promote" and version == st.session_state.get(_at(name, "refused")):
            st.checkbox(
                f":red[Force: take version {version} all the same, although it was refused]", key=_at(name, "force")
            )
        label = (
            f"Promote version {version}" if action == "promote" else f"Roll back {f'to {version}' if version else ''}"
        )
        st.form_submit_button(label.strip(), type="primary", on_click=_submit, args=(model, name))
    for sentence in st.session_state.get(_at(name, "lacking"), ()):
        look.warning("Nothing was sent.", sentence)


def _submit(model: Model, name: str) -> None:
    """Begin, where all was said; the key leaves the session with the request."""
    action, version = _chosen(name)
    said = {part: str(st.session_state.get(_at(name, part), "")).strip() for part in ("reason", "key", "user")}
    force = bool(st.session_state.get(_at(name, "force")))
    wish = Wish(name, action, version, **said, force=force)
    lacking = change.lacking(wish, str(st.session_state.get(_at(name, "confirmation"), "")).strip())
    st.session_state[_at(name, "lacking")] = lacking
    _forget(name)
    if lacking or st.session_state.get(_at(name, "going")):
        return
    for part in ("key", "confirmation"):
        st.session_state[_at(name, part)] = ""
    for part in ("refused", "force"):
        st.session_state.pop(_at(name, part), None)
    doing = f"Promoting version {version}" if action == "promote" else "Rolling back"
    future = _pool().submit(change.carry_out, wish, monitoring(), model.service)
    st.session_state[_at(name, "going")] = (future, f"{doing} of {name}", time.monotonic())


def _wait(model: Model, name: str, future: Future[Outcome], doing: str, began: float) -> None:
    """Tell how far it is until it is over; whoever clicks meanwhile comes back here, and nothing is sent twice."""
    with st.status(f"{doing} …", expanded=True):
        line = st.empty()
        while not wait([future], timeout=TICK_SECONDS).done:
            serves = change.served_by(model.service) or "none"
            line.write(
                "The bundle is verified, then the alias moves, then the API's workers follow. "
                f"So far {time.monotonic() - began:.0f} s; the API serves version {serves}."
            )
    outcome = future.result()
    del st.session_state[_at(name, "going")]
    st.session_state[_at(name, "outcome")] = outcome
    st.session_state[_at(name, "refused")] = outcome.force
    models.forget()
    st.cache_data.clear()
    st.rerun()


def _forget(name: str) -> None:
    """What came of the last change, once something else is wanted."""
    st.session_state.pop(_at(name, "outcome"), None)


def _tell(outcome: Outcome | None, champion: str) -> None:
    """What came of the last change, for as long as nobody has made another."""
    if outcome is None or (outcome.done and outcome.champion != champion):
        return
    ago = words.ago(outcome.at)
    if not outcome.done:
        look.error("Not done:", outcome.words, outcome.remedy, f"That was {ago}.")
        return
    served, sentence = change.verified(outcome)
    (st.success if served else st.warning)(words.plain(f"{outcome.words} {sentence} That was {ago}."))


def _chosen(name: str) -> tuple[change.Action, str]:
    action: change.Action = "roll back" if st.session_state.get(_at(name, "action")) == "roll back" else "promote"
    return action, str(st.session_state.get(_at(name, f"version-{action}")) or "")


def _at(name: str, part: str) -> str:
    return f"versions-{part}-{name}"


@st.cache_resource(show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    """Changes go on where the page is drawn anew meanwhile."""
    return ThreadPoolExecutor(4, thread_name_prefix="change")
