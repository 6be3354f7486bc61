"""Places where Newton's method ends → zeros proved there, where a search did not get to them."""

from __future__ import annotations

import numpy as np

from gdcore.boxes import Boxes, grid
from gdcore.newton import NONE, newton
from gdcore.problem import Problem
from gdcore.proximity import distinct
from gdcore.search import Found, System, alone

PLACES = 1_000  # from which Newton's method is begun
MOST = 2_000  # points tried
RADII = (1e-3, 1e-5, 1e-7, 1e-9)  # box widths around such a point, in which it may be alone
SAME = 1e-9  # box widths between points that are tried once


def seeded(problem: Problem, system: System) -> Found:
    """Stationary points near which Newton's method ends, each proved alone in a box; complete in no sense."""
    width = problem.highs - problem.lows
    places = np.concatenate([grid(problem.lows, problem.highs, PLACES).centres.T, np.array(problem.minima).reshape(-1, len(width))])
    polished = newton(problem, places)
    inside = ((polished.points >= problem.lows) & (polished.points <= problem.highs)).all(axis=1) & (polished.kinds != NONE)
    points = polished.points[inside]
    if len(points):
        points = points[distinct(points / width, np.full(len(width), SAME))[0]][:MOST]
    centres, fixed = points.T, np.zeros(points.T.shape, bool)
    parts = []
    for radius in RADII:
        boxes = Boxes(centres - radius * width[:, None], centres + radius * width[:, None], fixed)
        found, proved = alone(system, boxes)
        parts.append(found)
        centres, fixed = centres[:, ~proved], fixed[:, ~proved]
    return Found.joined(parts)
