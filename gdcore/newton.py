"""Newton's method from many points at once → the stationary points close by, and what kind they are.

A small gradient proves nothing. A point counts only after Newton's method on the exact gradient and Hessian, started
there, converges close by; its kind is read off the eigenvalues where it arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdcore.chunks import in_pieces
from gdcore.problem import Problem

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

NEAR = 0.05  # box widths that polishing may move a point
CONVERGED = 1e-8  # box widths: the last Newton step of a converged point is smaller
SINGULAR = 1e-10  # ratio of smallest to largest |eigenvalue| below which the Hessian decides nothing
VALLEY = 1e-4  # the same ratio for points that plain Newton loses: below it, a direction is a valley's floor
SLOW = 0.25  # ratio of successive Newton steps above which convergence is linear: a degenerate point
STALLED = 0.95  # ratio above which there is no convergence at all
MOST_ITERATIONS = 120
NUMBERS = 65_536  # entries of the Hessians polished together
KINDS = ("minimum", "saddle", "maximum", "degenerate", "none")
MINIMUM, SADDLE, MAXIMUM, DEGENERATE, NONE = range(5)


@dataclass(frozen=True)
class Polished:
    """Newton's results: points (m, d), values (m,), eigenvalues (m, d) ascending, norms (m,) of ∇f, kinds (m,)."""

    points: Array
    values: Array
    eigenvalues: Array
    norms: Array
    kinds: NDArray[np.int8]

    def __getitem__(self, rows: Indices | Flags) -> Polished:
        return Polished(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __setitem__(self, rows: Indices | slice, other: Polished) -> None:
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)


def stacked(parts: Sequence[Polished]) -> Polished:
    """The results of several polishings as one."""
    if len(parts) == 1:
        return parts[0]
    return Polished(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Polished)))


def polish(problem: Problem, points: Array) -> Polished:
    """Newton's method from every point (m, d) to a stationary point close by; kind NONE where there is none.

    Convergence that is linear instead of quadratic, or a singular Hessian, makes the kind DEGENERATE. Numerical
    background: J. E. Dennis, R. B. Schnabel, Numerical Methods for Unconstrained Optimization (1983), chapters 2 and 5.
    """

    out = _blank(points.shape)

    def work(piece: slice) -> None:
        method = _Newton(problem, points[piece])
        first = method.result()
        lost = np.flatnonzero((first.kinds == NONE) & method.narrow)
        if lost.size and problem.dimension > 1:
            _onto_valleys(problem, points[piece], first, lost)
        out[piece] = first

    in_pieces(work, len(points), NUMBERS // problem.dimension**2)
    return out


def _blank(shape: tuple[int, ...]) -> Polished:
    rows = shape[:1]
    return Polished(np.empty(shape), np.empty(rows), np.empty(shape), np.empty(rows), np.empty(rows, np.int8))


def newton(problem: Problem, points: Array, *, reach: Array | None = None, singular: float = SINGULAR) -> Polished:
    """The same without care for valleys: points beside one may be lost.

    reach (m,): box widths that Newton's method may move each point, if less than NEAR. singular: the ratio of
    eigenvalues below which a direction is left out of the steps.
    """
    return _Newton(problem, points, reach, singular).result()


def _onto_valleys(problem: Problem, points: Array, first: Polished, lost: Indices) -> None:
    """Put those of the lost points that are beside a valley onto it: along its floor Newton's step is left out."""
    again = newton(problem, points[lost], singular=VALLEY)
    width = (problem.highs - problem.lows).min()
    steep = largest(again.eigenvalues)
    found = (again.kinds != NONE) & (again.norms <= CONVERGED * steep * width)
    first[lost[found]] = again[found]
    first.kinds[lost[found]] = DEGENERATE


class _Newton:
    """The arrays of one polishing; only points still converging are worked on.

    narrow (m,): whether a Hessian on the way was that of a valley; elsewhere a step that leaves out valley floors is the same.
    """

    def __init__(
        self, problem: Problem, points: Array, reach: Array | None = None, singular: float = SINGULAR
    ) -> None:
        m, self.singular = len(points), singular
        self.problem, self.origin, self.points = problem, points, points.copy()
        self.width = problem.highs - problem.lows
        self.reach = np.full(m, NEAR) if reach is None else np.minimum(reach, NEAR)
        self.step, self.slow, self.stalled = np.full(m, np.inf), np.zeros(m, int), np.zeros(m, int)
        self.active: Indices = np.arange(m)
        self.good, self.narrow = np.zeros(m, bool), np.zeros(m, bool)
        for _ in range(MOST_ITERATIONS):
            if not self.active.size:
                break
            self._once()

    def _once(self) -> None:
        index = self.active
        with np.errstate(all="ignore"):
            _, gradient, hessian = self.problem.differentiate(self.points[index])
            eigenvalues = _eigenvalues(hessian)
            move = -_solve(hessian, gradient, eigenvalues, self.singular)
            trial = self.points[index] + move
            size = largest(move / self.width)
            near = _all(np.abs(trial - self.origin[index]) <= self.reach[index, None] * self.width)
            ratio = size / self.step[index]
            steep = largest(eigenvalues)
            self.narrow[index] |= (_smallest(eigenvalues) <= VALLEY * steep) & (steep > 0)
        floor = 4e-16 * (1 + largest(trial / self.width))
        settled = near & ((size <= floor) | ((size <= 1e-11) & (ratio > SLOW)))
        self.slow[index] += (ratio > SLOW) & (size > 1e-11)
        self.stalled[index] = np.where(ratio > STALLED, self.stalled[index] + 1, 0)
        self.points[index[near]] = trial[near]
        self.step[index] = np.where(near, size, np.inf)
        self.good[index[settled]] = True
        going = near & ~settled & (self.stalled[index] < 12)
        self.active = index[going]

    def result(self) -> Polished:
        with np.errstate(all="ignore"):
            values, gradients, hessians = self.problem.differentiate(self.points)
            eigenvalues = _eigenvalues(hessians)
            norms = np.asarray(np.sqrt((gradients**2).sum(axis=1)), dtype=np.float64)
        accepted = (self.good | ((self.step <= CONVERGED) & np.isfinite(self.step))) & np.isfinite(values)
        kinds = np.where(accepted, _kinds(eigenvalues, self.slow >= 8), NONE).astype(np.int8)
        still = np.flatnonzero((kinds != NONE) & (largest(eigenvalues) < 1e-250))
        kinds[still[_is_constant_around(self.problem, self.points[still])]] = NONE
        return Polished(self.points, values.copy(), eigenvalues, norms, kinds)


def solve(hessian: Array, gradient: Array, cutoff: float = SINGULAR) -> Array:
    """H⁻¹ g for each of m symmetric matrices (m, d, d); the pseudo-inverse where H is singular, nan where not finite."""
    return _solve(hessian, gradient, _eigenvalues(hessian), cutoff)


def _solve(hessian: Array, gradient: Array, eigenvalues: Array, cutoff: float) -> Array:
    d = gradient.shape[-1]
    finite = _all(np.isfinite(gradient)) & _all(np.isfinite(hessian).reshape(-1, d * d))
    out = np.full_like(gradient, np.nan)
    if d == 1:
        h, g = hessian[:, 0, 0], gradient[:, 0]
        out[:, 0] = np.where(h == 0, 0.0, g / np.where(h == 0, 1.0, h))
        out[~finite] = np.nan
        return out
    steep = largest(eigenvalues)
    singular = _smallest(eigenvalues) <= cutoff * steep
    regular = np.flatnonzero(finite & ~singular)
    if regular.size:
        out[regular] = _solve_regular(hessian[regular], gradient[regular])
    out[finite & (steep == 0)] = 0.0
    rest = np.flatnonzero(finite & singular & (steep > 0))
    if rest.size and d == 2:
        out[rest] = _solve_rank_one(hessian[rest], gradient[rest], eigenvalues[rest])
    elif rest.size:
        inverse = np.linalg.pinv(hessian[rest], rcond=cutoff, hermitian=True)
        out[rest] = (inverse @ gradient[rest][..., None])[..., 0]
    return out


def _solve_rank_one(hessian: Array, gradient: Array, eigenvalues: Array) -> Array:
    """The pseudo-inverse of 2×2 matrices of which only the larger eigenvalue λ counts: H - μI = (λ - μ) v vᵀ."""
    last = np.abs(eigenvalues[:, 1]) >= np.abs(eigenvalues[:, 0])
    steep, flat = np.where(last, eigenvalues.T[::-1], eigenvalues.T)
    ratio = (flat / steep)[:, None]
    along = np.einsum("mij,mj->mi", hessian / steep[:, None, None], gradient) - ratio * gradient
    return np.asarray(along / (1 - ratio) / steep[:, None], dtype=np.float64)


def _solve_regular(hessian: Array, gradient: Array) -> Array:
    if gradient.shape[-1] != 2:
        return np.asarray(np.linalg.solve(hessian, gradient[..., None])[..., 0], dtype=np.float64)
    a, b, c = hessian[:, 0, 0], hessian[:, 0, 1], hessian[:, 1, 1]
    scale = np.maximum(np.abs(a), np.maximum(np.abs(b), np.abs(c)))
    a, b, c, g = a / scale, b / scale, c / scale, gradient / scale[:, None]
    determinant = a * c - b * b
    return np.stack([c * g[:, 0] - b * g[:, 1], a * g[:, 1] - b * g[:, 0]], axis=1) / determinant[:, None]


def _eigenvalues(hessian: Array) -> Array:
    """Ascending eigenvalues (m, d) of symmetric matrices (m, d, d); nan where not finite. Closed form up to d = 2."""
    d = hessian.shape[-1]
    if d == 1:
        return hessian[:, 0]
    if d == 2:
        mean = (hessian[:, 0, 0] + hessian[:, 1, 1]) / 2
        radius = np.hypot((hessian[:, 0, 0] - hessian[:, 1, 1]) / 2, hessian[:, 0, 1])
        return np.stack([mean - radius, mean + radius], axis=1)
    out = np.full(hessian.shape[:2], np.nan)
    finite = np.isfinite(hessian).all(axis=(1, 2))
    out[finite] = np.linalg.eigvalsh(hessian[finite])
    return out


def _kinds(eigenvalues: Array, linear: Flags) -> NDArray[np.int8]:
    with np.errstate(all="ignore"):
        singular = ~(_smallest(eigenvalues) > SINGULAR * largest(eigenvalues))
    positive = (eigenvalues > 0).sum(axis=1)
    kinds = np.where(positive == eigenvalues.shape[1], MINIMUM, np.where(positive == 0, MAXIMUM, SADDLE))
    return np.where(singular | linear, DEGENERATE, kinds).astype(np.int8)


def _is_constant_around(problem: Problem, points: Array) -> Flags:
    """Whether f is the same, to the smallest normal number, 0.1 % of the box away along the axes: flat land."""
    constant = np.ones(len(points), bool)
    if not len(points):
        return constant
    value = problem.value(points)
    for i, width in enumerate(problem.highs - problem.lows):
        for sign in (-1, 1):
            shifted = points.copy()
            shifted[:, i] += sign * 1e-3 * width
            constant &= np.abs(problem.value(shifted) - value) < np.finfo(float).tiny
    return constant


def largest(rows: Array) -> Array:
    """The largest |entry| of each row (m, d) → (m,); column by column, which is fast for few columns. nan if any is."""
    return _by_columns(np.maximum, np.abs(rows))


def _smallest(rows: Array) -> Array:
    return _by_columns(np.minimum, np.abs(rows))


def _all(rows: Flags) -> Flags:
    return _by_columns(np.logical_and, rows)


def _by_columns(pick: np.ufunc, rows: NDArray[Any]) -> NDArray[Any]:
    out = rows[:, 0].copy()
    for k in range(1, rows.shape[1]):
        pick(out, rows[:, k], out=out)
    return out
