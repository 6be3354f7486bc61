"""The judge: the only place that says when a run is over, whichever engine takes the steps."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gdcore.problem import Problem
from gdcore.stopping import Stopping

Array = NDArray[np.float64]
SEGMENT = 16  # steps between two looks at how far away a run is
FAR = 1e6  # box half-widths from its centre: beyond this a run has diverged
DISTANCES = (1e-4, 1e-8, 1e-12)  # from a possible pole, as shares of the step across: where f is looked at
STEP_LIMIT = 1e-4  # box widths: a run that still moves faster than this has not settled, whatever its gradient


class Verdict(IntEnum):
    """What the judge sees at one step; minima.py and tails.py tell STATIONARY and EXHAUSTED further apart."""

    RUNNING = 0
    UNDEFINED = 1
    JUMPED = 2
    DIVERGED = 3
    LEFT_DOMAIN = 4
    STATIONARY = 5
    EXHAUSTED = 6


class Judge:
    """Decides that a run is over. `verdicts` is the only such place, and its order is the precedence."""

    def __init__(self, problem: Problem, stopping: Stopping) -> None:
        self.problem, self.stopping = problem, stopping
        self.width = self.problem.highs - self.problem.lows
        self.centre = (self.problem.highs + self.problem.lows) / 2
        self.reach, self.longest = FAR * self.width / 2, STEP_LIMIT * self.width
        self.tolerance2 = stopping.gradient_tolerance**2 if stopping.gradient_tolerance > 0 else -1.0

    def suspects(
        self, k: int, position: Array, before: Array, value: Array, squared: Array, scratch: Array
    ) -> NDArray[np.bool_] | None:
        """A cheap sieve: which runs need a verdict at step k; None when none does.

        Distance is looked at every SEGMENT steps only: runs off to infinity are not in a hurry to be noticed.
        """
        if k == self.stopping.epochs:
            return np.ones(value.shape, bool)
        np.add(value, squared, out=scratch)
        np.subtract(scratch, scratch, out=scratch)  # 0 where both are finite, nan elsewhere
        suspects = (squared <= self.tolerance2) | (scratch != 0)
        if k % SEGMENT == 0:
            suspects |= self._far(position)
        if self.problem.has_poles and k > 0:
            suspects |= self._crossed(before, position)
        return suspects if suspects.any() else None

    @np.errstate(all="ignore")  # inf - inf is how runs end that are off to infinity, and no news
    def verdicts(
        self, k: int | NDArray[np.int64], position: Array, before: Array, following: Array, value: Array, squared: Array
    ) -> NDArray[np.int8]:
        """One verdict per suspect; k a step, or one per suspect (m,); arrays (d, m) and (m,). Later lines win over earlier ones."""
        finite = np.isfinite(value) & np.isfinite(squared)
        steps = np.broadcast_to(k, value.shape)
        verdict = np.full(value.shape, Verdict.RUNNING, np.int8)
        verdict[steps == self.stopping.epochs] = Verdict.EXHAUSTED
        verdict[(squared <= self.tolerance2) & self._slow(position, following)] = Verdict.STATIONARY
        verdict[~finite] = Verdict.DIVERGED
        wild = np.flatnonzero(~finite)
        verdict[wild[self._outside(position[:, wild])]] = Verdict.LEFT_DOMAIN
        verdict[self._far(position)] = Verdict.DIVERGED
        if self.problem.has_poles:
            near = np.isfinite(position).all(axis=0)  # elsewhere there is nothing to follow f along
            crossed = np.flatnonzero(self._crossed(before, position) & near & (steps > 0))
            verdict[crossed[jumped(self.problem, before[:, crossed].T, position[:, crossed].T)]] = Verdict.JUMPED
        verdict[~finite & (steps == 0)] = Verdict.UNDEFINED
        return verdict

    def _far(self, position: Array) -> NDArray[np.bool_]:
        return ~np.asarray((np.abs(position - self.centre[:, None]) <= self.reach[:, None]).all(axis=0), dtype=bool)

    def _slow(self, position: Array, following: Array) -> NDArray[np.bool_]:
        return np.asarray((np.abs(following - position) <= self.longest[:, None]).all(axis=0), dtype=bool)

    def _outside(self, position: Array) -> NDArray[np.bool_]:
        """Outside the domain, or on a kink or pole where a derivative has no value although the position is finite."""
        near = np.isfinite(position).all(axis=0)
        return np.asarray(near & ~self.problem.in_domain(position.T), dtype=bool)

    def _crossed(self, before: Array, position: Array) -> NDArray[np.bool_]:
        return np.asarray((self.problem.cells(before.T) != self.problem.cells(position.T)).any(axis=-1), dtype=bool)


def jumped(problem: Problem, before: Array, after: Array) -> NDArray[np.bool_]:
    """Whether f is singular between two positions (m, d) that lie in different cells of the formula.

    The crossing is bracketed to the last bit; f is then followed towards it from both sides over eight decades. Where it
    settles to limits the crossing is harmless (sin(x)/x at 0); where it keeps growing it is a pole, also a logarithmic one,
    unless what grows is its rounding error ((exp(x) - 1)/x at 0).
    """
    if not len(before):
        return np.zeros(0, bool)
    low, high = np.zeros(len(before)), np.ones(len(before))
    first = problem.cells(before)
    for _ in range(52):
        middle = (low + high) / 2
        same = (problem.cells(_between(before, after, middle)) == first).all(axis=-1)
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    singular = np.zeros(len(before), bool)
    for crossing, side in ((low, -1.0), (high, 1.0)):
        grows = np.flatnonzero(_grows(_approach(problem, before, after, crossing, side)) & ~singular)
        if grows.size:
            noisy = _is_noise(_approach(problem, before[grows], after[grows], crossing[grows], side))
            singular[grows[~noisy]] = True
    return singular


def _between(before: Array, after: Array, s: Array) -> Array:
    """The positions (m, d) at shares s (m,) of the way."""
    return before + s[:, None] * (after - before)


def _approach(problem: Problem, before: Array, after: Array, crossing: Array, side: float) -> Callable[[float], Array]:
    """f (m,) on one side of the crossings, as a function of the distance, a share of the way."""

    def f(distance: float) -> Array:
        return problem.value(_between(before, after, np.clip(crossing + side * distance, 0, 1)))

    return f


def _grows(f: Callable[[float], Array]) -> NDArray[np.bool_]:
    """Whether f changes as much, or more, from the second to the third of DISTANCES as from the first to the second."""
    far, near, nearest = (f(distance) for distance in DISTANCES)
    with np.errstate(all="ignore"):
        first_change, second_change = np.abs(near - far), np.abs(nearest - near)
        return np.asarray(~(second_change <= np.maximum(0.3 * first_change, 1e-9 * (1 + np.abs(far)))), dtype=bool)


def _is_noise(f: Callable[[float], Array]) -> NDArray[np.bool_]:
    """Whether f is drowned in rounding close to the crossing: at a pole it goes one way, noise goes up and down.

    Or the formula has lost all digits and stands still. What goes up and down as much farther away is no noise: sin(1/x).
    """
    far, near, nearest = ([f(distance * k) for k in np.geomspace(1, 2, 7)] for distance in DISTANCES)
    with np.errstate(all="ignore"):
        noise = np.isfinite(near[0]) & (np.ptp(near, axis=0) == 0)
        for close in (near, nearest):
            oscillates = _turns(far) & (100 * np.ptp(far, axis=0) > np.ptp(close, axis=0))
            noise |= _turns(close) & ~oscillates
    return np.asarray(noise, dtype=bool)


def _turns(values: list[Array]) -> NDArray[np.bool_]:
    """Whether k values (m,) go up and down."""
    change = np.diff(values, axis=0)
    return np.asarray((change > 0).any(axis=0) & (change < 0).any(axis=0))
