"""Pixels of several colours → how many each colour has, wholly inside it and beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def contents(colours: NDArray[np.int32], many: int) -> tuple[Counts, Counts, Counts]:
    """Of each colour 0 to many - 1 in (rows, columns): its pixels; those with all 8 neighbours alike; those in it or beside it.

    Three times (many,). Beyond the edge there are no neighbours.
    """
    mixed = np.zeros(colours.shape, bool)
    around = _around(colours)
    for neighbour in around:
        mixed |= neighbour != colours
    whole, inner = np.bincount(colours.ravel(), minlength=many), np.bincount(colours[~mixed], minlength=many)
    seen = np.sort([neighbour[mixed] for neighbour in (colours, *around)], axis=0)
    first = np.ones(seen.shape, bool)
    first[1:] = seen[1:] != seen[:-1]
    return whole, inner, inner + np.bincount(seen[first], minlength=many)


def _around(colours: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """The 8 neighbours of every pixel; beyond the edge the pixel's own row or column goes on."""
    rows, columns = colours.shape
    padded = np.pad(colours, 1, mode="edge")
    return [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
