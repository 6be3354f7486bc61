"""Unseen minima: closed forms, exact occupancy by counting, simulated coverage, and what may not be concluded."""

import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Findings, Starts, Stopping, certify, run
from gdcore.shares import half_width, wilson
from gdcore.unseen import HOPELESS, missed, starts_to_halve, unseen

ONE = run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.03}, Starts.at([0.2, -1.6]), Stopping(epochs=300)))
COUNTS, SHARES = st.integers(1, 10**7), st.floats(1e-4, 1)


def found(counts: list[int], n: int, design: str = "uniform") -> Findings:
    """Findings of n starts, so many of them in each minimum."""
    starts = Starts.at(np.zeros((n, 2))) if design == "given" else Starts(design, n)
    minima = tuple(dataclasses.replace(ONE.minima[0], count=count, share=count / n) for count in counts)
    experiment = dataclasses.replace(ONE.experiment, starts=starts)
    return dataclasses.replace(ONE, experiment=experiment, minima=minima, starts=np.zeros((n, 2)))


# -- the chance that a minimum was missed ------------------------------------------------------------------------------


def all_reached(n: int, cells: int, share: Fraction) -> Fraction:
    """The chance that n starts reach every one of so many minima with this share each, start by start."""
    chance = [Fraction(1)] + [Fraction(0)] * cells  # of having reached k of them
    for _ in range(n):
        stay = [c * (1 - (cells - k) * share) for k, c in enumerate(chance)]
        chance = [stay[k] + (chance[k - 1] * (cells - k + 1) * share if k else 0) for k in range(cells + 1)]
    return chance[cells]


@pytest.mark.parametrize("share", [Fraction(1), Fraction(2, 3), Fraction(1, 2), Fraction(3, 10), Fraction(1, 7), Fraction(1, 49)])
@pytest.mark.parametrize("n", [1, 2, 7, 40, 150])
def test_the_worst_case_start_by_start(n: int, share: Fraction) -> None:
    cells = math.floor(1 / share)
    exact, chance = 1 - all_reached(n, cells, share), missed(n, float(share))
    if cells * (1 - share) ** n > HOPELESS:
        assert chance == 1 and exact > 0.9996
    else:
        assert chance == pytest.approx(float(exact), rel=1e-9, abs=1e-12)


def test_by_counting_all_outcomes() -> None:
    """Three minima of share 1/4 and a rest of 1/4: every outcome of 5 starts has the same chance."""
    outcomes = np.array(list(itertools.product(range(4), repeat=5)))
    reached = np.stack([(outcomes == k).any(axis=1) for k in range(4)])
    assert missed(5, 0.26) == pytest.approx(1 - all_reached(5, 3, Fraction(26, 100)), rel=1e-12)
    assert missed(5, 0.25) == pytest.approx(1 - reached.all(axis=0).mean(), rel=1e-12)
    assert 1 - reached[:3].all(axis=0).mean() < missed(5, 0.25)


@given(COUNTS, SHARES)
def test_it_is_between_one_particular_minimum_and_the_union_bound(n: int, share: float) -> None:
    one, most = (1 - share) ** n, math.floor((1 + 1e-12) / share)
    assert one * (1 - 1e-9) <= missed(n, share) <= min(1.0, most * one * (1 + 1e-9))


@given(COUNTS, COUNTS, SHARES, SHARES)
def test_more_starts_and_larger_shares_leave_less_unseen(n: int, more: int, share: float, larger: float) -> None:
    few, many = sorted((n, more))
    small, large = sorted((share, larger))
    slack = 1 + 1e-9
    assert missed(many, small) <= missed(few, small) * slack + 1e-15
    assert missed(few, large) <= missed(few, small) * slack + 1e-15


@given(st.lists(st.floats(0.05, 1), min_size=1, max_size=12), st.integers(1, 60))
def test_no_function_is_worse(sizes: list[float], n: int) -> None:
    """Any minima with shares of at least 0.1, whatever else there is: the chance that one of them is missed is below."""
    shares = [s / max(1.0, sum(sizes)) for s in sizes]
    large = [s for s in shares if s >= 0.1]
    exact = -sum((-1) ** k * (1 - min(sum(some), 1)) ** n for k in range(1, len(large) + 1) for some in itertools.combinations(large, k))
    assert exact <= missed(n, 0.1) + 1e-9


def test_the_minima_that_were_seen_take_no_part_of_it() -> None:
    """Ten equal minima, 40 starts: that nine are seen and one is not happens far more often than one in particular is missed."""
    draws = np.random.default_rng(0).integers(10, size=(20_000, 40))
    seen = np.stack([(draws == k).any(axis=1) for k in range(10)]).sum(axis=0)
    assert np.mean(seen == 9) > 8 * 0.9**40
    assert np.mean(seen < 10) == pytest.approx(missed(40, 0.1), abs=4 * math.sqrt(0.13 * 0.87 / 20_000))


# -- what findings say -------------------------------------------------------------------------------------------------


def test_of_a_thousand_starts_by_hand() -> None:
    said = unseen(found([600, 300, 1, 1, 0], 1000), least=0.01)
    assert (said.complete, said.minima, said.reached, said.starts, said.least) == (False, 5, 4, 1000, 0.01)
    assert said.missed_one == pytest.approx(0.99**1000)
    assert said.missed_any == pytest.approx(100 * 0.99**1000, rel=3e-3) and said.missed_any < 100 * 0.99**1000
    assert said.largest_one == pytest.approx(1 - 0.05**0.001, rel=1e-12) and said.rule_of_three == 0.003
    assert said.mass == 0.002 and said.mass_error == pytest.approx(1000**-0.5)
    assert said.exact and said.reason == ""


@given(st.integers(1, 10**6))
def test_the_largest_shares_are_where_the_chance_is_5_percent(n: int) -> None:
    findings = dataclasses.replace(found([], 1), starts=np.broadcast_to(0.0, (n, 2)))
    findings = dataclasses.replace(findings, experiment=dataclasses.replace(findings.experiment, starts=Starts(count=n)))
    said = unseen(findings)
    assert (1 - said.largest_one) ** n == pytest.approx(0.05, rel=1e-6)
    assert said.largest_one == pytest.approx(binomtest(0, n).proportion_ci(confidence_level=0.9, method="exact").high, rel=1e-9)
    assert said.largest_one <= said.rule_of_three
    assert missed(n, said.largest_any) <= 0.05 < missed(n, said.largest_any * (1 - 1e-9))
    assert said.largest_one <= said.largest_any * (1 + 1e-9)


@pytest.mark.parametrize("counts", [[], [0, 0], [1]])
def test_a_single_start(counts: list[int]) -> None:
    said = unseen(found(counts, 1), least=0.5)
    assert said.missed_one == 0.5 and said.missed_any == pytest.approx(1.0)
    assert said.largest_one == pytest.approx(0.95) == said.largest_any
    assert said.reached == sum(counts) and said.mass == sum(counts)


def test_nothing_with_everything_is_missed() -> None:
    said = unseen(found([5], 5), least=1.0)
    assert said.missed_one == 0 == said.missed_any


def test_no_minimum_at_all_leaves_the_same_doubt() -> None:
    none, all_in_one = unseen(found([], 200)), unseen(found([200], 200))
    assert none.reached == 0 == none.mass
    assert dataclasses.replace(none, minima=1, reached=1) == all_in_one


@pytest.mark.parametrize("design", ["latin hypercube", "sobol"])
def test_designs_that_are_not_independent_say_so(design: str) -> None:
    said, plain = unseen(found([60, 4], 64, design)), unseen(found([60, 4], 64))
    assert not said.exact and "independent" in said.reason and len(said.reason) <= 160
    assert dataclasses.replace(said, exact=True, reason="") == plain


@pytest.mark.parametrize("design", ["grid", "given"])
def test_without_randomness_there_is_no_number(design: str) -> None:
    said = unseen(found([60, 3, 1], 64, design))
    assert np.isnan([said.missed_one, said.missed_any, said.largest_one, said.largest_any, said.rule_of_three, said.mass, said.mass_error]).all()
    assert "random" in said.reason and not said.exact and said.reached == 3


def test_a_hypercube_can_be_worse_than_independent_starts() -> None:
    """Why it is not called a bound: two starts of a 2-dimensional hypercube miss the two squares of a diagonal half the time."""
    rows = [Starts("latin hypercube", 2, seed).points(GALLERY["peaks"]) > 0 for seed in range(400)]
    assert np.mean([(row[:, 0] != row[:, 1]).all() for row in rows]) == pytest.approx(0.5, abs=0.1)


def test_a_proof_is_the_answer() -> None:
    problem = GALLERY["himmelblau"]
    certificate = certify(problem)
    assert certificate.complete
    run_once = run(Experiment(problem, OPTIMIZERS["gd"], {}, Starts(count=3), Stopping(epochs=200)), certificate=certificate)
    said = unseen(run_once)
    assert said.complete and said.exact and said.minima == 4 and said.reason.startswith("Proved")
    assert (said.missed_one, said.missed_any, said.largest_any, said.mass) == (0, 0, 0, 0)
    partial = dataclasses.replace(run_once, certificate=dataclasses.replace(certificate, complete=False))
    assert not unseen(partial).complete and unseen(partial).missed_one == pytest.approx(0.99**3)


def test_coverage_of_random_landscapes() -> None:
    """At most 5 % of all runs miss a minimum with a share above largest_any, nearly so in the worst case; Good's estimate is near."""
    rng, n = np.random.default_rng(7), 60
    largest = unseen(found([], n)).largest_any
    cells = math.floor(1 / largest)
    worst = np.append(np.full(cells, largest), 1 - cells * largest)
    for shares in (worst, rng.dirichlet(np.full(30, 0.5)), rng.dirichlet(np.full(8, 2.0))):
        counts = rng.multinomial(n, shares, size=4000)
        missing = (counts == 0) & (shares >= largest)
        assert missing.any(axis=1).mean() <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 4000)
        unseen_mass, estimate = (counts == 0) @ shares, (counts == 1).sum(axis=1) / n
        assert 0 <= np.mean(estimate - unseen_mass) + 0.004 and np.mean(estimate - unseen_mass) <= 1 / n + 0.004
        assert math.sqrt(np.mean((estimate - unseen_mass) ** 2)) < unseen(found([], n)).mass_error
    counts = rng.multinomial(n, worst, size=4000)
    assert (counts[:, :cells] == 0).any(axis=1).mean() == pytest.approx(missed(n, largest), abs=0.015)


# -- how many more starts ----------------------------------------------------------------------------------------------


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_least_number_by_counting(pair: tuple[int, int]) -> None:
    count, total = pair
    share, z = count / total, 1.959963984540054

    def width(n: int) -> float:
        return 2 * z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))

    low, high = wilson(count, total)
    assert width(total) == pytest.approx(high - low, rel=1e-9)
    assert starts_to_halve(count, total) == next(more for more in range(10**6) if width(total + more) <= width(total) / 2)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_half_as_wide_and_no_start_too_many(pair: tuple[int, int]) -> None:
    count, total = pair
    more, wanted = starts_to_halve(count, total), half_width(count / total, total) / 2
    assert half_width(count / total, total + more) <= wanted < half_width(count / total, total + more - 1)
    assert total <= more <= 3 * total + 12


def test_by_hand_three_times_as_many_and_one_as_many_for_none() -> None:
    assert starts_to_halve(500_000, 1_000_000) == pytest.approx(3_000_000, abs=20)
    assert starts_to_halve(0, 100) == 104 == starts_to_halve(100, 100)  # z²/(n + z²) is halved by n + z² more


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: unseen(found([1], 5), least=0.0), "a share of 0"),
        (lambda: unseen(found([1], 5), least=1.5), "a share of 1.5"),
        (lambda: unseen(found([1], 5), least=math.nan), "a share of nan"),
        (lambda: unseen(dataclasses.replace(found([1], 5), starts=np.zeros((10, 2)))), "10 runs from 5 starts"),
        (lambda: starts_to_halve(3, 2), "is no share"),
        (lambda: starts_to_halve(0, 0), "is no share"),
    ],
)
def test_refused_at_the_door(call, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert len(str(error.value)) <= 160
