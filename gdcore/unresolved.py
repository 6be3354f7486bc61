"""Boxes that a search could not decide → the regions they form, each with its volume and with boxes to draw it by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gdcore.boxes import Boxes, joined
from gdcore.certificate import Interval, Region
from gdcore.problem import Problem
from gdcore.proximity import clusters, distinct

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

TOUCH = 1e-9  # box widths across which boxes count as touching
MOST_PARTS = 400  # boxes by which a region is drawn
FINEST_CELLS = 64  # cells along a side of a region's hull, where its boxes are more than that


def regions_of(problem: Problem, parts: Sequence[Boxes]) -> tuple[Region, ...]:
    """Boxes that hang together as one region each, the largest first."""
    parts = [part for part in parts if part.count]
    if not parts:
        return ()
    boxes, lows, highs = joined(parts), problem.lows, problem.highs
    radii = np.maximum((boxes.high - boxes.low).max(axis=1), TOUCH * (highs - lows)) * 1.01
    group = clusters(boxes.centres.T.copy(), radii)
    found = [_region(boxes[members], lows, highs) for members in _members(group)]
    return tuple(sorted(found, key=lambda region: -region.share))


def _members(group: Indices) -> list[Indices]:
    """The indices of each group 0, 1, …"""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.cumsum(np.bincount(group))[:-1])


def _region(boxes: Boxes, lows: Array, highs: Array) -> Region:
    hull = Boxes(boxes.low.min(axis=1)[:, None], boxes.high.max(axis=1)[:, None], boxes.fixed[:, :1])
    return Region(_limits(hull)[0], float(boxes.volumes(lows, highs).sum()), _limits(_coarse(boxes, hull)))


def _coarse(boxes: Boxes, hull: Boxes) -> Boxes:
    """At most MOST_PARTS boxes that cover the given ones: themselves, or the hulls of those with centres in one cell."""
    cells, width = FINEST_CELLS, (hull.high - hull.low)[:, 0]
    while boxes.count > MOST_PARTS and cells >= 1:
        first, number = distinct((boxes.centres - hull.low).T.copy(), np.maximum(width / cells, np.finfo(float).tiny))
        if len(first) <= MOST_PARTS:
            low, high = np.full((len(width), len(first)), np.inf), np.full((len(width), len(first)), -np.inf)
            for i in range(len(width)):
                np.minimum.at(low[i], number, boxes.low[i])
                np.maximum.at(high[i], number, boxes.high[i])
            return Boxes(low, high, np.zeros(low.shape, bool))
        cells //= 2
    return boxes if boxes.count <= MOST_PARTS else hull


def _limits(boxes: Boxes) -> tuple[tuple[Interval, ...], ...]:
    """(low, high) for each variable, of each box."""
    pairs = np.stack([boxes.low, boxes.high], axis=2).transpose(1, 0, 2).tolist()
    return tuple(tuple((low, high) for low, high in box) for box in pairs)
