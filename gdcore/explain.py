"""Explanation: what one recorded run did, as facts: numbers, and the epochs at which they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore import schedules
from gdcore.arcs import Fate
from gdcore.crossings import numbering, same_points
from gdcore.experiment import Experiment, Trace
from gdcore.itinerary import Itinerary, itinerary
from gdcore.newton import MINIMUM, polish
from gdcore.nodes import names_in
from gdcore.problem import Problem
from gdcore.stability import RATE
from gdcore.stopping import Ending
from gdcore.structure import Structure

Array = NDArray[np.float64]
Point = tuple[float, ...]

ROUNDING = 1e-12  # of f: what it rises by less than this is rounding
PLAIN = 1e-9  # relative: how well a step of plain descent is one
STATIONARY = {Ending.MINIMUM, Ending.SADDLE, Ending.MAXIMUM, Ending.DEGENERATE, Ending.FLAT}


@dataclass(frozen=True)
class Place:
    """A position of the run: its epoch, point (d,), f and |∇f| there."""

    epoch: int
    point: Point
    value: float
    gradient_norm: float


@dataclass(frozen=True)
class Named:
    """A minimum: its point (d,), and its index in the list that numbers them, None where it is not in that list."""

    point: Point
    number: int | None


@dataclass(frozen=True)
class Basin:
    """Where the gradient flow from a position ends: at a minimum, or None, and the fate says why."""

    fate: Fate
    minimum: Named | None


@dataclass(frozen=True)
class BorderStep:
    """The step to `epoch` that led from one basin into another, and what there was before it was taken.

    length: |step|; uphill: whether it began against the slope. gradient_norm, curvature: |∇f| and sᵀHs/sᵀs along the step s;
    largest_curvature: the Hessian's largest eigenvalue; all at the position before the step, nan where they have no value.
    rate: the learning rate of this step, None where the equations read none. relative_length: the length as a multiple of
    rate·|∇f|, plain descent's; None without a rate or a slope. plain: it is plain descent's step, -rate·∇f.
    """

    epoch: int
    origin: Basin
    goal: Basin
    length: float
    uphill: bool
    gradient_norm: float
    curvature: float
    largest_curvature: float
    rate: float | None
    relative_length: float | None
    plain: bool

    @property
    def limit(self) -> float:
        """2/λ for the curvature λ along the step: at a larger rate plain descent overshoots so far that f rises; inf for λ <= 0."""
        return 2 / self.curvature if not self.curvature <= 0 else float("inf")

    @property
    def overshoots(self) -> bool:
        """Whether the rate is above that limit."""
        return self.rate is not None and self.rate > self.limit


@dataclass(frozen=True)
class Explanation:
    """The facts of one run.

    start, end; steepest: where |∇f| was largest, None where it is nowhere finite. basin: of the start, None without a
    structure. borders: epochs at which it came into another basin; first, last: the steps there. looked_at: so
    many of the end.epoch + 1 positions were; if all were, there are no other borders. rises: steps at which f rose, first_rise: to which epoch.
    ending; by_tolerance: it ended because |∇f| was at most `tolerance`; epochs: at most so many. outside: how far outside the
    box its end is, in box widths. minimum: where it settled. carried: whether that is another minimum than its start's basin
    has; None where there is no such pair.
    """

    start: Place
    end: Place
    steepest: Place | None
    basin: Basin | None
    borders: tuple[int, ...]
    first: BorderStep | None
    last: BorderStep | None
    looked_at: int
    rises: int
    first_rise: int | None
    ending: Ending
    by_tolerance: bool
    tolerance: float
    epochs: int
    outside: float
    minimum: Named | None
    carried: bool | None


def explain(
    experiment: Experiment, trace: Trace, structure: Structure | None = None, minima: Sequence[Sequence[float]] | None = None
) -> Explanation:
    """What a run of the experiment did; its starts do not matter here.

    minima: points that number them, such as those of Findings.minima; without them the structure's own order does. Without
    a structure nothing is said of basins. ValueError for the structure of another problem.
    """
    problem, stopping = experiment.problem, experiment.stopping
    if structure is not None and structure.problem != problem:
        raise ValueError("the structure is that of another problem: give the one of the run's own")
    known = [structure.points[k].point for k in structure.minima] if structure is not None else []
    minima = known if minima is None else minima
    reader = None if structure is None else _Reader(experiment, trace, structure, minima)
    last = len(trace.path) - 1
    settled = _settled(problem, trace, minima)
    rises = _rises(trace.values)
    norms = np.where(np.isfinite(trace.gradient_norms), trace.gradient_norms, -1.0)
    steepest = int(norms.argmax())
    basin = None if reader is None else reader.basin(int(reader.way.codes[0]))
    borders = () if reader is None else tuple(reader.way.changes.tolist())
    return Explanation(
        start=_place(trace, 0),
        end=_place(trace, last),
        steepest=_place(trace, steepest) if norms[steepest] >= 0 else None,
        basin=basin,
        borders=borders,
        first=reader.step(borders[0]) if reader is not None and borders else None,
        last=reader.step(borders[-1]) if reader is not None and borders else None,
        looked_at=0 if reader is None else reader.way.looked_at,
        rises=len(rises),
        first_rise=rises[0] if rises else None,
        ending=trace.ending,
        by_tolerance=_by_tolerance(experiment, trace),
        tolerance=stopping.gradient_tolerance,
        epochs=stopping.epochs,
        outside=_outside(problem, trace.path[-1]),
        minimum=settled,
        carried=_carried(problem, basin, settled),
    )


class _Reader:
    """What is read off the path with the structure's help."""

    def __init__(self, experiment: Experiment, trace: Trace, structure: Structure, minima: Sequence[Sequence[float]]) -> None:
        self.experiment, self.trace = experiment, trace
        numbers = numbering(structure, minima)
        self.minima = [
            Named(structure.points[k].point, int(n) if n >= 0 else None)
            for k, n in zip(structure.minima, numbers, strict=True)
        ]
        self.way: Itinerary = itinerary(structure.flow, trace.path)

    def basin(self, code: int) -> Basin:
        return Basin(Fate.ARRIVED, self.minima[code]) if code >= 0 else Basin(Fate(-1 - code), None)

    def step(self, epoch: int) -> BorderStep:
        """The step to an epoch at which the basin changed."""
        here, there = self.trace.path[epoch - 1], self.trace.path[epoch]
        problem, rate = self.experiment.problem, _rate(self.experiment, epoch)
        with np.errstate(all="ignore"):
            _, gradient, hessian = problem.differentiate(here)
            step = there - here
            length, norm = float(np.linalg.norm(step)), float(np.linalg.norm(gradient))
            unit = step / length
            descent = 0.0 if rate is None else rate * norm
        return BorderStep(
            epoch=epoch,
            origin=self.basin(self.way.before(epoch)),
            goal=self.basin(int(self.way.codes[epoch])),
            length=length,
            uphill=bool(unit @ gradient > 0),
            gradient_norm=norm,
            curvature=float(unit @ hessian @ unit),
            largest_curvature=float(np.linalg.eigvalsh(hessian)[-1]) if np.isfinite(hessian).all() else float("nan"),
            rate=rate,
            relative_length=length / descent if descent > 0 else None,
            plain=rate is not None and bool((np.abs(step + rate * gradient) <= PLAIN * (np.abs(here) + length)).all()),
        )


def _place(trace: Trace, epoch: int) -> Place:
    point, value = tuple(trace.path[epoch].tolist()), float(trace.values[epoch])
    return Place(epoch, point, value, float(trace.gradient_norms[epoch]))


def _rate(experiment: Experiment, epoch: int) -> float | None:
    """The learning rate of the step to an epoch; None where no line of the equations reads one."""
    if RATE not in experiment.settings or not any(RATE in names_in(update.tree) for update in experiment.optimizer.updates):
        return None
    rate = experiment.settings[RATE]
    return float(schedules.values(rate, experiment.stopping.epochs)[epoch - 1]) if isinstance(rate, str) else float(rate)


def _rises(values: Array) -> list[int]:
    """The epochs at which f is higher than one before, by more than rounding."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(values[1:]), np.abs(values[:-1])), np.abs(values[0]))
        rose = values[1:] > values[:-1] + np.where(np.isfinite(size), ROUNDING * size, 0)
    return (np.flatnonzero(rose) + 1).tolist()


def _settled(problem: Problem, trace: Trace, minima: Sequence[Sequence[float]]) -> Named | None:
    """The minimum at the end of a run that settled, by Newton's method."""
    if trace.ending is not Ending.MINIMUM:
        return None
    found = polish(problem, trace.path[-1:])
    if found.kinds[0] != MINIMUM:
        return None
    point = tuple(found.points[0].tolist())
    number = int(same_points(problem, [point], minima)[0])
    return Named(point, number if number >= 0 else None)


def _carried(problem: Problem, basin: Basin | None, settled: Named | None) -> bool | None:
    if basin is None or basin.minimum is None or settled is None:
        return None
    return bool(same_points(problem, [settled.point], [basin.minimum.point])[0] < 0)


def _by_tolerance(experiment: Experiment, trace: Trace) -> bool:
    """Whether the gradient test ended the run; at the last epoch it may hold as well."""
    stopping = experiment.stopping
    early = len(trace.path) - 1 < stopping.epochs
    small = 0 < stopping.gradient_tolerance and trace.gradient_norms[-1] <= stopping.gradient_tolerance
    return trace.ending in STATIONARY and bool(early or small)


def _outside(problem: Problem, end: Array) -> float:
    """How far a position is outside the box, in box widths; 0 inside, nan where it has no numbers."""
    away = np.maximum(problem.lows - end, end - problem.highs) / (problem.highs - problem.lows)
    return float(max(0.0, away.max())) if not np.isnan(away).any() else float("nan")
