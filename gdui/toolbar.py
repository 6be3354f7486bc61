"""What can be done with the run on any page: keep it, share it, go back to the one before, show it to a meeting."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gdui import address, history, keeping, meeting, sharing, states, views
from gdui.states import State


def place() -> DeltaGenerator:
    """Where the tools stand: above the sidebar's problem."""
    return st.sidebar.container(horizontal=True, gap="xsmall", key="toolbar")


def fill(where: DeltaGenerator, page: str, state: State | None) -> None:
    """The tools for the state in force; each one's contents are made when it is opened."""
    with where:
        keep = st.popover(":material/bookmark_add:", key="keeping", on_change="rerun", help="Keep this run under a name.")
        share = st.popover(":material/share:", key="share", on_change="rerun", help="Share: a link that reproduces this.")
        past = st.popover(":material/history:", key="past", on_change="rerun", help="The last runs of this session.")
        before = next(iter(history.others(state)), None)
        st.button(
            ":material/undo:", key="back", disabled=before is None, on_click=states.put, args=(before and before.state,), help="Back to the run before.",
        )  # fmt: skip
        st.button(
            ":material/co_present:", key="meet", disabled=state is None, on_click=meeting.enter, args=(state,),
            help="Meeting mode: large type, one control, and the arrow keys step through the saved runs.",
        )  # fmt: skip
    if keep.open:
        with keep:
            keeping.show(state)
    if share.open:
        with share:
            sharing.show(page, state)
    if past.open:
        with past:
            history.show(state)


def close(state: State | None) -> None:
    """When the page is drawn and its findings are known: the link to it, in the address bar."""
    if state is not None and state.page in views.PAGES and not sharing.pending():
        address.mirror(sharing.link_to(state) or "")
