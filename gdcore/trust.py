"""Known stationary points → the balls around them in which one step from a place proves that Newton's method goes there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.newton import solve
from gdcore.problem import Problem
from gdcore.proximity import Nearest

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

RADII = 1e-6 * 4.0 ** np.arange(8)  # box widths at which a point is tried; the largest is well below newton.NEAR / 2
MISS = 0.1  # of its length: how far beside the point a step may land
ROUNDING = 1e-9  # box widths that it may always land beside the point


@dataclass(frozen=True)
class Trust:
    """Points (k, d) and radii (k,), in box widths; steps (k, d, d): gradient ↦ the Newton step there, in box widths.

    Inside a radius f is close to its second-order expansion about the point: on rays in 4·d directions, at a quarter of
    each distance after the other, H⁻¹∇f leads back to the point. Newton's method then converges from anywhere inside.
    """

    problem: Problem
    nearest: Nearest
    radii: Array
    steps: Array

    def claim(self, places: Array) -> Indices:
        """For each place (m, d) the index of the point that Newton's method from there goes to, or -1: not proved.

        Proved means: inside the radius of the nearest point, and the step H⁻¹∇f, with the exact gradient at this very
        place, lands on the point.
        """
        scaled = places / (self.problem.highs - self.problem.lows)
        index, distance = self.nearest(scaled)
        inside = np.flatnonzero(distance <= self.radii[index])
        claims = np.full(len(places), -1)
        if inside.size:
            own = index[inside]
            miss = _misses(self.problem, places[inside], scaled[inside] - self.nearest.points[own], self.steps, own)
            proved = inside[miss <= MISS * distance[inside] + _rounding(scaled[inside])]
            claims[proved] = index[proved]
        return claims


def trust(problem: Problem, points: Array) -> Trust:
    """What can be trusted around points (k, d), k > 0, that are stationary with a regular Hessian; radius -1: nothing."""
    width = problem.highs - problem.lows
    _, _, hessian = problem.differentiate(points)
    columns = [solve(hessian, np.broadcast_to(unit, points.shape)) for unit in np.eye(problem.dimension)]
    with np.errstate(all="ignore"):
        steps = np.stack(columns, axis=2) / width[:, None]
    radii, going, scaled = np.full(len(points), -1.0), np.arange(len(points)), points / width
    rays = _rays(problem.dimension)
    for radius in RADII:
        own = np.repeat(going, len(rays))
        offset = np.tile(radius * rays, (len(going), 1))
        miss = _misses(problem, points[own] + offset * width, offset, steps, own)
        held = (miss <= MISS * radius + _rounding(scaled[own])).reshape(-1, len(rays)).all(axis=1)
        going = going[held]
        radii[going] = radius / 2
    return Trust(problem, Nearest(scaled), radii, steps)


def _misses(problem: Problem, places: Array, offset: Array, steps: Array, own: Indices) -> Array:
    """How far beside point `own` (m,) the step from a place (m, d), at an offset from it, lands; in box widths, (m,)."""
    gradient = problem.gradient(places)
    worst = np.zeros(len(places))
    with np.errstate(all="ignore"):
        for i in range(offset.shape[1]):
            landing = offset[:, i].copy()
            for j in range(offset.shape[1]):
                landing -= steps[:, i, j][own] * gradient[:, j]
            np.maximum(worst, np.abs(landing), out=worst)
    return worst


def _rounding(scaled: Array) -> Array:
    largest = np.abs(scaled[:, 0])
    for i in range(1, scaled.shape[1]):
        np.maximum(largest, np.abs(scaled[:, i]), out=largest)
    return np.asarray(ROUNDING + 2e-15 * largest, dtype=np.float64)


def _rays(d: int) -> Array:
    """Directions (4·d, d) with largest coordinate ±1: along the axes, and to corners of a cube."""
    corners = np.random.default_rng(0).choice([-1.0, 1.0], (d, d))
    half = np.concatenate([np.eye(d), corners])
    return np.concatenate([half, -half])
