"""Many polished points → the few distinct stationary points they are, verified; valleys are one finding each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gdcore.newton import DEGENERATE, KINDS, MAXIMUM, MINIMUM, SADDLE, Polished, polish
from gdcore.problem import Problem
from gdcore.proximity import clusters

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

SAME_POINT = 1e-6  # box widths between two polished points that count as one
SAME_DEGENERATE = 1e-3  # the same for degenerate ones, whose position is less certain


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


@dataclass(frozen=True)
class Merged:
    """Distinct points, for each polished point the index of its own (-1: kind NONE), and the kinds after verification."""

    stationary: tuple[Stationary, ...]
    index: Indices
    kinds: NDArray[np.int8]


def merge(problem: Problem, polished: Polished, counts: Indices | None = None) -> Merged:
    """One Stationary for all polished points of a kind at the same position; valleys become one each.

    counts (m,): how many starts each polished point stands for; 1 by default.
    """
    kinds = stable_kinds(problem, polished)
    polished = replace(polished, kinds=kinds)
    index = np.full(len(kinds), -1)
    found: list[Stationary] = []
    for kind in (MINIMUM, SADDLE, MAXIMUM, DEGENERATE):
        members = np.flatnonzero(kinds == kind)
        if not members.size:
            continue
        radius = SAME_DEGENERATE if kind == DEGENERATE else SAME_POINT
        groups, isolated = clusters(polished.points[members], radius * (problem.highs - problem.lows)), None
        if kind == DEGENERATE:
            groups, isolated = _join_valleys(problem, polished, members, groups)
        sizes = np.bincount(groups, None if counts is None else counts[members]).astype(np.int64).tolist()
        index[members] = len(found) + groups
        for g, best in enumerate(best_of(polished, members, groups)):
            lone = isolated is None or bool(isolated[g])
            found.append(_stationary(problem, polished, best, sizes[g], isolated=lone))
    return Merged(tuple(found), index, kinds)


def best_of(polished: Polished, members: Indices, groups: Indices) -> Indices:
    """Of each group 0, 1, … among the members, the one with the smallest gradient: it stands for the group.

    Among equals the position decides, so that the order of the starts does not.
    """
    norms = np.nan_to_num(polished.norms[members], nan=np.inf)
    least = np.full(int(groups.max()) + 1, np.inf)
    np.minimum.at(least, groups, norms)
    equal = np.flatnonzero(norms == least[groups])
    order = equal[np.lexsort((*polished.points[members[equal]].T[::-1], groups[equal]))]
    return members[order[np.unique(groups[order], return_index=True)[1]]]


def stable_kinds(problem: Problem, polished: Polished) -> NDArray[np.int8]:
    """The kinds (m,), DEGENERATE where Newton's method does not come back quadratically after a small push.

    An exactly hit x⁴ has rounding for a Hessian, and two stationary points closer than the merging radius are one to the
    resolution of this program: neither kind can be trusted. One representative per position is pushed.
    """
    regular = np.flatnonzero(polished.kinds < DEGENERATE)
    if not regular.size:
        return polished.kinds
    width = problem.highs - problem.lows
    groups = clusters(polished.points[regular], SAME_POINT * width)
    first = regular[np.unique(groups, return_index=True)[1]]
    points, direction = polished.points[first], _flattest(problem, polished.points[first])
    again = polish(problem, points + 10 * SAME_POINT * width.min() * direction)
    back = (np.abs(again.points - points) <= SAME_POINT * width).all(axis=1) & (again.kinds == polished.kinds[first])
    kinds = polished.kinds.copy()
    kinds[regular[~back[groups]]] = DEGENERATE
    return kinds


def _flattest(problem: Problem, points: Array) -> Array:
    """Unit eigenvectors (m, d) of the Hessian's smallest |eigenvalue| at points (m, d)."""
    _, _, hessian = problem.differentiate(points)
    eigenvalues, vectors = np.linalg.eigh(np.nan_to_num(hessian))
    flattest = np.argmin(np.abs(eigenvalues), axis=1)
    direction: Array = np.take_along_axis(vectors, flattest[:, None, None], axis=2)[..., 0]
    return direction


def _stationary(problem: Problem, polished: Polished, i: int, count: int, *, isolated: bool) -> Stationary:
    point = polished.points[i]
    inside = bool(inside_box(problem, point))
    kind = KINDS[polished.kinds[i]]
    eigenvalues = tuple(polished.eigenvalues[i].tolist())
    return Stationary(tuple(point.tolist()), float(polished.values[i]), eigenvalues, kind, inside, count, isolated)


def inside_box(problem: Problem, points: Array) -> Flags:
    """Whether points (..., d) are inside the box and not on its border; a point of nan is nowhere."""
    margin = 1e-9 * (problem.highs - problem.lows)
    return np.asarray(((points > problem.lows + margin) & (points < problem.highs - margin)).all(axis=-1))


def _join_valleys(
    problem: Problem, polished: Polished, members: Indices, groups: Indices
) -> tuple[Indices, Flags]:
    """Degenerate groups that are pieces of one valley joined; and which of the resulting groups are isolated points.

    A piece belongs to a valley when a neighbour along the flattest direction, polished again, stays where it is instead of
    returning. Pieces at the same height are one finding.
    """
    first = best_of(polished, members, groups)
    isolated = ~_continues(problem, polished.points[first])
    level = polished.values[first]
    scale = 1e-7 * max(1.0, float(np.abs(level).max()))
    isolated &= ~_on_a_level(level, np.sort(level[~isolated]), scale)  # where two valleys cross, at their height
    joined = np.arange(len(first))
    valley = np.flatnonzero(~isolated)
    if valley.size:
        order = valley[np.argsort(level[valley])]
        steps = np.flatnonzero(np.concatenate([[True], np.diff(level[order]) > scale]))
        joined[order] = np.repeat(order[steps], np.diff(np.append(steps, order.size)))
    _, compact = np.unique(joined, return_inverse=True)
    alone = np.zeros(int(compact.max()) + 1, bool)
    alone[compact] = isolated
    return compact[groups], alone


def _on_a_level(values: Array, levels: Array, scale: float) -> Flags:
    """Whether each value (m,) is within `scale` of one of the levels (k,), ascending."""
    around = np.concatenate([[-np.inf], levels, [np.inf]])
    above = np.searchsorted(levels, values) + 1
    return np.asarray((around[above] - values <= scale) | (values - around[above - 1] <= scale), dtype=bool)


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


class Valued(Protocol):
    """Anything with a place and a value there."""

    @property
    def point(self) -> tuple[float, ...]: ...

    @property
    def value(self) -> float: ...


def deepest_first(stationary: Sequence[Valued]) -> list[int]:
    """Indices in ascending order of value; values that agree to rounding are ordered by position, itself up to rounding."""
    if not stationary:
        return []
    values = np.array([s.value for s in stationary])
    depth = np.round(values / (1e-9 * max(1.0, float(values.max() - values.min()))))
    points = np.array([s.point for s in stationary])
    places = np.round(points / (1e-9 * np.abs(points).max(axis=0) + 1e-300))
    return [int(k) for k in np.lexsort((*places.T[::-1], depth))]
