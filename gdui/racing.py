"""The race: all chosen optimizers from one start, scrubbed by one epoch slider."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from gdcore.compare import Comparison
from gdcore.experiment import Trace
from gdcore.problem import Problem
from gdui import compare_charts, controls, session, stepping, tables, wording

Runs = dict[str, Trace]


@st.fragment
def race(comparison: Comparison, axes: tuple[int, int]) -> None:
    """Paths on the map, f and |∇f| beside them; only this part runs again while the slider is dragged."""
    problem = comparison.findings[0].experiment.problem
    start = controls.one_point(problem, "race", _telling_start(comparison), "Start")
    if start is None:
        return
    runs: Runs = {}
    for name, findings in zip(comparison.names, comparison.findings, strict=True):
        experiment = findings.experiment
        runs[name] = session.recorded(experiment.digest, (start,), experiment)[0]
    last = max(len(trace.path) for trace in runs.values()) - 1
    epoch = _epoch(last)
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=500):
            key = f"race map {problem.formula[:60]} {start}"
            view = session.view(420, 420, axes)
            draw = compare_charts.race_curve(problem, runs, epoch, view) if problem.dimension == 1 else compare_charts.race(problem, runs, epoch, view, None)
            st.altair_chart(draw, key=key, on_select=_clicked(problem, key, axes), selection_mode="click", width="content")
            way = "Small dots: the way up to the epoch." if problem.dimension == 1 else "Bold: up to the epoch; faint: the whole path."
            st.caption(f"Click anywhere on the map to start the race there. {way} {wording.RECORDED}")
        with st.container(width=480):
            small = session.view(380, 125)
            st.altair_chart(compare_charts.values_per_epoch(runs, epoch, small, "f"), width="content")
            st.altair_chart(compare_charts.values_per_epoch(runs, epoch, small, "|∇f|"), width="content")
            _standings(runs, epoch)


def _telling_start(comparison: Comparison) -> tuple[float, ...]:
    """The first of the starts from which the most different minima are reached; the problem's usual one where all agree."""
    labels = np.array([findings.labels for findings in comparison.findings])
    different = sum((labels == k).any(axis=0).astype(int) for k in range(int(labels.max()) + 1))
    first = comparison.findings[0]
    if np.max(different) < 2:
        problem = first.experiment.problem
        usual, sound = stepping.default_start(problem), np.flatnonzero(np.isfinite(problem.value(first.starts)))
        return usual if np.isfinite(problem.value(usual)) or not sound.size else tuple(first.starts[sound[0]].round(4).tolist())
    return tuple(first.starts[int(np.argmax(different))].round(4).tolist())


def _epoch(last: int) -> int:
    if last == 0:
        st.caption("Every run is over at its start: there is nothing to scrub through.")
        return 0
    key = "race epoch"
    st.session_state[key] = min(st.session_state.get(key, last), last)
    return int(st.slider("Epoch", 0, last, key=key, help="Scrub through all runs at once.", persist_state="session"))


def _standings(runs: Runs, epoch: int) -> None:
    """Where every run is, the lowest first."""
    rows = []
    for name, trace in runs.items():
        at = min(epoch, len(trace.path) - 1)
        over = at == len(trace.path) - 1
        rows.append(
            {
                "optimizer": name, "value": float(trace.values[at]), "f": wording.figure(float(trace.values[at])),
                "|∇f|": wording.figure(float(trace.gradient_norms[at]), 2), "epoch": f"{at:,}", "how it ends": trace.ending.label if over else "still running",
            }
        )  # fmt: skip
    table = pd.DataFrame(rows).sort_values("value", na_position="last").drop(columns="value")
    st.table(table.set_index("optimizer").rename(index=tables.safe))


def _clicked(problem: Problem, key: str, axes: tuple[int, int]) -> Callable[[], None]:
    return stepping.clicked(problem, key, axes, prefix="race")
