"""Work beside the page: results that nothing waits for. The page is shown without them, and again when they are there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from threading import Event
from time import perf_counter
from typing import Any, TypeVar

import streamlit as st

from gdcore.descent import Progress
from gdui import tables, wake, wording
from gdui.jobs import Job, submit
from gdui.session import cache

PATIENCE = 0.2  # seconds after it was begun that a page still waits for a result before it goes on without
LATER = 1.5  # seconds after the first page of a server at which the first work beside it begins
KINDS = ("proof", "crossings", "explanation", "pushes", "check")  # one of each at a time in a session
R = TypeVar("R")


@st.cache_resource
def warm() -> Event:
    """Set once such work has been done in this server: the first one imports and compiles much that charts would wait for."""
    return Event()


def begin(kind: str, key: str, task: Callable[[Progress], Any]) -> None:
    """Begin with what will be asked for on this page, so that it goes on while other things are computed."""
    if cache().get(f"{kind} {key}") is None and warm().is_set():
        _job_for(kind, key, task)


def ready(kind: str, key: str, task: Callable[[Progress], R]) -> R | None:
    """What the task returns, once it is there; None before, and then the page is run again when it is.

    key: equal keys have equal results. The task gets a progress callback, which ends it when something newer is wanted. The
    first one of a server begins only when the browser has had time to draw the page.
    """
    found: R | None = cache().get(f"{kind} {key}")
    if found is not None:
        return found
    job = _job_for(kind, key, task)
    assert job.future is not None
    patience = PATIENCE - (perf_counter() - job.submitted) if warm().is_set() else 0.0
    wait([job.future], timeout=max(0.0, patience))
    job.missed = True  # before the next line looks: a job that ends after it wakes the page
    if not job.future.done():
        return None
    job.missed = False
    return job.future.result() if job.future.exception() is None else None


def stopped(kind: str) -> bool:
    """Whether the last work of this kind was stopped before its end."""
    job: Job | None = st.session_state.get(f"{kind} job")
    return job is not None and job.cancel.is_set()


def tell() -> None:
    """A line on what the page lacks and is under way, with a button that stops it; place it once, at the end of a page."""
    jobs = [job for kind in KINDS for job in [st.session_state.get(f"{kind} job")] if job is not None]
    for job in jobs:
        if job.future.done() and job.future.exception() is not None:
            st.caption(tables.safe(wording.failed(job.kind, job.future.exception())))
    waiting = [job for job in jobs if job.missed and not job.cancel.is_set()]
    late = [job for job in waiting if job.future.done()]
    for job in late:
        job.missed = False
    if late:
        st.rerun()
    if waiting:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(wording.beside(waiting[0].kind))
            st.button("Stop", key="stop beside", type="tertiary", icon=":material/stop_circle:", on_click=_stop, args=(waiting,))
    elif stopped("proof"):
        st.button("Look for the proof again", key="again beside", type="tertiary", icon=":material/replay:", on_click=_forget)


def _stop(jobs: list[Job]) -> None:
    for job in jobs:
        job.cancel.set()


def _forget() -> None:
    for kind in KINDS:
        st.session_state.pop(f"{kind} job", None)


def _job_for(kind: str, key: str, task: Callable[[Progress], Any]) -> Job:
    """The session's work of this kind; one for another key is told to end."""
    before: Job | None = st.session_state.get(f"{kind} job")
    if before is not None and before.key == key:
        return before
    if before is not None:
        before.cancel.set()
    job, store, done, call = Job(kind, key), cache(), warm(), wake.caller(lambda: job.missed and not job.cancel.is_set())
    delay = 0.0 if done.is_set() else LATER

    def work(report: Progress) -> Any:
        if delay and job.cancel.wait(delay):
            return None
        try:
            result = task(report)
        finally:
            done.set()
        store.put(f"{kind} {key}", result)
        return result

    submit(job, work, None)
    assert job.future is not None
    job.future.add_done_callback(lambda _: call())
    st.session_state[f"{kind} job"] = job
    return job
