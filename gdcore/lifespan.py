"""A minimum → the values of a parameter between which it exists."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from gdcore.continuation import follow
from gdcore.problem import Problem

ENDS = ("fold", "exchange", "undefined")  # events at which a minimum is one no longer


def lifespan(problem: Problem, parameter: str, point: ArrayLike, limits: tuple[float, float]) -> tuple[float, float]:
    """Where a minimum (d,) appears and vanishes as the parameter runs through limits, each found as a bracketed root of det H.

    -inf, inf: it is still there at that end of the limits; nan: it could not be followed so far. Minima that merge into one go on
    as that one. Limits that leave out the parameter's own value reach to it. ValueError for reversed limits, and as for follow().
    """
    if not limits[0] <= limits[1]:
        raise ValueError(f"the limits run from {limits[0]:g} to {limits[1]:g}: give the smaller one first")
    return _end(problem, parameter, point, limits[0], -1), _end(problem, parameter, point, limits[1], 1)


def _end(problem: Problem, parameter: str, point: ArrayLike, limit: float, direction: int) -> float:
    own = problem.parameters.get(parameter, limit)
    until = limit if (limit - own) * direction > 0 else own
    branch = follow(problem, parameter, point, until)
    if until == own or branch.arrived and branch.kind_at_end == "minimum":
        return direction * math.inf
    return next((event.value for event in branch.events if event.kind in ENDS and event.after != "minimum"), math.nan)
