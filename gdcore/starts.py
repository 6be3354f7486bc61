"""Where runs begin: uniform, Latin hypercube, Sobol', grid, or given points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore.formula import canonical_name
from gdcore.problem import Problem
from gdcore.setting import FrozenDict

Array = NDArray[np.float64]
MOST_STARTS = 10_000_000


def _uniform(count: int, dimension: int, seed: int) -> Array:
    return np.random.default_rng(seed).random((count, dimension))


def _latin_hypercube(count: int, dimension: int, seed: int) -> Array:
    from scipy.stats import qmc  # scipy.stats takes long to import, and the default design does without it

    points: Array = qmc.LatinHypercube(dimension, rng=np.random.default_rng(seed)).random(count)
    return points


def _sobol(count: int, dimension: int, seed: int) -> Array:
    from scipy.stats import qmc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # balance is lost between powers of 2; the points stay valid
        points: Array = qmc.Sobol(dimension, scramble=True, rng=np.random.default_rng(seed)).random(count)
    return points


def _side(count: int, dimension: int) -> int:
    """Points along an axis of the largest full grid with at most `count` points."""
    side = int(count ** (1 / dimension) + 1e-9)
    return side + bool((side + 1) ** dimension <= count)


def _grid(count: int, dimension: int, seed: int) -> Array:
    """Cell centres of the largest full grid with at most `count` points; the seed plays no part."""
    side = _side(count, dimension)
    axis = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)


@dataclass(frozen=True, slots=True)
class Starts:
    """Start points: `count` points of a design, drawn with `seed` from `box` (None: the problem's start box).

    design: a key of DESIGNS, or "given" (made by Starts.at). ValueError for senseless values.
    """

    design: str = "uniform"
    count: int = 1000
    seed: int = 0
    box: Mapping[str, tuple[float, float]] | None = None
    given: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.design not in DESIGNS and self.design != "given":
            raise ValueError(f"there is no design '{self.design}'; there are: {', '.join(DESIGNS)}")
        if not (type(self.count) is int and 1 <= self.count <= MOST_STARTS):
            raise ValueError(f"{self.count!r} starts are not possible; give a whole number from 1 to {MOST_STARTS:,}")
        if not (type(self.seed) is int and 0 <= self.seed < 2**63):
            raise ValueError(f"the seed is {self.seed}; give a whole number from 0 to {2**63 - 1:,}")
        if self.box is not None:
            region = {canonical_name(key): (float(low), float(high)) for key, (low, high) in self.box.items()}
            object.__setattr__(self, "box", FrozenDict(region))
        for name, (low, high) in (self.box or {}).items():
            if not (np.isfinite([low, high]).all() and low < high):
                raise ValueError(f"the start region of {name} runs from {low:g} to {high:g}: give the smaller one first")

    @classmethod
    def at(cls, points: ArrayLike) -> Starts:
        """Given start points (n, d), or (d,) for a single one."""
        array = np.atleast_2d(np.asarray(points, dtype=float))
        if array.ndim != 2:
            raise ValueError(f"start points must have shape (n, d), not {array.shape}")
        return cls(design="given", count=len(array), given=tuple(map(tuple, array.tolist())))

    def region(self, problem: Problem) -> dict[str, tuple[float, float]]:
        """The box that starts are drawn from; ValueError if it names other variables than the problem."""
        if self.box is None:
            return problem.start_box
        if set(self.box) != set(problem.variables):
            raise ValueError(f"the start region must name exactly the variables {', '.join(problem.variables)}")
        return {name: self.box[name] for name in problem.variables}

    def many(self, problem: Problem) -> int:
        """How many start points there are: `count`, or fewer where that is no full grid."""
        return int(_side(self.count, problem.dimension) ** problem.dimension) if self.design == "grid" else self.count

    def points(self, problem: Problem) -> Array:
        """The start points, (n, d)."""
        if self.design == "given":
            array = np.array(self.given, dtype=float)
            if array.shape[1] != problem.dimension:
                raise ValueError(f"start points have {array.shape[1]} numbers; the problem has {problem.dimension} variables")
            return array
        region = np.array(list(self.region(problem).values()))
        unit = DESIGNS[self.design](self.count, problem.dimension, self.seed)
        if not len(unit):
            raise ValueError(f"a grid in {problem.dimension} variables needs at least 1 start per axis")
        return np.ascontiguousarray(region[:, 0] + unit * (region[:, 1] - region[:, 0]))


DESIGNS: dict[str, Callable[[int, int, int], Array]] = {
    "uniform": _uniform,
    "latin hypercube": _latin_hypercube,
    "sobol": _sobol,
    "grid": _grid,
}
