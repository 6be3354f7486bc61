"""Links: one that the dashboard was opened with → its state, and whether the findings are the sender's."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import gdcore
from gdcore.experiment import Experiment, Findings, run
from gdui import address, beside, effort, links, session, states, tables, views
from gdui.links import Link
from gdui.states import State


@dataclass(frozen=True)
class Expected:
    """What a link or a saved run, the source, tells of its findings; anew: whether they are found again here."""

    link: Link
    source: str
    anew: bool = True


def take(page: str) -> None:
    """Open the link in the address bar, once in a session. What asks for much waits for a click, unless it has been done here before."""
    if st.session_state.setdefault("link taken", False):
        return
    st.session_state["link taken"] = True
    query = st.query_params.to_dict()
    if not links.is_link(query):
        return
    try:
        link = links.read(query)
        much = effort.work(page, link.experiment, link.shown) > 1 and not address.known(page, query)
    except links.LinkError as error:
        st.session_state["link trouble"] = str(error)
        return
    if much:
        st.session_state["link waiting"] = (link, page)
    else:
        _open(link, page)


def expect(link: Link, source: str = "a link", *, anew: bool = True) -> None:
    """Compare the findings with those that a link or a saved run tells of, as long as its experiment is in force.

    anew: whether runs are repeated here; else the findings are those that were kept.
    """
    st.session_state["expected"] = Expected(link, source, anew)


def _open(link: Link, page: str) -> None:
    st.session_state.pop("link waiting", None)
    expect(link)
    states.put(State(page, link.experiment, link.shown))


def _dismiss() -> None:
    for key in ("link waiting", "link trouble", "link met"):
        st.session_state.pop(key, None)


def pending(state: State) -> bool:
    """Whether the address bar still holds a link that waits, or could not be opened: until something else is asked for."""
    if "link waiting" not in st.session_state and "link trouble" not in st.session_state:
        return False
    met = st.session_state.setdefault("link met", state)
    if met == state:
        return True
    st.session_state.pop("link trouble", None)
    return False


def link_to(state: State) -> str | None:
    """The link that opens a state, with the hash of its findings where they are known; None where it is too long for one."""
    found: Findings | None = session.cache().get(state.experiment.digest)
    try:
        return states.link(state, states.base_address(state.page), fingerprint=found.fingerprint if found is not None else "")
    except ValueError:
        return None


def _repeated(experiment: Experiment) -> Findings | None:
    """What the experiment found; where that is not known it is run beside the page, which is shown again when it is."""
    found: Findings | None = session.cache().get(experiment.digest)
    work = session.remembering(run)
    return found or beside.ready("check", experiment.digest, lambda report: work(experiment, on_progress=report))


def show(state: State) -> None:
    """The link to what is shown, to be copied."""
    if state.page in views.PAGES and state.page != views.MANY_STARTS and effort.work(views.MANY_STARTS, state.experiment, {}) <= 1:
        _repeated(state.experiment)  # so that the link can tell of its findings
    link = link_to(state)
    st.markdown("**A link that reproduces this page**")
    if link is None:
        st.caption("This is too long for a link: keep the run, and export it on the page Saved runs.")
        return
    st.code(link, language=None, wrap_lines=True)
    st.caption("It holds the experiment, the page and a hash of labels and endings: whoever opens it sees whether theirs are the same.")


def tell(page: str, state: State | None) -> None:
    """Above the page: what is wrong with a link, what it waits for, or that what it states is open."""
    if "link trouble" in st.session_state:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.error(tables.safe(st.session_state["link trouble"]), icon=":material/link_off:")
            st.button("Close", key="close link", type="tertiary", on_click=_dismiss)
    if "link waiting" in st.session_state:
        link, on = st.session_state["link waiting"]
        _ask(link, on)
    passed = st.session_state.get("passed over")
    expected: Expected | None = st.session_state.get("expected")
    if expected is None or not _in_force(expected.link, state):
        return
    if passed:
        st.warning(tables.safe(f"Not everything could be shown as it was there: {', '.join(name[:40] for name in passed[:5])} means nothing here."), icon=":material/link:")
    if page in views.PAGES and page != views.MANY_STARTS:
        _say(expected, _repeated(expected.link.experiment) if expected.link.fingerprint else None, ", on Many starts")


def _ask(link: Link, page: str) -> None:
    what, times = max(effort.asked(page, link.experiment, link.shown).items(), key=lambda one: one[1])
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**This link asks for {times:,.3g} times the usual work**: {tables.safe(what)}. It has not been opened yet.", width="stretch")
        st.button("Open it", key="open link", type="primary", on_click=_open, args=(link, page))
        st.button("Do not", key="leave link", on_click=_dismiss)


def confirm(findings: Findings) -> None:
    """On the page of the runs themselves: whether they are the sender's."""
    expected: Expected | None = st.session_state.get("expected")
    if expected is not None and findings.experiment.digest == expected.link.experiment.digest:
        _say(expected, findings)


def _in_force(link: Link, state: State | None) -> bool:
    return state is not None and state.experiment.digest == link.experiment.digest


def _say(expected: Expected, findings: Findings | None, where: str = "") -> None:
    """Whether the findings are those that the link tells of; where: which runs are meant."""
    link, opened = expected.link, f"Opened from {expected.source}"
    by = f"gdboard {link.by}" if link.by else "another gdboard"
    if link.digest and not link.experiment.digest.startswith(link.digest):
        st.warning(tables.safe(f"{opened}, made by {by}: what is usual has changed since, so this is not quite that experiment."), icon=":material/link:")
    if not link.fingerprint:
        st.caption(tables.safe(f"{opened}, which says nothing of the findings there."))
    elif findings is None:
        return
    elif not expected.anew:
        st.caption(tables.safe(f"{opened} as it was kept; nothing was run anew (hash {findings.fingerprint})."))
    elif findings.fingerprint == link.fingerprint:
        same = f"{opened}{where}: labels and endings of all {findings.count:,} starts are the same as there (hash {link.fingerprint})."
        st.caption(f":green[:material/verified:] {tables.safe(same)}")
    else:
        here = f"{findings.fingerprint} here (gdboard {gdcore.__version__})"
        differ = f"{opened}{where}: labels or endings differ: hash {link.fingerprint} there ({by}), {here}."
        st.warning(tables.safe(differ), icon=":material/link_off:")
