"""The path of one run → the basins of the gradient flow that it passes through, and the epochs at which it changes them.

Most positions of a long run lie where their end is certain without following the flow. Of the others so many are followed
at most; between two that differ the change is found by bisection, the first and the last change before all others. A change
and its reversal between two neighbours among those looked at stay unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.arcs import OUTSIDE, Fate
from gdcore.flow import Flow

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

MOST = 1024  # positions whose flow is followed: all of a run of 1,000 epochs
UNKNOWN = -100
UNDECIDED = -1 - Fate.UNDECIDED


@dataclass(frozen=True)
class Itinerary:
    """codes (n,): for each epoch the number of a minimum, -1 - fate where the flow comes to none, UNKNOWN where not looked at.

    changes (k,): the epochs at which a position is in another basin than the last decided one before it, as far as known.
    """

    codes: Codes
    changes: Indices

    @property
    def looked_at(self) -> int:
        """How many positions have a code: if all have, there is no other change."""
        return int((self.codes != UNKNOWN).sum())

    def before(self, epoch: int) -> int:
        """The code of the last decided position before an epoch."""
        return int(self.codes[:epoch][_decided(self.codes[:epoch])][-1])


def itinerary(flow: Flow, path: Array, *, most: int = MOST) -> Itinerary:
    """Through which basins a path (n, d) leads. A position on a border is in none; one without numbers is undecided."""
    codes = np.full(len(path), UNKNOWN, np.int64)
    finite: Flags = np.asarray(np.isfinite(path).all(axis=1), dtype=bool)
    codes[~finite] = UNDECIDED
    _claim(flow, path, codes, finite)
    unclaimed = np.flatnonzero(codes == UNKNOWN)
    width = flow.problem.highs - flow.problem.lows
    first = unclaimed if unclaimed.size <= most else unclaimed[_spread(path[unclaimed] / width, most * 2 // 3)]
    _follow(flow, path, codes, first)
    left = most - first.size
    while (middles := _middles(codes, left)).size:
        _follow(flow, path, codes, middles)
        left -= middles.size
    return Itinerary(codes, _changes(codes))


def _decided(codes: Codes) -> Flags:
    return np.asarray((codes != UNKNOWN) & (codes != UNDECIDED), dtype=bool)


def _claim(flow: Flow, path: Array, codes: Codes, finite: Flags) -> None:
    """Write down the positions whose end is certain at once: in regions of stationary points, and far outside the box."""
    which, problem = np.flatnonzero(finite), flow.problem
    with np.errstate(all="ignore"):
        away = np.maximum(problem.lows - path[which], path[which] - problem.highs) / (problem.highs - problem.lows)
        far = (away.max(axis=1) > OUTSIDE) & problem.in_domain(path[which])
        codes[which[far]] = -1 - Fate.LEFT
        which = which[~far & np.isfinite(problem.gradient(path[which])).all(axis=1)]
    own = flow.regions.claim(path[which], np.zeros(which.size, bool), np.full(which.size, -1))
    claimed = own >= 0
    numbers = flow.numbers[own[claimed]]
    codes[which[claimed]] = np.where(numbers >= 0, numbers, UNDECIDED)


def _follow(flow: Flow, path: Array, codes: Codes, which: Indices) -> None:
    basins = flow.basins(path[which])
    codes[which] = np.where(basins.labels >= 0, basins.labels, -1 - basins.fates.astype(np.int64))


def _spread(places: Array, count: int) -> Indices:
    """About so many of places (n, d): the first ones, and others evenly by number and by the length of the way."""
    n = len(places)
    steps = np.clip(np.abs(np.diff(places, axis=0)).max(axis=1), 0, 1)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    by_way = np.searchsorted(way, np.linspace(0, way[-1], count // 3))
    by_number = np.linspace(0, n - 1, count // 3).round().astype(np.intp)
    return np.unique(np.concatenate([np.arange(count // 3), by_number, np.minimum(by_way, n - 1)]))


def _middles(codes: Codes, left: int) -> Indices:
    """Positions halfway between neighbours among those looked at that differ: of all, or of as many as are left."""
    known = np.flatnonzero(codes != UNKNOWN)
    gaps = np.diff(known)
    wide = np.flatnonzero((gaps > 1) & (np.diff(codes[known]) != 0))
    if not wide.size:
        return wide
    rounds = int(np.ceil(np.log2(gaps[wide].max())))
    if wide.size * rounds > left:
        wide = np.union1d(wide[_outermost(codes, known[wide])], wide[: max(0, left // rounds)])
    return np.asarray((known[wide] + known[wide + 1]) // 2, dtype=np.intp)


def _outermost(codes: Codes, begins: Indices) -> Flags:
    """Which of the gaps that begin at these epochs lie in the first or the last change between two basins."""
    decided = np.flatnonzero(_decided(codes))
    changed = np.flatnonzero(np.diff(codes[decided]))
    inside = np.zeros(begins.size, bool)
    for k in {*changed[:1].tolist(), *changed[-1:].tolist()}:
        inside |= (begins >= decided[k]) & (begins < decided[k + 1])
    return inside


def _changes(codes: Codes) -> Indices:
    """Epochs whose code is decided and differs from the last decided one; only those right after one looked at."""
    decided = np.flatnonzero(_decided(codes))
    after = decided[1:][np.diff(codes[decided]) != 0]
    return np.asarray(after[codes[after - 1] != UNKNOWN], dtype=np.intp)
