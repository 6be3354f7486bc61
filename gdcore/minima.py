"""End points of runs → the distinct, verified stationary points they reached, and which of them each run reached.

Every end is proved to belong to the point it is counted for. `merge(polish(ends))` proves it by Newton's method from each
of them. `reached` says the same and needs one step for most: a sample shows which points there are, and any other end
belongs to one of these where the step from it lands there, close enough that Newton's method could go nowhere else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gdcore.chunks import in_pieces
from gdcore.merging import SAME_POINT, Merged, best_of, merge, stable_kinds
from gdcore.newton import DEGENERATE, NONE, Polished, polish, stacked
from gdcore.problem import Problem
from gdcore.proximity import clusters
from gdcore.trust import trust

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Rows = NDArray[np.int32]

UNKNOWN, NOWHERE = -2, -1  # in place of a row: not looked at yet, and no stationary point near
SAMPLE = 512  # ends polished to learn which points there are, or one in EVERY where that is more
EVERY = 256
PROGRESS = 8  # a further sample is worth its time while one in so many ends is claimed
TOGETHER = 32_768  # ends looked at together: their arrays fit the processor's cache


def reached(problem: Problem, ends: Array, which: Indices) -> Merged:
    """merge(polish(ends[which])) for ends (n, d), in a fraction of the time where many of them are at few points."""
    row, count = np.full(len(which), UNKNOWN, np.int32), 0
    parts: list[Polished] = []
    unknown, worthwhile = np.arange(len(which)), True
    while unknown.size or not parts:
        sampling = worthwhile and unknown.size > 4 * SAMPLE
        own = unknown[:: min(EVERY, unknown.size // SAMPLE)] if sampling else unknown
        rows, found = _polished(problem, ends, which[own], count)
        row[own] = rows
        parts.append(found)
        if not sampling:
            break
        unknown = np.flatnonzero(row == UNKNOWN)
        row[unknown] = _claimed(problem, ends, which[unknown], found, count)
        count += len(found.kinds)
        left = np.flatnonzero(row == UNKNOWN)
        unknown, worthwhile = left, unknown.size - left.size >= unknown.size // PROGRESS
    polished = stacked(parts)
    parts.clear()
    merged = merge(problem, polished, np.bincount(row[row >= 0], minlength=len(polished.kinds)))
    kinds = np.append(merged.kinds, np.int8(NONE))
    return Merged(merged.stationary, np.append(merged.index, -1)[row], kinds[row])


def _polished(problem: Problem, ends: Array, which: Indices, before: int) -> tuple[Rows, Polished]:
    """These ends polished; and the row of each among what was found, counted on from `before`, or NOWHERE."""
    polished = polish(problem, ends[which])
    somewhere = polished.kinds != NONE
    rows = np.where(somewhere, before - 1 + np.cumsum(somewhere, dtype=np.int32), NOWHERE).astype(np.int32)
    return rows, polished if somewhere.all() else polished[somewhere]


def _claimed(problem: Problem, ends: Array, which: Indices, found: Polished, before: int) -> Rows:
    """For each of these ends the row of the regular point that it is proved to belong to, counted from `before`, or UNKNOWN."""
    regular = np.flatnonzero(stable_kinds(problem, found) < DEGENERATE)
    if not regular.size:
        return np.full(len(which), UNKNOWN, np.int32)
    best = best_of(found, regular, clusters(found.points[regular], SAME_POINT * (problem.highs - problem.lows)))
    known = trust(problem, found.points[best])
    row_of = np.append(best + before, UNKNOWN).astype(np.int32)
    return np.concatenate(in_pieces(lambda piece: row_of[known.claim(ends[which[piece]])], len(which), TOGETHER))
