"""The answer of a page: its sentence, and the charts, tables and words that carry it; remembered for reports, keeping and meetings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from gdui import tables, wording
from gdui.report import Report, Section


@dataclass(frozen=True)
class Answer:
    """What the page in force says. report: what makes the report of this page from a link and a script, where it has one of its own."""

    sentence: str = ""
    sections: tuple[Section, ...] = ()
    script: Callable[[], str] | None = None
    report: Callable[[str, str], Report] | None = None

    @property
    def charts(self) -> list[alt.TopLevelMixin]:
        """The charts, the most telling first."""
        return [section.chart for section in self.sections if section.chart is not None]


def begin() -> None:
    """A page starts: nothing is said yet."""
    st.session_state["answer"] = Answer()


def given() -> Answer:
    """What the page has said so far; before it runs, what it said last."""
    answer: Answer = st.session_state.get("answer", Answer())
    return answer


def say(sentence: str) -> None:
    """Write the answer."""
    st.markdown(f"### {tables.safe(sentence)}")
    st.session_state["answer"] = replace(given(), sentence=sentence)


def draw(chart: alt.TopLevelMixin, title: str, **options: Any) -> None:
    """Draw a chart that carries the answer; its title stands above it already, or needs no place on the page."""
    st.altair_chart(chart, width="content", **options)
    _add(Section(title, chart=chart))


def tabulate(table: pd.DataFrame, title: str, *, caption: str = "") -> None:
    """Note a table that the page shows, for its report."""
    _add(Section(title, table=table, caption=caption))


def tell(sentences: Sequence[str], title: str) -> None:
    """Write sentences, one under the other."""
    tables.told(list(sentences))
    if sentences:
        _add(Section(title, tuple(sentences)))


def offer(report: Callable[[str, str], Report]) -> None:
    """Note what makes the page's own report."""
    st.session_state["answer"] = replace(given(), report=report)


def reproduce(script: Callable[..., str], *of: Any, **more: Any) -> None:
    """The numbers of the page as a short Python script, made when it is asked for."""
    made = partial(script, *of, **more)
    st.session_state["answer"] = replace(given(), script=made)
    opened = st.expander("Show as Python", icon=":material/code:", key=f"python {script.__name__}", on_change="rerun")
    if opened.open:
        with opened:
            try:
                st.code(made(), language="python")
                st.caption("Run it where gdcore is: in this folder, or with PYTHONPATH set to it.")
            except ValueError as error:
                st.info(tables.safe(wording.sentence(error)))


def _add(section: Section) -> None:
    st.session_state["answer"] = replace(given(), sections=(*given().sections, section))
