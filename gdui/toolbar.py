"""What can be done with the run on any page: keep it, share it, go back to the one before, show it to a meeting."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gdui import address, history, keeping, meeting, reporting, sharing, states, views
from gdui.states import State


@dataclass(frozen=True)
class Tools:
    """The tools that open; what they hold is drawn when the page has been."""

    keep: DeltaGenerator
    share: DeltaGenerator
    past: DeltaGenerator


def place() -> DeltaGenerator:
    """Where the tools stand: above the sidebar's problem."""
    return st.sidebar.container(horizontal=True, gap="xsmall", key="toolbar")


def fill(where: DeltaGenerator, state: State | None) -> Tools:
    """The tools for the state in force."""
    with where:
        keep = st.popover(":material/bookmark_add:", key="keeping", on_change="rerun", help="Keep this run under a name.")
        share = st.popover(":material/share:", key="share", on_change="rerun", help="Share: a link that reproduces this, or a report.")
        past = st.popover(":material/history:", key="past", on_change="rerun", help="The last runs of this session.")
        before = next(iter(history.others(state)), None)
        st.button(
            ":material/undo:", key="back", disabled=before is None, on_click=states.put, args=(before and before.state,), help="Back to the run before.",
        )  # fmt: skip
        st.button(
            ":material/co_present:", key="meet", disabled=state is None, on_click=meeting.enter, args=(state,),
            help="Meeting mode: large type, one control, and the arrow keys step through the saved runs.",
        )  # fmt: skip
    return Tools(keep, share, past)


def close(tools: Tools, state: State | None) -> None:
    """When the page is drawn and its findings are known: what the tools hold, and the link in the address bar."""
    for tool, show in ((tools.keep, keeping.show), (tools.share, _share), (tools.past, history.show)):
        if tool.open:
            with tool:
                show(state)
    if state is not None and state.page in views.PAGES and not sharing.pending(state):
        address.mirror(state.page, sharing.link_to(state) or "")


def _share(state: State | None) -> None:
    if state is None:
        st.caption("The starts make no sense, so there is nothing to share.")
        return
    sharing.show(state)
    if state.page in views.PAGES:
        reporting.show(state)
