"""The gradient flow x' = -∇f → which minimum it takes each place to, or how else it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore.arcs import Care, Fate, follow
from gdcore.chunks import in_pieces
from gdcore.problem import Problem
from gdcore.regions import Regions, StationaryPoint, regions

Indices = NDArray[np.intp]
PIECE = 4096  # places followed together: what they need stays in the processor's cache


@dataclass(frozen=True)
class Basins:
    """labels (...,): the number of the minimum that each place flows to, -1 for none; fates (...,) as Fate."""

    labels: Indices
    fates: NDArray[np.int8]


@dataclass(frozen=True)
class Flow:
    """Make one with `flow`. numbers (n,): of each stationary point among the minima, -1 for the others."""

    problem: Problem
    regions: Regions
    numbers: Indices
    tolerance: float

    def basins(self, places: ArrayLike) -> Basins:
        """Where the flow takes places (..., d).

        A place whose flow comes so near to a saddle that the tolerance decides on which side it goes on, is undecided.
        The flow may leave the box and come back, from up to half a box width away.
        """
        array = np.asarray(places, dtype=float)
        rows = array.reshape(-1, self.problem.dimension)
        labels, fates = np.full(len(rows), -1), np.empty(len(rows), np.int8)
        care = Care(tolerance=self.tolerance)

        def work(piece: slice) -> None:
            m = len(rows[piece])
            downhill, from_nowhere = np.zeros(m, bool), np.full(m, -1)
            arcs = follow(self.problem, self.regions, rows[piece], uphill=downhill, own=from_nowhere, care=care)
            arrived = arcs.fates == Fate.ARRIVED
            labels[piece][arrived] = self.numbers[arcs.ends[arrived]]
            fates[piece] = np.where(arcs.fates == Fate.MET, Fate.UNDECIDED, arcs.fates)

        in_pieces(work, len(rows), PIECE)
        return Basins(labels.reshape(array.shape[:-1]), fates.reshape(array.shape[:-1]))


def flow(problem: Problem, points: Sequence[StationaryPoint], *, tolerance: float = 1e-6) -> Flow:
    """The flow between stationary points, of which the minima are numbered in the order given.

    tolerance: the error of each step, in box widths.
    """
    minimum = np.array([p.kind == "minimum" for p in points], dtype=bool)
    numbers = np.where(minimum, np.cumsum(minimum) - 1, -1)
    return Flow(problem, regions(problem, points, tolerance=tolerance), numbers, tolerance)
