"""A basin map → numbers that say how mixed it is: basin entropy, and the exponent of final-state uncertainty.

Both take the colours (rows, columns) of a map, any whole numbers, as basins.colours() gives them; one row is a strip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdcore.shares import Z95

Array = NDArray[np.float64]
Colours = NDArray[Any]
LN2 = math.log(2)
REACH = 32  # the largest distance is this part of the map: beyond it other borders come within reach and the shares saturate
FEWEST_SIZES = 3
SMOOTH = 0.9  # an exponent above it may be that of a smooth border with slivers
FEWEST_PAIRS = 100  # of unlike neighbours: fewer are specks and no border


@dataclass(frozen=True)
class BasinEntropy:
    """How uncertain the outcome is within a box of box × box pixels, in nats: on average, and on average of the border's boxes.

    boundary is nan where no box has two colours. fractal: boundary > ln 2, which is sufficient for a fractal border and not
    necessary: a smooth one has two colours in nearly all of its boxes, as long as these are small beside the basins.
    """

    entropy: float
    boundary: float
    boxes: int
    boundary_boxes: int
    box: int

    @property
    def fractal(self) -> bool:
        return self.boundary > LN2


def basin_entropy(labels: Colours, box: int = 5) -> BasinEntropy:
    """The basin entropy and boundary basin entropy of a map's colours (rows, columns), from boxes without overlap.

    Gibbs' entropy -Σ p ln p of the colours in each box; rows and columns that fill no box are left out, at the end. A strip has
    boxes of one row. A. Daza, A. Wagemakers, B. Georgeot, D. Guéry-Odelin, M. A. F. Sanjuán (2016), Basin entropy: a new tool
    to analyze uncertainty in dynamical systems, Sci. Rep. 6, 31416. ValueError for boxes that do not fit.
    """
    rows, columns = _map(labels).shape
    height = 1 if rows == 1 else box
    if box < 2 or height > rows or box > columns:
        raise ValueError(f"boxes of {box} pixels do not fit a map of {columns} × {rows}: give 2 or more, or a larger map")
    down, across = rows // height, columns // box
    parts = labels[: down * height, : across * box].reshape(down, height, across, box).swapaxes(1, 2).reshape(down * across, -1)
    mixed = parts[(parts != parts[:, :1]).any(axis=1)]
    total = _entropy(mixed)
    return BasinEntropy(total / len(parts), total / len(mixed) if len(mixed) else math.nan, len(parts), len(mixed), box)


def _entropy(boxes: Colours) -> float:
    """The sum of Gibbs' entropies of boxes with k pixels each, (n, k)."""
    n, k = boxes.shape
    ordered = np.sort(boxes, axis=1)
    new = np.ones((n, k), bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    p = np.diff(np.flatnonzero(new), append=n * k) / k
    return float(-(p * np.log(p)).sum())


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How fast the share of uncertain pixels falls with the error ε of a start: f(ε) ~ ε^exponent, to be drawn log over log.

    sizes (k,): ε in pixels; shares (k,): f, the share of pairs of pixels ε apart that have different colours. exponent: the
    slope, with a 95 % interval; nan, with the reason, where there is none. dimension: of the border, 2 - exponent; 1 less in a strip.
    """

    sizes: NDArray[np.int64]
    shares: Array
    exponent: float
    interval: tuple[float, float]
    dimension: float
    reason: str = ""

    @property
    def fractal(self) -> bool:
        """Whether the whole interval lies below 0.9: to halve the error of a start does not nearly halve the share of uncertain ones.

        Slivers and cusps, a few pixels wide, bring smooth borders down to 0.92: measured on peaks, whose borders are smooth.
        """
        return self.interval[1] < SMOOTH


def uncertainty_exponent(labels: Colours) -> Uncertainty:
    """The exponent of final-state uncertainty of a map's colours (rows, columns): 1 for a smooth border, less for a fractal one.

    ε = 1, 2, 4, … pixels up to 1/32 of the map's shorter side, since for larger ε other borders come within reach, shares
    saturate and the exponent comes out too low. The interval covers the scatter about the line (Student's t) and the counting
    error of the pairs, and is widened to that of the three smallest ε, where saturation matters least. C. Grebogi, S. W.
    McDonald, E. Ott, J. A. Yorke (1983), Final state sensitivity, Phys. Lett. A 99, 415; the same (1985), Physica D 17, 125.
    """
    rows, columns = _map(labels).shape
    side = columns if rows == 1 else min(rows, columns)
    sizes = 2 ** np.arange(max(1, side // REACH).bit_length())
    unlike, pairs = np.array([_unlike(labels, int(size)) for size in sizes]).T
    reason = _reason(unlike, side)
    exponent, low, high = _slope(sizes, unlike, pairs) if not reason else (math.nan,) * 3
    if not reason:
        _, finest_low, finest_high = _slope(sizes[:FEWEST_SIZES], unlike[:FEWEST_SIZES], pairs[:FEWEST_SIZES], scatter=False)
        low, high = min(low, finest_low), max(high, finest_high)
    return Uncertainty(sizes, unlike / pairs, exponent, (low, high), (1 if rows == 1 else 2) - exponent, reason)


def _reason(unlike: NDArray[np.int64], side: int) -> str:
    """Why there is no exponent, or ""."""
    if not unlike.any():
        return "there is no border: all pixels have one colour"
    if len(unlike) < FEWEST_SIZES:
        return f"the map is {side} pixels wide and needs {REACH << (FEWEST_SIZES - 1)}"
    if unlike.min() < FEWEST_PAIRS:
        return f"too little border: {unlike.min()} pairs of pixels at one of the distances differ, and {FEWEST_PAIRS} are needed"
    return ""


def _unlike(labels: Colours, size: int) -> tuple[int, int]:
    """How many pairs of pixels that are so far apart along an axis have different colours, and how many pairs there are."""
    found = [labels[:, size:] != labels[:, :-size], labels[size:] != labels[:-size]]
    return sum(int(np.count_nonzero(pairs)) for pairs in found), sum(pairs.size for pairs in found)


def _slope(sizes: NDArray[np.int64], unlike: NDArray[np.int64], pairs: NDArray[np.int64], *, scatter: bool = True) -> tuple[float, float, float]:
    """The slope of log share over log size, and its interval: by the scatter about the line, if wanted, and by the counts."""
    from scipy.special import stdtrit

    x, y = np.log(sizes), np.log(unlike / pairs)
    lever = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    slope = float(lever @ y)
    counting = Z95**2 * float(lever**2 @ (1 / unlike))
    rest, free = y - y.mean() - slope * (x - x.mean()), len(x) - 2
    about = float(stdtrit(free, 0.975)) ** 2 * float(rest @ rest) / free * float(lever @ lever) if scatter else 0.0
    half = math.sqrt(counting + about)
    return slope, slope - half, slope + half


def _map(labels: Colours) -> Colours:
    if labels.ndim != 2 or not labels.size:
        raise ValueError(f"the colours of a map have shape (rows, columns), not {labels.shape}")
    return labels
