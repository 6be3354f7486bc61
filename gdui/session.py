"""What a browser session remembers: the last good setup, and findings shared by all pages."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from threading import Lock
from typing import Any

import numpy as np
import streamlit as st

from gdcore.experiment import Experiment, Findings, Minimum, Trace, traces
from gdcore.formula import names_in
from gdcore.merging import Stationary
from gdcore.optimizers import OPTIMIZERS, Optimizer, identical
from gdcore.problem import Problem
from gdcore.stability import Stability, stability
from gdcore.starts import Starts
from gdcore.stopping import Stopping
from gdcore.survey import survey
from gdui.charts import View

MOST_KEPT = 40_000_000  # numbers: some 320 MB, as four million starts in two variables
STATIONARY = 200  # numbers whose memory one minimum, saddle or maximum takes, with its tuples


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


def keep(key: str, default: Any) -> None:
    """Give a widget its default, or the value it had, however quickly pages were changed.

    A widget on two pages is two widgets to Streamlit, which carries the value over only when the first page had run to
    its end; a value written by the script itself is always taken.
    """
    st.session_state[key] = st.session_state.get(key, default)


def optimizers() -> dict[str, Optimizer]:
    """All that can be chosen: the built-in ones, and this session's own under their names."""
    own: dict[str, Optimizer] = st.session_state.setdefault("own optimizers", {})
    return {**OPTIMIZERS, **own}


def keep_optimizer(optimizer: Optimizer) -> None:
    """Offer a typed optimizer wherever one is chosen, under its name."""
    st.session_state["own optimizers"] = {**st.session_state.get("own optimizers", {}), optimizer.name: optimizer}


def offered(optimizer: Optimizer) -> str:
    """The key under which an optimizer can be chosen: a built-in one's own, else its name, kept from now on.

    Where the session has another one of that name, it gets a number.
    """
    known = optimizers()
    same = next((key for key, other in known.items() if identical(other, optimizer)), None)
    if same is not None:
        return same
    key, often = optimizer.name, 2
    while key in known or key in {other.name for other in OPTIMIZERS.values()}:
        key, often = f"{optimizer.name} ({often})", often + 1
    st.session_state["own optimizers"] = {**st.session_state.get("own optimizers", {}), key: optimizer}
    return key


def optimizer_name(key: str) -> str:
    """What a chosen optimizer is called: the session's own ones by their keys, of which no two are alike."""
    return OPTIMIZERS[key].name if key in OPTIMIZERS else key


def names_of(problem: Problem) -> list[str]:
    """All names of a formula and of its variables, sorted: what can be a variable of it."""
    return sorted({*names_in(problem.tree), *problem.variables})


def last_good() -> Setup | None:
    return st.session_state.get("setup")


def view(width: int, height: int, axes: tuple[int, int] = (0, 1)) -> View:
    """How charts are drawn in this browser: dark or light as its page."""
    return View(dark=st.context.theme.type == "dark", width=width, height=height, axes=axes)


@dataclass
class ResultCache:
    """Results by key, the latest used last; bounded by what they hold."""

    kept: OrderedDict[str, Any] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: str) -> Any:
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def put(self, key: str, result: Any) -> None:
        with self.lock:
            self.kept[key] = result
            while len(self.kept) > 1 and sum(map(weight, self.kept.values())) > MOST_KEPT:
                self.kept.popitem(last=False)


def weight(result: Any) -> int:
    """About how many numbers of 8 bytes a result holds: of its starts and of its minima; a comparison's are those of its findings.

    A proof's are those of its points and of the curves that join them; any other result's are those of its arrays and minima.
    """
    if hasattr(result, "certificate") and hasattr(result, "structure"):
        curves = (*result.structure.descents, *result.structure.borders) if result.structure else ()
        return STATIONARY * len(result.certificate.points) + sum(curve.path.size for curve in curves)
    if hasattr(result, "findings"):
        return 1 + sum(map(weight, result.findings))
    if not isinstance(result, Findings):
        return 1 + _held(result)
    return result.count * (2 * result.starts.shape[1] + 6) + STATIONARY * (len(result.minima) + len(result.stationary))


def _held(part: Any) -> int:
    """What a result's arrays and minima hold, however they are nested in it."""
    if isinstance(part, np.ndarray):
        return part.nbytes // 8
    if isinstance(part, Minimum):
        return STATIONARY
    if isinstance(part, (tuple, list)):
        return sum(map(_held, part))
    if isinstance(part, dict):
        return sum(map(_held, part.values()))
    if is_dataclass(part) and not isinstance(part, (type, Experiment)):
        return sum(_held(getattr(part, own.name)) for own in fields(part))
    return 0


@st.cache_resource
def cache() -> ResultCache:
    """One cache for all sessions of the server: equal questions have equal results."""
    return ResultCache()


def remembering(work: Callable[..., Findings]) -> Callable[..., Findings]:
    """run or run_each, with what it finds kept in the cache: a contender more costs only its own runs.

    The result may be called from any thread.
    """
    store = cache()

    def ask(experiment: Experiment, *columns: Mapping[str, Any], on_progress: Any = None, target: float | None = None) -> Findings:
        varied = [[name, *map(float, values)] for given in columns for name, values in given.items()]
        key = f"{experiment.digest} {json.dumps(varied)} {target}" if varied or target is not None else experiment.digest
        found: Findings | None = store.get(key)
        if found is None:
            found = work(experiment, *columns, on_progress=on_progress, target=target)
            store.put(key, found)
        return found

    return ask


@st.cache_data(max_entries=64, show_spinner=False)
def _survey(problem_json: str, _problem: Problem) -> tuple[Stationary, ...]:
    return survey(_problem)


@st.cache_data(max_entries=1024, show_spinner=False)
def _stability(
    key: str, point: tuple[float, ...], _problem: Problem, _optimizer: Optimizer, _settings: Mapping[str, float | str]
) -> Stability:
    return stability(_problem, _optimizer, _settings, point)


def stability_at(
    problem: Problem, optimizer: Optimizer, settings: Mapping[str, float | str], point: tuple[float, ...]
) -> Stability:
    """What a step of the optimizer does near a minimum; computed once per question."""
    key = json.dumps([problem.to_dict(), optimizer.to_dict(), dict(settings)])
    return _stability(key, point, problem, optimizer, settings)


def surveyed(setup: Setup) -> list[tuple[Stationary, Stability]]:
    """The minima that a quick search finds, deepest first and at most eight, each with the optimizer's stability there."""
    problem = setup.problem
    minima = _survey(json.dumps(problem.to_dict()), problem)[:8]
    return [(m, stability_at(problem, setup.optimizer, setup.settings, m.point)) for m in minima]


def surveyed_minima(setup: Setup) -> tuple[Stationary, ...]:
    """All minima of the box that a quick search finds, deepest first."""
    return _survey(json.dumps(setup.problem.to_dict()), setup.problem)


@st.cache_data(max_entries=64, show_spinner=False)
def recorded(experiment_digest: str, points: tuple[tuple[float, ...], ...], _experiment: Experiment) -> list[Trace]:
    """The recorded runs of an experiment from given points; keyed by the digest, never by arrays."""
    starts = Starts.at(list(points))
    return traces(
        Experiment(_experiment.problem, _experiment.optimizer, _experiment.settings, starts, _experiment.stopping)
    )


def traced(setup: Setup, start: tuple[float, ...]) -> Trace:
    """The recorded run of a setup from one start."""
    experiment = setup.experiment(Starts.at(start))
    return recorded(experiment.digest, (start,), experiment)[0]
