"""Box → the minima of f on it that lie on its boundary and are not stationary: where a projected descent would stop.

There f falls along no edge: on the face its gradient along the face is 0 and its Hessian along the face positive definite,
and f rises into the box (J. Nocedal, S. J. Wright, Numerical Optimization, 2006, chapter 12: strict complementarity).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from gdcore.bounded import Bounded
from gdcore.boxes import Boxes, grid, joined
from gdcore.certificate import CertifiedPoint
from gdcore.inertia import negative_eigenvalues
from gdcore.problem import Problem
from gdcore.search import Budget, System, search
from gdcore.zeros import certified, distinct

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

MOST_VARIABLES = 3  # a box in more has too many faces
PER_AXIS = 12  # boxes to begin with, along each free direction of a face
SHARE = 0.1  # of the budget of boxes


def boundary_minima(
    problem: Problem, functions: Bounded, finest: Array, budget: Budget
) -> tuple[tuple[CertifiedPoint, ...], bool]:
    """The certified minima on the boundary, deepest first, and whether these are all."""
    if problem.dimension > MOST_VARIABLES:
        return (), False
    lows, highs = problem.lows[:, None], problem.highs[:, None]

    def rises(boxes: Boxes) -> Array:
        """Bounds of the slope into the box, (d, 2, n); only those of held coordinates mean anything."""
        slopes = functions.slopes(boxes.bounds)
        return np.where((boxes.low == lows)[:, None, :], slopes, -slopes[:, ::-1])

    def hopeless(boxes: Boxes) -> Flags:
        return np.asarray((boxes.fixed & (rises(boxes)[:, 1] < 0)).any(axis=0), dtype=bool)

    system = System.of(functions, hopeless)
    sides = [side for side in product((0, -1, 1), repeat=problem.dimension) if any(side)]
    own = replace(budget, boxes=budget.spent + int(SHARE * budget.boxes))
    outcome = search(system, joined([_face(problem, side) for side in sides]), finest, own)
    budget.spent = own.spent
    zeros, doubtful = distinct(system, outcome, problem.dimension)
    complete = not any(part.count for part in [*outcome.unresolved, doubtful])
    if not zeros.count:
        return (), complete
    inside = (zeros.fixed | ((zeros.low > lows) & (zeros.high < highs))).all(axis=0)
    beyond = (~zeros.fixed & ((zeros.high < lows) | (zeros.low > highs))).any(axis=0)
    strict = ((rises(zeros)[:, 0] > 0) | ~zeros.fixed).all(axis=0)
    falls = hopeless(zeros)
    index = negative_eigenvalues(_along(functions.hessian(zeros.bounds), zeros.fixed))
    minimal = inside & strict & (index == 0)
    complete &= bool((minimal | beyond | falls | (index > 0)).all())
    points = certified(problem, functions, zeros[minimal])
    return tuple(sorted((replace(p, kind="minimum") for p in points), key=lambda p: (p.value, p.point))), complete


def _along(hessians: Array, fixed: Flags) -> Array:
    """Second derivatives along the face: 1 in place of those across it, which says nothing of a minimum on it."""
    out = hessians.copy()
    for i, j in zip(*np.nonzero(fixed), strict=True):
        out[i, :, :, j] = out[:, i, :, j] = 0.0
        out[i, i, :, j] = 1.0
    return out


def _face(problem: Problem, side: tuple[int, ...]) -> Boxes:
    """The face of the box on which a coordinate is at its low (-1) or high (1) end, or free (0), cut into boxes."""
    free = [i for i, s in enumerate(side) if s == 0]
    held = np.where(np.array(side) < 0, problem.lows, problem.highs)
    if not free:
        return Boxes(held[:, None], held[:, None], np.ones((len(side), 1), bool))
    parts = grid(problem.lows[free], problem.highs[free], PER_AXIS ** len(free))
    low, fixed = np.repeat(held[:, None], parts.count, axis=1), np.ones((len(side), parts.count), bool)
    high = low.copy()
    low[free], high[free], fixed[free] = parts.low, parts.high, False
    return Boxes(low, high, fixed)
