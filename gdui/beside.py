"""Work beside the page: results that nothing waits for. The page is shown without them, and again when they are there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from threading import Event
from time import perf_counter
from typing import Any, TypeVar

import streamlit as st

from gdcore.descent import Progress
from gdui import tables, wording
from gdui.jobs import Job, submit
from gdui.session import cache

PATIENCE = 0.2  # seconds after it was begun that a page still waits for a result before it goes on without
LATER = 1.5  # seconds after the first page of a server at which the first work beside it begins
KINDS = ("proof", "crossings", "explanation")  # one of each at a time in a session
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
    """What the task returns, once it is there; None before. key: equal keys have equal results. `tell` reruns the page.

    The task gets a progress callback, which ends it when something newer is wanted. The first one of a server begins only when
    the page has been shown.
    """
    found: R | None = cache().get(f"{kind} {key}")
    if found is not None:
        return found
    postponed = st.session_state.setdefault("postponed", {})
    if not warm().is_set():
        postponed[kind] = (key, task)
        return None
    postponed.pop(kind, None)
    job = _job_for(kind, key, task)
    assert job.future is not None
    done, _ = wait([job.future], timeout=max(0.0, PATIENCE - (perf_counter() - job.submitted)))
    job.missed = not done
    return job.future.result() if done and job.future.exception() is None else None


def stopped(kind: str) -> bool:
    """Whether the last work of this kind was stopped before its end."""
    job: Job | None = st.session_state.get(f"{kind} job")
    return job is not None and job.cancel.is_set()


def tell() -> None:
    """A line on what the page lacked and is still under way, with a button that stops it; place it once, at the end of a page."""
    if st.session_state.get("postponed"):
        _later(perf_counter())
    jobs = [job for kind in KINDS for job in [st.session_state.get(f"{kind} job")] if job is not None]
    for job in jobs:
        if job.future.done() and job.future.exception() is not None:
            st.caption(tables.safe(wording.failed(job.kind, job.future.exception())))
    waiting = [job for job in jobs if job.missed and not job.cancel.is_set()]
    if waiting:
        _progress(waiting)
    elif stopped("proof") and st.button("Look for the proof again", key="again beside", type="tertiary", icon=":material/replay:"):
        for kind in KINDS:
            st.session_state.pop(f"{kind} job", None)
        st.rerun()


@st.fragment(run_every=LATER)
def _later(shown: float) -> None:
    """Begins with what was postponed once the browser has had time to draw the page."""
    if perf_counter() - shown < LATER / 2 or not st.session_state.get("postponed"):
        return
    for kind, (key, task) in st.session_state.pop("postponed").items():
        _job_for(kind, key, task).missed = True
    st.rerun()


def _job_for(kind: str, key: str, task: Callable[[Progress], Any]) -> Job:
    """The session's work of this kind; one for another key is told to end."""
    before: Job | None = st.session_state.get(f"{kind} job")
    if before is not None and before.key == key:
        return before
    if before is not None:
        before.cancel.set()
    store, done = cache(), warm()

    def keeping(report: Progress) -> Any:
        try:
            result = task(report)
        finally:
            done.set()
        store.put(f"{kind} {key}", result)
        return result

    job = submit(Job(kind, key), keeping, None)
    st.session_state[f"{kind} job"] = job
    return job


@st.fragment(run_every=0.3)
def _progress(jobs: list[Job]) -> None:
    ended = [job for job in jobs if job.future is None or job.future.done() or job.cancel.is_set()]
    for job in ended:
        job.missed = False
    if ended:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(wording.beside(jobs[0].kind, jobs[0].done, jobs[0].running))
        st.button("Stop", key="stop beside", type="tertiary", icon=":material/stop_circle:", on_click=_stop, args=(jobs,))


def _stop(jobs: list[Job]) -> None:
    for job in jobs:
        job.cancel.set()
