"""Stationary points → the regions around them in which a curve of steepest descent or ascent is at its end.

Around a minimum x* with Hessian H, V(x) = (x - x*)ᵀH(x - x*) falls along the gradient flow wherever ∇f makes an acute angle
with H(x - x*). An ellipsoid V <= s² throughout which it does can only be entered, and everything in it flows to x*: V is a
Lyapunov function (H. K. Khalil, Nonlinear Systems, 3rd ed. 2002, section 4.1). H as metric makes the angle nearly 0 around
every regular minimum, however narrow its valley. Uphill, maxima are the minima of -f.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gdcore.problem import Problem
from gdcore.proximity import Nearest

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

SMALLEST = 1e-5  # box widths: the longest axis of the first ellipsoid tried
LARGEST = 0.5  # the same of the last
GROWTH = 1.3  # from one ellipsoid to the next
KEPT = 0.8  # of the size of the largest ellipsoid that passed
COSINE = 0.3  # of the angle between H(x - x*) and ∇f: the margin covers what lies between the places looked at
DIRECTIONS = 12  # per dimension
NEAREST = 1e-8  # box widths: no saddle has a smaller region, nor has a maximum, downhill: it is where rounding decides
APART = 1e-2  # of the distance to the next stationary point: no saddle has a larger one


class StationaryPoint(Protocol):
    """A stationary point: where, f there, kind ("minimum", "saddle", "maximum", "undecided"), eigenvalues ascending, index.

    index: how many eigenvalues are negative; None where that is not known.
    """

    @property
    def point(self) -> tuple[float, ...]: ...

    @property
    def value(self) -> float: ...

    @property
    def kind(self) -> str: ...

    @property
    def index(self) -> int | None: ...

    @property
    def eigenvalues(self) -> tuple[float, ...]: ...


@dataclass(frozen=True)
class Regions:
    """Points (n, d); shapes (2, n, d, d): |A (x - x*)| <= 1 is the region of x*, first for curves downhill, then uphill.

    attracts (2, n): whether it is a minimum, downhill, or a maximum, uphill; the others can only be run into exactly.
    """

    points: Array
    width: Array
    nearest: Nearest | None
    shapes: Array
    attracts: NDArray[np.bool_]

    def claim(self, places: Array, uphill: NDArray[np.bool_], own: Indices) -> Indices:
        """For each place (m, d) the point whose region it is in, or -1; only the nearest point is looked at.

        uphill (m,): which regions count. own (m,): the point that a curve came from, which cannot be its end; or -1.
        """
        if self.nearest is None:
            return np.full(len(places), -1)
        index, _ = self.nearest(places / self.width)
        offset = places - self.points[index]
        squared = np.zeros(len(places))
        with np.errstate(all="ignore"):
            for i in range(offset.shape[1]):
                row = np.zeros(len(places))
                for j in range(offset.shape[1]):
                    row += self.shapes[uphill.astype(np.intp), index, i, j] * offset[:, j]
                squared += row**2
        return np.where((squared <= 1) & (index != own), index, -1)

    def beside(self, places: Array, own: Indices, reach: float) -> Indices:
        """For each place (m, d) the nearest point if it is within `reach` box widths and not its own, or -1."""
        if self.nearest is None:
            return np.full(len(places), -1)
        index, distance = self.nearest(places / self.width)
        return np.where((distance <= reach) & (index != own), index, -1)


def regions(
    problem: Problem, points: Sequence[StationaryPoint], *, largest: float = LARGEST, tolerance: float = 1e-6
) -> Regions:
    """The regions of all points; no ellipsoid has an axis longer than `largest` box widths.

    tolerance: the error of curves in box widths; it decides how near to a saddle their ways can still be told.
    """
    d, width = problem.dimension, problem.highs - problem.lows
    places = np.array([p.point for p in points], dtype=float).reshape(-1, d)
    shapes = np.full((2, len(points), d, d), np.inf)  # the empty region
    if not len(points):
        return Regions(places, width, None, shapes, np.zeros((2, 0), bool))
    hessians = problem.hessian(places)
    kinds = np.array([p.kind for p in points])
    for uphill, kind, against in ((0, "minimum", "maximum"), (1, "maximum", "minimum")):
        attract, capture = np.flatnonzero(kinds == kind), np.flatnonzero((kinds != kind) & (kinds != against))
        sign = -1.0 if uphill else 1.0
        shapes[uphill, attract] = _ellipsoids(problem, places[attract], hessians[attract], sign, largest)
        slopes = np.asarray(sign * np.linalg.eigvalsh(hessians[capture]), dtype=np.float64)
        radii = _capture(slopes, separations(places / width)[capture], tolerance)
        shapes[uphill, capture] = np.eye(d) / (radii[:, None, None] * width)
        shapes[uphill, kinds == against] = np.eye(d) / (NEAREST * width)
    attracts = np.stack([kinds == "minimum", kinds == "maximum"])
    return Regions(places, width, Nearest(places / width), shapes, attracts)


def _capture(eigenvalues: Array, apart: Array, tolerance: float) -> Array:
    """Radii (s,) in box widths around saddles with eigenvalues (s, d), `apart` (s,) from others, within which no way is told.

    A curve that comes in along an eigenvalue a > 0 at a distance y from the stable manifold goes out along b < 0: on the
    way from distance r0 to r, y grows to y (r0/r)^(|b|/a). The radius is where what was the tolerance has become r.
    """
    steepest, flattest = -eigenvalues.min(axis=1), np.where(eigenvalues > 0, eigenvalues, np.inf).min(axis=1)
    ratio = np.where((steepest > 0) & np.isfinite(flattest), steepest / flattest, 1.0)
    begin = np.clip(apart / 2, NEAREST, 0.1)
    radii = np.exp((np.log(tolerance) + ratio * np.log(begin)) / (1 + ratio))
    return np.asarray(np.maximum(NEAREST, np.minimum(radii, APART * np.minimum(apart, 1.0))), dtype=np.float64)


def separations(scaled: Array) -> Array:
    """The largest difference of a coordinate to the nearest other one of points (n, d), (n,); inf for a lone point."""
    out = np.full(len(scaled), np.inf)
    order = np.argsort(scaled[:, 0], kind="stable")
    for shift in range(1, len(scaled)):
        gap = np.abs(scaled[order[shift:]] - scaled[order[:-shift]])
        distance = gap.max(axis=1)
        out[order[shift:]] = np.minimum(out[order[shift:]], distance)
        out[order[:-shift]] = np.minimum(out[order[:-shift]], distance)
        if gap[:, 0].min() >= out.max():
            break
    return out


def _ellipsoids(problem: Problem, centres: Array, hessians: Array, sign: float, largest: float) -> Array:
    """Shapes (n, d, d) around minima of sign·f; infinite where not even the smallest ellipsoid is attracted."""
    width, rays = problem.highs - problem.lows, _directions(problem.dimension)
    shapes = np.full(hessians.shape, np.inf)
    sound = np.asarray(np.isfinite(hessians).all(axis=(1, 2)), dtype=bool)
    usable: Array = np.where(sound[:, None, None], hessians, -sign * np.eye(len(width)))
    eigenvalues, vectors = np.linalg.eigh(sign * usable)
    sound &= eigenvalues[:, 0] > 0
    centres, hessians, eigenvalues, vectors = centres[sound], sign * hessians[sound], eigenvalues[sound], vectors[sound]
    if not len(centres):
        return shapes
    roots = vectors * np.sqrt(eigenvalues)[:, None, :]  # H = roots rootsᵀ
    offsets = (vectors / np.sqrt(eigenvalues)[:, None, :]) @ _spread(rays, eigenvalues)  # (n, d, rays): to where V = 1
    unit = (np.abs(vectors) / np.sqrt(eigenvalues)[:, None, :] / width[:, None]).max(axis=(1, 2))
    sizes = SMALLEST * GROWTH ** np.arange(int(np.log(max(1.0, largest / SMALLEST)) / np.log(GROWTH)) + 1)
    reached, going = np.zeros(len(centres)), np.arange(len(centres))
    for size in sizes:
        scale = size / unit[going]
        step = (offsets[going] * scale[:, None, None]).swapaxes(1, 2)
        held = _attracted(problem, centres[going], hessians[going], step, sign)
        going = going[held]
        reached[going] = KEPT * scale[held]
        if not going.size:
            break
    with np.errstate(all="ignore"):
        shapes[sound] = roots.swapaxes(1, 2) / reached[:, None, None]
    return shapes


def _attracted(problem: Problem, centres: Array, hessians: Array, steps: Array, sign: float) -> NDArray[np.bool_]:
    """Whether sign·∇f makes an acute angle with H(x - x*) at all x = x* + steps (n, rays, d), for each of n points."""
    with np.errstate(all="ignore"):
        gradient = sign * problem.gradient(centres[:, None] + steps)
        outward = steps @ hessians
        product = (gradient * outward).sum(axis=2)
        lengths = np.sqrt((gradient**2).sum(axis=2) * (outward**2).sum(axis=2))
        held: NDArray[np.bool_] = (product >= COSINE * lengths).all(axis=1) & np.isfinite(lengths).all(axis=1)
        return held


def _spread(rays: Array, eigenvalues: Array) -> Array:
    """Unit vectors (n, d, 3 k) of the coordinates in which V = |z|²: evenly spread are z, then H(x - x*), then what is between.

    In a narrow valley, H(x - x*) turns from along to across within a few degrees of z: that is where V may rise.
    """
    parts = []
    for power in (0.0, -0.25, -0.5):
        part = eigenvalues[:, :, None] ** power * rays.T
        parts.append(part / np.sqrt((part**2).sum(axis=1, keepdims=True)))
    return np.concatenate(parts, axis=2)


def _directions(d: int) -> Array:
    """Unit vectors (k, d), evenly around the circle in two dimensions, at random but always the same beyond."""
    if d == 1:
        return np.array([[1.0], [-1.0]])
    if d == 2:
        angle = np.arange(2 * DIRECTIONS) * np.pi / DIRECTIONS
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rays = np.concatenate([np.eye(d), -np.eye(d), np.random.default_rng(0).normal(size=(DIRECTIONS * d, d))])
    return np.asarray(rays / np.sqrt((rays**2).sum(axis=1, keepdims=True)), dtype=np.float64)
