"""One step along many curves of steepest descent or ascent, and its error: explicit, or linearly implicit where that is too stiff.

Curves are run through at speed 1, or in the time of the gradient flow. Arrays have one column per curve: (d, m).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.problem import Problem

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

STAGES = np.zeros((7, 7))
STAGES[1, :1] = [1 / 5]
STAGES[2, :2] = [3 / 40, 9 / 40]
STAGES[3, :3] = [44 / 45, -56 / 15, 32 / 9]
STAGES[4, :4] = [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729]
STAGES[5, :5] = [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]
STAGES[6, :6] = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]
ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])


@dataclass(frozen=True)
class Field:
    """The way of each curve: sign (m,) is 1 uphill, -1 downhill."""

    problem: Problem
    width: Array
    sign: Array

    def __getitem__(self, curves: Flags) -> Field:
        return Field(self.problem, self.width, self.sign[curves])

    def direction(self, here: Array) -> Array:
        """±W²∇f/|W∇f| at here (d, m): the flow's direction where W = 1, of length 1 in box widths W.

        0 where the gradient vanishes, nan where there is none.
        """
        gradient = self.problem.gradient(here.T).T / self.width
        size = np.abs(gradient).max(axis=0)
        gradient /= np.where(size > 0, size, 1.0)
        length = np.sqrt((gradient * gradient).sum(axis=0))
        gradient *= self.sign / np.where(length > 0, length, 1.0)
        gradient *= self.width
        return np.asarray(gradient, dtype=np.float64)


@dataclass(frozen=True)
class Step:
    """Where a step leads (d, m), its error (m,) in box widths, and the direction there where that is known already."""

    there: Array
    error: Array
    direction: Array | None


def explicit(field: Field, here: Array, direction: Array, size: Array) -> Step:
    """A step of length `size` (m,) in box widths by the formulas of order 5, with the error of those of order 4.

    J. R. Dormand, P. J. Prince (1980), A family of embedded Runge-Kutta formulae, J. Comput. Appl. Math. 6, 19-26.
    """
    slopes = np.empty((7, *here.shape))
    slopes[0] = direction
    flat, there = slopes.reshape(7, -1), here
    for s in range(1, 7):
        there = here + size * (STAGES[s, :s] @ flat[:s]).reshape(here.shape)
        slopes[s] = field.direction(there)
    error = size * np.abs((ERROR @ flat).reshape(here.shape) / field.width).max(axis=0)
    return Step(there, error, slopes[6])


def implicit(field: Field, here: Array, direction: Array, size: Array) -> Step:
    """A step over `size` (m,) in time by the L-stable Rosenbrock formulas RODAS3, of order 3 with an error of order 2.

    A. Sandu et al. (1997), Benchmarking stiff ODE solvers for atmospheric chemistry problems II, Atmos. Environ. 31,
    3459-3472. The exact Hessian takes the place of small steps: a narrow valley costs no more than a wide one.
    """
    _, gradient, hessian = field.problem.differentiate(here.T)
    sign = field.sign[:, None]
    matrix = 2 / size[:, None, None] * np.eye(len(here)) - sign[:, :, None] * hessian
    solve, slope = _inverse(matrix), sign * gradient
    k1 = _times(solve, slope)
    k2 = _times(solve, slope + 4 / size[:, None] * k1)
    between = sign * field.problem.gradient(here.T + 2 * k1)
    k3 = _times(solve, between + (k1 - k2) / size[:, None])
    last = sign * field.problem.gradient(here.T + 2 * k1 + k3)
    k4 = _times(solve, last + (k1 - k2 - 8 / 3 * k3) / size[:, None])
    there = here + (2 * k1 + k3 + k4).T
    return Step(there, np.abs(k4.T / field.width).max(axis=0), None)


def longest_time(field: Field, here: Array) -> Array:
    """The longest step (m,) in time over which directions that drive curves apart grow by no more than a factor e."""
    hessian = field.sign[:, None, None] * field.problem.hessian(here.T)
    finite = np.isfinite(hessian).all(axis=(1, 2))
    largest = np.full(len(hessian), np.nan)
    largest[finite] = np.linalg.eigvalsh(hessian[finite])[:, -1]
    return np.where(largest > 0, 1 / np.where(largest > 0, largest, 1.0), np.inf)


def _inverse(matrix: Array) -> Array:
    """The inverses of matrices (m, d, d); nan where there is none."""
    d = matrix.shape[-1]
    if d == 1:
        return 1 / matrix
    if d > 2:
        sound = np.isfinite(matrix).all(axis=(1, 2))
        out = np.full_like(matrix, np.nan)
        out[sound] = np.linalg.pinv(matrix[sound], hermitian=True)
        return out
    a, b, c = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
    return np.asarray((np.stack([c, -b, -b, a]) / (a * c - b * b)).T.reshape(-1, 2, 2), dtype=np.float64)


def _times(matrix: Array, vector: Array) -> Array:
    return np.asarray((matrix @ vector[:, :, None])[:, :, 0], dtype=np.float64)
