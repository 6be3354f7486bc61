"""Problem → Certificate: every stationary point of its box, proved; what could not be decided is said."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from gdcore.bounded import Bounded, bounded
from gdcore.boxes import Boxes, grid
from gdcore.certificate import KINDS, Certificate, CertifiedPoint, Region
from gdcore.edges import boundary_minima
from gdcore.problem import Problem
from gdcore.search import FINEST, Budget, Progress, System, search, with_known
from gdcore.seeds import seeded
from gdcore.unresolved import regions_of
from gdcore.zeros import certified, distinct

Array = NDArray[np.float64]

MOST_VARIABLES = 6  # beyond this a box has too many corners for a search
FIRST = 100  # boxes to begin with
PLACES = 4_000  # places at which f is looked at for gaps in its domain


def certify(problem: Problem, *, seconds: float = 2.0, boxes: int = 200_000, on_progress: Progress | None = None) -> Certificate:
    """The stationary points of the problem in its closed box, each proved, and whether these are all.

    seconds, boxes: the budget; what it does not suffice for is unresolved. on_progress(boxes done, budget, boxes waiting) is
    called now and then on this thread; an exception raised in it cancels. FormulaError where f cannot be differentiated.

    f is the formula with its exact numbers (0.1, 1/3, pi, sqrt(2)); a constant part without a short exact form, log(2) - 0.7, is
    the double that the parser makes of it, give or take 8 units, and parameters are the doubles that they have.
    """
    began = perf_counter()
    if problem.dimension > MOST_VARIABLES:
        return _unexplored(problem, f"{problem.dimension} variables are too many: at most {MOST_VARIABLES}")
    budget, functions = Budget(boxes, began + seconds, on_progress), bounded(problem)
    lows, highs = problem.lows, problem.highs
    finest = FINEST * (highs - lows)
    system = System.of(functions)
    inner = search(system, grid(lows, highs, FIRST), finest, budget)
    if any(part.count for part in inner.unresolved):
        inner = with_known(inner, [seeded(problem, system)])
    zeros, doubtful = distinct(system, inner, problem.dimension)
    sound = np.asarray(np.isfinite(functions.hessian(zeros.bounds)).all(axis=(0, 1, 2)))  # a factor left out of ∇f may be 1/0
    points = certified(problem, functions, zeros[np.flatnonzero(sound)])
    unresolved = regions_of(problem, [*inner.unresolved, doubtful, zeros[np.flatnonzero(~sound)]])
    complete = not unresolved
    reason = "" if complete else budget.reason or "a singular Hessian, a kink or a jump may be there"
    boundary, boundary_complete = boundary_minima(problem, functions, finest, budget)
    return Certificate(
        points=tuple(sorted((p for p in points if _is_inside(problem, p)), key=_rank)),
        unresolved=unresolved,
        complete=complete,
        boxes=budget.spent,
        seconds=perf_counter() - began,
        edge=tuple(sorted((p for p in points if _touches_edge(problem, p)), key=_rank)),
        boundary=boundary,
        boundary_complete=boundary_complete,
        undefined=_has_gaps(problem) or not budget.reason and _may_lack_values(functions, inner.unresolved),
        reason=reason,
    )


def _has_gaps(problem: Problem) -> bool:
    """Whether f lacks a value somewhere in the box, by a look at many places: outside its domain, or across a pole."""
    places = grid(problem.lows, problem.highs, PLACES).centres.T
    cells = problem.cells(places)
    return not bool(problem.in_domain(places).all()) or bool((cells != cells[:1]).any())


def _may_lack_values(functions: Bounded, unresolved: list[Boxes]) -> bool:
    """Whether f may be undefined in boxes that are too small to cut."""
    return any(not functions.defined(part.bounds)[0].all() for part in unresolved if part.count)


def _unexplored(problem: Problem, reason: str) -> Certificate:
    return Certificate((), (Region(problem.limits, 1.0, (problem.limits,)),), False, 0, 0.0, reason=reason)


def _rank(point: CertifiedPoint) -> tuple[object, ...]:
    return KINDS.index(point.kind), point.index or 0, point.value, point.point


def _is_inside(problem: Problem, point: CertifiedPoint) -> bool:
    pairs = zip(point.enclosure, problem.limits, strict=True)
    return all(low > first and high < last for (low, high), (first, last) in pairs)


def _touches_edge(problem: Problem, point: CertifiedPoint) -> bool:
    pairs = list(zip(point.enclosure, problem.limits, strict=True))
    meets = all(high >= first and low <= last for (low, high), (first, last) in pairs)
    return meets and not _is_inside(problem, point)
