"""Knobs: which of the things that decide a result matters, by Sobol' indices over their ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
RESAMPLES = 999  # of the bootstrap
AT_ONCE = 1 << 21  # numbers in a block of resamples
NO_SPREAD = 1e-14  # variance of a resample, in squares of the range: rounding
SAME = "It is the same at every point, so no knob matters in these ranges."
RARE = "It varies at too few of the points to say what matters: raise the number of base points."


@dataclass(frozen=True, slots=True)
class Knob:
    """Something that decides a result, and the range that it is varied over: low to high, evenly, or evenly in its logarithm.

    whole: only whole numbers, each with its part of the range. ValueError for a senseless range.
    """

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        span = f"the range of {self.name[:40]} from {self.low:g} to {self.high:g}"
        if not (self.low < self.high and math.isfinite(self.high - self.low)):
            raise ValueError(f"{span} is not possible: give two finite numbers, the smaller one first")
        if self.log and not (self.low > 0 and math.isfinite(self.high / self.low)):
            raise ValueError(f"{span} has no logarithm: give a lower end above 0")
        if self.whole and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise ValueError(f"{span} is to hold whole numbers only: give whole numbers as its ends")

    def at(self, u: ArrayLike) -> Array:
        """The values at places u in 0..1 of the range; 0 is low, 1 is high."""
        half = 0.5 if self.whole else 0.0
        values = spread(np.asarray(u, dtype=np.float64), self.low - half, self.high + half, log=self.log)
        return np.clip(np.rint(values) if self.whole else values, self.low, self.high)


def spread(u: Array, low: float, high: float, *, log: bool) -> Array:
    """The values at places u in 0..1 between low and high: evenly, or evenly in the logarithm."""
    values: Array = np.exp(np.log(low) + u * np.log(high / low)) if log else low + u * (high - low)
    return values


@dataclass(frozen=True)
class Knobs:
    """How much of the variance of each output every knob explains: arrays (outputs, knobs), with 95 % bootstrap intervals.

    first: alone, by its own effect; total: with all its interactions, that is what would vanish were it known and the
    others not. Estimates: small ones may come out below 0. constant (outputs,): the output does not vary at all. reasons:
    why the indices of an output are nan, else "". base: points of the design; evaluations: of the outputs, (knobs + 2) · base.
    """

    ranges: tuple[Knob, ...]
    outputs: tuple[str, ...]
    first: Array
    first_low: Array
    first_high: Array
    total: Array
    total_low: Array
    total_high: Array
    constant: NDArray[np.bool_]
    reasons: tuple[str, ...]
    base: int
    evaluations: int

    def ranking(self, output: str) -> tuple[str, ...]:
        """The names of the knobs, largest total index first; as given where there are none. ValueError for an unknown output."""
        if output not in self.outputs:
            raise ValueError(f"there is no output '{output[:40]}'; there are: {', '.join(self.outputs)[:90]}")
        order = np.argsort(-self.total[self.outputs.index(output)], kind="stable")
        return tuple(self.ranges[k].name for k in order)


def knobs(
    ranges: Sequence[Knob],
    evaluate: Callable[[dict[str, Array]], ArrayLike],
    *,
    outputs: Sequence[str],
    base: int = 512,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Knobs:
    """First-order and total Sobol' indices of outputs over ranges of independent knobs.

    evaluate: knob name → values (m,), to outputs (len(outputs), m); called once, for all m = (knobs + 2) · base points of a
    scrambled Sobol' design drawn from the seed. Indices: I. M. Sobol' (1993), Sensitivity estimates for nonlinear mathematical
    models; A. Saltelli and others (2010), Variance based sensitivity analysis of model output, for the design and the first
    order; M. J. W. Jansen (1999), Analysis of variance designs for model output, for the total; computed by scipy.stats.sobol_indices. Intervals: percentiles of
    the same estimators on resampled base points, which takes them as independent and so is as a rule too wide. ValueError for ranges, a base or
    outputs that do not do.
    """
    _check(ranges, base, resamples)
    rng = np.random.default_rng(seed)
    values = _design(ranges, base, rng)
    found = _checked(evaluate(values), len(outputs), (len(ranges) + 2) * base).reshape(len(outputs), -1, base)
    varies = np.ptp(found[:, :2], axis=(1, 2)) > 0
    constant = np.ptp(found, axis=(1, 2)) == 0
    standard = _standard(found[varies])
    shape = (2, len(outputs), len(ranges))  # first and total
    index, low, high = (np.full(shape, np.nan) for _ in range(3))
    index[:, varies] = _estimates(standard)
    low[:, varies], high[:, varies] = _interval(_terms(standard), resamples, rng)
    reasons = tuple("" if v else SAME if c else RARE for v, c in zip(varies, constant, strict=True))
    return Knobs(
        tuple(ranges), tuple(outputs), index[0], low[0], high[0], index[1], low[1], high[1], constant, reasons, base,
        found[0].size,
    )  # fmt: skip


def _check(ranges: Sequence[Knob], base: int, resamples: int) -> None:
    names = [knob.name for knob in ranges]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{len(names)} knobs with {len(set(names))} different names: give at least one, each under its own name")
    if base < 2 or base & (base - 1):
        raise ValueError(f"{base} base points are not balanced: give a power of 2, such as 512")
    if resamples < 100:
        raise ValueError(f"{resamples} resamples show no 95 % interval: give at least 100")


def _design(ranges: Sequence[Knob], base: int, rng: np.random.Generator) -> dict[str, Array]:
    """Knob → values at A, at B, and at A with one knob after the other taken from B, each `base` points."""
    from scipy.stats import qmc  # takes long to import

    d = len(ranges)
    unit = qmc.Sobol(2 * d, rng=rng).random_base2(base.bit_length() - 1)
    values = {}
    for k, knob in enumerate(ranges):
        pages = np.tile(knob.at(unit[:, k]), (d + 2, 1))
        pages[[1, 2 + k]] = knob.at(unit[:, d + k])
        values[knob.name] = pages.ravel()
    return values


def _checked(outputs: ArrayLike, many: int, points: int) -> Array:
    array = np.asarray(outputs, dtype=np.float64)
    if not many or array.shape != (many, points):
        raise ValueError(f"outputs have shape {array.shape} in place of {(many, points)}: return one row for each of at least 1 output")
    wrong = int((~np.isfinite(array)).sum())
    if wrong:
        raise ValueError(f"{wrong} of {array.size} outputs are not finite: leave such an output out, or give it a finite value")
    return array


def _standard(found: Array) -> Array:
    """Outputs (s, d + 2, n) shifted and scaled so that A and B average 0 and reach 1, which changes no index."""
    found = found / np.abs(found).max(axis=(1, 2), keepdims=True, initial=0.0)
    found -= found[:, :2].mean(axis=(1, 2), keepdims=True)
    scaled: Array = found / np.abs(found[:, :2]).max(axis=(1, 2), keepdims=True, initial=0.0)
    return scaled


def _estimates(found: Array) -> Array:
    """First and total indices (2, s, d) by scipy.stats.sobol_indices."""
    s, pages, n = found.shape
    if s * (pages - 2) <= 1:  # scipy fails for a single output of a single knob
        return _indices(_terms(found).mean(axis=-1))
    from scipy.stats import sobol_indices

    indices = sobol_indices(func={"f_A": found[:, 0], "f_B": found[:, 1], "f_AB": found[:, 2:].swapaxes(0, 1)}, n=n)
    return np.stack([indices.first_order, indices.total_order]).reshape(2, s, pages - 2)


def _terms(found: Array) -> Array:
    """What is averaged over the base points, (s, 2 d + 2, n): for first indices, total ones, the mean and the mean square."""
    a, b, ab = found[:, :1], found[:, 1:2], found[:, 2:]
    return np.concatenate([b * (ab - a), (a - ab) ** 2 / 2, (a + b) / 2, (a * a + b * b) / 2], axis=1)


def _indices(means: Array) -> Array:
    """Averaged terms (..., s, 2 d + 2) → first and total indices (2, ..., s, d); nan where nothing varies."""
    parts, mean, square = means[..., :-2], means[..., -2:-1], means[..., -1:]
    variance = square - mean * mean
    ratios = np.divide(parts, variance, out=np.full_like(parts, np.nan), where=variance > NO_SPREAD)
    return np.stack(np.split(ratios, 2, axis=-1))


def _interval(terms: Array, resamples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The 95 % percentile interval, low and high, each (2, s, d); a resample without variance allows anything from 0 to 1."""
    s, rows, n = terms.shape
    flat, means = terms.reshape(-1, n).T, []
    block = max(1, AT_ONCE // n)
    for many in [block] * (resamples // block) + [resamples % block]:
        drawn = rng.integers(n, size=(many, n)) + n * np.arange(many)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=many * n).reshape(many, n)
        means.append((counts @ flat / n).reshape(many, s, rows))
    found = _indices(np.concatenate(means))
    unknown = np.isnan(found)
    low, high = (np.quantile(np.where(unknown, fill, found), q, axis=1) for fill, q in ((0.0, 0.025), (1.0, 0.975)))
    return low, high
