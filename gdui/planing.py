"""The hyperparameter map: one start under all pairs of two settings, worked out when the sweep of them is there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import contourpy
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from gdcore.descent import Progress
from gdcore.planes import boundary, on_boundary
from gdcore.sensitivity import Sweep, sweep
from gdcore.starts import Starts
from gdui import basin_charts, controls, plane_charts, session, stepping, sweep_words, sweeping, tables
from gdui.jobs import result_of

SIDE = 96  # pairs along a side
MOST_BOUNDARIES = 4
LARGEST = 10.0  # a radius beyond this counts as this: the line at 1 is all that is wanted
Point = tuple[float, ...]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """The sweep of one start, and by the number of each of the first minima its stability boundary, as lines (m, 2)."""

    sweep: Sweep
    boundaries: dict[int, list[Array]]


def show(found: Sweep) -> None:
    """The start, and the map of pairs coloured by what its run comes to; found: the sweep of all starts, whose numbers count."""
    assert found.y is not None
    problem = found.experiment.problem
    st.markdown("**One start under all pairs**")
    start = controls.one_point(problem, "plane", stepping.default_start(problem), "Start")
    if start is None:
        return
    key = f"plane {json.dumps([found.experiment.digest, str(found.x), str(found.y), start])}"
    plane = result_of("plane", key, lambda report: _task(found, start, report))
    if plane is None:
        return
    reached = plane_charts.reached(plane.sweep, found)
    chart = plane_charts.chart(plane.sweep, reached, plane.boundaries, session.view(330, 330))
    st.markdown(tables.safe(sweep_words.plane(reached.labels, reached.codes, start)))
    st.altair_chart(chart, key=key, on_select=sweeping.clicked(key, found), selection_mode="click", width="content")
    st.altair_chart(basin_charts.legend(reached, session.view(410, 20)), width="content")
    st.caption(tables.safe(sweep_words.plane_caption(bool(plane.boundaries))))


def _task(found: Sweep, start: Point, report: Progress) -> Plane:
    assert found.y is not None
    alone = replace(found.experiment, starts=Starts.at(start))
    made = sweep(alone, replace(found.x, count=SIDE), replace(found.y, count=SIDE), on_progress=report)
    return Plane(made, _boundaries(made, [minimum.point for minimum in found.minima[:MOST_BOUNDARIES]]))


def _boundaries(made: Sweep, points: list[Point]) -> dict[int, list[Array]]:
    """By the number of each minimum; nothing for one at which no pair has a linear rate, and where another setting is a schedule."""
    try:
        fields = {number: boundary(made, point) for number, point in enumerate(points)}
    except ValueError:
        return {}
    return {number: _lines(made, points[number], radius) for number, radius in fields.items() if np.isfinite(radius).any()}


def _lines(made: Sweep, point: Point, radius: Array) -> list[Array]:
    """The lines on which the radius is 1: laid by contours between the pairs, then moved to where it is so exactly."""
    finite = np.ma.masked_invalid(np.minimum(radius, LARGEST))
    lines = contourpy.contour_generator(made.x_values, made.y_values, finite).lines(1.0)
    return [on_boundary(made, point, line) for line in lines if len(line)]
