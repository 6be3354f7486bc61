"""The answer of a page: its sentence, written largest, and the charts that carry it; remembered for keeping and for meetings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import streamlit as st

from gdui import tables


@dataclass(frozen=True)
class Answer:
    """What the page in force says, and its charts, the most telling first."""

    sentence: str = ""
    charts: tuple[alt.TopLevelMixin, ...] = ()


def begin() -> None:
    """A page starts: nothing is said yet."""
    st.session_state["answer"] = Answer()


def say(sentence: str) -> None:
    """Write the answer."""
    st.markdown(f"### {tables.safe(sentence)}")
    st.session_state["answer"] = replace(given(), sentence=sentence)


def draw(chart: alt.TopLevelMixin, **options: Any) -> None:
    """Draw a chart that carries the answer."""
    st.altair_chart(chart, width="content", **options)
    st.session_state["answer"] = replace(given(), charts=(*given().charts, chart))


def given() -> Answer:
    """What the page has said so far; before it runs, what it said last."""
    answer: Answer = st.session_state.get("answer", Answer())
    return answer
