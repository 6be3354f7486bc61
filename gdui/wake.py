"""A thread that has finished → its browser session runs the page once more.

A fragment that polls would do that too, but each of its calls carries the browser's own state of all widgets, which may be
older than what the server has just set: a problem chosen, or a formula typed, would be taken back. Here the page is run
with the state that its last run ended with, and never while it is running.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSessionState
from streamlit.runtime.scriptrunner import get_script_run_ctx

AGAIN = 0.1  # seconds between looks at whether a page is still running


def caller(wanted: Callable[[], bool]) -> Callable[[], None]:
    """What a thread may call to rerun the page of the session that asks, if that is still wanted and the session there."""
    context = get_script_run_ctx()
    name = context.session_id if context is not None else ""

    def call() -> None:
        session = Runtime.instance().get_app_session(name) if name and Runtime.exists() else None
        if session is not None:
            session._call_soon_on_event_loop(lambda: _rerun(session, wanted))

    return call


def _rerun(session: Any, wanted: Callable[[], bool]) -> None:
    """On the session's event loop, as every message of the browser: nothing can come between the look and the run."""
    if session._state is AppSessionState.APP_IS_RUNNING:
        session._event_loop.call_later(AGAIN, _rerun, session, wanted)
    elif session._state is AppSessionState.APP_NOT_RUNNING and wanted():
        session.request_rerun(session._client_state)
