"""Saddles → the curves that leave them downhill, to the minima they join, and uphill, the borders between the basins.

The unstable manifold of a point of index 1 is two curves of steepest descent. In two dimensions its stable manifold is two
curves too, run through uphill: every border between basins of attraction consists of such curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.arcs import Arcs, Care, Fate, follow
from gdcore.problem import Problem
from gdcore.regions import StationaryPoint, regions, separations

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

CARE = Care(tolerance=1e-10, first=1e-5, longest=0.01, most=1500, most_stiff=4000, record=True)
PUSH = 1e-5  # box widths from a saddle at which its curves begin: what they are beside the manifold shrinks from there on
SMALLEST_PUSH = 1e-9
PUSH_APART = 1e-3  # the same, at most, as a share of the distance to the next stationary point
CLOSE = 2e-3  # box widths from its end, along the longest axis, at which a curve is joined to it by a straight line
MOST_VERTICES = 400
BEND = 3.0  # how much a full turn counts beside the whole length where vertices are left out


@dataclass(frozen=True)
class Curve:
    """A curve of the flow: path (k, d) from points[origin] on, how it ends, and points[end] if it ends at one.

    A path that leaves for good ends at the edge of the box; one that comes back is there outside, too.
    """

    origin: int
    path: Array
    fate: Fate
    end: int | None


@dataclass(frozen=True)
class Manifolds:
    """Two descents of every point of index 1 and, in two dimensions, two borders of every saddle, in the order of points.

    In one dimension borders are single places, the maxima; beyond two dimensions they are no curves, and there are none.
    """

    descents: tuple[Curve, ...]
    borders: tuple[Curve, ...]


def manifolds(problem: Problem, points: Sequence[StationaryPoint]) -> Manifolds:
    """The curves that leave all points of index 1, followed together, with an error of about 1e-8 box widths."""
    saddles = np.array([k for k, p in enumerate(points) if p.index == 1], dtype=np.intp)
    if not saddles.size:
        return Manifolds((), ())
    width = problem.highs - problem.lows
    places = np.array([p.point for p in points], dtype=float)
    vectors = np.linalg.eigh(problem.hessian(places[saddles]))[1]
    push = np.clip(PUSH_APART * separations(places / width)[saddles], SMALLEST_PUSH, PUSH)
    directions = (0, 1) if problem.dimension == 2 else (0,)
    starts = [_starts(places[saddles], vectors[:, :, i], push, width) for i in directions]
    own = np.tile(np.repeat(saddles, 2), len(directions))
    uphill = np.repeat(directions, 2 * saddles.size).astype(bool)
    ends = regions(problem, points, largest=CLOSE, tolerance=100 * CARE.tolerance)
    arcs = follow(problem, ends, np.concatenate(starts), uphill=uphill, own=own, care=CARE)
    curves = _curves(problem, places, own, arcs)
    descents, borders = curves[: 2 * saddles.size], curves[2 * saddles.size :]
    if problem.dimension == 1:
        borders = tuple(Curve(int(k), places[k : k + 1], Fate.ARRIVED, int(k)) for k in saddles)
    return Manifolds(descents, borders)


def _starts(places: Array, vectors: Array, push: Array, width: Array) -> Array:
    """Places (2 s, d) on both sides of saddles (s, d) along eigenvectors (s, d), at distances push (s,) in box widths."""
    largest = np.argmax(np.abs(vectors), axis=1)
    signs = np.sign(np.take_along_axis(vectors, largest[:, None], axis=1))  # LAPACK's own signs mean nothing
    step = signs * vectors * (push / np.sqrt(((vectors / width) ** 2).sum(axis=1)))[:, None]
    return np.stack([places + step, places - step], axis=1).reshape(-1, places.shape[1])


def _curves(problem: Problem, places: Array, own: Indices, arcs: Arcs) -> tuple[Curve, ...]:
    """One curve for each arc, from its stationary point to its end."""
    pieces = np.split(arcs.trail, np.searchsorted(arcs.lanes, np.arange(1, len(own))))
    curves = []
    for k, piece in enumerate(pieces):
        fate, end = Fate(int(arcs.fates[k])), int(arcs.ends[k])
        path = np.concatenate([places[own[k]][None], piece, places[end][None] if end >= 0 else piece[:0]])
        if fate == Fate.LEFT:
            path = _within(path, problem.lows, problem.highs)
        path = _thinned(path, problem.highs - problem.lows)
        curves.append(Curve(int(own[k]), path, fate, end if end >= 0 else None))
    return tuple(curves)


def _within(path: Array, lows: Array, highs: Array) -> Array:
    """The path up to where it leaves the box for the last time."""
    inside = np.flatnonzero(((path >= lows) & (path <= highs)).all(axis=1))
    last = int(inside[-1]) if inside.size else 0
    if last == len(path) - 1:
        return path
    step = path[last + 1] - path[last]
    with np.errstate(all="ignore"):
        ways = np.where(step > 0, (highs - path[last]) / step, np.where(step < 0, (lows - path[last]) / step, np.inf))
    edge = path[last] + min(1.0, max(0.0, float(ways.min()))) * step
    return np.concatenate([path[: last + 1], np.clip(edge, lows, highs)[None]])


def _thinned(path: Array, width: Array) -> Array:
    """At most MOST_VERTICES vertices of a path (k, d), evenly along its length and its bends; its ends stay."""
    if len(path) <= MOST_VERTICES:
        return path
    steps = np.diff(path / width, axis=0)
    lengths = np.sqrt((steps**2).sum(axis=1))
    units = steps / np.maximum(lengths, np.finfo(float).tiny)[:, None]
    cosines = np.clip((units[1:] * units[:-1]).sum(axis=1), -1, 1)
    bends = np.concatenate([[0.0], np.arccos(cosines)]) / (2 * np.pi)
    measure = np.concatenate([[0.0], np.cumsum(lengths / lengths.sum() + BEND * bends)])
    kept = np.searchsorted(measure, np.linspace(0, measure[-1], MOST_VERTICES))
    kept = np.unique(np.concatenate([[0], np.minimum(kept, len(path) - 1), [len(path) - 1]]))
    return np.asarray(path[kept], dtype=np.float64)
