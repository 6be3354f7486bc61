"""Zeros that a search found, some of them several times → each once, as narrow as doubles allow, with its kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gdcore.bounded import Bounded
from gdcore.boxes import Boxes, empty, joined
from gdcore.certificate import CertifiedPoint
from gdcore.inertia import UNDECIDED, negative_eigenvalues
from gdcore.problem import Problem
from gdcore.search import Outcome, System, left_of, linearised

Indices = NDArray[np.intp]

NARROWINGS, NARROWER = 30, 0.9  # rounds at most, and what a round must make of a width to be worth another


def distinct(system: System, outcome: Outcome, dimension: int) -> tuple[Boxes, Boxes]:
    """Every zero once, as narrow as doubles allow; and places where it is not clear whether there are two."""
    if not outcome.found:
        return empty(dimension), empty(dimension)
    zeros = _narrowed(system, joined([found.zeros for found in outcome.found]))
    regions = joined([found.regions for found in outcome.found])
    first, second = _neighbours(zeros)
    same = zeros[first].inside(regions[second], closed=True) | zeros[second].inside(regions[first], closed=True)
    number = _connected(first[same], second[same], zeros.count)
    unclear = ~same & (number[first] != number[second]) & (zeros.fixed[:, first] == zeros.fixed[:, second]).all(axis=0)
    return zeros[np.unique(number, return_index=True)[1]], zeros[first[unclear]]


def _neighbours(zeros: Boxes) -> tuple[Indices, Indices]:
    """Pairs of boxes that meet; any others hold zeros that differ."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(zeros.relative(zeros.centres)).query_pairs(1.5, p=np.inf, output_type="ndarray")
    first, second = pairs.T
    meet = zeros[first].meets(zeros[second])
    return first[meet], second[meet]


def _connected(first: Indices, second: Indices, count: int) -> Indices:
    """A number for each of so many things, the same for those that pairs connect."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    number: Indices = connected_components(graph, directed=False)[1]
    return number


def _narrowed(system: System, zeros: Boxes) -> Boxes:
    """The zeros in boxes as narrow as Krawczyk's operator makes them: what is in a box is in what it leaves of it."""
    for _ in range(NARROWINGS):
        centres, before = zeros.centres, zeros.high - zeros.low
        with np.errstate(all="ignore"):
            left = left_of(zeros, centres, *linearised(system, zeros, centres))
            zeros = Boxes(np.fmax(zeros.low, left.low), np.fmin(zeros.high, left.high), zeros.fixed)
        if not (zeros.high - zeros.low < NARROWER * before).any():
            break
    return zeros


def certified(problem: Problem, functions: Bounded, zeros: Boxes) -> list[CertifiedPoint]:
    """The zeros of ∇f as certified points."""
    if not zeros.count:
        return []
    bounds, places = zeros.bounds, zeros.centres.T
    values = functions.value(bounds)
    indices = negative_eigenvalues(functions.hessian(bounds))
    at, _, hessians = problem.differentiate(places)
    eigenvalues = np.linalg.eigvalsh(np.nan_to_num(hessians))
    return [
        CertifiedPoint(
            point=tuple(places[k].tolist()),
            value=float(at[k]),
            kind=_kind(int(indices[k]), problem.dimension),
            index=None if indices[k] == UNDECIDED else int(indices[k]),
            eigenvalues=tuple(eigenvalues[k].tolist()),
            enclosure=tuple(zip(bounds[:, 0, k].tolist(), bounds[:, 1, k].tolist(), strict=True)),
            value_enclosure=(float(values[0, k]), float(values[1, k])),
        )
        for k in range(zeros.count)
    ]


def _kind(index: int, dimension: int) -> str:
    if index == UNDECIDED:
        return "undecided"
    return "minimum" if index == 0 else "maximum" if index == dimension else "saddle"
