"""Certificate: what is proved of the stationary points of a box, as a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Interval = tuple[float, float]
KINDS = ("minimum", "saddle", "maximum", "undecided")


@dataclass(frozen=True)
class CertifiedPoint:
    """A point of which it is proved that it is stationary, and that no other is in its enclosure.

    point (d,), value, eigenvalues (d,) ascending: in doubles, near the truth. enclosure: (low, high) for each variable;
    value_enclosure: (low, high) of f there. index: the proved number of negative eigenvalues of the Hessian, which is the
    kind: 0 a minimum, d a maximum, else a saddle; None where one of them may be 0, kind "undecided".
    """

    point: tuple[float, ...]
    value: float
    kind: str
    index: int | None
    eigenvalues: tuple[float, ...]
    enclosure: tuple[Interval, ...]
    value_enclosure: Interval

    def holds(self, point: Sequence[float]) -> bool:
        """Whether a point is in the enclosure."""
        return all(low <= c <= high for c, (low, high) in zip(point, self.enclosure, strict=True))


@dataclass(frozen=True)
class Region:
    """A part of the box about which nothing is proved: limits of a hull (low, high) for each variable, and its share.

    share: the volume of what is unresolved in it, as a share of the box's. parts: boxes of the same form as limits that cover
    it more closely than its hull, to draw it by.
    """

    limits: tuple[Interval, ...]
    share: float
    parts: tuple[tuple[Interval, ...], ...]


@dataclass(frozen=True)
class Certificate:
    """What is proved of a problem's stationary points in its closed box.

    points: all that were certified inside the open box; minima first, deepest first, then saddles, maxima and undecided
    ones. edge: stationary points whose enclosures touch the box's edge: nothing says whether they are inside.
    unresolved: where others may be. complete: there is no other stationary point, in the box or on its edge. boundary: minima
    of f on the box that are on its boundary and not stationary, where a projected descent would stop; boundary_complete:
    these are all. undefined: f lacks a value in a part of the box, or across a pole; what is said of the box is said of the
    rest. reason: why it is not complete, else "".
    """

    points: tuple[CertifiedPoint, ...]
    unresolved: tuple[Region, ...]
    complete: bool
    boxes: int
    seconds: float
    edge: tuple[CertifiedPoint, ...] = ()
    boundary: tuple[CertifiedPoint, ...] = ()
    boundary_complete: bool = False
    undefined: bool = False
    reason: str = ""

    def of_kind(self, kind: str) -> tuple[CertifiedPoint, ...]:
        """The certified points of a kind inside the box."""
        return tuple(point for point in self.points if point.kind == kind)

    @property
    def minima(self) -> tuple[CertifiedPoint, ...]:
        """The certified minima inside the box, deepest first."""
        return self.of_kind("minimum")

    @property
    def unresolved_share(self) -> float:
        """The share of the box about which nothing is proved."""
        return min(1.0, sum(region.share for region in self.unresolved))
