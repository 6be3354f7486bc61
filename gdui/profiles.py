"""The performance profile over chosen gallery problems: widgets, the job, chart and table."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import streamlit as st

from gdcore.gallery import GALLERY
from gdcore.profile import Profile, profile
from gdui import compare_charts, session, tables, verdict, wording
from gdui.contenders import Contenders, Question
from gdui.jobs import result_of

OPENING = ("peaks", "himmelblau", "six_hump_camel", "styblinski_tang", "branin", "beale", "booth", "goldstein_price")


def show(question: Question) -> None:
    """Which optimizer is cheapest over many problems: asked for by a button, with progress and a way to stop."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        session.keep("profile problems", list(OPENING))
        chosen = st.multiselect(
            "Problems", [key for key, problem in GALLERY.items() if problem.minima], key="profile problems", width=760, wrap=True, persist_state="session",
            format_func=lambda key: GALLERY[key].name, help="Gallery problems with a known minimum; each counts once.",
        )  # fmt: skip
        if st.button("Compute profile", type="primary", icon=":material/play_arrow:", disabled=not chosen, help="Runs every optimizer on every problem."):
            st.session_state["profile wanted"] = _key(question, chosen)
    if not chosen:
        st.info("Choose at least one problem.")
        return
    if st.session_state.get("profile wanted") != _key(question, chosen):
        st.caption(
            "Each optimizer runs on every problem from 200 starts, "
            + ("tuned anew on each problem by the budget above" if question.budget else "untuned")
            + "; settings left at their defaults follow each problem. Cost: expected gradient evaluations per success, success being the deepest minimum known."
        )
        return
    problems, contenders, budget = {GALLERY[key].name: GALLERY[key] for key in chosen}, _changed(question), question.budget
    found = result_of(
        "profile", _key(question, chosen),
        lambda report: profile(problems, contenders, question.stopping, budget=budget, on_progress=report),
    )  # fmt: skip
    if found is not None:
        _draw(found)


def _changed(question: Question) -> Contenders:
    """The contenders with those settings only that differ from their defaults here: the others follow each problem."""
    return {
        name: (optimizer, {key: value for key, value in values.items() if value != optimizer.defaults_for(question.problem)[key]})
        for name, (optimizer, values) in question.contenders.items()
    }


def _key(question: Question, chosen: list[str]) -> str:
    contenders = {name: [optimizer.to_dict(), dict(values)] for name, (optimizer, values) in _changed(question).items()}
    text = json.dumps([contenders, chosen, str(question.budget), question.stopping.epochs, question.stopping.gradient_tolerance])
    return "profile " + hashlib.sha256(text.encode()).hexdigest()[:16]


def _draw(found: Profile) -> None:
    st.markdown(f"**{tables.safe(verdict.profile_sentence(found))}**")
    st.altair_chart(compare_charts.profile(found, session.view(440, 300)), width="content", key="profile chart")
    st.dataframe(pd.DataFrame(verdict.profile_rows(found)), hide_index=True, width="stretch", key="profile table")
    st.caption("Expected gradient evaluations per success, and the learning rate used; ✓ marks the cheapest of each problem. " + tables.safe(wording.computed(*found.computed)))
