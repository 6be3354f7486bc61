"""Minima at successive values of a parameter → which of them are one and the same, and where they appear, vanish or merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gdcore.continuation import Branch, follow
from gdcore.merging import SAME_POINT, Valued, deepest_first
from gdcore.problem import Problem

Array = NDArray[np.float64]
APART = 2 * SAME_POINT  # box widths between two polished points that are one minimum
SAME_PLACE = 1e-4  # box widths between two events that are one


@dataclass(frozen=True)
class Change:
    """What becomes of minima at one value of the parameter, at `point` (d,).

    kind: "appears", "vanishes", "merges", "splits", "enters the box", "leaves the box", "undefined" or "lost". tracks: the
    minima concerned, by number. value: where a bracketed root puts it; between: the values followed from and to.
    A minimum that is "lost" could not be followed, and only `between` is known: value is nan.
    """

    kind: str
    value: float
    between: tuple[float, float]
    tracks: tuple[int, ...]
    point: tuple[float, ...]


@dataclass(frozen=True)
class Tracks:
    """Minima through k values of a parameter: values (k,), points (m, k, d) and heights (m, k), nan where one does not exist.

    The m minima are numbered as given at the station `home`, then the others by where they first appear. changes: in the order of their values.
    """

    values: Array
    points: Array
    heights: Array
    changes: tuple[Change, ...]


@dataclass
class _Track:
    """One minimum on its way: station → point."""

    points: dict[int, Array] = field(default_factory=dict)


def tracked(
    parameter: str, problems: Sequence[Problem], minima: Sequence[Sequence[Valued]], home: int, numbered: int | None = None
) -> Tracks:
    """Follow minima through problems that differ in one parameter, its values ascending; home: the station that numbers them.

    minima: those found at each value. One that was overlooked at some values is added where following arrives at it. numbered: so
    many of those at home come first, in the order given; all of them by default.
    """
    follower = _Follower(parameter, problems)
    for minimum in minima[home][:numbered]:
        follower.tracks.append(_Track({home: np.array(minimum.point)}))
    follower.add(home, minima[home])
    for going in (range(home, len(problems) - 1), range(home, 0, -1)):
        for station in going:
            follower.advance(station, station + (1 if going.step > 0 else -1), minima)
    return follower.result()


class _Follower:
    """The tracks found so far, and the changes on the way."""

    def __init__(self, parameter: str, problems: Sequence[Problem]) -> None:
        self.parameter, self.problems = parameter, problems
        self.width = problems[0].highs - problems[0].lows
        self.values = [problem.parameters[parameter] for problem in problems]
        self.tracks: list[_Track] = []
        self.changes: list[Change] = []
        self.held: dict[int, int] = {}  # track, degenerate at the present station → the station that it is followed from

    def advance(self, a: int, b: int, minima: Sequence[Sequence[Valued]]) -> None:
        """From station a to its neighbour b: every minimum of a followed, and what is new at b followed back."""
        sources = {**self.held, **dict.fromkeys(self._alive(a), a)}
        self.held = {}
        for number, source in sorted(sources.items()):
            if b in self.tracks[number].points:
                continue
            branch = self._follow(self.tracks[number].points[source], source, b)
            if self._passes(branch, source, b):
                self.held[number] = source
                continue
            other = self._at(b, branch.points[-1]) if _arrives(branch) else -1
            self._note(branch, source, b, number, other)
            if _arrives(branch) and other < 0:
                self.tracks[number].points[b] = branch.points[-1]
        known = len(self.tracks)
        self.add(b, minima[b])
        for number in range(known, len(self.tracks)):
            self._back(number, b, a)

    def add(self, station: int, minima: Sequence[Valued]) -> None:
        """Minima found at a station that are on no track yet, deepest first."""
        for k in deepest_first(minima):
            place = np.array(minima[k].point)
            if self._at(station, place) < 0:
                self.tracks.append(_Track({station: place}))

    def _back(self, number: int, b: int, a: int) -> None:
        """Where a minimum that is new at b comes from; on through earlier stations where it was there all along."""
        step = a - b
        while 0 <= a < len(self.problems):
            branch = self._follow(self.tracks[number].points[b], b, a)
            if not self._passes(branch, b, a):
                other = self._at(a, branch.points[-1]) if _arrives(branch) else -1
                self._note(branch, b, a, number, other)
                if not _arrives(branch) or other >= 0:
                    return
                self.tracks[number].points[a] = branch.points[-1]
                b = a
            a += step

    def _passes(self, branch: Branch, a: int, b: int) -> bool:
        """Whether a branch from a meets others, or flattens, exactly at b, and there is a station beyond that says what comes of it."""
        beyond = b + (1 if b > a else -1)
        return branch.arrived and branch.kind_at_end == "degenerate" and 0 <= beyond < len(self.problems)

    def _follow(self, point: Array, a: int, b: int) -> Branch:
        return follow(self.problems[a], self.parameter, point, self.values[b])

    def _note(self, branch: Branch, a: int, b: int, number: int, other: int) -> None:
        """Write down what a branch met from a to b; other: the track that it ran into, or -1."""
        upwards = b > a
        low, high = sorted((self.values[a], self.values[b]))
        found = False
        for event in branch.events:
            kind = event.kind
            if kind in ("leaves the box", "enters the box"):
                flipped = {"leaves the box": "enters the box", "enters the box": "leaves the box"}
                kind = kind if upwards else flipped[kind]
            elif other >= 0:
                kind = "merges" if upwards else "splits"
            elif kind in ("fold", "exchange") and not _arrives(branch):
                kind = "vanishes" if upwards else "appears"
            elif kind != "undefined":
                continue  # met on the way by a branch that is a minimum again where it arrives
            found |= kind not in ("leaves the box", "enters the box")
            tracks = (number, other) if kind in ("merges", "splits") else (number,)
            self.changes.append(Change(kind, event.value, (low, high), tuple(sorted(tracks)), tuple(map(float, event.point))))
        if not found and (other >= 0 or not _arrives(branch)):
            self.changes.append(Change("lost", float("nan"), (low, high), (number,), tuple(map(float, branch.points[-1]))))

    def _alive(self, station: int) -> list[int]:
        return [n for n, track in enumerate(self.tracks) if station in track.points]

    def _at(self, station: int, place: Array) -> int:
        """The track that is at this place of a station, or -1."""
        alive = self._alive(station)
        if not alive:
            return -1
        near = (np.abs(np.array([self.tracks[n].points[station] for n in alive]) - place) <= APART * self.width).all(axis=1)
        return alive[int(near.argmax())] if near.any() else -1

    def result(self) -> Tracks:
        points = np.full((len(self.tracks), len(self.values), len(self.width)), np.nan)
        heights = np.full(points.shape[:2], np.nan)
        for number, track in enumerate(self.tracks):
            for station, point in track.points.items():
                points[number, station] = point
                heights[number, station] = self.problems[station].value(point)
        return Tracks(np.array(self.values), points, heights, tuple(_joined(self.changes, self.width)))


def _arrives(branch: Branch) -> bool:
    return branch.arrived and branch.kind_at_end == "minimum"


def _joined(changes: list[Change], width: Array) -> list[Change]:
    """Changes in the order of their values; those of several minima at one place and value are one.

    A minimum that splits into others does not vanish besides, nor does one appear that others merge into.
    """
    found: list[Change] = []
    for change in sorted(changes, key=lambda c: sum(c.between) / 2 if np.isnan(c.value) else c.value):
        same = [k for k, other in enumerate(found) if other.kind == change.kind and _together(other, change, width)]
        if same:
            tracks = tuple(sorted({*found[same[-1]].tracks, *change.tracks}))
            found[same[-1]] = replace(found[same[-1]], tracks=tracks)
        else:
            found.append(change)
    whole = [change for change in found if change.kind in ("merges", "splits")]
    return [c for c in found if c.kind not in ("appears", "vanishes") or not any(_together(c, w, width) and {*c.tracks} <= {*w.tracks} for w in whole)]


def _together(one: Change, other: Change, width: Array) -> bool:
    near = abs(one.value - other.value) <= 1e-6 * (one.between[1] - one.between[0])
    return near and bool((np.abs(np.subtract(one.point, other.point)) <= SAME_PLACE * width).all())
