"""End points of runs → the distinct, verified stationary points they reached, and which of them each run reached.

A small gradient proves nothing. A point counts only after Newton's method on the exact gradient and Hessian, started at
the end of the run, converges close by; its kind is read off the eigenvalues there. Points are merged by position alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
SAME_POINT = 1e-6  # box widths between two polished points that count as one
SAME_DEGENERATE = 1e-3  # the same for degenerate ones, whose position is less certain
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


@dataclass(frozen=True)
class Stationary:
    """A verified stationary point: point (d,), value, eigenvalues (d,) ascending, kind, and whether it is in the open box.

    count: the starts that ended there; for a valley, where not one point but a set of them is stationary, of the set.
    """

    point: tuple[float, ...]
    value: float
    eigenvalues: tuple[float, ...]
    kind: str
    inside_box: bool
    count: int
    isolated: bool = True


def polish(problem: Problem, points: Array) -> Polished:
    """Newton's method from every point (m, d) to a stationary point close by; kind NONE where there is none.

    Convergence that is linear instead of quadratic, or a singular Hessian, makes the kind DEGENERATE. Numerical
    background: J. E. Dennis, R. B. Schnabel, Numerical Methods for Unconstrained Optimization (1983), chapters 2 and 5.
    """
    newton = _Newton(problem, points)
    newton.iterate()
    first = newton.result()
    lost = np.flatnonzero(first.kinds == NONE)
    return _onto_valleys(problem, points, first, lost) if lost.size and problem.dimension > 1 else first


def _onto_valleys(problem: Problem, points: Array, first: Polished, lost: Indices) -> Polished:
    """The same, with points beside a valley polished onto it: along its floor Newton's step means nothing and is left out."""
    newton = _Newton(problem, points[lost], singular=VALLEY)
    newton.iterate()
    again = newton.result()
    width = (problem.highs - problem.lows).min()
    steep = np.abs(again.eigenvalues).max(axis=1)
    found = (again.kinds != NONE) & (again.norms <= CONVERGED * steep * width)
    own = lost[found]
    merged = replace(first, points=first.points.copy(), values=first.values.copy(), eigenvalues=first.eigenvalues.copy())
    merged = replace(merged, norms=first.norms.copy(), kinds=first.kinds.copy())
    merged.points[own], merged.values[own], merged.norms[own] = again.points[found], again.values[found], again.norms[found]
    merged.eigenvalues[own], merged.kinds[own] = again.eigenvalues[found], DEGENERATE
    return merged


class _Newton:
    """The arrays of one polishing; only points still converging are worked on."""

    def __init__(self, problem: Problem, points: Array, singular: float = SINGULAR) -> None:
        m, self.singular = len(points), singular
        self.problem, self.origin, self.points = problem, points, points.copy()
        self.width = problem.highs - problem.lows
        self.step, self.slow, self.stalled = np.full(m, np.inf), np.zeros(m, int), np.zeros(m, int)
        self.active: Indices = np.arange(m)
        self.good = np.zeros(m, bool)

    def iterate(self) -> None:
        for _ in range(MOST_ITERATIONS):
            if not self.active.size:
                return
            self._once()

    def _once(self) -> None:
        index = self.active
        with np.errstate(all="ignore"):
            _, gradient, hessian = self.problem.differentiate(self.points[index])
            move = -solve(hessian, gradient, self.singular)
            trial = self.points[index] + move
            size = (np.abs(move) / self.width).max(axis=1)
            near = np.asarray((np.abs(trial - self.origin[index]) <= NEAR * self.width).all(axis=1), dtype=bool)
            ratio = size / self.step[index]
        floor = 4e-16 * (1 + (np.abs(trial) / self.width).max(axis=1))
        settled = near & ((size <= floor) | ((size <= 1e-11) & (ratio > SLOW)))
        self.slow[index] += (ratio > SLOW) & (size > 1e-11)
        self.stalled[index] = np.where(ratio > STALLED, self.stalled[index] + 1, 0)
        self.points[index[near]] = trial[near]
        self.step[index] = size
        self.good[index[settled]] = True
        going = near & ~settled & (self.stalled[index] < 12)
        self.active = index[going]

    def result(self) -> Polished:
        with np.errstate(all="ignore"):
            values, gradients, hessians = self.problem.differentiate(self.points)
            eigenvalues = _eigenvalues(hessians)
            norms = np.asarray(np.sqrt((gradients**2).sum(axis=1)), dtype=np.float64)
        accepted = self.good | ((self.step <= CONVERGED) & np.isfinite(self.step))
        kinds = np.where(accepted, _kinds(eigenvalues, self.slow >= 8), NONE).astype(np.int8)
        still = np.flatnonzero((kinds != NONE) & (np.abs(eigenvalues).max(axis=1) < 1e-250))
        kinds[still[_is_constant_around(self.problem, self.points[still])]] = NONE
        return Polished(self.points, values, eigenvalues, norms, kinds)


def solve(hessian: Array, gradient: Array, cutoff: float = SINGULAR) -> Array:
    """H⁻¹ g for each of m symmetric matrices (m, d, d); the pseudo-inverse where H is singular, nan where not finite."""
    d = gradient.shape[-1]
    finite = np.asarray(np.isfinite(hessian).all(axis=(1, 2)) & np.isfinite(gradient).all(axis=1), dtype=bool)
    out = np.full_like(gradient, np.nan)
    if d == 1:
        h, g = hessian[:, 0, 0], gradient[:, 0]
        out[:, 0] = np.where(h == 0, 0.0, g / np.where(h == 0, 1.0, h))
        out[~finite] = np.nan
        return out
    eigenvalues = _eigenvalues(np.where(finite[:, None, None], hessian, 0.0))
    size = np.abs(eigenvalues)
    singular = size.min(axis=1) <= cutoff * size.max(axis=1)
    regular = np.flatnonzero(finite & ~singular)
    if regular.size:
        out[regular] = _solve_regular(hessian[regular], gradient[regular])
    rest = np.flatnonzero(finite & singular)
    if rest.size:
        inverse = np.linalg.pinv(hessian[rest], rcond=cutoff, hermitian=True)
        out[rest] = (inverse @ gradient[rest][..., None])[..., 0]
    return out


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
    size = np.abs(eigenvalues)
    with np.errstate(all="ignore"):
        singular = ~(size.min(axis=1) > SINGULAR * size.max(axis=1))
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


# -- from many polished points to few stationary ones ------------------------------------------------------------------


@dataclass(frozen=True)
class Merged:
    """Distinct points, for each polished point the index of its own (-1: kind NONE), and the kinds after verification."""

    stationary: tuple[Stationary, ...]
    index: Indices
    kinds: NDArray[np.int8]


def merge(problem: Problem, polished: Polished) -> Merged:
    """One Stationary for all polished points of a kind at the same position; valleys become one each."""
    polished = _demote_unstable(problem, polished)
    index = np.full(len(polished.kinds), -1)
    found: list[Stationary] = []
    for kind in (MINIMUM, SADDLE, MAXIMUM, DEGENERATE):
        members = np.flatnonzero(polished.kinds == kind)
        if not members.size:
            continue
        radius = SAME_DEGENERATE if kind == DEGENERATE else SAME_POINT
        groups = _cluster(polished.points[members] / (problem.highs - problem.lows), radius)
        if kind == DEGENERATE:
            groups, isolated = _join_valleys(problem, polished, members, groups)
        for g in range(groups.max() + 1):
            own = members[groups == g]
            best = own[np.argmin(polished.norms[own])]
            lone = kind != DEGENERATE or bool(isolated[g])
            found.append(_stationary(problem, polished, best, len(own), isolated=lone))
            index[own] = len(found) - 1
    return Merged(tuple(found), index, polished.kinds)


def _demote_unstable(problem: Problem, polished: Polished) -> Polished:
    """The same, with points made DEGENERATE where Newton's method does not come back quadratically after a small push.

    An exactly hit x⁴ has rounding for a Hessian, and two stationary points closer than the merging radius are one to the
    resolution of this program: neither kind can be trusted. One representative per position is pushed.
    """
    regular = np.flatnonzero(polished.kinds < DEGENERATE)
    if not regular.size:
        return polished
    width = problem.highs - problem.lows
    groups = _cluster(polished.points[regular] / width, SAME_POINT)
    first = regular[np.unique(groups, return_index=True)[1]]
    points, direction = polished.points[first], _flattest(problem, polished.points[first])
    again = polish(problem, points + 10 * SAME_POINT * width.min() * direction)
    back = (np.abs(again.points - points) <= SAME_POINT * width).all(axis=1) & (again.kinds == polished.kinds[first])
    kinds = polished.kinds.copy()
    kinds[regular[~back[groups]]] = DEGENERATE
    return replace(polished, kinds=kinds)


def _flattest(problem: Problem, points: Array) -> Array:
    """Unit eigenvectors (m, d) of the Hessian's smallest |eigenvalue| at points (m, d)."""
    _, _, hessian = problem.differentiate(points)
    eigenvalues, vectors = np.linalg.eigh(np.nan_to_num(hessian))
    flattest = np.argmin(np.abs(eigenvalues), axis=1)
    direction: Array = np.take_along_axis(vectors, flattest[:, None, None], axis=2)[..., 0]
    return direction


def _stationary(problem: Problem, polished: Polished, i: int, count: int, *, isolated: bool) -> Stationary:
    point = polished.points[i]
    margin = 1e-9 * (problem.highs - problem.lows)
    inside = bool(((point > problem.lows + margin) & (point < problem.highs - margin)).all())
    kind = KINDS[polished.kinds[i]]
    eigenvalues = tuple(polished.eigenvalues[i].tolist())
    return Stationary(tuple(point.tolist()), float(polished.values[i]), eigenvalues, kind, inside, count, isolated)


def _cluster(points: Array, radius: float) -> Indices:
    """Group numbers (m,): points within `radius` of each other, directly or through others, share one."""
    cells, cell_of = np.unique(np.round(points / radius).astype(np.int64), axis=0, return_inverse=True)
    if len(cells) == 1:
        return np.zeros(len(points), np.intp)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    pairs = cKDTree(cells).query_pairs(1.5, p=np.inf, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(cells),) * 2)
    groups: Indices = connected_components(graph, directed=False)[1][cell_of.ravel()]
    return groups


def _join_valleys(
    problem: Problem, polished: Polished, members: Indices, groups: Indices
) -> tuple[Indices, Flags]:
    """Degenerate groups that are pieces of one valley joined; and which of the resulting groups are isolated points.

    A piece belongs to a valley when a neighbour along the flattest direction, polished again, stays where it is instead of
    returning. Pieces at the same height are one finding.
    """
    count = int(groups.max()) + 1
    order = np.argsort(polished.norms[members], kind="stable")  # the best converged member stands for its piece
    first = members[order[np.unique(groups[order], return_index=True)[1]]]
    isolated = ~_continues(problem, polished.points[first])
    level = polished.values[first]
    scale = 1e-7 * max(1.0, float(np.abs(level).max()))
    floors = level[~isolated]
    isolated &= ~(np.abs(level[:, None] - floors) <= scale).any(axis=1)  # where two valleys cross, at their height
    joined = np.arange(count)
    valley = np.flatnonzero(~isolated)
    order = valley[np.argsort(level[valley])]
    for previous, current in zip(order[:-1], order[1:], strict=True):
        if level[current] - level[previous] <= scale:
            joined[current] = joined[previous]
    _, compact = np.unique(joined, return_inverse=True)
    alone = np.zeros(int(compact.max()) + 1, bool)
    alone[compact] = isolated
    return compact[groups], alone


def _continues(problem: Problem, points: Array) -> Flags:
    """Whether stationary points go on beside each of the points (m, d), along the eigenvector of the smallest |eigenvalue|."""
    width = problem.highs - problem.lows
    push = 5e-3 * _flattest(problem, points) * width.min()
    continues = np.zeros(len(points), bool)
    for sign in (1.0, -1.0):
        again = polish(problem, points + sign * push)
        travelled = np.sqrt(((again.points - points) ** 2).sum(axis=1))
        continues |= (again.kinds == DEGENERATE) & (travelled > 0.5 * np.sqrt((push**2).sum(axis=1)))
    return continues


def descend_to_minima(problem: Problem, points: Array) -> Polished:
    """Verified minima found from points (m, d) that did not settle, by Newton steps that always go downhill.

    |eigenvalues| replace eigenvalues (Y. Dauphin et al. 2014, saddle-free Newton); steps are at most 5 % of the box.
    """
    width = problem.highs - problem.lows
    here = points.copy()
    with np.errstate(all="ignore"):
        for _ in range(60):
            _, gradient, hessian = problem.differentiate(here)
            usable = np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2))
            here, gradient, hessian = here[usable], gradient[usable], hessian[usable]
            if not len(here):
                break
            eigenvalues, vectors = np.linalg.eigh(hessian)
            size = np.maximum(np.abs(eigenvalues), 1e-12 * np.abs(eigenvalues).max(axis=1, keepdims=True) + 1e-300)
            move = -(vectors @ (np.swapaxes(vectors, 1, 2) @ gradient[..., None] / size[..., None]))[..., 0]
            shrink = np.maximum((np.abs(move) / (0.05 * width)).max(axis=1), 1.0)
            here = here + move / shrink[:, None]
    return polish(problem, here)


@lru_cache(maxsize=128)
def survey(problem: Problem) -> tuple[Stationary, ...]:
    """The verified minima in the open box that a quick search finds, deepest first: good to know, not proved complete.

    Newton steps downhill from 256 points (a grid in one and two variables, random ones beyond) and the known minima.
    """
    d, lows, highs = problem.dimension, problem.lows, problem.highs
    if d <= 2:
        side = (np.arange(256 if d == 1 else 16) + 0.5) / (256 if d == 1 else 16)
        unit = np.stack(np.meshgrid(*[side] * d, indexing="ij"), axis=-1).reshape(-1, d)
    else:
        unit = np.random.default_rng(0).random((256, d))
    points = np.concatenate([lows + unit * (highs - lows), np.array(problem.minima, dtype=float).reshape(-1, d)])
    found = merge(problem, descend_to_minima(problem, points)).stationary
    minima = [point for point in found if point.kind == "minimum" and point.inside_box]
    return tuple(minima[k] for k in deepest_first(minima))


class Valued(Protocol):
    """Anything with a place and a value there."""

    @property
    def point(self) -> tuple[float, ...]: ...

    @property
    def value(self) -> float: ...


def deepest_first(stationary: Sequence[Valued]) -> list[int]:
    """Indices in ascending order of value; values that agree to rounding are ordered by position, so the order is stable."""
    if not stationary:
        return []
    values = [s.value for s in stationary]
    scale = 1e-9 * max(1.0, max(values) - min(values))
    return sorted(range(len(values)), key=lambda i: (round(values[i] / scale) * scale, stationary[i].point))
