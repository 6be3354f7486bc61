"""Structure of a landscape: where its saddles lead, where the borders between basins run, and what keeps minima apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from gdcore.areas import Areas, areas
from gdcore.barriers import Barriers, barriers
from gdcore.flow import Basins, Flow, flow
from gdcore.manifolds import Curve, manifolds
from gdcore.problem import Problem
from gdcore.regions import StationaryPoint

Progress = Callable[[float], None]  # the share of the work that is done


@dataclass(frozen=True)
class Structure:
    """The gradient flow between stationary points, as far as these are known.

    minima: the minima's indices in points; everything that is counted by minimum has their order. descents: two of each point
    of index 1; borders: the curves between basins, in one and two dimensions; barriers: matrix and tree; areas: of the box. flow: the
    flow itself.
    """

    problem: Problem
    points: tuple[StationaryPoint, ...]
    minima: tuple[int, ...]
    descents: tuple[Curve, ...]
    borders: tuple[Curve, ...]
    barriers: Barriers
    areas: Areas
    flow: Flow

    def basins(self, places: ArrayLike) -> Basins:
        """Which minimum the flow takes each of places (..., d) to: its number among the minima, or -1 and why."""
        return self.flow.basins(places)

    def joins(self, curve: Curve) -> int | None:
        """The number of the minimum that a descent joins, or None: its fate says why."""
        return self.minima.index(curve.end) if curve.end in self.minima else None


def structure(
    problem: Problem, points: Sequence[StationaryPoint], *, on_progress: Progress | None = None
) -> Structure:
    """The structure that the stationary points of a problem give its box: complete if they are.

    Minima that only a saddle outside the box joins count as not joined.
    """
    points = tuple(points)
    _check(problem, points)
    tell = on_progress or (lambda share: None)
    tell(0.0)
    curves = manifolds(problem, points)
    tell(0.5)
    streams = flow(problem, points)
    heights, parts = barriers(points, curves.descents), areas(streams)
    tell(1.0)
    minima = tuple(k for k, p in enumerate(points) if p.kind == "minimum")
    return Structure(problem, points, minima, curves.descents, curves.borders, heights, parts, streams)


def _check(problem: Problem, points: Sequence[StationaryPoint]) -> None:
    wrong = {len(p.point) for p in points} - {problem.dimension}
    if wrong:
        raise ValueError(f"a point has {min(wrong)} coordinates; the problem has {problem.dimension} variables")
