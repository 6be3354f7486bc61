"""The smallest push from a minimum that changes where the runs end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gdcore.crossings import same_points
from gdcore.descent import Progress, shifted
from gdcore.experiment import Experiment, run_from
from gdcore.findings import Findings, Minimum
from gdcore.starts import DESIGNS
from gdcore.stopping import Ending

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
RAYS = {1: 2, 2: 256}  # by the number of variables; MANY for more
MANY, MOST_RAYS = 512, 8192
OFF = 0.1373  # of the angle between rays: symmetric functions have special places in symmetric directions
STARTS, FEWEST_STEPS = 12_288, 48  # in the first run, at least so many of them along each ray
NEAREST = 1 / 500  # of the reach: the first start along a ray
KEPT = 6  # rays that are turned, none within SPREAD of another
SPREAD = math.cos(0.15)
TURNS = (0.2, 0.1, 0.05, 0.05, 0.03, 0.03)  # radians: how far neighbouring directions are looked at, turn by turn
ROOM = 1.25  # of the distance found so far: how far a turned ray is followed
STEPS, PARTS = 48, 32  # starts along a turned ray, and in each bracket that is narrowed
GAIN, BEHIND = 1e-4, 1.2  # of the distance: a turn that brings less is idle; a ray that is longer than the shortest is left
SHARES, CHANCES = (1.0, 0.5, 0.25), 5  # of a turn, and directions by chance beside them
RIDGE = (Ending.SADDLE, Ending.MAXIMUM)
PAST = (0.0, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4)  # of the distance
RUNS = 3 + 4 * len(TURNS) + 2


@dataclass(frozen=True)
class Push:
    """The shortest push found, an upper bound on the smallest: no run was made between the rays.

    distance: Euclidean, in units of x; inf where nothing within reach changes anything, then points are nan and ending is None.
    point (d,): a start from which the run goes elsewhere; inside (d,): one on the same ray, nearer by bracket, that still comes
    back, as do all that were tried before it. ending, minimum: where the run from point goes instead; minimum is None where it
    settles in none. rays: how many directions were begun with; reach: how far each was followed, to the far corner of the box.
    """

    distance: float
    point: tuple[float, ...]
    inside: tuple[float, ...]
    bracket: float
    ending: Ending | None
    minimum: Minimum | None
    rays: int
    reach: float


def smallest_push(
    experiment: Experiment,
    minimum: Minimum,
    *,
    seed: int = 0,
    rays: int | None = None,
    engine: str = "auto",
    on_progress: Progress | None = None,
    threads: int | None = None,
) -> Push:
    """The smallest displacement found of a minimum from which runs no longer settle at it; the experiment's starts play no part.

    Starts at growing distances along rays in evenly spread directions (equal angles, or normal Sobol' points of the seed); the
    first change along each is bracketed, and the shortest few rays are turned towards the nearest place of the border, taken
    for flat there: 1/distance is then linear in the direction (R. Rackwitz, B. Fiessler 1978, Structural reliability under
    combined random load sequences). Some directions by chance beside these serve rough borders. Each of these steps is one
    run. Bracketed to about 5e-5 of the distance, and never more than 6e-4, where runs stop on a ridge; an upper bound on the smallest push. ValueError for a minimum at which
    a run that starts there does not stay, and for impossible rays.
    """
    d = experiment.problem.dimension
    rays = RAYS.get(d, MANY) if rays is None else rays
    if not (type(rays) is int and 2 <= rays <= MOST_RAYS):
        raise ValueError(f"{rays!r} rays are not possible: give a whole number from 2 to {MOST_RAYS:,}")
    asked = _Asked(experiment, minimum, engine, on_progress, threads)
    if asked.runs([asked.centre]).changed.any():
        raise ValueError("a run that starts at this minimum does not stay there: give a minimum that the experiment settles in")
    reach = float(np.linalg.norm(np.maximum(np.abs(experiment.problem.lows - asked.centre), np.abs(experiment.problem.highs - asked.centre))))
    brackets = _scan(asked, _directions(rays, d, seed), reach)
    if not np.isfinite(brackets.high).any():
        nowhere = (math.nan,) * d
        return Push(math.inf, nowhere, nowhere, math.nan, None, None, len(brackets.high), reach)
    best = _shortest(brackets)
    if d > 1:
        best = _refined(asked, best, np.random.default_rng(seed))
    nearest = _narrowed(asked, best[[int(best.high.argmin())]])
    return _push(asked, nearest, len(brackets.high), reach)


@dataclass(frozen=True)
class _Brackets:
    """On rays in directions (m, d): distances low (m,) up to which all tried starts come back, high (m,) from which one does not."""

    directions: Array
    low: Array
    high: Array

    def __getitem__(self, which: list[int] | NDArray[np.intp] | Flags) -> _Brackets:
        return _Brackets(self.directions[which], self.low[which], self.high[which])


@dataclass(frozen=True)
class _Runs:
    """changed (n,): which runs did not settle at the minimum."""

    found: Findings
    changed: Flags


class _Asked:
    """Runs of an experiment, judged by one question: does it settle at this minimum?"""

    def __init__(
        self, experiment: Experiment, minimum: Minimum, engine: str, on_progress: Progress | None, threads: int | None
    ) -> None:
        self.experiment, self.minimum, self.engine, self.threads = experiment, minimum, engine, threads
        self.centre = np.array(minimum.point)
        self.on_progress, self.done = on_progress, 0

    def runs(self, points: Array | list[Array]) -> _Runs:
        """One run from all points (n, d)."""
        epochs, report = self.experiment.stopping.epochs, self.on_progress
        if report is not None:
            report = shifted(report, self.done * epochs, RUNS * epochs)
        self.done += 1
        found = run_from(self.experiment, np.asarray(points), engine=self.engine, on_progress=report, threads=self.threads)
        own = same_points(self.experiment.problem, [self.minimum.point], [m.point for m in found.minima])[0]
        return _Runs(found, (found.labels != own) | (found.labels < 0))

    def first(self, directions: Array, low: Array, distances: Array) -> _Brackets:
        """The first change along each ray among distances (m, k), ascending, above low (m,); high is inf where there is none."""
        m, k = distances.shape
        changed = self.runs((self.centre + directions[:, None] * distances[..., None]).reshape(m * k, -1)).changed.reshape(m, k)
        index = np.where(changed.any(axis=1), changed.argmax(axis=1), k)
        edges = np.concatenate([low[:, None], distances, np.full((m, 1), np.inf)], axis=1)
        return _Brackets(directions, edges[np.arange(m), index], edges[np.arange(m), index + 1])


def _directions(rays: int, d: int, seed: int) -> Array:
    """Unit vectors (m, d), evenly spread; two in one variable."""
    if d == 1:
        return np.array([[-1.0], [1.0]])
    if d == 2:
        angle = 2 * np.pi * (np.arange(rays) + OFF) / rays
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    from scipy.special import ndtri

    return _unit(ndtri(np.clip(DESIGNS["sobol"](rays, d, seed), 1e-12, 1 - 1e-12)))


def _unit(vectors: Array) -> Array:
    """The vectors (..., d) with length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-300), dtype=np.float64)


def _scan(asked: _Asked, directions: Array, reach: float) -> _Brackets:
    """The first change along every ray up to the reach, and closer where it may be the nearest of all."""
    steps = max(FEWEST_STEPS, STARTS // len(directions))
    distances = np.broadcast_to(np.geomspace(NEAREST * reach, reach, steps), (len(directions), steps))
    found = asked.first(directions, np.zeros(len(directions)), distances)
    near = np.flatnonzero(found.low < found.high.min())
    if not near.size:
        return found
    return _with(found, near, _narrowed(asked, found[near]))


def _narrowed(asked: _Asked, found: _Brackets) -> _Brackets:
    """The first change within each bracket, which is finite, PARTS times closer; its ends are not run again."""
    share = np.arange(1, PARTS) / PARTS
    closer = asked.first(found.directions, found.low, found.low[:, None] + (found.high - found.low)[:, None] * share)
    return replace(closer, high=np.minimum(closer.high, found.high))


def _shortest(found: _Brackets) -> _Brackets:
    """The shortest brackets, at most KEPT, in directions that are apart."""
    kept: list[int] = []
    left = np.where(np.isfinite(found.high), found.high, np.inf)
    while len(kept) < KEPT and np.isfinite(left.min()):
        kept.append(int(left.argmin()))
        left = np.where(found.directions @ found.directions[kept[-1]] > SPREAD, np.inf, left)
    return found[kept]


def _refined(asked: _Asked, best: _Brackets, random: np.random.Generator) -> _Brackets:
    """The rays turned again and again, until two turns in a row bring nothing; those that fall behind are left."""
    idle = 0
    for k, turn in enumerate(TURNS):
        before, best = float(best.high.min()), _turned(asked, best, turn, random)
        if k:
            best = best[best.high <= BEHIND * best.high.min()]
        idle = idle + 1 if best.high.min() > (1 - GAIN) * before else 0
        if idle == 2:
            break
    return best


def _turned(asked: _Asked, best: _Brackets, turn: float, random: np.random.Generator) -> _Brackets:
    """Each ray turned to where the border is nearer, by its distances in directions up to `turn` radians away; or left as it is."""
    n, d = best.directions.shape
    tangents = np.linalg.svd(best.directions[:, None, :])[2][:, 1:]  # (n, d - 1, d)
    beside = _unit(best.directions[:, None] + turn * np.concatenate([tangents, -tangents], axis=1))
    around = np.minimum(_followed(asked, beside, best.high).high.reshape(n, -1), ROOM * best.high[:, None])
    rows = np.concatenate([best.directions[:, None], beside], axis=1)
    inverse = 1 / np.concatenate([best.high[:, None], around], axis=1)
    aim = _unit((np.linalg.pinv(rows) @ inverse[..., None])[..., 0])
    wanted = [best.directions + share * (aim - best.directions) for share in SHARES]
    wanted += [best.directions + turn / math.sqrt(d) * random.standard_normal((n, d)) for _ in range(CHANCES)]
    tried = _followed(asked, _unit(np.stack(wanted, axis=1)), best.high)
    which, rows_ = tried.high.reshape(n, -1).argmin(axis=1), np.arange(n)
    nearer = tried[rows_ * len(wanted) + which]
    better = nearer.high < best.high
    return _Brackets(
        np.where(better[:, None], nearer.directions, best.directions),
        np.where(better, nearer.low, best.low),
        np.where(better, nearer.high, best.high),
    )


def _followed(asked: _Asked, directions: Array, high: Array) -> _Brackets:
    """The first changes along rays (n, k, d) up to a little beyond high (n,), narrowed; (n·k) rows."""
    n, k, d = directions.shape
    flat = directions.reshape(n * k, d)
    distances = np.repeat(ROOM * high, k)[:, None] * (np.arange(1, STEPS + 1) / STEPS)
    found = asked.first(flat, np.zeros(n * k), distances)
    there = np.flatnonzero(np.isfinite(found.high))
    if not there.size:
        return found
    return _with(found, there, _narrowed(asked, found[there]))


def _with(found: _Brackets, which: NDArray[np.intp], closer: _Brackets) -> _Brackets:
    """The brackets with some of them replaced."""
    low, high = found.low.copy(), found.high.copy()
    low[which], high[which] = closer.low, closer.high
    return replace(found, low=low, high=high)


def _push(asked: _Asked, nearest: _Brackets, rays: int, reach: float) -> Push:
    """The push of a single bracket, its end put past the ridge itself: close to it runs stop at once, at a saddle or maximum."""
    low, direction = float(nearest.low[0]), nearest.directions[0]
    distances = nearest.high[0] * (1 + np.array(PAST))
    runs = asked.runs(asked.centre + distances[:, None] * direction)
    goes_on = [here and ending not in RIDGE for here, ending in zip(runs.changed.tolist(), runs.found.endings, strict=True)]
    k = goes_on.index(True) if any(goes_on) else 0
    point, inside = asked.centre + distances[k] * direction, asked.centre + low * direction
    label, distance = int(runs.found.labels[k]), float(distances[k])
    where = runs.found.minima[label] if label >= 0 else None
    ending: Ending = runs.found.endings[k]
    return Push(distance, tuple(point.tolist()), tuple(inside.tolist()), distance - low, ending, where, rays, reach)
