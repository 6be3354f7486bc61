"""Arcs: the curves of steepest descent and ascent from many points at once, each followed to its end.

x' = ±∇f, whose curves do not depend on the speed: they are run through at speed 1, measured in box widths, with a step
size for each. Those that come to a narrow valley, where explicit formulas need very many steps, go on with implicit ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gdcore.problem import Problem
from gdcore.regions import Regions
from gdcore.steps import Field, Step, explicit, implicit, longest_time

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

OUTSIDE = 0.5  # box widths beyond the box up to which curves are followed
LONGEST = 0.05  # box widths: no step is longer
SHORTEST = 1e-10  # box widths: a curve that needs shorter steps has come to a stationary point, a kink or the domain's end
BESIDE = 1e-6  # box widths: such a curve is at a known stationary point if one is that near
FINE = 1e-8  # box widths: implicit steps, of lower order, are never asked to be more exact
KINKED = 4  # implicit steps help little along a kink: functions that may have one get this part of them


class Fate(IntEnum):
    """How a curve ends."""

    ARRIVED = 0
    MET = 1
    LEFT = 2
    DOMAIN = 3
    UNDECIDED = 4

    @property
    def sentence(self) -> str:
        return SENTENCES[self]


SENTENCES = {
    Fate.ARRIVED: "ends at a minimum (uphill: a maximum)",
    Fate.MET: "runs into another stationary point",
    Fate.LEFT: "leaves the box and the land around it",
    Fate.DOMAIN: "comes to the end of the function's domain",
    Fate.UNDECIDED: "is not decided: flat land, a kink, or too many steps",
}


@dataclass(frozen=True)
class Arcs:
    """Where m curves end: places (m, d), fates (m,) as Fate, ends (m,) indices of stationary points or -1, steps (m,) taken.

    trail (n, d): the places after each step of all curves, those of each together and in order; lanes (n,): whose they are.
    Both are empty unless recorded.
    """

    places: Array
    fates: NDArray[np.int8]
    ends: Indices
    steps: NDArray[np.int64]
    trail: Array
    lanes: Indices


@dataclass(frozen=True)
class Care:
    """How exactly curves are followed: tolerance, first and longest step in box widths.

    most: steps before a curve counts as stiff; most_stiff: implicit steps after them; record: whether to keep all places.
    """

    tolerance: float = 1e-6
    first: float = 0.01
    longest: float = LONGEST
    most: int = 200
    most_stiff: int = 1000
    record: bool = False


def follow(
    problem: Problem, regions: Regions, starts: Array, *, uphill: Flags, own: Indices, care: Care = Care()
) -> Arcs:
    """The curves from starts (m, d), uphill (m,) or down, until they end in one of the regions or elsewhere.

    own (m,): the stationary point that a curve comes from, -1 for none.
    """
    first = _Walk(EXPLICIT, problem, regions, starts, uphill, own, care).run(care.most)
    stiff = np.flatnonzero((first.fates == Fate.UNDECIDED) & first.steps.astype(bool))
    if not stiff.size:
        return first
    most = care.most_stiff // (KINKED if problem.has_kinks else 1)
    care = replace(care, tolerance=max(care.tolerance, FINE))
    rest = _Walk(IMPLICIT, problem, regions, first.places[stiff], uphill[stiff], own[stiff], care).run(most)
    return _continued(first, stiff, rest)


def _continued(first: Arcs, lanes: Indices, rest: Arcs) -> Arcs:
    """The first arcs, of which those in `lanes` go on as the rest says."""
    places, fates, ends, steps = first.places.copy(), first.fates.copy(), first.ends.copy(), first.steps.copy()
    places[lanes], fates[lanes], ends[lanes] = rest.places, rest.fates, rest.ends
    steps[lanes] += rest.steps
    owners = np.concatenate([first.lanes, lanes[rest.lanes]])
    order = np.argsort(owners, kind="stable")
    return Arcs(places, fates, ends, steps, np.concatenate([first.trail, rest.trail])[order], owners[order])


@dataclass(frozen=True)
class _Method:
    """A way to take steps, and what it means by their sizes.

    order: of the error estimate. final: whether a curve that comes to no end by it has none. first: the sizes (m,) to begin
    with; step: one of each curve; stuck: which curves will get no further, given those that turned round and how far each
    went, in box widths.
    """

    order: float
    final: bool
    first: Callable[[_Walk], Array]
    step: Callable[[_Walk], Step]
    stuck: Callable[[_Walk, Flags, Array], Flags]


class _Walk:
    """Curves under way: positions and directions (d, m), step sizes (m,) of those that go on; results of all."""

    def __init__(
        self, method: _Method, problem: Problem, regions: Regions, starts: Array, uphill: Flags, own: Indices, care: Care
    ) -> None:
        self.method = method
        m, self.regions, self.care = len(starts), regions, care
        self.width = (problem.highs - problem.lows)[:, None]
        self.lows, self.highs = problem.lows[:, None], problem.highs[:, None]
        self.lane: Indices = np.arange(m)
        self.uphill, self.own = uphill.copy(), own.copy()
        self.field = Field(problem, self.width, np.where(uphill, 1.0, -1.0))
        self.here = np.array(starts.T, dtype=float, order="C")
        self.places, self.ends = self.here.copy(), np.full(m, -1)
        self.fates, self.steps = np.full(m, Fate.UNDECIDED, np.int8), np.zeros(m, np.int64)
        self.history: list[tuple[Indices, Array]] = []
        with np.errstate(all="ignore"):
            self.direction = self.field.direction(self.here)
            self.size = method.first(self)
        undefined: Flags = ~(np.isfinite(self.direction).all(axis=0) & np.isfinite(problem.value(starts)))
        self._judge(np.ones(m, bool), np.zeros(m, bool), undefined)

    def run(self, most: int) -> Arcs:
        """Follow all curves for so many steps at most."""
        for _ in range(most):
            if not self.lane.size:
                break
            self._advance()
        return self._result()

    def _advance(self) -> None:
        """One step of all curves; those whose error is too large stay and try a shorter one."""
        with np.errstate(all="ignore"):
            step = self.method.step(self)
            accepted = step.error <= self.care.tolerance
            growth = 0.9 * (self.care.tolerance / np.maximum(step.error, 1e-9 * self.care.tolerance)) ** (1 / self.method.order)
            direction = self.field.direction(step.there) if step.direction is None else step.direction
            accepted &= np.isfinite(direction).all(axis=0) & np.isfinite(self.field.problem.value(step.there.T))
            turned = accepted & ((self.direction * direction / self.width**2).sum(axis=0) < 0)
            travelled = np.where(accepted, np.abs((step.there - self.here) / self.width).max(axis=0), np.inf)
        undefined = np.isnan(growth) | ((step.error <= self.care.tolerance) & ~accepted)
        np.copyto(self.here, step.there, where=accepted)
        np.copyto(self.direction, direction, where=accepted)
        self.size *= np.where(undefined, 0.2, np.clip(growth, 0.2, 5.0))
        self.steps[self.lane] += 1
        if self.care.record:
            self.history.append((self.lane[accepted], self.here[:, accepted]))
        self._judge(accepted, self.method.stuck(self, turned, travelled), undefined)

    def _judge(self, moved: Flags, stuck: Flags, undefined: Flags) -> None:
        """Take those curves out that are at an end; the order of the questions is their precedence."""
        places, at_start = self.here.T, not self.steps.any()
        found = np.where(moved & ~(undefined & at_start), self.regions.claim(places, self.uphill, self.own), -1)
        stuck = stuck | (self.direction == 0).all(axis=0) | (undefined & at_start)
        if self.method.final and stuck.any():
            found[stuck] = self.regions.beside(places[stuck], self.own[stuck], BESIDE)
        away = np.maximum(self.lows - self.here, self.here - self.highs) / self.width
        away = np.asarray(away.max(axis=0))
        over = (found >= 0) | (away > OUTSIDE) | stuck
        if not over.any():
            return
        fates = np.full(len(found), Fate.UNDECIDED, np.int8)
        fates[(away > OUTSIDE) | ((away > 0) & self.method.final)] = Fate.LEFT
        fates[stuck & undefined] = Fate.DOMAIN
        attracts = self.regions.attracts[self.uphill.astype(np.intp), found] if len(self.regions.points) else found >= 0
        fates[found >= 0] = np.where(attracts, Fate.ARRIVED, Fate.MET)[found >= 0]
        lanes, going = self.lane[over], ~over
        self.places[:, lanes], self.fates[lanes], self.ends[lanes] = self.here[:, over], fates[over], found[over]
        self.lane, self.uphill, self.own, self.field = self.lane[going], self.uphill[going], self.own[going], self.field[going]
        self.here, self.direction, self.size = self.here[:, going], self.direction[:, going], self.size[going]

    def _result(self) -> Arcs:
        self.places[:, self.lane] = self.here
        lanes = np.concatenate([lane for lane, _ in self.history] or [np.empty(0, np.intp)])
        trail = np.concatenate([places.T for _, places in self.history] or [np.empty((0, len(self.places)))])
        order = np.argsort(lanes, kind="stable")
        return Arcs(np.ascontiguousarray(self.places.T), self.fates, self.ends, self.steps, trail[order], lanes[order])


# -- step sizes that are lengths, in box widths -------------------------------------------------------------------------


def _first_length(walk: _Walk) -> Array:
    return np.full(walk.lane.size, walk.care.first)


def _explicit_step(walk: _Walk) -> Step:
    return explicit(walk.field, walk.here, walk.direction, walk.size)


def _turned_round(walk: _Walk, turned: Flags, travelled: Array) -> Flags:
    """A curve that turns round in one step has come to a point, a kink or a valley."""
    np.minimum(walk.size, walk.care.longest, out=walk.size)
    return turned | (walk.size < SHORTEST)


# -- step sizes that are times ------------------------------------------------------------------------------------------


def _speed(walk: _Walk) -> Array:
    gradient = walk.field.problem.gradient(walk.here.T).T / walk.width
    return np.asarray(np.maximum(np.abs(gradient).max(axis=0), np.finfo(float).tiny), dtype=np.float64)


def _first_time(walk: _Walk) -> Array:
    return np.asarray(1e-4 * walk.care.first / _speed(walk), dtype=np.float64)


def _implicit_step(walk: _Walk) -> Step:
    np.minimum(walk.size, longest_time(walk.field, walk.here), out=walk.size)
    step = implicit(walk.field, walk.here, walk.direction, walk.size)
    moved = np.abs((step.there - walk.here) / walk.width).max(axis=0) / walk.care.longest
    return replace(step, error=np.maximum(step.error, walk.care.tolerance * moved**3))


def _at_rest(walk: _Walk, turned: Flags, travelled: Array) -> Flags:
    """A curve that no longer moves has come to a point; one that needs tiny steps, to a kink."""
    size: Array = walk.size * _speed(walk)
    still: Flags = (travelled < SHORTEST) & (size > SHORTEST)
    return np.asarray(still | (size < 1e-6 * SHORTEST), dtype=bool)


EXPLICIT = _Method(order=5.0, final=False, first=_first_length, step=_explicit_step, stuck=_turned_round)
IMPLICIT = _Method(order=3.0, final=True, first=_first_time, step=_implicit_step, stuck=_at_rest)
