"""Runs beside the page: one at a time per session, with progress, and cancelled when something newer is wanted."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass, field
from threading import Event

import streamlit as st

from gdcore.experiment import Experiment, Findings, run
from gdui.session import cache

PATIENCE = 0.5  # seconds that a page waits before it shows a progress bar instead


class Cancelled(Exception):
    """Raised in a run's progress callback to end it."""


@dataclass
class Job:
    """A run under way: its experiment's digest, how far it is, and the flag that ends it."""

    digest: str
    epochs: int
    cancel: Event = field(default_factory=Event)
    done_epochs: int = 0
    running: int = 0
    future: Future[Findings | None] | None = None


@st.cache_resource
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="gdboard-run")


def _work(job: Job, experiment: Experiment, before: Job | None) -> Findings | None:
    """Runs in a worker thread: no st.* here. Waits for the session's older run to end first."""
    if before is not None and before.future is not None:
        before.cancel.set()
        before.future.exception()

    def on_progress(done: int, epochs: int, running: int) -> None:
        job.done_epochs, job.running = done, running
        if job.cancel.is_set():
            raise Cancelled

    try:
        on_progress(0, job.epochs, experiment.starts.count)
        return run(experiment, on_progress=on_progress)
    except Cancelled:
        return None


def findings_of(experiment: Experiment) -> Findings:
    """The findings of an experiment, at once or after a progress bar; ends the script while they are being computed."""
    digest = experiment.digest
    found = cache().get(digest)
    if found is not None:
        _drop_job()
        return found
    job = _job_for(experiment, digest)
    if job.cancel.is_set():
        _show_stopped(job)
        st.stop()
    assert job.future is not None
    try:
        found = job.future.result(timeout=PATIENCE)
    except TimeoutError:
        _progress(job)
        st.stop()
    if found is None:
        _show_stopped(job)
        st.stop()
    assert found is not None
    cache().put(digest, found)
    return found


def _job_for(experiment: Experiment, digest: str) -> Job:
    """The session's job for this experiment; a job for anything else is told to end."""
    before: Job | None = st.session_state.get("job")
    if before is not None and before.digest == digest:
        return before
    if before is not None:
        before.cancel.set()
    job = Job(digest, experiment.stopping.epochs)
    job.future = _pool().submit(_work, job, experiment, before)
    st.session_state["job"] = job
    return job


def _drop_job() -> None:
    job: Job | None = st.session_state.pop("job", None)
    if job is not None:
        job.cancel.set()


@st.fragment(run_every=0.3)
def _progress(job: Job) -> None:
    """A bar that polls the worker, and the button that stops it."""
    assert job.future is not None
    if job.future.done():
        st.rerun()
    share = min(1.0, job.done_epochs / job.epochs)
    st.progress(share, text=f"Epoch {job.done_epochs:,} of at most {job.epochs:,}; {job.running:,} starts still running")
    if st.button("Stop this run", key="stop", icon=":material/stop_circle:"):
        job.cancel.set()
        st.rerun()


def _show_stopped(job: Job) -> None:
    st.info(
        f"Stopped after {job.done_epochs:,} of at most {job.epochs:,} epochs. Nothing is kept of an unfinished run; "
        "run it again, or ask for fewer starts or epochs."
    )
    if st.button("Run again", key="again", icon=":material/replay:"):
        st.session_state.pop("job", None)
        st.rerun()
