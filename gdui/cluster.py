"""The scheduler named by GDBOARD_SCHEDULER or by the secrets: its workers compute what is large, this machine all else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from math import inf
from threading import Lock
from time import monotonic
from typing import Any

import streamlit as st

from gdcore.experiment import Experiment, Findings
from gdui import tables, wording

VARIABLE, SECRET = "GDBOARD_SCHEDULER", "scheduler"
LARGE = 500_000_000  # starts × epochs of one run, half a second of compiled work here: smaller ones are done before they are sent
TIMEOUT = 3.0  # seconds to wait for the scheduler
AGAIN = 60.0  # seconds before a scheduler that did not answer is asked anew


@dataclass
class Cluster:
    """The workers behind one scheduler; every method may be called from any thread. trouble: why there are none, or ""."""

    address: str
    trouble: str = ""
    client: Any = None
    tried: float = -inf
    lock: Lock = field(default_factory=Lock)

    def executor(self) -> Executor | None:
        """What sends work to the workers; None, with the trouble noted, when the scheduler cannot be reached."""
        with self.lock:
            if self._lost() and monotonic() - self.tried > AGAIN:
                self._connect()
            executor: Executor | None = None if self._lost() else self.client.get_executor()
            return executor

    def state(self) -> str:
        """The trouble there is now, "" for none; waits for the scheduler the first time only."""
        with self.lock:
            if self.tried == -inf:
                self._connect()
            elif self.client is not None and self._lost():
                self.trouble = wording.scheduler_lost(self.address)
            return self.trouble

    def _lost(self) -> bool:
        return self.client is None or self.client.status != "running"

    def _connect(self) -> None:
        self.tried = monotonic()
        try:
            from distributed import Client
        except ImportError:
            self.trouble = wording.no_distributed(self.address)
            return
        try:
            if self.client is not None:
                self.client.close(timeout=TIMEOUT)
            self.client = Client(self.address, timeout=TIMEOUT, set_as_default=False, name="gdboard")
            self.trouble = ""
        except Exception:  # a name that does not resolve, nobody there, another protocol: all the same to the reader
            self.client, self.trouble = None, wording.scheduler_silent(self.address, TIMEOUT)


def address() -> str:
    """Where the scheduler is, "" where none is set."""
    stated = os.environ.get(VARIABLE, "").strip()
    if not stated and st.secrets.load_if_toml_exists():
        stated = str(st.secrets.get(SECRET, "")).strip()
    return stated


@st.cache_resource
def _cluster(address: str) -> Cluster:
    """One connection for all sessions of the server."""
    return Cluster(address)


def say() -> None:
    """A sentence in the sidebar when the scheduler cannot be used."""
    trouble = _cluster(address()).state() if address() else ""
    if trouble:
        st.sidebar.warning(tables.safe(trouble), icon=":material/cloud_off:")


def sending(work: Callable[..., Findings]) -> Callable[..., Findings]:
    """run or run_each, with what is large sent to the scheduler's workers. The result may be called from any thread."""
    if not address():
        return work
    cluster = _cluster(address())

    def send(experiment: Experiment, *columns: Mapping[str, Any], **options: Any) -> Findings:
        entries = max((len(values) for given in columns for values in given.values()), default=1)
        large = entries * experiment.starts.count * experiment.stopping.epochs >= LARGE
        executor = cluster.executor() if large else None
        found = work(experiment, *columns, executor=executor, **options)
        if executor is None:
            return found
        return replace(found, computed=replace(found.computed, address=cluster.address))

    return send
