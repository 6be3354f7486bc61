"""A state of the dashboard: a page, the experiment, and what the page shows of it. Taken down, and opened again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from gdcore.experiment import Experiment
from gdui import controls, links, restoring, session, views


@dataclass(frozen=True)
class State:
    """page: its file's name without .py; shown: the page's own choices, as a link states them."""

    page: str
    experiment: Experiment
    shown: Mapping[str, str] = field(default_factory=dict)


def current(page: str) -> State | None:
    """What the widgets state now; None where the starts make no sense."""
    setup = session.setup()
    try:
        starts = controls.stated_starts(setup.problem)
        return State(page, setup.experiment(starts), views.stated(page, setup.problem))
    except ValueError:
        return None


def put(state: State) -> None:
    """Put a state into all widgets and ask for its page. Call it in a callback, or before any widget is drawn."""
    restoring.restore(state.experiment)
    st.session_state["passed over"] = views.show(state.page, state.experiment.problem, state.shown)
    st.session_state["go to"] = state.page


def arrive(here: str) -> None:
    """Go to the page that a state was put on, if that is another one."""
    page = st.session_state.pop("go to", here)
    if page != here and page in PAGES:
        st.switch_page(f"pages/{page}.py")


def link(state: State, base: str, *, fingerprint: str = "") -> str:
    """The link that opens a state; ValueError where it is too long for one."""
    path = "" if state.page == views.MANY_STARTS else state.page
    return links.address(base, path, links.query(state.experiment, state.shown, fingerprint=fingerprint))


def base_address(page: str) -> str:
    """Where this dashboard is, as the browser knows it."""
    address = (st.context.url or "http://localhost:8501").partition("?")[0]
    return address.rstrip("/").removesuffix(f"/{page}")


PAGES = (*views.PAGES, "saved_runs")
