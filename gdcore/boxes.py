"""Many boxes at once: low and high corners (d, n), split, inflated and tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.intervals import SMALLEST, UNIT, Bounds

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
CUT = 0.4861  # where a box is cut: off its centre, since symmetric functions are singular at symmetric places
SHIFT = 0.1373  # of a cell: how far from the symmetric place the first cuts are


@dataclass(frozen=True)
class Boxes:
    """Corners low, high (d, n). fixed (d, n): coordinates that are held, as on a face of a box; low is high there."""

    low: Array
    high: Array
    fixed: Flags

    @property
    def count(self) -> int:
        return int(self.low.shape[1])

    @property
    def bounds(self) -> Bounds:
        """The same as bounds (d, 2, n)."""
        return np.stack([self.low, self.high], axis=1)

    @property
    def centres(self) -> Array:
        return self.low / 2 + self.high / 2

    def __getitem__(self, index: NDArray[np.intp] | Flags | slice) -> Boxes:
        return Boxes(self.low[:, index], self.high[:, index], self.fixed[:, index])

    def radii(self, centres: Array) -> Array:
        """Half-widths (d, n) that reach from the centres over both ends."""
        return np.asarray(np.maximum(self.high - centres, centres - self.low) * (1 + 2 * UNIT), dtype=np.float64)

    def inflated(self, centres: Array, share: float) -> Boxes:
        """Boxes around the centres that are larger by this share, and by a few units of the centres'."""
        wide = np.where(self.fixed, 0.0, self.radii(centres) * (1 + share) + 4 * UNIT * np.abs(centres) + SMALLEST)
        return Boxes(centres - wide, centres + wide, self.fixed)

    def inside(self, others: Boxes, *, closed: bool = False) -> Flags:
        """Whether each box lies in the interior of the other one, or in the closed one; False where nan."""
        if closed:
            within = (self.low >= others.low) & (self.high <= others.high)
        else:
            within = (self.low > others.low) & (self.high < others.high) | self.fixed
        return np.asarray(within.all(axis=0), dtype=bool)

    def meets(self, others: Boxes) -> Flags:
        """Whether each box has a point in common with the other one; True where nan."""
        return np.asarray(~((others.low > self.high) | (others.high < self.low)).any(axis=0), dtype=bool)

    def relative(self, points: Array) -> Array:
        """Points (d, m) as (m, d), in widths of the widest of these boxes: those in one box are at most 1 apart."""
        width = (self.high - self.low).max(axis=1, initial=0.0)
        scale = np.maximum(width, 1e-13 * np.abs(self.centres).max(axis=1, initial=0.0) + 1e-300)
        return np.ascontiguousarray((points / scale[:, None]).T)

    def split(self, axis: NDArray[np.intp]) -> Boxes:
        """Each box cut in two along an axis (n,) of its own."""
        rows, at = np.arange(self.count), self.low.copy()
        at[axis, rows] += CUT * (self.high[axis, rows] - self.low[axis, rows])
        left, right = self.high.copy(), self.low.copy()
        left[axis, rows] = right[axis, rows] = at[axis, rows]
        return joined([Boxes(self.low, left, self.fixed), Boxes(right, self.high, self.fixed)])

    def volumes(self, lows: Array, highs: Array) -> Array:
        """The share of a box that each takes, (n,)."""
        return np.asarray(((self.high - self.low) / (highs - lows)[:, None]).prod(axis=0), dtype=np.float64)


def joined(parts: Sequence[Boxes]) -> Boxes:
    return Boxes(*(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("low", "high", "fixed")))


def empty(dimension: int) -> Boxes:
    return Boxes(np.empty((dimension, 0)), np.empty((dimension, 0)), np.empty((dimension, 0), bool))


def grid(lows: Array, highs: Array, parts: int) -> Boxes:
    """A box (d,) cut into about so many; no cut is at a symmetric place."""
    d = len(lows)
    sides = max(1, round(parts ** (1 / d)))
    steps = (np.arange(1, sides) + SHIFT) / sides
    cuts = [np.concatenate([[low], low + steps * (high - low), [high]]) for low, high in zip(lows, highs, strict=True)]
    low = np.stack(np.meshgrid(*(c[:-1] for c in cuts), indexing="ij")).reshape(d, -1)
    high = np.stack(np.meshgrid(*(c[1:] for c in cuts), indexing="ij")).reshape(d, -1)
    return Boxes(low, high, np.zeros(low.shape, bool))
