"""Comparisons against closed forms, published numbers, slow definitions and simulated coverage."""

import itertools
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from gdcore.statistics import (
    ecdf,
    expected_evaluations,
    holm,
    mcnemar,
    median_difference_interval,
    median_interval,
    paired_difference,
    paired_difference_of,
    performance_profile,
    quartiles,
    sign_interval,
    unpaired_difference,
)

Table = tuple[int, int, int, int]  # both, only the first, only the second, neither
COUNTS = st.integers(0, 60)
TABLES = st.tuples(COUNTS, COUNTS, COUNTS, COUNTS).filter(any)
SHARES = st.floats(0, 1)


def flags(table: Table, seed: int = 0) -> tuple[Any, Any]:
    """Two boolean arrays with these counts, in an order that says nothing."""
    both, only_first, only_second, neither = table
    first = np.repeat([True, True, False, False], [both, only_first, only_second, neither])
    second = np.repeat([True, False, True, False], [both, only_first, only_second, neither])
    order = np.random.default_rng(seed).permutation(first.size)
    return first[order], second[order]


# -- McNemar and Holm --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "p_value"),
    [
        ((5, 1, 9, 7), 2 * (1 + 10) / 1024),
        ((0, 9, 1, 0), 0.021484375),
        ((3, 0, 5, 3), 2 / 32),
        ((0, 6, 2, 0), 2 * (1 + 8 + 28) / 256),
        ((9, 4, 4, 9), 1.0),
        ((9, 1, 0, 9), 1.0),
        ((8, 0, 0, 4), 1.0),
        ((0, 0, 0, 0), 1.0),
    ],
)
def test_mcnemar_by_hand(table: Table, p_value: float) -> None:
    found = mcnemar(*flags(table))
    assert (found.only_first, found.only_second) == table[1:3]
    assert found.p_value == pytest.approx(p_value, rel=1e-12)


@given(TABLES)
def test_mcnemar_is_twice_the_tail_of_a_fair_coin(table: Table) -> None:
    few, many = sorted(table[1:3])
    tail = sum(math.comb(few + many, i) for i in range(few + 1)) / 2 ** (few + many)
    first, second = flags(table)
    assert mcnemar(first, second).p_value == pytest.approx(min(1.0, 2 * tail), rel=1e-10)
    assert mcnemar(second, first).p_value == pytest.approx(mcnemar(first, second).p_value, rel=1e-12)


def test_mcnemar_errs_at_most_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    tables = rng.multinomial(60, (0.3, 0.2, 0.2, 0.3), 400).tolist()
    wrong = np.mean([mcnemar(*flags(tuple(table))).p_value <= 0.05 for table in tables])
    assert 0.0 < wrong <= 0.05


def test_holm_worked_example() -> None:
    np.testing.assert_allclose(holm((0.01, 0.04, 0.03, 0.005)), (0.03, 0.06, 0.06, 0.02), rtol=1e-14)
    np.testing.assert_array_equal(holm((0.9, 0.8)), (1.0, 1.0))
    assert holm(()).shape == (0,)


@given(st.lists(SHARES, min_size=1, max_size=7))
def test_holm_is_the_closure_of_bonferroni(p: list[float]) -> None:
    """The adjusted p-value of a hypothesis is the largest Bonferroni p-value of any set of hypotheses that holds it."""
    every = [s for size in range(1, len(p) + 1) for s in itertools.combinations(range(len(p)), size)]
    wanted = [max(min(1.0, len(s) * min(p[j] for j in s)) for s in every if i in s) for i in range(len(p))]
    np.testing.assert_allclose(holm(p), wanted, rtol=1e-15)


@given(st.lists(SHARES, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_holm_is_monotone_and_follows_a_permutation(p: list[float], random: Any) -> None:
    adjusted = holm(p)
    assert (adjusted >= p).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    order = random.sample(range(len(p)), len(p))
    np.testing.assert_array_equal(holm(np.array(p)[order]), adjusted[order])


# -- the paired difference ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "wanted", "rounding"),
    [
        ((36, 12, 2, 0), (0.2, 0.0569, 0.3404), 5e-5),  # Newcombe 1998, his table of intervals, method 10
        ((1, 1, 7, 12), (-0.286, -0.507, -0.026), 5e-4),  # Bentur et al. 2009, in Fagerland, Lydersen & Laake 2017, chapter 8
        ((59, 6, 16, 80), (-0.0621, -0.1186, -0.0046), 5e-5),  # Cavo et al. 2012, in the same chapter
    ],
)
def test_difference_as_published(table: Table, wanted: tuple[float, ...], rounding: float) -> None:
    assert paired_difference(*flags(table)) == pytest.approx(wanted, abs=rounding)


def intervals(table: Table) -> tuple[float, ...]:
    """p1, l1, u1, p2, l2, u2 with scipy's Wilson intervals."""
    both, only_first, only_second, neither = table
    out: list[float] = []
    for count in (both + only_first, both + only_second):
        found = binomtest(count, sum(table)).proportion_ci(method="wilson")
        out += [count / sum(table), found.low, found.high]
    return tuple(out)


@pytest.mark.parametrize(
    "table",
    [(10, 10, 10, 10), (4, 3, 3, 4), (5, 3, 0, 0), (0, 0, 4, 9), (0, 7, 0, 5), (1, 0, 0, 0)],
    ids=["ad = bc", "no more than the correction", "first always", "first never", "second never", "one start"],
)
def test_without_correlation_it_is_the_unpaired_interval(table: Table) -> None:
    p1, l1, u1, p2, l2, u2 = intervals(table)
    wanted = (p1 - p2, p1 - p2 - math.hypot(p1 - l1, u2 - p2), p1 - p2 + math.hypot(u1 - p1, p2 - l2))
    assert paired_difference(*flags(table)) == pytest.approx(wanted, abs=1e-12)


def test_opposite_results_use_the_outer_ends_and_equal_ones_are_nearer_than_unpaired() -> None:
    p1, l1, u1, p2, l2, u2 = intervals((0, 12, 8, 0))  # phi = -1, uncorrected
    assert paired_difference(*flags((0, 12, 8, 0))) == pytest.approx((0.2, l1 - u2, u1 - l2), abs=1e-12)
    p1, l1, u1, p2, l2, u2 = intervals((10, 0, 0, 10))  # phi = (100 - 10) / 100
    half = math.sqrt((p1 - l1) ** 2 - 2 * 0.9 * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2)
    assert paired_difference(*flags((10, 0, 0, 10))) == pytest.approx((0, -half, half), abs=1e-12)


@given(TABLES)
def test_swapping_negates_the_difference_and_mirrors_the_interval(table: Table) -> None:
    first, second = flags(table)
    difference, low, high = paired_difference(first, second)
    assert difference == pytest.approx(first.mean() - second.mean(), abs=1e-14)
    assert -1 <= low <= difference <= high <= 1 and low < high
    assert paired_difference(second, first) == pytest.approx((-difference, -high, -low), abs=1e-12)
    assert paired_difference(~first, ~second) == pytest.approx((-difference, -high, -low), abs=1e-12)
    assert paired_difference(*flags(table, seed=1)) == (difference, low, high)


@pytest.mark.parametrize(
    ("chances", "n"),
    [((0.4, 0.3, 0.1, 0.2), 40), ((0.44, 0.08, 0.04, 0.44), 120), ((0.1, 0.4, 0.35, 0.15), 60), ((0.8, 0.1, 0.05, 0.05), 100)],
)
def test_difference_covers_the_truth_in_95_percent(chances: tuple[float, ...], n: int) -> None:
    tables = np.random.default_rng(4).multinomial(n, chances, 4000).tolist()
    truth = chances[1] - chances[2]
    found = [paired_difference(*flags(tuple(table))) for table in tables]
    assert 0.93 <= np.mean([low <= truth <= high for _, low, high in found]) <= 0.972


@given(TABLES)
def test_counts_say_the_same_as_flags(table: Table) -> None:
    assert paired_difference_of(*table) == paired_difference(*flags(table))


# -- the unpaired difference -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "low", "high"),  # Newcombe 1998, eleven methods, table II, method 10
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0000),
        ((10, 10, 0, 10), 0.6075, 1.0000),
    ],
)
def test_unpaired_difference_as_published(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    first, of_first, second, of_second = counts
    found = unpaired_difference(*counts)
    assert found == pytest.approx((first / of_first - second / of_second, low, high), abs=5e-5)
    one, other = (binomtest(k, n).proportion_ci(method="wilson") for k, n in ((first, of_first), (second, of_second)))
    p1, p2 = first / of_first, second / of_second
    lower = p1 - p2 - math.sqrt((p1 - one.low) ** 2 + (other.high - p2) ** 2)
    upper = p1 - p2 + math.sqrt((one.high - p1) ** 2 + (p2 - other.low) ** 2)
    assert found[1:] == pytest.approx((lower, upper), abs=1e-12)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_swapping_mirrors_the_unpaired_interval(first: int, of_first: int, second: int, of_second: int) -> None:
    first, second = min(first, of_first), min(second, of_second)
    difference, low, high = unpaired_difference(first, of_first, second, of_second)
    assert -1 <= low <= difference <= high <= 1 and low < high
    assert unpaired_difference(second, of_second, first, of_first) == pytest.approx((-difference, -high, -low), abs=1e-12)
    assert unpaired_difference(of_first - first, of_first, of_second - second, of_second) == pytest.approx((-difference, -high, -low), abs=1e-12)


@pytest.mark.parametrize(("p1", "n1", "p2", "n2"), [(0.3, 50, 0.4, 80), (0.05, 100, 0.1, 200), (0.9, 40, 0.85, 40), (0.5, 300, 0.5, 30)])
def test_unpaired_difference_covers_the_truth_in_95_percent(p1: float, n1: int, p2: float, n2: int) -> None:
    rng = np.random.default_rng(6)
    pairs = np.stack([rng.binomial(n1, p1, 4000), rng.binomial(n2, p2, 4000)], axis=1).tolist()
    found = [unpaired_difference(a, n1, b, n2) for a, b in pairs]
    assert 0.94 <= np.mean([low <= p1 - p2 <= high for _, low, high in found]) <= 0.972


# -- medians and quartiles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(2, 8))
def test_median_interval_of_all_resamples_there_are(n: int) -> None:
    values = np.array([0.0, 1.0, 10.0, 50.0, 200.0, 700.0, 2000.0])[:n]
    medians = np.sort(np.median(values[np.indices((n,) * n).reshape(n, -1)], axis=0))
    low, high = medians[math.ceil(0.025 * medians.size) - 1], medians[math.ceil(0.975 * medians.size) - 1]
    assert median_interval(np.random.default_rng(n).permutation(values)) == (low, high)


@pytest.mark.parametrize("n", [25, 401, 10_001, 999_999])
def test_median_interval_ends_at_the_exact_percentiles(n: int) -> None:
    """For odd n a resample's median is at most the j-th value when more than half of n draws are."""
    low, high = (round(end) for end in median_interval(np.arange(1.0, n + 1)))

    def reached(j: int) -> float:
        return float(binom.sf(n // 2, n, j / n))

    assert reached(low - 1) <= 0.03 and reached(low) >= 0.02
    assert reached(high - 1) <= 0.98 and reached(high) >= 0.97


@pytest.mark.parametrize("n", [24, 400])
def test_median_interval_agrees_with_plain_resampling(n: int) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    medians = np.median(np.random.default_rng(1).choice(values, (20_000, n)), axis=1)
    low, high = median_interval(values, seed=2)
    assert 0.02 <= np.mean(medians <= low) and np.mean(medians < low) <= 0.03
    assert 0.97 <= np.mean(medians <= high) and np.mean(medians < high) <= 0.98


def test_median_interval_knows_how_far_apart_the_two_middle_ones_are() -> None:
    """8 of 16 draws at a chance of 1/4 make the median 1/2: 8 or more are just above 2.5 %, more than 8 are below."""
    assert binom.sf(8, 16, 0.25) < 0.025 < binom.sf(7, 16, 0.25)
    values = np.repeat([0.0, 1.0], [12, 4])
    assert np.median([median_interval(values, seed=seed)[1] for seed in range(60)]) == 0.5
    assert np.median([median_interval(1 - values, seed=seed)[0] for seed in range(60)]) == 0.5


@pytest.mark.parametrize("n", [30, 101])
def test_median_interval_covers_the_truth_in_95_percent(n: int) -> None:
    samples = np.random.default_rng(5).lognormal(size=(1000, n))
    found = [median_interval(sample, seed=i) for i, sample in enumerate(samples)]
    assert 0.93 <= np.mean([low <= 1 <= high for low, high in found]) <= 0.975


def test_median_interval_of_few_equal_and_large_values() -> None:
    assert np.isnan(median_interval(())).all() and np.isnan(median_interval((3.0,))).all()
    assert median_interval((0.1,) * 7) == (0.1, 0.1) == median_interval((0.1,) * 8)
    assert median_interval((-1.7e308, 1.7e308)) == (-1.7e308, 1.7e308)
    assert median_interval((1.7e308,) * 6) == (1.7e308, 1.7e308)


def test_median_interval_follows_its_seed_and_no_other() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    assert median_interval(values) == median_interval(values, seed=0)
    assert len({median_interval(values, seed=seed) for seed in range(10)}) > 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_median_interval_of_a_million_values_needs_little_memory() -> None:
    values = np.random.default_rng(0).random(1_000_000)
    tracemalloc.start()
    low, high = median_interval(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.498 < low < 0.5 < high < 0.502
    assert peak < 4 * values.nbytes


@pytest.mark.parametrize("n", [*range(6, 60), 99, 100, 1001, 99_999, 1_000_000, 1_000_001])
def test_sign_interval_is_the_narrowest_that_a_fair_coin_allows(n: int) -> None:
    """Values 1 to n: the interval is c + 1 to n − c with the largest c for which c heads or fewer come in at most 2.5 % of cases."""
    low, high = sign_interval(np.random.default_rng(n).permutation(np.arange(1.0, n + 1)))
    c = round(low) - 1
    assert high == n - c
    assert binom.cdf(c, n, 0.5) <= 0.025 < binom.cdf(c + 1, n, 0.5)
    if n < 60:
        exact = [sum(math.comb(n, i) for i in range(k + 1)) / 2**n for k in (c, c + 1)]
        assert exact[0] <= 0.025 < exact[1]


def test_sign_interval_as_tabulated() -> None:
    """Ranks of 95 % intervals of the median, as in tables of the sign test (Conover 1999, table A3)."""
    for n, ranks in {6: (1, 6), 8: (1, 8), 9: (2, 8), 10: (2, 9), 12: (3, 10), 20: (6, 15), 25: (8, 18)}.items():
        assert sign_interval(np.arange(1.0, n + 1)) == ranks


def test_sign_interval_of_few_and_equal_values() -> None:
    for n in range(6):
        assert np.isnan(sign_interval(np.arange(float(n)))).all()
    assert sign_interval((7.0,) * 6) == (7.0, 7.0)
    assert sign_interval([-3] * 20 + [0] * 2) == (-3, -3)


@pytest.mark.parametrize("n", [6, 11, 40, 301])
def test_sign_interval_covers_the_truth_in_at_least_95_percent(n: int) -> None:
    """Of a skewed distribution just as often as coins say, and of few whole numbers, whose ties only widen the cover, as often or more."""
    rng, c = np.random.default_rng(n), round(sign_interval(np.arange(float(n)))[0])
    skewed = [sign_interval(sample) for sample in rng.lognormal(size=(3000, n))]
    wanted = 1 - 2 * binom.cdf(c, n, 0.5)
    assert wanted >= 0.95 and np.mean([low <= 1 <= high for low, high in skewed]) == pytest.approx(wanted, abs=0.012)
    whole = [sign_interval(sample) for sample in rng.binomial(4, 0.5, size=(1000, n))]
    assert 0.95 <= np.mean([low <= 2 <= high for low, high in whole])


@pytest.mark.parametrize(("n", "m"), [(24, 400), (61, 30)])
def test_interval_of_a_difference_of_medians_agrees_with_plain_resampling(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    first, second = rng.lognormal(1, size=n), rng.lognormal(size=m)
    medians = [np.median(rng.choice(values, (20_000, values.size)), axis=1) for values in (first, second)]
    low, high = median_difference_interval(first, second, seed=2)
    assert np.mean(medians[0] - medians[1] <= low) == pytest.approx(0.025, abs=0.006)
    assert np.mean(medians[0] - medians[1] <= high) == pytest.approx(0.975, abs=0.006)


def test_interval_of_a_difference_of_medians_covers_the_truth_in_95_percent() -> None:
    rng = np.random.default_rng(8)
    samples = zip(rng.lognormal(1, size=(800, 60)), rng.lognormal(size=(800, 90)), strict=True)
    found = [median_difference_interval(*pair, seed=i) for i, pair in enumerate(samples)]
    assert 0.93 <= np.mean([low <= math.e - 1 <= high for low, high in found]) <= 0.98


def test_interval_of_a_difference_of_medians_of_few_values() -> None:
    assert np.isnan(median_difference_interval((1.0,), (1.0, 2.0))).all() and np.isnan(median_difference_interval((1.0, 2.0), ())).all()
    assert median_difference_interval((5, 5, 5), (2, 2)) == (3, 3)


def test_quartiles() -> None:
    assert quartiles((5, 1, 4, 2, 3)) == (2, 3, 4)
    assert quartiles((4, 1, 2, 3)) == (1.75, 2.5, 3.25)
    assert quartiles((7,)) == (7, 7, 7)
    assert len(quartiles(())) == 3 and np.isnan(quartiles(())).all()


# -- curves over evaluations -------------------------------------------------------------------------------------------


def test_ecdf_by_hand() -> None:
    x, y = ecdf((30, 10, 30), 4)
    assert x.tolist() == [0, 10, 30] and y.tolist() == [0, 0.25, 0.75]
    x, y = ecdf((0, 5, 0), 4)
    assert x.tolist() == [0, 5] and y.tolist() == [0.5, 0.75]
    x, y = ecdf((), 4)
    assert x.tolist() == [0] and y.tolist() == [0]


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(0, 20))
def test_ecdf_counts_runs(evaluations: list[int], failed: int) -> None:
    total = max(len(evaluations) + failed, 1)
    x, y = ecdf(evaluations, total)
    assert x.tolist() == sorted({0, *evaluations})
    assert y.tolist() == [sum(e <= at for e in evaluations) / total for at in x]
    assert y[-1] == len(evaluations) / total


def test_expected_evaluations_by_hand() -> None:
    assert expected_evaluations((100, 200, 300), 2) == 300
    assert expected_evaluations((100, 200), 0) == math.inf == expected_evaluations((), 0)


@given(st.lists(st.integers(1, 1000), min_size=1), st.lists(st.integers(1, 1000), min_size=1))
def test_expected_evaluations_are_those_of_restarts(good: list[int], bad: list[int]) -> None:
    """Auger and Hansen's own form: the mean of a success, and of the (1 - p)/p failures to expect before it."""
    p = len(good) / (len(good) + len(bad))
    wanted = np.mean(good) + (1 - p) / p * np.mean(bad)
    assert expected_evaluations(good + bad, len(good)) == pytest.approx(wanted, rel=1e-12)


def test_profile_by_hand() -> None:
    costs = [[10, 20, math.inf], [30, 30, 90], [8, 4, math.nan], [math.inf, math.nan, math.inf]]
    tau, rho = performance_profile(costs)
    assert tau.tolist() == [1, 2, 3]
    assert rho.tolist() == [[0.5, 0.5, 0], [0.75, 0.75, 0], [0.75, 0.75, 0.25]]


def test_profile_of_problems_that_nobody_solved() -> None:
    tau, rho = performance_profile([[math.inf, math.nan]])
    assert tau.tolist() == [1] and rho.tolist() == [[0, 0]]


COSTS = st.tuples(st.integers(1, 8), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.5, 7.0, 1e6, math.inf, math.nan]), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


@given(COSTS)
def test_profile_agrees_with_its_definition(costs: list[list[float]]) -> None:
    ratios = []
    for row in costs:
        best = min((cost for cost in row if math.isfinite(cost)), default=math.nan)
        ratios.append([cost / best if math.isfinite(cost) else math.inf for cost in row])
    tau, rho = performance_profile(costs)
    assert tau.tolist() == sorted({1.0, *(r for row in ratios for r in row if r < math.inf)})
    wanted = [[sum(row[s] <= t for row in ratios) / len(costs) for s in range(len(costs[0]))] for t in tau]
    np.testing.assert_array_equal(rho, wanted)


@given(COSTS, st.randoms(use_true_random=False))
def test_profile_contract(costs: list[list[float]], random: Any) -> None:
    table = np.array(costs)
    tau, rho = performance_profile(table)
    solved = np.isfinite(table)
    assert tau[0] == 1 and (np.diff(tau) > 0).all() and rho.shape == (tau.size, table.shape[1])
    assert (np.diff(rho, axis=0) >= 0).all()
    assert all((np.diff(rho, axis=0) > 0).any(axis=1)), "a factor at which no curve steps"
    np.testing.assert_allclose(rho[-1], solved.mean(axis=0))
    if solved.any(axis=1).all():
        assert rho[0].sum() >= 1 - 1e-12
    order = random.sample(range(table.shape[1]), table.shape[1])
    np.testing.assert_array_equal(performance_profile(table[:, order])[1], rho[:, order])
    np.testing.assert_array_equal(performance_profile(table * 2.0 ** np.arange(len(table))[:, None])[1], rho)


def test_ties_are_best_for_each() -> None:
    _, rho = performance_profile([[3, 3], [5, 5], [1, 2]])
    np.testing.assert_allclose(rho[0], [1, 2 / 3])


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mcnemar(np.ones(3, bool), np.ones(2, bool)), "do not pair up"),
        (lambda: mcnemar(np.ones((2, 2), bool), np.ones((2, 2), bool)), "do not pair up"),
        (lambda: mcnemar(np.ones(3), np.ones(3, bool)), "booleans"),
        (lambda: paired_difference(np.ones(3, bool), np.ones(1, bool)), "do not pair up"),
        (lambda: paired_difference(np.ones(3, bool), np.ones(3, int)), "booleans"),
        (lambda: paired_difference(np.ones(0, bool), np.ones(0, bool)), "0 starts"),
        (lambda: holm((0.5, -0.1)), "value 2 of 2 is -0.1.*from 0 to 1"),
        (lambda: holm((1.1,)), "value 1 of 1 is 1.1"),
        (lambda: holm((0.5, math.nan)), "is nan"),
        (lambda: holm(((0.5,),)), "shape"),
        (lambda: median_interval((1, math.nan)), "value 2 of 2 is nan.*finite"),
        (lambda: quartiles((math.inf,)), "is inf"),
        (lambda: sign_interval((math.nan,) * 9), "value 1 of 9 is nan"),
        (lambda: median_difference_interval((1, 2), (1, math.inf)), "value 2 of 2 is inf"),
        (lambda: unpaired_difference(3, 2, 1, 2), "3 of 2 is no share"),
        (lambda: unpaired_difference(0, 0, 1, 2), "0 of 0 is no share"),
        (lambda: paired_difference_of(0, 0, 0, 0), "0 starts"),
        (lambda: ecdf((1, 2), 1), "2 of 1 runs"),
        (lambda: ecdf((), 0), "0 of 0 runs"),
        (lambda: ecdf((), -1), "0 of -1 runs"),
        (lambda: ecdf((-1,), 2), "is -1.*from 0 to inf"),
        (lambda: ecdf((math.inf,), 2), "is inf"),
        (lambda: expected_evaluations((1, 2), 3), "3 of 2 runs"),
        (lambda: expected_evaluations((1, 2), -1), "-1 of 2 runs"),
        (lambda: expected_evaluations((1, -2), 1), "is -2"),
        (lambda: performance_profile([[1, 0]]), "a cost of 0"),
        (lambda: performance_profile([[1, -math.inf]]), "a cost of -inf"),
        (lambda: performance_profile([1, 2]), "shape"),
        (lambda: performance_profile(np.ones((0, 2))), "shape"),
        (lambda: performance_profile(np.ones((2, 0))), "shape"),
    ],
)
def test_refused_at_the_door(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert len(str(error.value)) <= 160


def test_importing_it_loads_no_scipy_stats() -> None:
    code = "import sys, gdcore.statistics; print('scipy.stats' in sys.modules)"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
