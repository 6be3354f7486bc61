"""A minimum → the values of a parameter between which it exists."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from gdcore.continuation import follow
from gdcore.problem import Problem

ENDS = ("fold", "exchange", "undefined")  # events at which a minimum is one no longer


def lifespan(problem: Problem, parameter: str, point: ArrayLike, limits: tuple[float, float]) -> tuple[float, float]:
    """Where a minimum (d,) appears and vanishes as the parameter runs through limits, each found as a bracketed root of det H.

    -inf, inf: it is still there at that end of the limits; nan: it could not be followed so far. ValueError as for follow().
    """
    low, high = (_end(problem, parameter, point, limit) for limit in limits)
    return low, high


def _end(problem: Problem, parameter: str, point: ArrayLike, limit: float) -> float:
    own = problem.parameters[parameter]
    beyond = math.copysign(math.inf, limit - own)
    if limit == own:
        return beyond
    branch = follow(problem, parameter, point, limit)
    if branch.arrived and branch.kind_at_end == "minimum" and not any(event.kind == "fold" for event in branch.events):
        return beyond
    return next((event.value for event in branch.events if event.kind in ENDS), math.nan)
