"""Locus: the curve of stationary points (x, p) of a function with one parameter free, and steps along it.

The curve goes on smoothly where x(p) turns back: it is followed by pseudo-arclength, Newton's method on ∇f = 0 and one linear
equation for (x, p) together. H. B. Keller, Numerical solution of bifurcation and nonlinear eigenvalue problems (1977);
E. L. Allgower, K. Georg, Numerical Continuation Methods (1990), chapters 2, 6 and 8.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.implicit import Local, hessian_change, local, require, span, turning
from gdcore.newton import SINGULAR
from gdcore.problem import LARGEST, Problem

Array = NDArray[np.float64]

EXACT = 1e-11  # box widths: Newton's last step
CONTRACTION = 0.25  # at most, from each of Newton's steps to the next: slower than that is no quadratic convergence
MOST_STEPS = 8  # of Newton's
NOISE = 1e-14  # relative error of a gradient, at most
CLOSE = 0.1  # of a step's length: how far the curve is from its tangent, at most
STRAIGHT = 0.95  # cosine between the tangents at both ends of a step, at least
BETWEEN = 0.05  # of that distance: how far the middle of the cubic through both ends is from the curve, at most
RESOLVED = 1e-6  # of a step's length: what is finer than that is not told apart
EVEN = 0.25  # how far H in that middle may be from the mean of both ends, beside the equations themselves
ROUNDS = 4  # of interpolation, each between points a quarter as far apart
VANISHED = 1e-5  # an eigenvalue so small beside the largest one is 0 where the curve is known to be singular


@dataclass(frozen=True)
class Spot:
    """A point of the curve: z (d+1,) = x in box widths and the parameter in ranges, its tangent, and what is known there.

    at: the parameter, which comes nearer to its last value as z[-1] grows; rows (d, d+1): H and ∂∇f/∂p in the units of z;
    eigenvalues (d,) of H itself, ascending.
    """

    z: Array
    tangent: Array
    at: float
    point: Array
    local: Local
    rows: Array
    eigenvalues: Array

    @property
    def steepness(self) -> float:
        """The largest |entry| of H with x in box widths."""
        return float(np.abs(self.rows[:, :-1]).max())

    @property
    def is_singular(self) -> bool:
        """Whether H is singular to rounding, beside itself and ∂∇f/∂p in the units of the curve."""
        sizes = np.abs(np.linalg.eigvalsh(self.rows[:, :-1]))
        return not sizes.min() > SINGULAR * np.abs(self.rows).max()

    @property
    def index(self) -> int:
        """The number of negative eigenvalues."""
        return int((self.eigenvalues < 0).sum())

    @property
    def kind(self) -> str:
        """minimum, saddle, maximum or degenerate, as in newton.py."""
        sizes = np.abs(self.eigenvalues)
        if not sizes.min() > SINGULAR * sizes.max():
            return "degenerate"
        return {0: "minimum", len(sizes): "maximum"}.get(self.index, "saddle")


class Locus:
    """The stationary points of a problem while one parameter runs from its own value to `until`; evaluations are counted.

    ValueError for an unknown parameter or a value outside its range.
    """

    def __init__(self, problem: Problem, parameter: str, until: float) -> None:
        require(problem, parameter)
        setting, own = problem.parameter_settings[parameter], problem.parameters[parameter]
        self.problem, self.parameter, self.until = problem, parameter, setting.check(until, parameter)
        self.width, self.own, self.log = problem.highs - problem.lows, own, setting.log
        self.unit = math.copysign(span(setting, own, self.until), self.until - own)
        change = math.log(self.until / own) if self.log else self.until - own
        self.end, self.evaluations = change / self.unit, 0

    def parameter_at(self, share: float) -> float:
        """The parameter after so many ranges towards `until`."""
        if share in (0.0, self.end):
            return self.own if share == 0 else self.until
        return self.own * math.exp(self.unit * share) if self.log else self.own + self.unit * share

    def rate(self, at: float) -> float:
        """The change of the parameter per range."""
        return self.unit * (at if self.log else 1.0)

    # -- Newton's method ---------------------------------------------------------------------------------------------------

    def look(self, z: Array) -> tuple[Local, Array]:
        """The derivatives at z, and the equations (d, d+2) of a Newton step: H and ∂∇f/∂p in the units of z, and -∇f."""
        at = self.parameter_at(float(z[-1]))
        here = local(self.problem, self.parameter, z[:-1] * self.width, at)
        self.evaluations += 1
        rows = np.column_stack([here.hessian * self.width, here.mixed * self.rate(at), -here.gradient])
        return here, rows * self.width[:, None]

    def correct(self, z: Array, row: Array, reach: float, along: Array, *, noise: float = 1.0) -> Spot | None:
        """The point of the curve near z with the same row·z, its tangent in the sense of `along`.

        None unless Newton's method gets there quadratically, by no more than `reach`, to EXACT or to rounding, which may make
        up to `noise` where H is nearly singular.
        """
        start, last = z, math.inf
        for _ in range(MOST_STEPS):
            here, rows = self.look(z)
            if not here.finite:
                return None
            matrix = _bordered(rows[:, :-1], row)
            step = _solve(matrix, np.append(rows[:, -1], 0.0))
            if step is None:
                return None
            size = _length(step)
            if size <= EXACT or size > CONTRACTION * last and last <= min(noise, _noise(matrix, z)):
                return self._spot(z + step, here, rows, along)
            z = z + step
            if size > CONTRACTION * last or _length(z - start) > reach:
                return None
            last = size
        return None

    def uncorrected(self, z: Array, along: Array) -> Spot:
        """z itself as a point of the curve, where Newton's method has no hold."""
        return self._spot(z, *self.look(z), along)

    def _spot(self, z: Array, here: Local, rows: Array, along: Array) -> Spot:
        eigenvalues = np.full(len(z) - 1, np.nan)
        if here.finite:
            eigenvalues[:] = np.linalg.eigvalsh(here.hessian)
        point = z[:-1] * self.width
        return Spot(z, _tangent(rows[:, :-1], along), self.parameter_at(float(z[-1])), point, here, rows[:, :-1].copy(), eigenvalues)

    # -- steps -----------------------------------------------------------------------------------------------------------

    def start(self, point: Array, reach: float) -> Spot | None:
        """The regular stationary point at the parameter's own value within `reach` box widths of `point`."""
        upwards = _last(len(point))
        spot = self.correct(np.append(point / self.width, 0.0), upwards, reach, upwards)
        return None if spot is None or spot.is_singular else spot

    def advance(self, here: Spot, size: float) -> Spot | None:
        """The point of the curve one step onwards, or None: the step is too long for it."""
        guess = here.z + size * here.tangent
        there = self.correct(guess, here.tangent, CLOSE * size, here.tangent)
        return there if there is not None and self._is_smooth(here, there, guess) else None

    def land(self, here: Spot) -> Spot | None:
        """The point of the curve at the end, if that is one step away, or None."""
        size = (self.end - here.z[-1]) / here.tangent[-1]
        guess = here.z + size * here.tangent
        guess[-1] = self.end
        there = self.correct(guess, _last(len(guess) - 1), CLOSE * size, here.tangent)
        return there if there is not None and self._is_smooth(here, there, guess) else None

    def _is_smooth(self, here: Spot, there: Spot, guess: Array) -> bool:
        """Whether both points are on one smooth curve, and not on two branches that come close.

        Then the middle of the cubic through them is on it, too, up to terms of fourth order, and H is the mean, to second order.
        """
        if not float(there.tangent @ here.tangent) >= STRAIGHT:
            return False
        middle, rows = self.look(_cubic(here, there, here.tangent, 0.5))
        rows[:, :-1] -= (here.rows + there.rows) / 2
        off = _solve(_bordered(here.rows, here.tangent), np.vstack([rows, np.zeros(len(here.z) + 1)]))
        if not middle.finite or off is None:
            return False
        allowed = BETWEEN * _length(there.z - guess) + RESOLVED * _length(there.z - here.z)
        return _length(off[:, -1]) <= allowed + EXACT and float(np.linalg.norm(off[:, :-1])) <= EVEN

    def where(self, here: Spot, there: Spot, measure: Callable[[Spot], float]) -> Spot | None:
        """The point between two of the curve at which a measure of different signs is 0; None: it jumps over 0.

        A bracketed root (brentq) on the curve itself. Where Newton's method has no hold, at a meeting of branches, points are on
        the cubic through the nearest known ones.
        """
        known = [(0.0, here), (1.0, there)]

        def at(share: float) -> Spot:
            k = next(k for k in range(1, len(known)) if share <= known[k][0])
            (low, a), (high, b) = known[k - 1], known[k]
            if share in (low, high):
                return a if share == low else b
            part = (share - low) / (high - low)
            spot = self._beside(a, b, part)
            if spot is None:
                return self._between(a, b, part)
            known.insert(k, (share, spot))
            return spot

        return _root(at, measure)[0]

    def crossing(self, here: Spot, there: Spot, k: int) -> Spot | None:
        """The point between two of the curve at which eigenvalue k of H is 0 while the parameter goes on; None: it jumps.

        There branches meet, and Newton's method may come to the wrong one. The point is on the cubic through two of the curve,
        which are moved closer to it, on either side.
        """
        spot = None
        for _ in range(ROUNDS):
            spot, share = self._interpolated(here, there, k)
            if spot is None:
                break
            before, after = self._beside(here, there, share - 1 / 8), self._beside(here, there, share + 1 / 8)
            if before is None or after is None or before.eigenvalues[k] * after.eigenvalues[k] >= 0:
                break
            here, there = before, after
        return spot

    def _interpolated(self, here: Spot, there: Spot, k: int) -> tuple[Spot | None, float]:
        """Where eigenvalue k is 0 on the cubic, and at which share of the way."""

        def at(share: float) -> Spot:
            return (here, there)[int(share)] if share in (0.0, 1.0) else self._between(here, there, share)

        return _root(at, lambda spot: float(spot.eigenvalues[k]))

    def _between(self, here: Spot, there: Spot, share: float) -> Spot:
        """The point of the cubic through two at a share of the way."""
        return self.uncorrected(_cubic(here, there, here.tangent, share), here.tangent)

    def _beside(self, here: Spot, there: Spot, share: float) -> Spot | None:
        """The point of the curve at a share of the way between two, which are its limits."""
        if not 0 < share < 1:
            return here if share <= 0 else there
        guess, reach = _cubic(here, there, here.tangent, share), CLOSE * _length(there.z - here.z)
        return self.correct(guess, here.tangent, reach, here.tangent, noise=EXACT)

    # -- where H is singular ---------------------------------------------------------------------------------------------

    def is_fold(self, spot: Spot, steep: float) -> bool:
        """Whether nothing goes on beyond a point with singular H: ∂∇f/∂p is no combination of H's columns.

        steep: the size of H in box widths at a regular point nearby.
        """
        sizes, vectors = np.linalg.eigh(spot.rows[:, :-1])
        missing = vectors[:, np.abs(sizes) <= VANISHED * steep].T @ spot.rows[:, -1]
        return bool(_length(missing) > VANISHED * (steep + _length(spot.rows[:, -1])))

    def through(self, spot: Spot, longest: float) -> Spot | None:
        """A point beyond one where H is singular and branches meet, on the branch that goes on; the stabler one of two."""
        for motion in self._branches(spot):
            direction = np.append(motion * self.rate(spot.at) / self.width, 1.0)
            along = direction / _length(direction)
            size = min(longest, self.end - float(spot.z[-1]))
            while size > 1e-9:
                there = self.correct(spot.z + size * direction, _last(len(motion)), CLOSE * size, along)
                if there is not None and not there.is_singular:
                    return there
                size /= 2
        return None

    def _branches(self, spot: Spot) -> list[Array]:
        """Speeds x' of the branches through a point with one null vector v of H: x' = w + αv, a α² + 2 b α + c = 0.

        The algebraic bifurcation equation, Keller (1977), section 2. b + aα is the speed of the vanishing eigenvalue.
        """
        problem, parameter, point, at = self.problem, self.parameter, spot.point, spot.at
        sizes, vectors = np.linalg.eigh(spot.local.hessian)
        k = int(np.argmin(np.abs(sizes)))
        v, inverse = vectors[:, k], np.array([0.0 if i == k else 1 / s if s else 0.0 for i, s in enumerate(sizes)])
        w = -(vectors * inverse) @ (vectors.T @ spot.local.mixed)
        across, along = np.append(v, 0.0)[None], np.append(w, 1.0)[None]
        a = float(turning(problem, parameter, point, across, across, at)[0] @ v)
        b = float(v @ hessian_change(problem, parameter, point, w, at) @ v)
        c = float(turning(problem, parameter, point, along, along, at)[0] @ v)
        roots = _roots(a, b, c)
        return [w + root * v for root in sorted(roots, key=lambda root: -self.unit * (b + a * root))]


def _root(at: Callable[[float], Spot], measure: Callable[[Spot], float]) -> tuple[Spot | None, float]:
    """The spot at a share from 0 to 1 of the way where a measure is 0, None where it jumps over 0, and the share."""
    from scipy.optimize import brentq

    try:
        share = float(brentq(lambda share: measure(at(share)), 0.0, 1.0, xtol=1e-15, rtol=1e-14, disp=False))
    except ValueError:  # nan on the way
        return None, math.nan
    spot, size = at(share), max(abs(measure(at(0.0))), abs(measure(at(1.0))))
    return (spot if abs(measure(spot)) <= 1e-3 * size else None), share


def _roots(a: float, b: float, c: float) -> list[float]:
    """Real roots of a α² + 2 b α + c, finite ones only; a quadratic term that is rounding counts as none."""
    if b and abs(a * c) <= 1e-12 * b * b:
        return [-c / (2 * b)]
    if b * b < a * c or not a or not math.isfinite(a + b + c):
        return []
    q = -(b + math.copysign(math.sqrt(b * b - a * c), b))
    return [q / a, c / q] if q else []


def _tangent(rows: Array, along: Array) -> Array:
    """The unit null vector of (H, ∂∇f/∂p) (d, d+1) in the sense of `along`; its projection where there is more than one."""
    finite = bool(np.isfinite(rows).all())
    tangent = _solve(_bordered(rows, along), _last(len(rows))) if finite else np.full(len(along), np.nan)
    if tangent is None:
        sizes, vectors = np.linalg.svd(rows)[1:]
        null = vectors[np.append(sizes, 0.0) <= 1e-12 * sizes.max()]
        shadow = null.T @ (null @ along)
        tangent = shadow if _length(shadow) > 1e-8 else null[-1]
    return np.asarray(tangent / _length(tangent), dtype=np.float64)


def _bordered(rows: Array, row: Array) -> Array:
    """The square matrix of the curve's equations and one more, of about their size."""
    return np.vstack([rows, row * (np.abs(rows).max() or 1.0)])


def _cubic(a: Spot, b: Spot, row: Array, share: float) -> Array:
    """The cubic through two points with their tangents, at a share of the way that row·z measures."""
    way = b.z - a.z
    start, end = (way @ row) * a.tangent / (a.tangent @ row), (way @ row) * b.tangent / (b.tangent @ row)
    rest = 1 - share
    return np.asarray(a.z + share * way + share * rest * (rest * (start - way) - share * (end - way)), dtype=np.float64)


def _noise(matrix: Array, z: Array) -> float:
    """How far rounding in ∇f can move a point."""
    sizes = np.linalg.svd(matrix, compute_uv=False)
    return NOISE * (1 + _length(z)) * float(sizes[0] / max(sizes[-1], 1e-300))


def _solve(matrix: Array, right: Array) -> Array | None:
    """The solution, or None where there is none or its square overflows."""
    try:
        out = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return out if np.abs(out).max() <= LARGEST else None


def _length(vector: Array) -> float:
    return math.sqrt(float(vector @ vector))


def _last(d: int) -> Array:
    """The direction (d+1,) of the parameter alone."""
    return np.append(np.zeros(d), 1.0)
