"""Minima found at many values of settings and parameters → one numbering of them all, that of the experiment they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.merging import Valued, deepest_first
from gdcore.problem import Problem
from gdcore.tracks import APART, Change, Tracks, tracked

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
ELSEWHERE = -1  # in place of the number of a minimum that is none of those followed


@dataclass(frozen=True)
class Known:
    """A problem, and the minima that are known of it."""

    problem: Problem
    minima: Sequence[Valued]


@dataclass(frozen=True)
class Place:
    """A minimum: point (d,) and value."""

    point: tuple[float, ...]
    value: float


@dataclass(frozen=True)
class Numbering:
    """Minima numbered alike in g places: points (m, g, d) and heights (m, g), nan where one does not exist.

    numbers: in each place the number of each of its minima, or ELSEWHERE. changes: where minima come and go, in one parameter.
    """

    points: Array
    heights: Array
    numbers: tuple[Indices, ...]
    changes: tuple[Change, ...] = ()


def numbering(home: Known, found: Sequence[Known], parameters: Sequence[str]) -> Numbering:
    """One numbering for all that is found, where problems differ from that of `home` in these parameters alone, at most two.

    The minima of `home` keep their numbers; others follow. With two parameters a minimum is followed along the second with the
    first as near as can be to that at home, and from there along the first; what such a way does not lead to is ELSEWHERE.
    """
    if not parameters:
        return _of_one_problem(home, found)
    if len(parameters) == 1:
        return _of_one_parameter(home, found, parameters[0])
    return _of_two_parameters(home, found, parameters[0], parameters[1])


def _of_one_problem(home: Known, found: Sequence[Known]) -> Numbering:
    problem, fresh = home.problem, list[Valued]()
    for one in found:
        known = _points([*home.minima, *fresh], problem)
        fresh += [m for m, n in zip(one.minima, numbers_of(known, one.minima, problem), strict=True) if n == ELSEWHERE]
    common = [*home.minima, *(fresh[k] for k in deepest_first(fresh))]
    points, heights = _points(common, problem), np.array([minimum.value for minimum in common])
    shape = len(common), len(found)
    everywhere = np.broadcast_to(points[:, None], (*shape, problem.dimension)), np.broadcast_to(heights[:, None], shape)
    return Numbering(*everywhere, tuple(numbers_of(points, one.minima, problem) for one in found))


def _points(minima: Sequence[Valued], problem: Problem) -> Array:
    return np.array([minimum.point for minimum in minima], dtype=float).reshape(-1, problem.dimension)


def numbers_of(points: Array, minima: Sequence[Valued], problem: Problem) -> Indices:
    """For each of the minima which of points (m, d), some of them nan, is at its place, or ELSEWHERE."""
    numbers, width = np.full(len(minima), ELSEWHERE), problem.highs - problem.lows
    for i, minimum in enumerate(minima):
        away = np.abs((points - np.array(minimum.point)) / width).max(axis=1)
        if (away <= APART).any():
            numbers[i] = np.nanargmin(away)
    return numbers


def _of_one_parameter(home: Known, found: Sequence[Known], parameter: str) -> Numbering:
    tracks, own = _tracks(home, found, parameter)
    numbers = tuple(numbers_of(tracks.points[:, k], one.minima, one.problem) for k, one in zip(own, found, strict=True))
    low, high = tracks.values[own].min(), tracks.values[own].max()  # home may lie beyond
    changes = tuple(c for c in tracks.changes if c.between[1] > low and c.between[0] < high)
    return Numbering(tracks.points[:, own], tracks.heights[:, own], numbers, changes)


def _tracks(home: Known, found: Sequence[Known], parameter: str) -> tuple[Tracks, Indices]:
    """The minima of `home` and all others followed through the values that occur, and which of these each place has."""
    every = [home, *found]
    values, own = np.unique([one.problem.parameters[parameter] for one in every], return_inverse=True)
    problems, minima = [home.problem] * len(values), [list[Valued]() for _ in values]
    for k, one in zip(own, every, strict=True):
        problems[k] = one.problem
        minima[k] += one.minima
    return tracked(parameter, problems, minima, int(own[0]), len(home.minima)), own[1:]


def _of_two_parameters(home: Known, found: Sequence[Known], first: str, second: str) -> Numbering:
    """Along the second parameter with the first held, then along the first from there."""
    values = np.array([one.problem.parameters[first] for one in found])
    held = float(values[np.argmin(np.abs(values - home.problem.parameters[first]))])
    spine = [one for one, value in zip(found, values, strict=True) if value == held]
    moved, kept = _moved(home, first, held)
    along = _of_one_parameter(moved, spine, second)
    many = len(home.minima) + len(along.points) - len(kept)
    named = np.append(kept, np.arange(len(home.minima), many))  # the number of each minimum along the spine
    shape = many, len(found)
    points, heights = np.full((*shape, home.problem.dimension), np.nan), np.full(shape, np.nan)
    numbers = [np.full(len(one.minima), ELSEWHERE) for one in found]
    seconds = np.array([one.problem.parameters[second] for one in found])
    for k, root in enumerate(spine):
        here = np.flatnonzero(~np.isnan(along.heights[:, k]))
        start = [Place(tuple(along.points[m, k]), float(along.heights[m, k])) for m in here]
        row = np.flatnonzero(seconds == root.problem.parameters[second]).tolist()
        tracks, own = _tracks(Known(root.problem, start), [found[i] for i in row], first)
        name = np.append(named[here], np.full(len(tracks.points) - len(here), ELSEWHERE))
        for i, station in zip(row, own, strict=True):
            found_here = numbers_of(tracks.points[:, station], found[i].minima, found[i].problem)
            numbers[i] = np.where(found_here < 0, ELSEWHERE, name[found_here])
            points[named[here], i] = tracks.points[: len(here), station]
            heights[named[here], i] = tracks.heights[: len(here), station]
    return Numbering(points, heights, tuple(numbers))


def _moved(home: Known, parameter: str, value: float) -> tuple[Known, Indices]:
    """The minima of `home` where one parameter has another value, and which of them these are: some may vanish on the way."""
    there = home.problem.with_parameters(**{parameter: value})
    tracks, _ = _tracks(home, [Known(there, ())], parameter)
    station = int(np.argmin(np.abs(tracks.values - value)))
    kept = np.flatnonzero(~np.isnan(tracks.heights[: len(home.minima), station]))
    return Known(there, [Place(tuple(tracks.points[m, station]), float(tracks.heights[m, station])) for m in kept]), kept
