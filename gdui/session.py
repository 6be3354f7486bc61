"""What a browser session remembers: the last good setup, and findings shared by all pages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import streamlit as st

from gdcore.experiment import Experiment, Findings, Trace, traces
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.starts import Starts
from gdcore.stopping import Stopping
from gdui.charts import View

MOST_KEPT_STARTS = 4_000_000


@dataclass(frozen=True)
class Setup:
    """What the sidebar states: everything of an experiment but its starts."""

    problem: Problem
    optimizer: Optimizer
    settings: Mapping[str, float | str]
    stopping: Stopping

    def experiment(self, starts: Starts) -> Experiment:
        return Experiment(self.problem, self.optimizer, self.settings, starts, self.stopping)


def remember(setup: Setup) -> None:
    st.session_state["setup"] = setup


def setup() -> Setup:
    """The setup that runs: the last one in which everything was right."""
    if "setup" not in st.session_state:
        _through_the_entry_point()
    found: Setup = st.session_state["setup"]
    return found


def _through_the_entry_point() -> None:
    """Start over through dashboard.py.

    Until st.navigation has run once in a server, Streamlit takes a folder named pages/ for its older kind of multipage app
    and runs a page on its own, without the sidebar, when it is the first thing asked for.
    """
    from streamlit.runtime.pages_manager import PagesManager

    PagesManager.uses_pages_directory = False
    st.rerun()


def last_good() -> Setup | None:
    return st.session_state.get("setup")


def view(width: int, height: int, axes: tuple[int, int] = (0, 1)) -> View:
    """How charts are drawn in this browser: dark or light as its page."""
    return View(dark=st.context.theme.type == "dark", width=width, height=height, axes=axes)


@dataclass
class FindingsCache:
    """Findings by digest, the latest used last; bounded by the number of starts they hold."""

    kept: OrderedDict[str, Findings] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, digest: str) -> Findings | None:
        with self.lock:
            if digest in self.kept:
                self.kept.move_to_end(digest)
            return self.kept.get(digest)

    def put(self, digest: str, findings: Findings) -> None:
        with self.lock:
            self.kept[digest] = findings
            while len(self.kept) > 1 and sum(f.count for f in self.kept.values()) > MOST_KEPT_STARTS:
                self.kept.popitem(last=False)


@st.cache_resource
def cache() -> FindingsCache:
    """One cache for all sessions of the server: equal experiments have equal findings."""
    return FindingsCache()


@st.cache_data(max_entries=64, show_spinner=False)
def recorded(experiment_digest: str, points: tuple[tuple[float, ...], ...], _experiment: Experiment) -> list[Trace]:
    """The recorded runs of an experiment from given points; keyed by the digest, never by arrays."""
    starts = Starts.at(list(points))
    return traces(
        Experiment(_experiment.problem, _experiment.optimizer, _experiment.settings, starts, _experiment.stopping)
    )
