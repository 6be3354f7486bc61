"""One run under the magnifying glass: where it starts, which epoch is shown, and what lies around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from gdcore.experiment import Trace
from gdcore.problem import Problem
from gdui import maps, session, stationary, wording
from gdui.controls import drawn_point
from gdui.session import Setup
from gdui.stationary import Mark
from gdui.structure_charts import Shown

NOTE_CUT = (-5.0, 5.0)  # the note cuts the colour scale of peaks here
NOTE_START = (-1.2, 0.8)


def default_start(problem: Problem) -> tuple[float, ...]:
    """The note's kind of start for two variables, else a quarter into the start box."""
    box = list(problem.start_box.values())
    if problem.name == "peaks":
        return NOTE_START
    return tuple(round(low + 0.25 * (high - low), 4) for low, high in box)


def draw_start(problem: Problem) -> None:
    for name, value in zip(problem.variables, drawn_point(problem), strict=True):
        st.session_state[f"landscape {name}"] = value


def chart_key(problem: Problem, start: tuple[float, ...]) -> str:
    """Changes with function and start, so that an old click never survives new data."""
    return f"landscape map {problem.formula[:60]} {problem.parameter_values} {start}"


def layers(problem: Problem) -> Shown:
    """Which layers of the structure the map shows; only those are offered that it can have."""
    d = problem.dimension
    with st.container(horizontal=True, gap="medium"):
        points = _layer("points", "Certified points", True, "Minima, numbered from the deepest, saddles and maxima whose existence is proved. Click one for its figures.")
        borders = d <= 2 and _layer("borders", "Basin borders", True, "Where the gradient flow parts: on either side it ends in another minimum, or outside.")
        descents = d <= 3 and _layer(
            "descents", f"Descents from {'saddles' if d > 1 else 'maxima'}", False,
            f"Both ways down from each {'saddle' if d > 1 else 'maximum'}, in the colour of the minimum they lead to.",
        )  # fmt: skip
    return Shown(points, borders, descents)


def _layer(what: str, label: str, default: bool, told: str) -> bool:
    session.keep(f"show {what}", default)
    return st.toggle(label, key=f"show {what}", help=told, persist_state="session")


def chosen_mark(problem: Problem, key: str, axes: tuple[int, int], marks: Sequence[Mark]) -> Mark | None:
    """The mark that was clicked on the map, or None."""
    picked = st.session_state.get(key)
    found = picked["selection"].get("click") if picked else None
    return stationary.nearest(marks, problem, axes, found[0]) if found else None


def clicked(
    problem: Problem, key: str, axes: tuple[int, int], prefix: str = "landscape", marks: Sequence[Mark] = ()
) -> Callable[[], None]:
    """What a click on the map does: it becomes the start, unless it means one of the marks."""

    def take() -> None:
        picked = st.session_state[key]["selection"].get("click")
        if not picked or stationary.nearest(marks, problem, axes, picked[0]) is not None:
            return
        for channel, axis in zip(("x", "y"), axes, strict=True):
            if channel in picked[0]:
                st.session_state[f"{prefix} {problem.variables[axis]}"] = round(float(picked[0][channel]), 6)

    return take


def colour_cut(problem: Problem) -> tuple[float, float]:
    """Where the colour scale is cut: the note's [-5, 5] for peaks, else the bulk of the values."""
    if problem.name == "peaks":
        low, high = NOTE_CUT
    else:
        limits = (problem.limits[0], problem.limits[-1])
        middle = (problem.lows + problem.highs) / 2
        axes = (0, min(1, problem.dimension - 1))
        values = maps.landscape_values(problem, limits, axes, middle)[2]
        finite = values[np.isfinite(values)]
        low, high = (float(v) for v in np.quantile(finite, [0.0, 0.9])) if finite.size else (0.0, 1.0)
    return (low, high) if high > low else (low - 1, low + 1)


def scrub(trace: Trace) -> int:
    """The epoch that is shown."""
    last = len(trace.path) - 1
    if last == 0:
        st.caption("The run ended where it began: there is no step to scrub through.")
        return 0
    if st.session_state.get("epoch shown", 0) > last:
        st.session_state["epoch shown"] = last
    return int(
        st.slider("Epoch", 0, last, key="epoch shown", help="Scrub through the run: the point and its arrow move.", persist_state="session")
    )


def update_equations(setup: Setup) -> str:
    return rf"\begin{{gathered}}{wording.equations_latex(setup.optimizer)} \\ {wording.settings_latex(setup.settings)}\end{{gathered}}"
