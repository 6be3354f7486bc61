"""Points → which of them are near each other: nearest of a few or many, and groups that hang together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
FEW = 8  # points up to which the nearest one is found by looking at all
LARGEST_KEY = 2**62


class Nearest:
    """The nearest of points (k, d), k > 0, by the largest difference of a coordinate."""

    def __init__(self, points: Array) -> None:
        self.points = points
        if len(points) > FEW:
            from scipy.spatial import cKDTree  # a heavy import that few points do without

            self.tree = cKDTree(points)

    def __call__(self, places: Array) -> tuple[Indices, Array]:
        """Index of the nearest point and distance to it, for each of places (m, d); all finite."""
        if len(self.points) > FEW:
            distance, index = self.tree.query(places, p=np.inf)
            return np.asarray(index, dtype=np.intp), np.asarray(distance, dtype=np.float64)
        index, distance = np.zeros(len(places), np.intp), self._distance(0, places)
        for k in range(1, len(self.points)):
            other = self._distance(k, places)
            index[other < distance] = k
            np.minimum(distance, other, out=distance)
        return index, distance

    def _distance(self, k: int, places: Array) -> Array:
        distance = np.abs(places[:, 0] - self.points[k, 0])
        for i in range(1, places.shape[1]):
            np.maximum(distance, np.abs(places[:, i] - self.points[k, i]), out=distance)
        return np.asarray(distance, dtype=np.float64)


def clusters(points: Array, radii: Array) -> Indices:
    """Group numbers (m,) from 0 of points (m, d): those within radii (d,) of each other, directly or through others, share one."""
    first, cell_of = distinct(points, radii)
    if len(first) == 1:
        return np.zeros(len(points), np.intp)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    pairs = cKDTree(np.round(points[first] / radii)).query_pairs(1.5, p=np.inf, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(first),) * 2)
    groups: Indices = connected_components(graph, directed=False)[1][cell_of]
    return groups


def distinct(points: Array, sides: Array) -> tuple[Indices, Indices]:
    """Of cells with these sides (d,): the first point in each, in lexicographic order, and the number of each point's (m,).

    Cells become whole numbers, which sort many times faster than rows; what is too large for one is numbered on the way.
    """
    key, size = np.zeros(len(points), np.int64), 1
    for i, side in enumerate(sides):
        digit = np.round(points[:, i] / side).astype(np.int64)
        digit -= digit.min()
        span = int(digit.max()) + 1
        if size * span > LARGEST_KEY:
            key, size = np.unique(key, return_inverse=True)[1], len(points)
            digit, span = np.unique(digit, return_inverse=True)[1], len(points)
        key *= span
        key += digit
        size *= span
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    return first, number
