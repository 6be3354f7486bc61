"""Keeping a run: the store that all sessions share, the fields that name a run, and a kept run opened again."""

from __future__ import annotations

import time

import streamlit as st

import gdcore
from gdcore.experiment import Findings, run
from gdui import answers, effort, links, proofs, session, sharing, states, tables, views, wording
from gdui.states import State
from gdui.store import Store, StoreError, place

PURGED = 7 * 86_400.0  # seconds that a deleted run can be had back
PATIENT = 1.0  # times the usual work that is done for a run that is kept before its page was seen


@st.cache_resource(show_spinner=False)
def _opened(folder: str) -> Store:
    store = Store(place())
    if store.writable:
        store.purge(time.time() - PURGED)
    return store


def store() -> Store | None:
    """The saved runs of this computer's user; None, with a sentence, where they cannot be read."""
    try:
        return _opened(str(place()))
    except StoreError as error:
        st.error(tables.safe(wording.sentence(error)), icon=":material/database_off:")
        return None


def show(state: State | None) -> None:
    """Name, tags and note of the run in force, and the button that keeps it."""
    kept = store()
    if kept is None:
        return
    if not kept.writable:
        st.warning(tables.safe(wording.sentence(StoreError(kept.trouble))), icon=":material/lock:")
        return
    if state is None:
        st.caption("The starts make no sense, so there is nothing to keep.")
        return
    _fields(state, kept)


def _fields(state: State, kept: Store) -> None:
    digest = state.experiment.digest
    st.text_input("Name", value=suggestion(state), key=f"keep name {digest}", help="Under which the run is listed. Two runs may share one.")
    known = sorted({tag for one in kept.runs() for tag in one.tags})
    st.multiselect(
        "Tags", known, key="keep tags", accept_new_options=True, placeholder="none", help="Words to find runs by. Type a new one and press Enter."
    )
    st.text_area("Note", key=f"keep note {digest}", height=80, help="What should not be forgotten about it.")
    st.button("Keep this run", key="keep", type="primary", icon=":material/bookmark_add:", on_click=_keep, args=(state, kept))
    about, good, said = st.session_state.get("kept", ("", True, ""))
    if about == digest:
        (st.success if good else st.error)(tables.safe(said), icon=":material/check:" if good else ":material/error:")
    st.caption("All starts and findings are kept in full; the page Saved runs opens and compares them.")


def suggestion(state: State) -> str:
    """A name that tells runs apart."""
    problem, experiment = state.experiment.problem, state.experiment
    rate = experiment.settings.get("lr")
    text = f"{(problem.name or problem.text())[:50]}, {experiment.optimizer.name[:40]}"
    return text if rate is None else f"{text} {rate if isinstance(rate, str) else f'{rate:g}'}"[:120]


def _keep(state: State, kept: Store) -> None:
    """Callback: save, and say what became of it."""
    digest = state.experiment.digest
    try:
        found = _findings(state)
        said = answers.given().sentence if state.page in views.PAGES else ""
        one = kept.save(
            found, name=st.session_state[f"keep name {digest}"], note=st.session_state[f"keep note {digest}"], tags=st.session_state["keep tags"],
            page=state.page if state.page in views.PAGES else views.MANY_STARTS, view=dict(state.shown),
            sentence=said or wording.headline(proofs.known_now(found)),
        )  # fmt: skip
        st.session_state["kept"] = (digest, True, f"Kept as '{one.name}'.")
    except ValueError as error:
        st.session_state["kept"] = (digest, False, wording.sentence(error))


def _findings(state: State) -> Findings:
    """The findings in force, from the cache, or run now where that takes no longer than usual."""
    if session.cache().get(state.experiment.digest) is None and effort.work(views.MANY_STARTS, state.experiment, {}) > PATIENT:
        raise ValueError("these starts have not been run yet: open Many starts, and keep the run from there")
    return session.remembering(run)(state.experiment)


def open_run(kept: Store, id: str) -> bool:
    """Callback: the whole dashboard as it was when the run was kept, and whether that is possible.

    An imported run, or one of another gdboard, is run anew; what is run anew is compared with what was kept.
    """
    try:
        one, experiment = kept.run(id), kept.experiment(id)
        own = not one.imported and one.version == gdcore.__version__ and session.cache().get(experiment.digest) is None
        if own:
            session.cache().put(experiment.digest, kept.findings(id))
    except ValueError as error:
        st.session_state["shelf trouble"] = wording.sentence(error)
        return False
    link = links.Link(experiment, one.view, one.digest[:8], one.fingerprint, one.version)
    sharing.expect(link, f"the saved run '{one.name}'", anew=not own)
    states.put(State(one.page if one.page in views.PAGES else views.MANY_STARTS, experiment, one.view))
    return True
