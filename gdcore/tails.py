"""The last positions of runs that used up their epochs → is it an orbit, a bounce across a kink, or something else?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gdcore.problem import Problem

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
LONGEST_PERIOD = 8
SAME = 1e-5  # of the orbit's own size: how well a position must repeat
STILL = 1e-9  # box widths: below this amplitude a run does not orbit, it has settled


def orbits(problem: Problem, tails: Array) -> NDArray[np.int64]:
    """The period (2 to 8) of each tail (k, m, d) that repeats itself, else 0."""
    count, m, _ = tails.shape
    longest = min(LONGEST_PERIOD, (count - 1) // 2)
    scaled = tails[count - 2 * longest - 1 :] / (problem.highs - problem.lows)
    period = np.zeros(m, np.int64)
    size = np.ptp(scaled[-LONGEST_PERIOD:], axis=0)
    for p in range(2, longest + 1):
        back = np.abs(scaled[-1] - scaled[-1 - p]) <= 2 * SAME * size.max(axis=1, keepdims=True)  # most fail at one look
        open_ = np.flatnonzero((period == 0) & back.all(axis=1))
        last, before = scaled[-p:, open_], scaled[-2 * p : -p, open_]
        amplitude = np.abs(last - last.mean(axis=0)).max(axis=(0, 2))
        repeats = np.abs(last - before).max(axis=(0, 2)) <= SAME * amplitude
        period[open_[repeats & (amplitude > STILL)]] = p
    return period


def bounces(problem: Problem, tails: Array) -> Flags:
    """Whether each tail (k, m, d) passes a kink of f at least twice: a place where the slope along the step jumps."""
    count, m, _ = tails.shape
    crossings = np.zeros(m, np.int64)
    if not problem.has_kinks:
        return crossings >= 2
    left = np.arange(m)
    for k in range(count - 1):
        crossings[left] += _jumps(problem, tails[k, left], tails[k + 1, left])
        left = left[crossings[left] < 2]
    return crossings >= 2


def _jumps(problem: Problem, start: Array, end: Array) -> Flags:
    """Whether the slope of f along start → end turns from falling to rising by a jump, not continuously.

    The turn is bracketed by bisection down to 2⁻³⁰ of the step; a smooth slope differs there by as little.
    """
    step = end - start

    def slope(points: Array) -> Array:
        with np.errstate(all="ignore"):
            inner: Array = (problem.gradient(points) * step).sum(axis=-1)
        return inner

    first, last = slope(start), slope(end)
    turns = np.flatnonzero((first < 0) & (last > 0))
    jumps = np.zeros(len(start), bool)
    if not turns.size:
        return jumps
    step, low, high = step[turns], np.zeros(turns.size), np.ones(turns.size)
    for _ in range(30):
        middle = (low + high) / 2
        rising = slope(start[turns] + middle[:, None] * step) > 0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    gap = slope(start[turns] + high[:, None] * step) - slope(start[turns] + low[:, None] * step)
    jumps[turns] = ~(gap < 1e-2 * (last - first)[turns])
    return jumps


def clouds(problem: Problem, tails: Array) -> tuple[Array, Array]:
    """Centre (m, d) and radius (m,), in box widths, of the last positions of each tail (k, m, d)."""
    centre = tails.mean(axis=0)
    reach = np.maximum(tails.max(axis=0) - centre, centre - tails.min(axis=0))
    return centre, np.asarray((reach / (problem.highs - problem.lows)).max(axis=1), dtype=np.float64)
