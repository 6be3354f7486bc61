"""Reports of the page in force, to be downloaded: one HTML file, and all its charts as pictures."""

from __future__ import annotations

from threading import Thread

import streamlit as st

from gdui import answers, report, sharing
from gdui.answers import Answer
from gdui.report import Report
from gdui.states import State


def show(state: State) -> None:
    """The two buttons; what they give is made when they are pressed."""
    answer, dark = answers.given(), st.context.theme.type == "dark"
    if not answer.sentence:
        st.caption("A report can be had as soon as the page has its answer.")
        return
    _warmed()
    link, name = sharing.link_to(state) or "", f"gdboard-{state.page}-{state.experiment.digest}"
    with st.container(horizontal=True):
        st.download_button(
            "Report", lambda: report.html(made(answer, state, link, dark=dark)).encode(), f"{name}.html", "text/html", icon=":material/description:",
            on_click="ignore", key=f"report {name}", help="The page as one file that needs no network: question, settings, charts, tables, sentences, link and script.",
        )  # fmt: skip
        st.download_button(
            "Charts", lambda: report.pictures(made(answer, state, link, dark=dark)), f"{name}.zip", "application/zip", icon=":material/image:",
            on_click="ignore", key=f"pictures {name}", disabled=not answer.charts, help="Every chart of the page as PNG and as SVG, in one zip.",
        )  # fmt: skip


@st.cache_resource(show_spinner=False)
def _warmed() -> Thread:
    """Once in a server: what every report holds is put together while somebody reads what a report is."""
    thread = Thread(target=report.prepare, daemon=True)
    thread.start()
    return thread


def made(answer: Answer, state: State, link: str, *, dark: bool) -> Report:
    """The report of what a page has said."""
    script = _script(answer)
    if answer.report is not None:
        return answer.report(link, script)
    return report.of_sections(state.experiment, answer.sentence, answer.sections, link=link, script=script, view_dark=dark)


def _script(answer: Answer) -> str:
    try:
        return answer.script() if answer.script else ""
    except ValueError:
        return ""
