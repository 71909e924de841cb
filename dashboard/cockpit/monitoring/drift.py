"""Drift of a model's columns: ranked, one of them drawn, and the share that drifted over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import streamlit as st

from cockpit import look, words
from cockpit.monitoring.charts import drift as drawn

Facts = Mapping[str, Any]
MEANING = "PSI says how far a column is from what it was in training; 0 is alike."


def show(drift: Facts) -> None:
    """What GET /drift says of one project."""
    name = drift["project"]
    st.subheader("Drift")
    if drift["features"]:
        _columns(drift)
    else:
        st.info(
            "No run could judge drift yet: there were too few predictions. Send some to the API and wait for a run."
        )
    if any(each["drifted_share"] is not None for each in drift["history"]):
        st.markdown("**Share of columns that drifted**")
        figure = drawn.share_over_time(drift["history"], drift["policy"]["drifted"])
        said = f"Share of columns that drifted over time, last {words.percent(drift['drifted_share'])}"
        look.chart(figure, key=f"share-{name}", height=240, alt=said)


def _columns(drift: Facts) -> None:
    name, features = drift["project"], drawn.ranked(drift["features"])
    states = Counter(each["state"] for each in features)
    told = ", ".join(f"{number} {state}" for state, number in states.most_common())
    st.caption(
        f"{MEANING} Version {drift['model_version']}, judged {words.ago(drift['at'])}: {told}. A column counts as "
        "drifted only where it is beyond the limit and beyond what chance alone does."
    )
    figure = drawn.ranking(features, drift["policy"]["psi"])
    look.chart(figure, key=f"psi-{name}", height=120 + 26 * len(features), alt=f"PSI of each column: {told}")
    by_name = {each["feature"]: each for each in features}
    chosen = st.selectbox(
        "Column",
        list(by_name),
        format_func=lambda each: f"{drawn.column_name(each)} – {by_name[each]['state']}",
        key=f"monitoring-column-{name}",
    )
    feature = by_name.get(str(chosen), features[0])
    alt = f"Distribution of {drawn.column_name(feature['feature'])} in training and now"
    look.chart(drawn.distributions(feature), key=f"bins-{name}", height=drawn.height_of(feature), alt=alt)
    st.markdown("\n".join(f"- {line}" for line in drawn.in_words(feature)))
