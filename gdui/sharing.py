"""Links: one that the dashboard was opened with → its state, and whether the findings are the sender's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

import gdcore
from gdcore.experiment import Findings, run
from gdui import answers, beside, links, session, states, tables, views, wording
from gdui.links import Link
from gdui.states import State


def take(page: str) -> None:
    """Open the link in the address bar, once in a session. What asks for much waits for a click."""
    if st.session_state.setdefault("link taken", False):
        return
    st.session_state["link taken"] = True
    query = st.query_params.to_dict()
    if not links.is_link(query):
        return
    try:
        link = links.read(query)
    except links.LinkError as error:
        st.session_state["link trouble"] = str(error)
        return
    if views.work(page, link.experiment, link.shown) > 1:
        st.session_state["link waiting"] = (link, page)
        return
    _open(link, page)


def expect(link: Link, source: str = "a link") -> None:
    """Compare the findings with those that a link or a saved run tells of, as long as its experiment is in force."""
    st.session_state["expected"] = (link, source)


def _open(link: Link, page: str) -> None:
    st.session_state.pop("link waiting", None)
    expect(link)
    states.put(State(page, link.experiment, link.shown))


def _dismiss() -> None:
    for key in ("link waiting", "link trouble"):
        st.session_state.pop(key, None)


def pending() -> bool:
    """Whether a link waits, or could not be opened: the address bar still holds it then."""
    return "link waiting" in st.session_state or "link trouble" in st.session_state


def link_to(state: State) -> str | None:
    """The link that opens a state, with the hash of its findings where they are known; None where it is too long for one."""
    found: Findings | None = session.cache().get(state.experiment.digest)
    try:
        return states.link(state, states.base_address(state.page), fingerprint=found.fingerprint if found is not None else "")
    except ValueError:
        return None


def show(state: State) -> None:
    """The link to what is shown, to be copied."""
    link = link_to(state)
    st.markdown("**A link that reproduces this page**")
    if link is None:
        st.caption("This is too long for a link: keep the run, and export it on the page Saved runs.")
        return
    st.code(link, language=None, wrap_lines=True)
    st.caption("It holds the experiment, the page and a hash of labels and endings: whoever opens it sees whether theirs are the same.")


def code(script: Callable[..., str], *given: Any, **more: Any) -> None:
    """The numbers of the page as a short Python script, made when it is asked for."""
    answers.offer(script=partial(script, *given, **more))
    opened = st.expander("Show as Python", icon=":material/code:", key=f"python {script.__name__}", on_change="rerun")
    if opened.open:
        with opened:
            try:
                st.code(script(*given, **more), language="python")
                st.caption("Run it where gdcore is: in this folder, or with PYTHONPATH set to it.")
            except ValueError as error:
                st.info(tables.safe(wording.sentence(error)))


def tell(page: str, state: State | None) -> None:
    """Above the page: what is wrong with a link, what it waits for, or that what it states is open."""
    if "link trouble" in st.session_state:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.error(tables.safe(st.session_state["link trouble"]), icon=":material/link_off:")
            st.button("Close", key="close link", type="tertiary", on_click=_dismiss)
    if "link waiting" in st.session_state:
        link, on = st.session_state["link waiting"]
        _ask(link, on)
    link, source = st.session_state.get("expected", NOTHING)
    if link is not None and page in views.PAGES and page != views.MANY_STARTS and _in_force(link, state):
        found = session.cache().get(link.experiment.digest)
        if found is None and link.fingerprint:
            found = beside.ready("check", link.experiment.digest, lambda report: run(link.experiment, on_progress=report))
        _say(link, source, found)


def _ask(link: Link, page: str) -> None:
    times = views.work(page, link.experiment, link.shown)
    count, epochs = link.experiment.starts.count, link.experiment.stopping.epochs
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**This link asks for {times:,.3g} times the usual work**: {count:,} starts of up to {epochs:,} epochs. It has not been opened yet.",
            width="stretch",
        )
        st.button("Open it", key="open link", type="primary", on_click=_open, args=(link, page))
        st.button("Do not", key="leave link", on_click=_dismiss)


def confirm(findings: Findings) -> None:
    """On the page of the runs themselves: whether they are the sender's."""
    link, source = st.session_state.get("expected", NOTHING)
    if link is not None and findings.experiment.digest == link.experiment.digest:
        _say(link, source, findings)


def _in_force(link: Link, state: State | None) -> bool:
    return state is not None and state.experiment.digest == link.experiment.digest


def _say(link: Link, source: str, findings: Findings | None) -> None:
    by, opened = f"gdboard {link.by}" if link.by else "another gdboard", f"Opened from {source}"
    if link.digest and not link.experiment.digest.startswith(link.digest):
        st.warning(tables.safe(f"{opened}, made by {by}: what is usual has changed since, so this is not quite that experiment."), icon=":material/link:")
    if not link.fingerprint:
        st.caption(tables.safe(f"{opened}, which says nothing of the findings there."))
    elif findings is not None and findings.fingerprint == link.fingerprint:
        same = f"{opened}: labels and endings of all {findings.count:,} starts are the same as there (hash {link.fingerprint})."
        st.caption(f":green[:material/verified:] {tables.safe(same)}")
    elif findings is not None:
        here = f"{findings.fingerprint} here (gdboard {gdcore.__version__})"
        st.warning(tables.safe(f"{opened}, and labels or endings differ: hash {link.fingerprint} there ({by}), {here}."), icon=":material/link_off:")


NOTHING: tuple[Link | None, str] = (None, "")
