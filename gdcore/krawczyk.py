"""Boxes → where in them a system of equations can have zeros, and in which it has exactly one: Krawczyk's operator.

R. Krawczyk 1969, Computing 4, 187; R. E. Moore 1977, SIAM J. Numer. Anal. 14, 611: if K(X) = c - Y g(c) + (I - Y J(X))(X - c)
lies inside X, then g has one zero in X, and it is in K(X); every zero in X is in K(X) in any case.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gdcore.intervals import SMALLEST, UNIT, Bounds

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def krawczyk(centre: Array, radius: Array, at_centre: Bounds, jacobian: Bounds) -> tuple[Array, Array]:
    """Middle and radius (d, n) of K over boxes centre ± radius, (d, n) each; nan or inf where it says nothing.

    at_centre (d, 2, n): bounds of g at the centres; jacobian (d, d, 2, n): bounds of its derivatives over the boxes. Middles
    and radii are computed in doubles, with a bound of the rounding added (S. M. Rump 1999, BIT 39, 534).
    """
    d = len(centre)
    with np.errstate(all="ignore"):
        middle, spread = midpoints(jacobian)
        g, g_spread = midpoints(at_centre)
        inverse = inverses(middle)
        size = np.abs(inverse)
        moved, width = centre.copy(), np.zeros_like(centre)
        for i in range(d):
            total = np.abs(centre[i])
            for j in range(d):
                moved[i] -= inverse[i, j] * g[j]
                width[i] += size[i, j] * g_spread[j]
                total = total + size[i, j] * (np.abs(g[j]) + g_spread[j])
            for k in range(d):
                product = np.full(centre.shape[1], float(i == k))
                blur, bulk = np.zeros(centre.shape[1]), np.full(centre.shape[1], float(i == k))
                for j in range(d):
                    product -= inverse[i, j] * middle[j, k]
                    blur += size[i, j] * spread[j, k]
                    bulk += size[i, j] * (np.abs(middle[j, k]) + spread[j, k])
                width[i] += (np.abs(product) + blur) * radius[k]
                total += bulk * radius[k]
            width[i] += (8 * d + 16) * UNIT * total + SMALLEST
    return moved, width


def midpoints(bounds: Bounds) -> tuple[Array, Array]:
    """Middle and radius (…, n) of bounds (…, 2, n); the radius covers the rounding of both."""
    low, high = bounds[..., 0, :], bounds[..., 1, :]
    with np.errstate(all="ignore"):
        middle = low / 2 + high / 2
        radius = np.maximum(high - middle, middle - low)
        return middle, radius * (1 + 4 * UNIT) + SMALLEST


def inverses(matrices: Array) -> Array:
    """Approximate inverses of matrices (d, d, n); nan or inf where there are none."""
    d = len(matrices)
    if d == 1:
        return np.asarray(1 / matrices, dtype=np.float64)
    size = np.abs(matrices).max(axis=(0, 1))
    matrices = matrices / size  # whose determinants neither overflow nor vanish for the scale of f alone
    if d == 2:
        (a, b), (c, e) = matrices
        determinant = (a * e - b * c) * size
        return np.asarray(np.stack([np.stack([e, -b]), np.stack([-c, a])]) / determinant, dtype=np.float64)
    rows = np.moveaxis(matrices, -1, 0)
    usable = np.flatnonzero(np.isfinite(rows).all(axis=(1, 2)))
    usable = usable[np.abs(np.linalg.det(rows[usable])) > 0]
    out = np.full(rows.shape, np.nan)
    out[usable] = np.linalg.inv(rows[usable])
    return np.asarray(np.moveaxis(out, 0, -1) / size, dtype=np.float64)


def mean_values(radius: Array, at_centre: Bounds, jacobian: Bounds) -> Bounds:
    """Bounds (d, 2, n) of g over boxes of this radius (d, n): g(c) + J(X)(X - c)."""
    with np.errstate(all="ignore"):
        reach = np.abs(jacobian).max(axis=2) * radius[None, :, :]
        total = reach.sum(axis=1) * (1 + 8 * len(radius) * UNIT) + SMALLEST
        out: Bounds = np.stack([at_centre[:, 0] - total, at_centre[:, 1] + total], axis=1)
        out += np.array([[-1.0], [1.0]]) * (np.abs(out) * 2 * UNIT + SMALLEST)
    return out
