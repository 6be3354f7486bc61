"""The proof beside the page: which stationary points a problem has, and their structure; computed while charts are shown."""

from __future__ import annotations

import json
from concurrent.futures import TimeoutError, wait
from dataclasses import dataclass
from time import perf_counter

import streamlit as st

from gdcore.certificate import Certificate
from gdcore.certify import certify
from gdcore.descent import Progress
from gdcore.findings import Findings
from gdcore.problem import Problem
from gdcore.proved import proved
from gdcore.structure import Structure, structure
from gdui import wording
from gdui.jobs import Job, submit
from gdui.session import cache

SECONDS = 2.0  # for the certificate of one problem
PATIENCE = 0.2  # seconds after it was begun that a page still waits for a proof before it goes on without
MOST_POINTS, MOST_VARIABLES = 1_000, 3  # of which the structure is worked out


@dataclass(frozen=True)
class Proof:
    """What is known so far: the certificate, then the structure of its points; None until it is there, or never will be."""

    certificate: Certificate | None = None
    structure: Structure | None = None


def begin(problem: Problem) -> None:
    """Begin with a proof that will be asked for on this page, so that it goes on while other things are computed."""
    key = json.dumps(problem.to_dict())
    if cache().get(f"proof {key}") is None:
        _job_for(problem, key)


def of(problem: Problem) -> Proof:
    """The proof as far as it is ready. Charts do not wait for it: `tell` reruns the page when there is more."""
    key = json.dumps(problem.to_dict())
    found: Proof | None = cache().get(f"proof {key}")
    if found is not None:
        return found
    job = _job_for(problem, key)
    assert job.future is not None
    try:
        found = job.future.result(timeout=max(0.0, PATIENCE - (perf_counter() - job.submitted)))
    except TimeoutError:
        found = None
    if found is None:
        return Proof(cache().get(f"certificate {key}"))
    cache().put(f"proof {key}", found)
    return found


def known(findings: Findings, proof: Proof) -> Findings:
    """The findings with what is proved of their minima."""
    return findings if proof.certificate is None else proved(findings, proof.certificate)


def tell() -> None:
    """A line on a proof that is still under way, with a button that stops it; place it once, at the end of a page."""
    job: Job | None = st.session_state.get("proof job")
    if job is None or job.future is None or job.cancel.is_set() and job.future.done():
        return
    if not job.future.done():
        _progress(job)


def _job_for(problem: Problem, key: str) -> Job:
    """The session's proof under way; one of another problem is told to end."""
    before: Job | None = st.session_state.get("proof job")
    if before is not None and before.key == key:
        return before
    store = cache()

    def task(report: Progress) -> Proof:
        certificate = certify(problem, seconds=SECONDS, on_progress=report)
        store.put(f"certificate {key}", certificate)
        if problem.dimension > MOST_VARIABLES or len(certificate.points) > MOST_POINTS:
            return Proof(certificate)
        return Proof(certificate, structure(problem, certificate.points, on_progress=lambda share: report(round(100 * share), 100, 0)))

    if before is not None:
        before.cancel.set()
    job = submit(Job("proof", key), task, None)
    st.session_state["proof job"] = job
    return job


@st.fragment(run_every=0.3)
def _progress(job: Job) -> None:
    assert job.future is not None
    if job.future.done() or wait([job.future], timeout=0).done:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(wording.proving(job.done, job.running))
        if st.button("Stop the proof", key="stop proof", type="tertiary", icon=":material/stop_circle:"):
            job.cancel.set()
