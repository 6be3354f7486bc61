"""Findings and the structure of their problem → which starts ended in another minimum than the gradient flow leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.findings import Findings
from gdcore.merging import SAME_POINT
from gdcore.problem import Problem
from gdcore.proximity import Nearest
from gdcore.shares import wilson
from gdcore.structure import Structure

Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

MOST = 4096  # starts whose flow is followed


@dataclass(frozen=True)
class Crossings:
    """Which of m starts an optimizer carried over a border between basins of the gradient flow.

    starts (m,): their indices among all `total`, evenly spaced where not all were looked at. flow (m,): the minimum, among
    those of the findings, that the flow leads to; -1 for none of these. carried (m,): the run settled in another minimum
    than that. compared: how many have both a run that settled and a flow that arrives; for the others nothing is carried.
    """

    starts: Indices
    total: int
    flow: Indices
    carried: Flags
    compared: int

    @property
    def count(self) -> int:
        """The starts that were carried over a border."""
        return int(self.carried.sum())

    @property
    def undecided(self) -> int:
        """The starts looked at whose run settled in no minimum, or whose flow arrives at none."""
        return len(self.starts) - self.compared

    @property
    def share(self) -> float:
        """The carried starts as a share of those compared; nan where there are none."""
        return self.count / self.compared if self.compared else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share; 0 to 1 where nothing was compared."""
        return wilson(self.count, self.compared) if self.compared else (0.0, 1.0)


def crossings(findings: Findings, structure: Structure, *, most: int = MOST) -> Crossings:
    """Where the runs of some findings and the gradient flow part, looked at for `most` starts at most.

    A flow that arrives at a minimum which the findings do not list leads to another one than any run. ValueError for the
    structure of another problem.
    """
    problem = findings.experiment.problem
    if structure.problem != problem:
        raise ValueError("the structure is that of another problem: give the one of the findings' own")
    starts = np.linspace(0, findings.count - 1, min(most, findings.count)).round().astype(np.intp)
    labels = structure.basins(findings.starts[starts]).labels
    number = numbering(structure, [m.point for m in findings.minima])
    flow = np.append(number, -1)[labels]
    settled = findings.labels[starts]
    compared = (labels >= 0) & (settled >= 0)
    return Crossings(starts, findings.count, flow, compared & (flow != settled), int(compared.sum()))


def numbering(structure: Structure, minima: Sequence[Sequence[float]]) -> Indices:
    """For each minimum of the structure the index of the same point among `minima`, -1 where it is none of them."""
    own = [structure.points[k].point for k in structure.minima]
    return same_points(structure.problem, own, minima)


def same_points(problem: Problem, points: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> Indices:
    """For each point the index of the nearest of the others, -1 where that is not the same to within SAME_POINT box widths."""
    if not len(points) or not len(others):
        return np.full(len(points), -1)
    width = problem.highs - problem.lows
    index, distance = Nearest(np.array(others, dtype=float) / width)(np.array(points, dtype=float) / width)
    return np.where(distance <= SAME_POINT, index, -1)
