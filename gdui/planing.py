"""The hyperparameter map: one start under all pairs of two settings, worked out when the sweep of them is there."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import streamlit as st

from gdcore.descent import Progress
from gdcore.experiment import Experiment
from gdcore.identities import numbers_of
from gdcore.knobs import Knob
from gdcore.planes import Plane, boundary, plane
from gdcore.quantities import Range
from gdcore.sensitivity import Sweep
from gdui import basin_charts, controls, plane_charts, session, stepping, sweep_words, sweeping, tables
from gdui.jobs import result_of
from gdui.plane_charts import Numbered

SIDE = 96  # pairs along a side
MOST_BOUNDARIES = 4


@dataclass(frozen=True)
class Planed:
    """A plane, and the spectral radius of a step at each of the first minima over it, by number."""

    plane: Plane
    radii: dict[int, np.ndarray]


def offered(sweep: Sweep) -> bool:
    """Whether both quantities are settings with numbers, so that one start can be mapped over them."""
    keys = [one.key for one in (sweep.x, sweep.y) if one is not None]
    settings = sweep.experiment.settings
    return len(keys) == 2 and all(key.startswith("setting ") and not isinstance(settings[key.partition(" ")[2]], str) for key in keys)


def show(sweep: Sweep) -> None:
    """The start, and the map of pairs coloured by what its run comes to."""
    assert sweep.y is not None and sweep.y_quantity is not None
    problem = sweep.experiment.problem
    st.markdown("**One start under all pairs**")
    start = controls.one_point(problem, "plane", stepping.default_start(problem), "Start")
    if start is None:
        return
    found = result_of("plane", f"plane {json.dumps([sweep.experiment.digest, str(sweep.x), str(sweep.y), start])}", lambda report: _task(sweep, start, report))
    if not isinstance(found, Planed):
        return
    number = np.append(numbers_of(sweep.points[:, 0], found.plane.minima, problem), -1)
    labels = number[found.plane.labels]
    numbered = Numbered(labels, found.plane.codes, found.plane.epochs, sweep.minima)
    key = f"plane {sweep.experiment.digest} {sweep.x} {sweep.y} {start}"
    chart = plane_charts.chart(found.plane, numbered, found.radii, (sweep.x_quantity, sweep.y_quantity), session.view(330, 330))
    st.markdown(tables.safe(sweep_words.plane(numbered.labels, numbered.codes, start)))
    st.altair_chart(chart, key=key, on_select=sweeping.clicked(key, sweep), selection_mode="click", width="content")
    st.altair_chart(basin_charts.legend(numbered, session.view(410, 20)), width="content")
    st.caption(tables.safe(sweep_words.plane_caption(bool(found.radii))))


def _task(sweep: Sweep, start: tuple[float, ...], report: Progress) -> Planed:
    assert sweep.y is not None
    x, y, experiment = _knob(sweep.x), _knob(sweep.y), sweep.experiment
    made = plane(experiment, x, y, start, columns=SIDE, rows=SIDE, on_progress=report)
    return Planed(made, _radii(experiment, x, y, sweep))


def _radii(experiment: Experiment, x: Knob, y: Knob, sweep: Sweep) -> dict[int, np.ndarray]:
    found = {}
    for number, minimum in enumerate(sweep.minima[:MOST_BOUNDARIES]):
        try:
            radius = boundary(experiment, x, y, minimum.point, columns=SIDE, rows=SIDE)
        except ValueError:  # another setting is a schedule: there is no one radius
            return {}
        if np.isfinite(radius).any():
            found[number] = radius
    return found


def _knob(one: Range) -> Knob:
    return Knob(one.key.partition(" ")[2], one.low, one.high, log=one.log)

