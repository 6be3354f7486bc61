"""A window of the start plane → the minimum that each pixel's run reaches, and after how many epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gdcore.certificate import Certificate
from gdcore.computed import Computed
from gdcore.crossings import same_points
from gdcore.descent import Progress
from gdcore.experiment import Experiment, Minimum, run_from
from gdcore.pixels import contents
from gdcore.problem import LARGEST, Problem
from gdcore.stopping import ENDINGS, Ending

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Colours = NDArray[np.int32]
Limits = tuple[float, float]
MOST_PIXELS = 2_000  # along an axis
RESOLVED = 16  # spacings of numbers that a pixel is at least wide: a narrower one would share its start with its neighbour
MOST_TRANSITIONS = 12


@dataclass(frozen=True)
class Window:
    """The plane of two variables that is drawn: axes (i, j), limits x and y along them; the other variables are held.

    held (d,): one number for each variable; those of the drawn ones play no part and become the window's middle. One axis
    without y: a strip of one row, in one variable or along one of several. ValueError for limits, axes or a place that make no window.
    """

    axes: tuple[int, ...]
    x: Limits
    y: Limits | None = None
    held: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        axes, held = tuple(index(axis) for axis in self.axes), [float(number) for number in self.held]
        limits = [self.x] if self.y is None else [self.x, self.y]
        if len(axes) != len(limits) or len(set(axes)) != len(axes) or not set(axes) <= set(range(len(held))):
            last = max(0, len(held) - 1)
            raise ValueError(f"axes {axes} do not fit {len(held)} held numbers: give two different ones from 0 to {last}, or one and no y")
        if not np.isfinite(held).all():
            raise ValueError("the held variables need finite numbers: give one for each variable")
        for name, axis, (low, high) in zip("xy", axes, limits, strict=False):
            if not (abs(low) <= LARGEST and abs(high) <= LARGEST and low < high):
                raise ValueError(f"the window's {name} runs from {low:g} to {high:g}: give two finite numbers, the smaller one first")
            held[axis] = low / 2 + high / 2
        for name, value in (("axes", axes), ("held", tuple(held)), ("x", _limits(self.x)), ("y", self.y and _limits(self.y))):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, problem: Problem, axes: Sequence[int] | None = None, held: Sequence[float] | None = None) -> Window:
        """The problem's box in the plane of axes, by default the first two, or the one there is; held: by default the box's centre."""
        drawn = tuple(range(min(2, problem.dimension))) if axes is None else tuple(axes)
        if not 1 <= len(drawn) <= 2 or not set(drawn) <= set(range(problem.dimension)):
            raise ValueError(f"axes {drawn} are no plane of {problem.dimension} variables: give one or two from 0 to {problem.dimension - 1}")
        centre = (problem.lows / 2 + problem.highs / 2).tolist()
        limits = [problem.limits[axis] for axis in drawn]
        return cls(drawn, limits[0], limits[1] if len(drawn) == 2 else None, tuple(centre if held is None else held))

    def starts(self, columns: int, rows: int) -> Array:
        """The pixel centres, (rows, columns, d); row 0 is the lowest y. ValueError for a size that is impossible here."""
        self._check(columns, rows)
        out = np.empty((rows, columns, len(self.held)))
        out[:] = self.held
        out[..., self.axes[0]] = _centres(self.x, columns)
        if self.y is not None:
            out[..., self.axes[1]] = _centres(self.y, rows)[:, None]
        return out

    def _check(self, columns: int, rows: int) -> None:
        for name, count in (("columns", columns), ("rows", rows)):
            if not (type(count) is int and 1 <= count <= MOST_PIXELS):
                raise ValueError(f"{count!r} {name} of pixels are not possible; give a whole number from 1 to {MOST_PIXELS:,}")
        if self.y is None and rows != 1:
            raise ValueError(f"a window of one variable is a strip: give 1 row, not {rows}")
        for (low, high), count in ((self.x, columns), (self.y or self.x, rows)):
            if (high - low) / count < RESOLVED * math.ulp(max(abs(low), abs(high))):
                raise ValueError(f"{count} pixels from {low!r} to {high!r} are narrower than numbers are apart: widen the window")


@dataclass(frozen=True, eq=False)
class BasinMap:
    """Where the run from each pixel's centre came to; arrays (rows, columns), row 0 the lowest y.

    labels: index of minima, deepest first, -1 for none; codes: index of ENDINGS, also where f is undefined at the start;
    epochs: how many the run took. minima: with counts and shares of pixels. The starts of the experiment play no part.
    """

    experiment: Experiment
    window: Window
    columns: int
    rows: int
    labels: Colours
    codes: NDArray[np.int8]
    epochs: NDArray[np.int32]
    minima: tuple[Minimum, ...]
    computed: Computed

    def starts(self) -> Array:
        """The pixel centres, (rows, columns, d)."""
        return self.window.starts(self.columns, self.rows)

    def to_frame(self) -> pd.DataFrame:
        """One row per pixel, the lowest row of pixels first: its start, ending, minimum (1 = deepest) and epochs."""
        import pandas as pd

        names = self.experiment.problem.variables
        table = pd.DataFrame(self.starts().reshape(-1, len(names)), columns=list(names))
        table["ending"] = pd.Categorical.from_codes(self.codes.ravel(), [ending.label for ending in ENDINGS])
        table["minimum"] = pd.arrays.IntegerArray(self.labels.ravel().astype(np.int64) + 1, self.labels.ravel() < 0)
        return table.assign(epochs=self.epochs.ravel())

    def at(self, x: float, y: float = math.nan) -> tuple[int, int]:
        """The (row, column) of the pixel that a place lies in; a strip asks for no y. ValueError outside the window."""
        column = _index(self.window.x, self.columns, x)
        row = 0 if self.window.y is None else _index(self.window.y, self.rows, y)
        if column < 0 or row < 0:
            raise ValueError(f"({x:g}, {y:g}) lies outside the window: give a place in it")
        return row, column


@dataclass(frozen=True)
class Reached:
    """Where a run came to: its ending, and the index of its minimum in a map's list, -1 where it settled in none."""

    ending: Ending
    label: int


@dataclass(frozen=True)
class AreaShare:
    """What part of a window's area came to one minimum (label >= 0), or to one ending that is none (-1); low <= share <= high."""

    ending: Ending
    label: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Transition:
    """A share of the pixels that came to one place in the first map and to another one in the second, each in its own numbers."""

    before: Reached
    after: Reached
    share: float


@dataclass(frozen=True, eq=False)
class Change:
    """pixels (rows, columns): whether the outcome differs; their share of the area with low and high as in shares().

    transitions: the commonest, at most 12, the largest share first.
    """

    pixels: NDArray[np.bool_]
    share: float
    low: float
    high: float
    transitions: tuple[Transition, ...]


def basin_map(
    experiment: Experiment,
    window: Window,
    columns: int,
    rows: int,
    *,
    engine: str = "auto",
    on_progress: Progress | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    certificate: Certificate | None = None,
) -> BasinMap:
    """The basin map of an experiment on a window of columns × rows pixels, 1 to 2,000 each; one run from each pixel's centre.

    The rest as for run(). ValueError for another number of variables than the problem's, and for impossible sizes.
    """
    if len(window.held) != experiment.problem.dimension:
        raise ValueError(f"the window has {len(window.held)} variables and the problem {experiment.problem.dimension}: make one with Window.of")
    points = window.starts(columns, rows).reshape(-1, len(window.held))
    found = run_from(
        experiment, points, engine=engine, on_progress=on_progress, threads=threads, executor=executor, certificate=certificate
    )
    shape = rows, columns
    labels, epochs = (array.astype(np.int32).reshape(shape) for array in (found.labels, found.epochs))
    codes = found.ending_codes.reshape(shape)
    return BasinMap(experiment, window, columns, rows, labels, codes, epochs, found.minima, found.computed)


def colours(basin_map: BasinMap) -> Colours:
    """One number per outcome, (rows, columns): the label where there is a minimum, else the number of minima plus the ending's code."""
    return np.where(basin_map.labels >= 0, basin_map.labels, len(basin_map.minima) + basin_map.codes).astype(np.int32)


def shares(basin_map: BasinMap) -> tuple[AreaShare, ...]:
    """The share of the window's area of every minimum, in their order, then of every other ending that is there; they add up to 1.

    low counts the pixels that lie wholly inside, all neighbours alike, high those inside or beside the region: inner and
    outer content (C. Jordan 1892, Remarques sur les intégrales définies). What lies between is left open by the resolution; a
    part of a basin that is thinner than a pixel may be missed altogether.
    """
    many = len(basin_map.minima)
    whole, inner, outer = (count / basin_map.labels.size for count in contents(colours(basin_map), many + len(ENDINGS)))
    return tuple(
        AreaShare(*_reached(k, many), share=float(whole[k]), low=float(inner[k]), high=float(outer[k]))
        for k in range(len(whole))
        if k < many or whole[k] > 0
    )


def changed(one: BasinMap, other: BasinMap) -> Change:
    """Which pixels come to another minimum, or to another ending where there is none, in the second of two maps.

    Minima are the same where they are at the same place to within SAME_POINT box widths, whatever their numbers. ValueError
    where problems, windows or sizes differ.
    """
    if one.experiment.problem != other.experiment.problem:
        raise ValueError("the maps are of different problems, whose minima cannot be matched: compare maps of one problem")
    if (one.window, one.labels.shape) != (other.window, other.labels.shape):
        raise ValueError("the maps have different windows or sizes: make both on the same pixels")
    many, new = len(one.minima), len(other.minima)
    match = same_points(one.experiment.problem, [m.point for m in other.minima], [m.point for m in one.minima])
    number = np.append(np.where(match >= 0, match, many + np.arange(new)), many + new + np.arange(len(ENDINGS))).astype(np.int32)
    before, after = colours(one), colours(other)
    joint = np.where(before < many, before, before + new)
    pixels = joint != number[after]
    whole, inner, outer = (float(count[1]) / pixels.size for count in contents(pixels.astype(np.int32), 2))
    return Change(pixels, whole, inner, outer, _transitions(before[pixels], after[pixels], (many, new), pixels.size))


def _transitions(before: Colours, after: Colours, many: tuple[int, int], total: int) -> tuple[Transition, ...]:
    span = many[1] + len(ENDINGS)
    pairs, counts = np.unique(before.astype(np.int64) * span + after, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_TRANSITIONS]
    return tuple(
        Transition(Reached(*_reached(pair // span, many[0])), Reached(*_reached(pair % span, many[1])), count / total)
        for pair, count in zip(pairs[order].tolist(), counts[order].tolist(), strict=True)
    )


def _reached(colour: int, many: int) -> tuple[Ending, int]:
    """Ending and label of a colour in a map of so many minima."""
    return (Ending.MINIMUM, colour) if colour < many else (ENDINGS[colour - many], -1)


def _limits(pair: Limits) -> Limits:
    return float(pair[0]), float(pair[1])


def _centres(limits: Limits, count: int) -> Array:
    """The centres (count,) of equal parts; the two halves are mirror images where the limits are."""
    low, high = limits
    share = (np.arange(count) + 0.5) / count
    return np.asarray(low * share[::-1] + high * share, dtype=np.float64)


def _index(limits: Limits, count: int, place: float) -> int:
    """Which of equal parts a place lies in, the last one at the very end; -1 for none."""
    low, high = limits
    return min(int((place - low) / (high - low) * count), count - 1) if low <= place <= high else -1
