"""Work beside the page: one job at a time per session, with progress, and cancelled when something newer is wanted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError, wait
from dataclasses import dataclass, field
from threading import Event
from time import perf_counter
from typing import Any, TypeVar

import streamlit as st

from gdcore.descent import Progress
from gdcore.experiment import Experiment, Findings, run
from gdui import cluster, tables, wake, wording
from gdui.session import cache

PATIENCE = 0.5  # seconds that a page waits before it shows a progress bar instead
LOOK = 0.3  # seconds between two looks of a bar at its job
COURTESY = 1.0  # seconds that a job waits for the one it replaces: compiling and labelling cannot be stopped
R = TypeVar("R")


class Cancelled(Exception):
    """Raised in a job's progress callback to end it."""


@dataclass
class Job:
    """Work under way: what kind of work, the key of its result, how far it is, and the flag that ends it."""

    kind: str
    key: str
    cancel: Event = field(default_factory=Event)
    done: int = 0
    total: int = 1
    running: int = 0
    begun: bool = False
    future: Future[Any] | None = None
    submitted: float = 0.0
    looks: int = 0  # of the bar at how far it is
    taken: bool = False  # whether a page has seen how it ended
    missed: bool = False  # whether a page was shown without the result


@st.cache_resource
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="gdboard-run")


def _work(job: Job, task: Callable[[Progress], Any], before: Job | None) -> Any:
    """Runs in a worker thread: no st.* here. Waits a moment for the session's older job to end; None when cancelled."""
    if before is not None and before.future is not None:
        before.cancel.set()
        wait([before.future], timeout=COURTESY)

    def on_progress(done: int, total: int, running: int) -> None:
        job.done, job.total, job.running, job.begun = done, total, running, True
        if job.cancel.is_set():
            raise Cancelled

    try:
        return None if job.cancel.is_set() else task(on_progress)
    except Cancelled:
        return None


def findings_of(experiment: Experiment) -> Findings:
    """The findings of an experiment, at once or after a progress bar; ends the script while they are being computed."""
    send = cluster.sending(run)
    found = result_of("run", experiment.digest, lambda report: send(experiment, on_progress=report))
    if found is None:
        st.stop()
    assert found is not None
    return found


def result_of(kind: str, key: str, task: Callable[[Progress], R], *, patience: float | None = None) -> R | None:
    """What the task returns, from the cache or after a progress bar; None, with the bar or a word shown, until it is there.

    key: equal keys have equal results. The task gets a progress callback that ends it when it is no longer wanted. patience:
    seconds before the bar is shown, PATIENCE by default; less where there is something else to look at.
    """
    found = cache().get(key)
    if found is not None:
        _drop_job(kind)
        return found  # type: ignore[no-any-return]
    job = _job_for(kind, key, task)
    assert job.future is not None
    job.taken = job.future.done()
    if not job.cancel.is_set():
        try:
            found = job.future.result(timeout=PATIENCE if patience is None else patience)
        except TimeoutError:
            _progress(job)
            return None
        except ValueError as error:  # what was asked for makes no sense: said in place, and asked anew on the next change
            st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
            return None
    if found is None:
        _show_stopped(job)
        return None
    cache().put(key, found)
    return found  # type: ignore[no-any-return]


def _job_for(kind: str, key: str, task: Callable[[Progress], Any]) -> Job:
    """The session's job for this result; a job for anything else is told to end."""
    before: Job | None = st.session_state.get("job")
    if before is not None and before.key == key:
        return before
    if before is not None:
        before.taken = True
        before.cancel.set()
    job = submit(Job(kind, key), task, before)
    st.session_state["job"] = job
    return job


def submit(job: Job, task: Callable[[Progress], Any], before: Job | None) -> Job:
    """The job, begun in a worker thread once the one before it has ended or a moment has passed."""
    job.submitted, job.future = perf_counter(), _pool().submit(_work, job, task, before)
    return job


def _drop_job(kind: str) -> None:
    job: Job | None = st.session_state.get("job")
    if job is not None and job.kind == kind:
        job.taken = True
        job.cancel.set()
        del st.session_state["job"]


@st.fragment
def _progress(job: Job) -> None:
    """A bar that looks at the worker again and again, and the button that stops it; the server, not the browser, asks for each look.

    When the job ends, it runs the page itself.
    """
    assert job.future is not None
    if job.future.done() or job.cancel.is_set():
        st.rerun()
    if not job.looks:
        call = wake.caller(lambda: not job.taken)
        job.future.add_done_callback(lambda _: call())
    job.looks = look = job.looks + 1
    wake.again(LOOK, lambda: job.looks == look and not (job.future and job.future.done()))
    st.progress(min(1.0, job.done / job.total), text=how_far(job))
    st.button("Stop this run", key=f"stop {job.kind}", icon=":material/stop_circle:", on_click=job.cancel.set)


def how_far(job: Job) -> str:
    """What the bar says of a job."""
    if not job.begun:
        return "Preparing: a step that is new may first be compiled"
    if _labelling(job):
        return "Finding the minima where the runs ended"
    running = f"; {job.running:,} starts still running" if job.running else ""
    if job.kind == "run":
        return f"Epoch {job.done:,} of at most {job.total:,}{running}"
    return f"{100 * job.done / job.total:.0f} % of at most {job.total:,} epochs of all runs{running}"


def _labelling(job: Job) -> bool:
    return job.kind == "run" and job.begun and not job.running


def _show_stopped(job: Job) -> None:
    when = f"after {job.done:,} of at most {job.total:,} epochs" if job.begun else "before the first epoch"
    when = "while the minima were looked for" if _labelling(job) else when
    st.info(f"Stopped {when}. Nothing is kept of an unfinished run; run it again, or ask for fewer starts or epochs.")
    if st.button("Run again", key=f"again {job.kind}", icon=":material/replay:"):
        st.session_state.pop("job", None)
        st.rerun()
