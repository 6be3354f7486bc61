"""Comparisons of runs, most of them paired → differences, tests and curves, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore.shares import wilson

Array = NDArray[np.float64]
RESAMPLES = 9999  # of a bootstrap
FEWEST_SIGNS = 6  # five fair coins fall alike more often than in 5 % of cases


@dataclass(frozen=True, slots=True)
class McNemar:
    """Starts from which only the first or only the second succeeded, and the p-value of "neither is better"."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first: ArrayLike, second: ArrayLike) -> McNemar:
    """The exact two-sided test whether two share their chance of success, from flags (n,) and (n,) on the same starts.

    Starts from which both succeed or both fail say nothing; the others are a fair coin if neither is better. p is 1.0 when
    there are none. Q. McNemar (1947), Note on the sampling error of the difference between correlated proportions or
    percentages, with the binomial distribution for his χ². ValueError unless the flags pair up.
    """
    from scipy.special import bdtr  # scipy.stats, which has the same test ready, takes long to import

    _, only_first, only_second, _ = _table(first, second)
    discordant = only_first + only_second
    tail = float(bdtr(min(only_first, only_second), discordant, 0.5)) if discordant else 1.0
    p_value = min(1.0, 2 * tail)  # a fair coin is symmetric: both tails are equal
    return McNemar(only_first, only_second, p_value)


def holm(p_values: ArrayLike) -> Array:
    """The p-values (m,) adjusted for being m: those at most α are significant together, with an error of α among them all.

    Same order as given. S. Holm (1979), A simple sequentially rejective multiple test procedure. ValueError outside 0..1.
    """
    p = _numbers(p_values, least=0.0, most=1.0)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def paired_difference(first: ArrayLike, second: ArrayLike) -> tuple[float, float, float]:
    """share(first) − share(second) and its 95 % interval (difference, low, high), from flags (n,) and (n,) on the same starts.

    R. G. Newcombe (1998), Improved confidence intervals for the difference between binomial proportions based on paired
    data, Statistics in Medicine 17, 2635–2650, method 10: the Wilson intervals of both shares, squared and added with their
    correlation φ. ValueError unless the flags pair up and n > 0.
    """
    return paired_difference_of(*_table(first, second))


def paired_difference_of(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float, float]:
    """paired_difference from how many starts succeeded in both, only in the first, only in the second, in neither."""
    n = both + only_first + only_second + neither
    if n == 0:
        raise ValueError("no share comes of 0 starts: give at least 1")
    p1, p2 = (both + only_first) / n, (both + only_second) / n
    l1, u1 = wilson(both + only_first, n)
    l2, u2 = wilson(both + only_second, n)
    phi = _correlation(both, only_first, only_second, neither)
    difference = (only_first - only_second) / n
    low = difference - _square_and_add(p1 - l1, u2 - p2, phi)
    high = difference + _square_and_add(u1 - p1, p2 - l2, phi)
    return difference, low, high


def unpaired_difference(first: int, of_first: int, second: int, of_second: int) -> tuple[float, float, float]:
    """first/of_first − second/of_second and its 95 % interval (difference, low, high), where the starts are not the same.

    R. G. Newcombe (1998), Interval estimation for the difference between independent proportions: comparison of eleven
    methods, Statistics in Medicine 17, 873–890, method 10: the Wilson intervals of both shares, squared and added.
    ValueError unless both are shares.
    """
    (l1, u1), (l2, u2) = wilson(first, of_first), wilson(second, of_second)
    p1, p2 = first / of_first, second / of_second
    difference = p1 - p2
    return difference, difference - math.hypot(p1 - l1, u2 - p2), difference + math.hypot(u1 - p1, p2 - l2)


def _correlation(a: int, b: int, c: int, d: int) -> float:
    """Newcombe's φ of the table [[a, b], [c, d]]: a positive one is corrected for continuity; 0 where a margin is 0."""
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    excess = a * d - b * c
    corrected = max(excess - (a + b + c + d) / 2, 0.0) if excess > 0 else excess
    return corrected / math.sqrt(margins) if margins else 0.0


def _square_and_add(one: float, other: float, phi: float) -> float:
    return math.sqrt(one * one - 2 * phi * one * other + other * other)


def median_interval(values: ArrayLike, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap percentile interval (low, high) of the median of values (n,); nan, nan for fewer than 2.

    Exact resampling at any n without drawing n values: a resample's median sits at ranks n·U, where U is the middle one of n
    uniform numbers, which is Beta distributed (for even n the two middle ones, one given the other). B. Efron (1979),
    Bootstrap methods: another look at the jackknife. ValueError where a value is not finite.
    """
    ordered = np.sort(_numbers(values))
    if ordered.size < 2:
        return math.nan, math.nan
    return _middle(_medians(ordered, np.random.default_rng(seed)))


def median_difference_interval(first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap percentile interval (low, high) of median(first) − median(second), of unpaired values (n,) and (m,).

    Each side is resampled as in median_interval. nan, nan where a side has fewer than 2 values.
    """
    sides = [np.sort(_numbers(values)) for values in (first, second)]
    if min(side.size for side in sides) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    medians, others = (_medians(side, rng) for side in sides)
    return _middle(medians - others)


def sign_interval(values: ArrayLike) -> tuple[float, float]:
    """The 95 % interval (low, high) of the median of which values (n,) are a sample, whatever their distribution.

    Its ends are the values that a sign test at 5 % does not reject: the c-th from either end, c from the binomial distribution
    of fair coins, so that it is exact and errs to the safe side. nan, nan for fewer than 6 values. W. R. Thompson (1936), On
    confidence ranges for the median; W. J. Conover (1999), Practical nonparametric statistics, section 3.2. ValueError where a
    value is not finite.
    """
    from scipy.special import bdtr, bdtrik

    array, tail = _numbers(values), 0.025
    n = array.size
    if n < FEWEST_SIGNS:
        return math.nan, math.nan
    c = int(bdtrik(tail, n, 0.5))
    c += int(bdtr(c + 1, n, 0.5) <= tail) - int(bdtr(c, n, 0.5) > tail)
    low, high = np.partition(array, (c, n - 1 - c))[[c, n - 1 - c]].tolist()
    return low, high


def _medians(ordered: Array, rng: np.random.Generator) -> Array:
    """The medians of resamples of values (n,) in ascending order."""
    n = ordered.size
    lower, upper = (n - 1) // 2, n // 2
    left = rng.beta(lower + 1, n - lower, RESAMPLES)
    right = left + (1 - left) * rng.beta(1, n - upper, RESAMPLES) if upper > lower else left
    picked = [ordered[np.minimum((n * u).astype(np.intp), n - 1)] for u in (left, right)]
    medians: Array = picked[0] / 2 + picked[1] / 2  # halves first: the sum may overflow
    return medians


def _middle(medians: Array) -> tuple[float, float]:
    """The limits between which 95 % of them lie."""
    low, high = np.quantile(medians, (0.025, 0.975), method="inverted_cdf").tolist()
    return low, high


def quartiles(values: ArrayLike) -> tuple[float, float, float]:
    """The values (n,) below which 25, 50 and 75 % of them lie, interpolated; nan three times when there are none.

    ValueError where a value is not finite.
    """
    array = _numbers(values)
    if not array.size:
        return math.nan, math.nan, math.nan
    first, median, third = np.quantile(array, (0.25, 0.5, 0.75)).tolist()
    return first, median, third


def ecdf(evaluations: ArrayLike, total: int) -> tuple[Array, Array]:
    """The step curve (x, y), each (m,): the share y of all runs that had succeeded within x gradient evaluations.

    evaluations: (k,), of the successful runs only; total: all runs, so that y ends at k/total. x ascends from 0 without
    repeats. ValueError for k > total, total = 0, and evaluations that are negative or not finite.
    """
    array = _numbers(evaluations, least=0.0)
    if not 0 < total >= array.size:
        raise ValueError(f"{array.size} of {total} runs cannot have succeeded: give the number of all runs, at least 1")
    x, counts = np.unique(np.append(array, 0.0), return_counts=True)
    counts[0] -= 1  # the 0 appended here is no run
    return x, np.cumsum(counts) / total


def expected_evaluations(spent: ArrayLike, successes: int) -> float:
    """Evaluations spent (n,) by all runs, successful or not, for each of the successes: the expected running time, ERT.

    inf without a success. A. Auger, N. Hansen (2005), Performance evaluation of an advanced local search evolutionary
    algorithm. ValueError unless 0 <= successes <= n, and for numbers that are negative or not finite.
    """
    array = _numbers(spent, least=0.0)
    if not 0 <= successes <= array.size:
        raise ValueError(f"{successes} of {array.size} runs cannot have succeeded: give what every run spent, failed ones too")
    return float(array.sum()) / successes if successes else math.inf


def performance_profile(costs: ArrayLike) -> tuple[Array, Array]:
    """Factors tau (m,) and the share rho (m, solvers) of problems solved at up to tau times the cost of their best solver.

    costs: (problems, solvers), positive; inf or nan where a problem was not solved. tau ascends from 1.0 over every factor at
    which a curve steps. A problem that nobody solved counts among all, so no curve then reaches 1. E. D. Dolan, J. J. Moré
    (2002), Benchmarking optimization software with performance profiles. ValueError for costs <= 0 and an empty table.
    """
    table = np.asarray(costs, dtype=np.float64)
    if table.ndim != 2 or not table.size:
        raise ValueError(f"costs must have shape (problems, solvers), at least 1 of each, not {table.shape}")
    if (table <= 0).any():
        raise ValueError(f"a cost of {table[table <= 0][0]:g} has no factor: give positive costs, inf where not solved")
    solved = np.isfinite(table)
    best = np.where(solved, table, np.inf).min(axis=1, keepdims=True)
    ratios = np.divide(table, best, out=np.full_like(table, np.inf), where=solved)
    tau = np.unique(np.append(ratios[solved], 1.0))
    columns = [np.searchsorted(column, tau, side="right") for column in np.sort(ratios, axis=0).T]
    return tau, np.stack(columns, axis=1) / len(table)


def _table(first: ArrayLike, second: ArrayLike) -> tuple[int, int, int, int]:
    """How many starts succeeded in both, only in the first, only in the second, in neither."""
    one, other = np.asarray(first), np.asarray(second)
    if one.dtype != bool or other.dtype != bool:
        raise ValueError(f"success must be given as booleans, not {one.dtype} and {other.dtype}: compare with a threshold first")
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"flags of shape {one.shape} and {other.shape} do not pair up: give one per start, the same starts")
    both, only_first = int((one & other).sum()), int((one & ~other).sum())
    only_second = int((other & ~one).sum())
    return both, only_first, only_second, one.size - both - only_first - only_second


def _numbers(values: ArrayLike, *, least: float = -math.inf, most: float = math.inf) -> Array:
    """The values as an array (n,); ValueError unless all are finite and in least..most."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"values must have shape (n,), not {array.shape}")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= least) & (array <= most)))
    if wrong.size:
        place = f"value {wrong[0] + 1} of {array.size} is {array[wrong[0]]:g}"
        raise ValueError(f"{place}: leave it out or correct it; allowed are finite numbers from {least:g} to {most:g}")
    return array
