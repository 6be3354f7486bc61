"""A thread that has finished, or goes on → its browser session runs the page, or a fragment of it, once more.

A fragment that polls (run_every) would do that too, but each of its calls carries the browser's own state of all widgets, which may be
older than what the server has just set: a problem chosen, or a formula typed, would be taken back. Here the page is run
with the state that its last run ended with, and never while it is running.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSessionState
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

AGAIN = 0.1  # seconds between looks at whether a page is still running


def caller(wanted: Callable[[], bool]) -> Callable[[], None]:
    """What a thread may call to rerun the page of the session that asks, if that is still wanted and the session there."""
    name = _session_id()

    def call() -> None:
        session = _session(name)
        if session is not None:
            session._call_soon_on_event_loop(lambda: _rerun(session, wanted, ""))

    return call


def again(seconds: float, wanted: Callable[[], bool]) -> None:
    """Run the fragment that asks once more after so many seconds, if that is still wanted then."""
    session, fragment = _session(_session_id()), ThreadState.get().fragment_id
    if session is not None and fragment:
        session._call_soon_on_event_loop(lambda: session._event_loop.call_later(seconds, _rerun, session, wanted, fragment))


def _session_id() -> str:
    context = get_script_run_ctx()
    return context.session_id if context is not None else ""


def _session(name: str) -> Any:
    return Runtime.instance().get_app_session(name) if name and Runtime.exists() else None


def _rerun(session: Any, wanted: Callable[[], bool], fragment: str) -> None:
    """On the session's event loop, as every message of the browser: nothing can come between the look and the run."""
    if session._state is AppSessionState.APP_IS_RUNNING:
        session._event_loop.call_later(AGAIN, _rerun, session, wanted, fragment)
    elif session._state is AppSessionState.APP_NOT_RUNNING and wanted() and (not fragment or session.has_fragment(fragment)):
        state = ClientState()
        state.CopyFrom(session._client_state)
        state.fragment_id = fragment
        session.request_rerun(state)
