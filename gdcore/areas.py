"""The box → which part of it belongs to each basin of the gradient flow, estimated from evenly spread places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gdcore.arcs import Fate
from gdcore.flow import Flow
from gdcore.shares import wilson

PLACES = 4096  # a power of 2, as Sobol' points want it


@dataclass(frozen=True)
class Area:
    """A share of the box and its 95 % interval; the places counted are spread evenly, so the interval errs on the wide side."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Areas:
    """The share of the box in the basin of each minimum, in their order, and of the rest; all shares add up to 1.

    left: flows away for good; undefined: where f has no value, or the flow comes to where it has none.
    """

    minima: tuple[Area, ...]
    left: Area
    undefined: Area
    undecided: Area


def areas(flow: Flow) -> Areas:
    """Areas from 4,096 scrambled Sobol' points, the same at every call.

    A. B. Owen (1998), Scrambling Sobol' and Niederreiter-Xing points, J. Complexity 14, 466-489; the intervals are Wilson's.
    """
    from scipy.stats import qmc  # a heavy import

    problem = flow.problem
    unit = qmc.Sobol(problem.dimension, scramble=True, rng=np.random.default_rng(0)).random(PLACES)
    basins = flow.basins(problem.lows + unit * (problem.highs - problem.lows))
    minima = np.bincount(basins.labels[basins.labels >= 0], minlength=int(flow.numbers.max(initial=-1)) + 1)
    fates = np.bincount(basins.fates[basins.labels < 0], minlength=len(Fate))
    unnamed = int(fates[Fate.ARRIVED] + fates[Fate.MET] + fates[Fate.UNDECIDED])
    rest = (_area(int(fates[Fate.LEFT])), _area(int(fates[Fate.DOMAIN])), _area(unnamed))
    return Areas(tuple(_area(int(count)) for count in minima), *rest)


def _area(count: int) -> Area:
    return Area(count / PLACES, *wilson(count, PLACES))
