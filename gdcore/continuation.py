"""A stationary point followed as a parameter changes, through folds, to where it ends.

Steps along the curve of stationary points (locus.py), adapted to its curvature; whatever happens on the way is located by a
bracketed root on the curve itself, not at the nearest step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore.formula import FormulaError
from gdcore.locus import Locus, Spot
from gdcore.merging import Stationary
from gdcore.problem import Problem

Array = NDArray[np.float64]

LONGEST = 1 / 16  # box widths, ranges of the parameter: no step is longer
SHORTEST = 1e-11  # a curve that needs shorter steps ends
BESIDE = 1e-4  # box widths: the point to follow may be that far from the stationary one
AT_END = 1e-9  # ranges of the parameter: an event so near the last value is at it
FAR = 20.0  # box widths beyond the box: a point that goes there has run away, perhaps to where exp is 0
MOST = 400  # steps, those that had to be shortened included
FOLD, EXCHANGE, LEAVES, ENTERS, UNDEFINED = "fold", "exchange", "leaves the box", "enters the box", "undefined"


@dataclass(frozen=True)
class Event:
    """Something on the way: at which value of the parameter, where (d,), the value of f, and the kinds before and after.

    kind: "fold", the point meets another one, both vanish, and `after` is empty; "exchange", H is singular but a branch goes
    on, as another kind of point or, where several merge, as the same; "leaves the box" and "enters the box"; "undefined",
    f has no value or no derivatives from there on.
    """

    kind: str
    value: float
    point: Array
    height: float
    before: str
    after: str


@dataclass(frozen=True)
class Branch:
    """A point at all the values (k,) of the parameter at which it was computed: points (k, d), smallest (k,) eigenvalue of H.

    heights (k,): f there. arrived: whether it got to the value wanted; if not, reason says why. evaluations: of f with its
    derivatives.
    """

    parameter: str
    values: Array
    points: Array
    heights: Array
    smallest: Array
    kind_at_end: str
    arrived: bool
    events: tuple[Event, ...]
    reason: str
    evaluations: int


def follow(problem: Problem, parameter: str, point: ArrayLike, until: float) -> Branch:
    """The stationary point (d,) of the problem, of any kind, from the parameter's own value to `until`, or to where it ends.

    It ends at a fold, where f ceases to exist, far outside the box, or where 400 steps do not suffice. ValueError for an
    unknown parameter, a value outside its range, or points of another dimension.
    """
    start = np.array(point, dtype=float)
    if start.shape != (problem.dimension,):
        raise ValueError(f"the point has shape {start.shape}; give {problem.dimension} numbers, one for each variable")
    locus = Locus(problem, parameter, until)
    try:
        with np.errstate(all="ignore"):
            return _Walk(locus).run(start)
    except FormulaError as error:  # no derivative by the parameter
        nothing = np.full(1, np.nan)
        values, heights = np.array([locus.own]), problem.value(start[None])
        return Branch(parameter, values, start[None], heights, nothing, "none", False, (), f"no derivative by {parameter}: {error}", 0)


def resolve(problem: Problem, parameter: str, change: float, point: ArrayLike) -> Stationary | None:
    """The stationary point (d,) once the parameter has changed by so much; None where it vanishes on the way."""
    until = problem.parameters.get(parameter, 0.0) + change
    branch = follow(problem, parameter, point, until)
    if not branch.arrived:
        return None
    place, there = branch.points[-1], problem.with_parameters(**{parameter: until})
    margin = 1e-9 * (problem.highs - problem.lows)
    inside = bool(((place > problem.lows + margin) & (place < problem.highs - margin)).all())
    eigenvalues = tuple(np.linalg.eigvalsh(there.hessian(place)).tolist())
    return Stationary(tuple(place.tolist()), float(branch.heights[-1]), eigenvalues, branch.kind_at_end, inside, 1)


class _Walk:
    """A branch under way: the spots on it, the last one being where it is, and what happened."""

    def __init__(self, locus: Locus) -> None:
        self.locus, self.size = locus, LONGEST
        self.spots: list[Spot] = []
        self.events: list[Event] = []
        self.over, self.arrived, self.reason, self.kind = False, False, "", ""

    def run(self, point: Array) -> Branch:
        """All of it, from a point (d,)."""
        self._begin(point)
        for _ in range(MOST):
            if self.over:
                break
            self._advance()
        else:
            self._end(f"{MOST} steps do not suffice: it is followed to {self._here} only")
        return self._branch()

    @property
    def here(self) -> Spot:
        return self.spots[-1]

    @property
    def _here(self) -> str:
        return f"{self.locus.parameter} = {self.here.at:.6g}"

    def _begin(self, point: Array) -> None:
        locus = self.locus
        spot = locus.start(point, BESIDE)
        self.spots.append(spot or locus.uncorrected(np.append(point / locus.width, 0.0), _upwards(point)))
        if spot is None:
            self._begin_singular()
        elif locus.end == 0:
            self._arrive()

    def _begin_singular(self) -> None:
        """From where branches meet, the one that goes on in the wanted direction, if there is one."""
        locus, here = self.locus, self.here
        if not here.local.finite:
            return self._end("f or one of its derivatives has no finite value at the start")
        steep = float(np.abs(here.rows).max())
        if float(np.abs(here.local.gradient * locus.width).max()) > BESIDE**2 * steep:
            return self._end("the start is not stationary: polish it first")
        if locus.end == 0:
            return self._arrive("degenerate")
        onwards = None if locus.is_fold(here, steep) else locus.through(here, LONGEST)
        if onwards is None:
            return self._end("the Hessian is singular at the start, and no single branch goes on from there")
        self._note(EXCHANGE, here, "degenerate", onwards.kind)
        self._take(onwards)

    def _advance(self) -> None:
        """One step, or a shorter one next time. The order of the questions is their precedence."""
        locus, here = self.locus, self.here
        self.size = min(self.size, LONGEST * (1 + max(0.0, self._outside(here))))
        there = locus.land(here) if here.z[-1] + self.size * here.tangent[-1] >= locus.end else None
        if there is not None and self._pass(there):
            return self._arrive()
        there = locus.advance(here, self.size)
        if there is None:
            return self._shorten()
        if there.tangent[-1] <= 0:
            return self._turn(there)
        if there.z[-1] > locus.end:
            return self._halt(there)
        if self._pass(there):
            self._lengthen(there)

    def _lengthen(self, there: Spot) -> None:
        """The next step twice as long, or as long as the bend of the last one allows."""
        before = self.spots[-2]
        turned = max(1e-6, 1 - float(there.tangent @ before.tangent))
        self.size *= min(2.0, max(0.5, (0.01 / turned) ** 0.5))
        if self._outside(there) > FAR:
            self._end(f"it runs away, beyond {FAR:g} box widths from the box, as {self.locus.parameter} comes to {there.at:.6g}")

    def _shorten(self) -> None:
        self.size /= 2
        if self.size >= SHORTEST:
            return
        ahead, _ = self.locus.look(self.here.z + 2 * self.size * self.here.tangent)
        if ahead.finite:
            return self._end(f"no smooth branch goes on from {self._here}")
        self._note(UNDEFINED, self.here, self.here.kind, "")
        self._end(f"f or one of its derivatives ceases to exist at {self._here}")

    def _pass(self, there: Spot) -> bool:
        """Go there, noting which eigenvalues changed their sign on the way; False, with a shorter step, where one jumped."""
        here, crossed = self.here, []
        low, high = sorted((here.index, there.index))
        for k in range(low, high):
            spot = self.locus.crossing(here, there, k)
            if spot is None:
                self._shorten()
                return False
            crossed.append(spot)
        for event in self._exchanges(crossed, there.kind):
            self.events.append(event)
        self._take(there)
        return True

    def _exchanges(self, crossed: list[Spot], after: str) -> list[Event]:
        """One event for each place where eigenvalues pass 0; those that pass it together are one."""
        crossed = sorted(crossed, key=lambda spot: float(spot.z[-1]))
        apart = [s for k, s in enumerate(crossed) if not k or float(s.z[-1] - crossed[k - 1].z[-1]) > AT_END]
        kinds = [self.here.kind, *["saddle"] * (len(apart) - 1), after]
        return [_event(EXCHANGE, spot, kinds[k], kinds[k + 1]) for k, spot in enumerate(apart)]

    def _turn(self, there: Spot) -> None:
        """The curve turns back before `there`: a fold, or a place where it meets a branch that goes on."""
        locus, here = self.locus, self.here
        vertex = locus.where(here, there, lambda spot: float(spot.tangent[-1]))
        if vertex is None:
            return self._shorten()
        if vertex.z[-1] > locus.end + AT_END:
            return self._halt(vertex)
        fold = locus.is_fold(vertex, here.steepness)
        onwards, at_end = None, abs(vertex.z[-1] - locus.end) <= AT_END
        if not fold and not at_end:
            onwards = locus.through(vertex, LONGEST)
        self._take(vertex)
        if at_end:
            self._note(FOLD if fold else EXCHANGE, vertex, here.kind, "degenerate")
            return self._arrive("degenerate")
        if onwards is None:
            self._note(FOLD if fold else EXCHANGE, vertex, here.kind, "")
            self.kind = "degenerate"
            what = "another stationary point and both vanish" if fold else "other branches, and none of them was found to go on,"
            return self._end(f"it meets {what} at {self._here}")
        self._note(EXCHANGE, vertex, here.kind, onwards.kind)
        self._take(onwards)
        if onwards.z[-1] >= locus.end:
            self._arrive()

    def _halt(self, there: Spot) -> None:
        """The end is before `there`, and could not be reached in one step: H is singular there, or nearly so."""
        here, locus = self.here, self.locus
        low, high = sorted((here.index, there.index))
        spots = [self.locus.crossing(here, there, k) for k in range(low, high)]
        last = next((spot for spot in spots if spot is not None and abs(spot.z[-1] - locus.end) <= AT_END), None)
        if last is not None:
            self._note(EXCHANGE, last, here.kind, "degenerate")
            self._take(last)
            return self._arrive("degenerate")
        spot = locus.where(here, there, lambda spot: float(spot.z[-1]) - locus.end)
        if spot is None:
            return self._shorten()
        if self._pass(spot):
            self._arrive()

    def _take(self, there: Spot) -> None:
        """Go there, noting whether the box's border was crossed."""
        here = self.here
        if (self._outside(here) > 0) != (self._outside(there) > 0):
            spot = self.locus.where(here, there, self._outside) or there
            self._note(LEAVES if self._outside(there) > 0 else ENTERS, spot, here.kind, there.kind)
        self.spots.append(there)

    def _outside(self, spot: Spot) -> float:
        """Box widths beyond the border of the box; negative inside."""
        problem = self.locus.problem
        beyond = np.maximum(problem.lows - spot.point, spot.point - problem.highs) / self.locus.width
        return float(beyond.max())

    def _note(self, kind: str, spot: Spot, before: str, after: str) -> None:
        self.events.append(_event(kind, spot, before, after))

    def _arrive(self, kind: str = "") -> None:
        self.arrived, self.over, self.kind = True, True, kind or self.here.kind
        known = bool(self.events) and self.events[-1].value == self.locus.until
        if self.kind == "degenerate" and not known and len(self.spots) > 1:
            self._note(EXCHANGE, self.here, self.spots[-2].kind, "degenerate")

    def _end(self, reason: str) -> None:
        if not self.over:
            self.over, self.reason, self.kind = True, reason, self.kind or self.here.kind

    def _branch(self) -> Branch:
        spots, locus = self.spots, self.locus
        values = np.array([spot.at for spot in spots])
        if self.arrived:
            values[-1] = locus.until
        return Branch(
            locus.parameter, values, np.array([spot.point for spot in spots]), np.array([spot.local.value for spot in spots]),
            np.array([spot.eigenvalues[0] for spot in spots]), self.kind, self.arrived, tuple(self.events), self.reason,
            locus.evaluations,
        )  # fmt: skip


def _event(kind: str, spot: Spot, before: str, after: str) -> Event:
    return Event(kind, spot.at, spot.point, spot.local.value, before, after)


def _upwards(point: Array) -> Array:
    return np.append(np.zeros(len(point)), 1.0)
