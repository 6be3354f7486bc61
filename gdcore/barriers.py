"""Minima and the saddles that join them → how high one must climb from one to another, and the tree of who joins whom.

The lowest of all paths between two minima goes over saddles of index 1 and follows their descents; its highest point is the
barrier. The tree is the disconnectivity graph of O. M. Becker, M. Karplus (1997), The topology of multidimensional
potential energy surfaces, J. Chem. Phys. 106, 1495-1517, with a node at every level at which groups of minima join.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.manifolds import Curve
from gdcore.merging import deepest_first
from gdcore.regions import StationaryPoint

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

SAME_LEVEL = 1e-9  # of the span of all values: saddles whose values differ by less join at one level


@dataclass(frozen=True)
class Tree:
    """Nodes 0..k-1 are the k minima, in the order of the points; the others are where groups join, from the lowest up.

    levels (n,): f there. parents (n,): the node above, -1 for a root. saddles (n,): the stationary point at which a group
    joins, -1 for minima. order (k,): the minima from left to right, so that no branches cross. places (n,): where to draw
    each node from left to right: minima at 0..k-1, the others in the middle between their outermost children.
    """

    levels: Array
    parents: Indices
    saddles: Indices
    order: Indices
    places: Array

    @property
    def roots(self) -> Indices:
        """Nodes with nothing above: more than one where not all minima are joined."""
        return np.flatnonzero(self.parents < 0)


@dataclass(frozen=True)
class Barriers:
    """levels (k, k): the lowest value of f over which a path from one minimum to another must climb, inf where none is known.

    On the diagonal, f at the minimum itself. values (k,): the same.
    """

    levels: Array
    values: Array
    tree: Tree

    def climbs(self) -> Array:
        """How high (k, k) one climbs from the minimum of the row to that of the column; 0 on the diagonal."""
        return np.asarray(self.levels - self.values[:, None], dtype=np.float64)

    def heights(self) -> Array:
        """The barriers (k, k) above the lower minimum of each pair."""
        return np.maximum(self.climbs(), self.climbs().T)

    def escapes(self) -> Array:
        """The least climb (k,) out of each minimum to another one; inf where none is known."""
        climbs = self.climbs()
        np.fill_diagonal(climbs, np.inf)
        return np.asarray(climbs.min(axis=1, initial=np.inf), dtype=np.float64)


def barriers(points: Sequence[StationaryPoint], descents: Sequence[Curve]) -> Barriers:
    """The barriers between the minima among the points, from all descents of the points of index 1.

    A descent that runs into another saddle goes on from there in both directions that lead down.
    """
    minima = [k for k, p in enumerate(points) if p.kind == "minimum"]
    forest = _Forest(np.array([points[k].value for k in minima]))
    for passes in _by_level(points, _passes(points, minima, descents)):
        forest.join(passes)
    rank = np.argsort(np.array(deepest_first([points[k] for k in minima]), dtype=np.intp))
    return Barriers(forest.barriers, forest.values, forest.tree(rank))


@dataclass(frozen=True)
class _Pass:
    """A saddle and the minima that it joins."""

    saddle: int
    level: float
    minima: frozenset[int]


def _passes(points: Sequence[StationaryPoint], minima: list[int], descents: Sequence[Curve]) -> list[_Pass]:
    """The saddles that join minima, in ascending order."""
    numbers = {point: number for number, point in enumerate(minima)}
    curves: dict[int, list[Curve]] = {}
    for curve in descents:
        curves.setdefault(curve.origin, []).append(curve)
    below: dict[int, frozenset[int]] = {}
    for k in sorted(curves, key=lambda k: points[k].value):
        ends = [curve.end for curve in curves[k] if curve.end is not None]
        reached = [frozenset({numbers[end]}) if end in numbers else below.get(end, frozenset[int]()) for end in ends]
        below[k] = frozenset[int]().union(*reached)
    return [_Pass(k, points[k].value, joined) for k, joined in below.items() if len(joined) > 1]


def _by_level(points: Sequence[StationaryPoint], passes: list[_Pass]) -> list[list[_Pass]]:
    """The ascending passes in groups of the same level, those of a group ordered by position."""
    values = np.array([p.value for p in points])
    gap = SAME_LEVEL * float(np.ptp(values)) if len(values) else 0.0
    groups: list[list[_Pass]] = []
    for here in passes:
        if groups and here.level - groups[-1][-1].level <= gap:
            groups[-1].append(here)
        else:
            groups.append([here])
    return [[group[i] for i in deepest_first([points[p.saddle] for p in group])] for group in groups]


class _Forest:
    """Trees under growth: the minima are leaves, and `joined` says for each the topmost node above it so far."""

    def __init__(self, values: Array) -> None:
        k = len(values)
        self.values, self.barriers = values, np.full((k, k), np.inf)
        np.fill_diagonal(self.barriers, values)
        self.levels: list[float] = values.tolist()
        self.saddles, self.joined = [-1] * k, np.arange(k)
        self.children: list[list[int]] = [[] for _ in range(k)]

    def join(self, passes: list[_Pass]) -> None:
        """One node for all groups that passes of the same level connect."""
        clusters: list[tuple[set[int], list[_Pass]]] = []
        for here in passes:
            nodes, used = {int(self.joined[m]) for m in here.minima}, [here]
            for cluster in [c for c in clusters if c[0] & nodes]:
                clusters.remove(cluster)
                nodes, used = nodes | cluster[0], cluster[1] + used
            clusters.append((nodes, used))
        for nodes, used in clusters:
            if len(nodes) > 1:
                self._node(sorted(nodes), used)

    def _node(self, nodes: list[int], used: list[_Pass]) -> None:
        level = max(here.level for here in used)
        groups = [np.flatnonzero(self.joined == node) for node in nodes]
        for group, other in ((a, b) for a in groups for b in groups if a is not b):
            self.barriers[np.ix_(group, other)] = level
        self.joined[np.concatenate(groups)] = len(self.levels)
        self.levels.append(level)
        self.saddles.append(used[0].saddle)
        self.children.append(nodes)

    def tree(self, rank: Indices) -> Tree:
        """The tree, branches to deeper minima (rank (k,), 0 the deepest) to the left."""
        n, k = len(self.levels), len(self.values)
        parents, leaves = np.full(n, -1), [[i] for i in range(k)]
        for node in range(k, n):
            parents[self.children[node]] = node
            leaves.append(_from_left([leaves[child] for child in self.children[node]], rank))
        order = _from_left([leaves[node] for node in range(n) if parents[node] < 0], rank)
        places = np.empty(n)
        places[order] = np.arange(k)
        for node in range(k, n):
            beside = places[self.children[node]]
            places[node] = (beside.min() + beside.max()) / 2
        return Tree(np.array(self.levels), parents, np.array(self.saddles, dtype=np.intp), np.array(order, dtype=np.intp), places)


def _from_left(branches: list[list[int]], rank: Indices) -> list[int]:
    return [leaf for branch in sorted(branches, key=lambda b: min(rank[leaf] for leaf in b)) for leaf in branch]
