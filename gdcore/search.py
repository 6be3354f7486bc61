"""Boxes → the zeros of a system of equations in them, each proved unique in a box of its own; and what stays unresolved.

Branch and prune: a box goes where the equations, or their mean-value form about its centre, exclude 0; it is done where
Krawczyk's operator proves one zero in it; else it shrinks to what that operator leaves, or is cut in two
(R. B. Kearfott, Rigorous Global Search: Continuous Problems, 1996). The cut is where the equations vary most
(G. Trombettoni, I. Araya, B. Neveu, G. Chabert 2011, AAAI: smearsumrel).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from gdcore.bounded import Bounded
from gdcore.boxes import Boxes, joined
from gdcore.intervals import UNIT, Bounds, straddles
from gdcore.krawczyk import krawczyk, mean_values
from gdcore.proximity import Nearest

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

INFLATE = 0.15  # how much larger than a box the one is in which a zero is looked for: zeros on cuts are found too
TOGETHER = 4096  # boxes worked on at once
FINEST = 2.0**-44  # of the whole box: boxes are not cut below this
SHRUNK = 0.4  # a box whose widest side Krawczyk's operator leaves shorter than this is not cut

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class System:
    """Equations over boxes (d, 2, n): bounds of their values (d, 2, n) and of their derivatives (d, d, 2, n).

    defined: whether they have values everywhere in a box, and whether they may somewhere; breaks: whether they may jump in
    it, and whether their derivatives may; beside_kinks: values on all sides of the places where those do. hopeless: boxes of no interest for another reason.
    """

    values: Callable[[Bounds], Bounds]
    beside_kinks: Callable[[Bounds], Bounds]
    derivatives: Callable[[Bounds], Bounds]
    defined: Callable[[Bounds], tuple[Flags, Flags]]
    breaks: Callable[[Bounds], tuple[Flags, Flags]]
    hopeless: Callable[[Boxes], Flags] | None = None

    @classmethod
    def of(cls, functions: Bounded, hopeless: Callable[[Boxes], Flags] | None = None) -> System:
        """The system ∇f = 0."""
        return cls(functions.slopes, functions.slopes_beside, functions.jacobian, functions.defined, functions.breaks, hopeless)


@dataclass(frozen=True)
class Found:
    """Zeros, each in a box `zeros` and alone in the box around it `regions`."""

    zeros: Boxes
    regions: Boxes

    @classmethod
    def joined(cls, parts: Sequence[Found]) -> Found:
        return cls(joined([part.zeros for part in parts]), joined([part.regions for part in parts]))


@dataclass
class Budget:
    """How much may be spent, and what is: boxes looked at, and the time when it is over."""

    boxes: int
    until: float
    on_progress: Progress | None = None
    spent: int = 0
    waiting: int = 0
    reason: str = ""

    def spend(self, count: int, waiting: int) -> bool:
        """Note so many boxes more; False where nothing is left for them. on_progress may raise to cancel."""
        if self.on_progress is not None:
            self.on_progress(self.spent, self.boxes, waiting + count)
        if self.spent + count > self.boxes:
            self.reason = f"the budget of {self.boxes:,} boxes was used up"
        elif perf_counter() > self.until:
            self.reason = "the time was used up"
        else:
            self.spent += count
            return True
        return False


@dataclass
class Outcome:
    """What a search leaves: zeros found, and boxes unresolved."""

    found: list[Found] = field(default_factory=list)
    unresolved: list[Boxes] = field(default_factory=list)


def search(system: System, boxes: Boxes, finest: Array, budget: Budget) -> Outcome:
    """All zeros of the system in the boxes; finest (d,): sides below which a box is not cut."""
    outcome, queue, waiting = Outcome(), deque([boxes]), boxes.count
    while queue:
        boxes = _taken(queue)
        waiting -= boxes.count
        boxes = _unknown(boxes, outcome)
        if not budget.spend(boxes.count, waiting):
            outcome.unresolved += [boxes, *queue]
            break
        found, left, tiny = _step(system, boxes, finest)
        outcome.found += [found] if found.zeros.count else []
        outcome.unresolved += [tiny] if tiny.count else []
        if left.count:
            queue.append(left)
            waiting += left.count
    return with_known(outcome, [])


def with_known(outcome: Outcome, found: list[Found]) -> Outcome:
    """The outcome with further zeros, and without unresolved boxes in which there is none but the known ones."""
    more = Outcome([*outcome.found, *(part for part in found if part.zeros.count)])
    more.unresolved = [_unknown(part, more) for part in outcome.unresolved]
    return more


def _unknown(boxes: Boxes, outcome: Outcome) -> Boxes:
    """Those boxes that are not inside the nearest region in which a zero is known to be alone."""
    if not outcome.found or not boxes.count:
        return boxes
    regions = joined([found.regions for found in outcome.found])
    nearest, _ = Nearest(regions.relative(regions.centres))(regions.relative(boxes.centres))
    return boxes[~boxes.inside(regions[nearest], closed=True)]


def _taken(queue: deque[Boxes]) -> Boxes:
    """The boxes to look at next: no more than fit together."""
    parts, count = [], 0
    while queue and count < TOGETHER:
        part = queue.popleft()
        if count + part.count > TOGETHER:
            queue.appendleft(part[TOGETHER - count :])
            part = part[: TOGETHER - count]
        parts.append(part)
        count += part.count
    return joined(parts)


def _step(system: System, boxes: Boxes, finest: Array) -> tuple[Found, Boxes, Boxes]:
    """Zeros found, boxes to look at again, and boxes too small to cut."""
    boxes, surely, jump, kink = _possible(system, boxes)
    centres, smooth = boxes.centres, surely & ~jump & ~kink
    around = boxes.inflated(centres, INFLATE)
    at_centre, slopes = linearised(system, around, centres)
    with np.errstate(all="ignore"):
        zeros = left_of(around, centres, at_centre, slopes)
        holds = _holds_zero(mean_values(boxes.radii(centres), at_centre, slopes), boxes.fixed) & boxes.meets(zeros)
        keep = ~smooth | holds
        proved = np.flatnonzero(keep & smooth & zeros.inside(around))
        proved = proved[_whole(system, around[proved])]
        rest = np.setdiff1d(np.flatnonzero(keep), proved)
        left, tiny = _smaller(boxes[rest], zeros[rest], smooth[rest], slopes[..., rest], finest)
    return Found(zeros[proved], around[proved]), left, tiny


def alone(system: System, boxes: Boxes) -> tuple[Found, Flags]:
    """The zeros that Krawczyk's operator proves to be alone in boxes, and in which boxes they are (n,)."""
    centres = boxes.centres
    zeros = left_of(boxes, centres, *linearised(system, boxes, centres))
    proved = zeros.inside(boxes) & _whole(system, boxes)
    index = np.flatnonzero(proved)
    return Found(zeros[index], boxes[index]), proved


def linearised(system: System, boxes: Boxes, centres: Array) -> tuple[Bounds, Bounds]:
    """The equations' values at the centres (d, 2, n) and derivatives over the boxes (d, d, 2, n); held coordinates: x = held."""
    at_centre, slopes = system.values(np.stack([centres, centres], axis=1)), system.derivatives(boxes.bounds)
    for i, j in zip(*np.nonzero(boxes.fixed), strict=True):
        at_centre[i, :, j] = slopes[i, :, :, j] = slopes[:, i, :, j] = 0.0
        slopes[i, i, :, j] = 1.0
    return at_centre, slopes


def left_of(boxes: Boxes, centres: Array, at_centre: Bounds, slopes: Bounds) -> Boxes:
    """What Krawczyk's operator makes of boxes: all their zeros are in it."""
    with np.errstate(all="ignore"):
        middle, radius = krawczyk(centres, boxes.radii(centres), at_centre, slopes)
        low, high = (np.where(boxes.fixed, boxes.low, end) for end in (middle - radius, middle + radius))
    return Boxes(low, high, boxes.fixed)


def _whole(system: System, boxes: Boxes) -> Flags:
    """Whether the equations have values and derivatives all over boxes that are a little larger than those looked at."""
    surely, _ = system.defined(boxes.bounds)
    jump, kink = system.breaks(boxes.bounds)
    return surely & ~jump & ~kink


def _possible(system: System, boxes: Boxes) -> tuple[Boxes, Flags, Flags, Flags]:
    """The boxes in which there may be a zero; and whether f is defined all over them, may jump, and may have a kink."""
    bounds = boxes.bounds
    surely, maybe = system.defined(bounds)
    jump, kink = system.breaks(bounds)
    values = system.values(bounds)
    if kink.any():
        values[..., kink] = system.beside_kinks(bounds[..., kink])
    keep = maybe & (jump | _holds_zero(values, boxes.fixed))
    if system.hopeless is not None:
        keep &= jump | ~system.hopeless(boxes)
    return boxes[keep], surely[keep], jump[keep], kink[keep]


def _holds_zero(values: Bounds, fixed: Flags) -> Flags:
    """Whether every equation may be 0; those of coordinates that are held always are."""
    return np.asarray((straddles(np.moveaxis(values, 1, 0)) | fixed).all(axis=0), dtype=bool)


def _smaller(boxes: Boxes, zeros: Boxes, smooth: Flags, slopes: Bounds, finest: Array) -> tuple[Boxes, Boxes]:
    """What to look at again: boxes as Krawczyk's operator leaves them, cut in two unless that is much smaller; and tiny ones."""
    use = smooth & np.isfinite(zeros.low).all(axis=0) & np.isfinite(zeros.high).all(axis=0)
    low = np.where(use, np.maximum(boxes.low, zeros.low), boxes.low)
    high = np.where(use, np.minimum(boxes.high, zeros.high), boxes.high)
    shrunk = Boxes(low, high, boxes.fixed)
    width, before = high - low, boxes.high - boxes.low
    floor = np.maximum(finest[:, None], 8 * UNIT * np.maximum(np.abs(low), np.abs(high)))
    floor[boxes.fixed] = np.inf
    tiny = np.flatnonzero((width <= floor).all(axis=0))
    short = (width <= SHRUNK * before).any(axis=0) & (width <= SHRUNK * before.max(axis=0)).all(axis=0)
    enough = np.setdiff1d(np.flatnonzero(short), tiny)
    cut = np.setdiff1d(np.flatnonzero(~short), tiny)
    axis = _axis(slopes, np.where(width <= floor, 0.0, width), finest)
    return joined([shrunk[enough], shrunk[cut].split(axis[cut])]), shrunk[tiny]


def _axis(slopes: Bounds, width: Array, finest: Array) -> NDArray[np.intp]:
    """Which side to cut (n,): the one that moves the equations most; where that is not known the relatively longest."""
    reach = np.abs(slopes).max(axis=2) * width
    share = (reach / reach.sum(axis=1, keepdims=True)).sum(axis=0)
    relative = width / finest[:, None]
    score = np.where(np.isfinite(share).all(axis=0), share, relative)
    score[relative * 256 < relative.max(axis=0)] = -1.0
    score[width <= 0] = -1.0
    return np.asarray(np.argmax(score, axis=0), dtype=np.intp)
