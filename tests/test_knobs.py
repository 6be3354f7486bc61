"""Sobol' indices against closed forms, scipy's estimators and plain resampling."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import sobol_indices

from gdcore.knobs import RARE, SAME, Knob, Knobs, knobs, spread

Array = NDArray[np.float64]
Values = dict[str, Array]
UNIT = [Knob(name, 0, 1) for name in "abcd"]
CENTRED = [Knob(name, -1, 1) for name in "ab"]
PLACES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def of(ranges: list[Knob], function: Callable[[Values], Any], **options: Any) -> Knobs:
    """The indices of one function, its output called f."""
    return knobs(ranges, lambda values: np.atleast_2d(function(values)), outputs=["f"], **options)


def holds(found: Knobs, first: Any, total: Any, within: float) -> None:
    """The estimates are near the closed form, and their intervals hold it."""
    for wanted, value, low, high in (
        (first, found.first, found.first_low, found.first_high),
        (total, found.total, found.total_low, found.total_high),
    ):
        np.testing.assert_allclose(value[0], wanted, atol=within)
        assert (low[0] <= np.array(wanted) + 1e-12).all() and (high[0] >= np.array(wanted) - 1e-12).all()
        assert (low <= value).all() and (value <= high).all()


# -- closed forms ------------------------------------------------------------------------------------------------------


def ishigami(v: Values) -> Array:
    return np.sin(v["x"]) + 7 * np.sin(v["y"]) ** 2 + 0.1 * v["z"] ** 4 * np.sin(v["x"])


ANGLES = [Knob(name, -math.pi, math.pi) for name in "xyz"]


def test_ishigami() -> None:
    """T. Ishigami, T. Homma (1990), with a = 7 and b = 0.1."""
    alone, second, joint = (1 + 0.1 * math.pi**4 / 5) ** 2 / 2, 49 / 8, 0.08 * math.pi**8 / 225
    variance = alone + second + joint
    first, total = np.array([alone, second, 0.0]) / variance, np.array([alone + joint, second, joint]) / variance
    assert first == pytest.approx([0.3139, 0.4424, 0.0], abs=5e-5)
    found = of(ANGLES, ishigami, base=4096)
    holds(found, first, total, 0.01)
    assert found.ranking("f") == ("x", "y", "z") and found.evaluations == 5 * 4096


def test_the_g_function() -> None:
    """I. M. Sobol': the product of (|4x - 2| + a)/(1 + a)."""
    weights = np.array([0.0, 1.0, 4.5, 9.0])
    own = 1 / (3 * (1 + weights) ** 2)
    variance = np.prod(1 + own) - 1
    total = own * np.prod(1 + own) / (1 + own) / variance
    found = of(UNIT, lambda v: np.prod([(np.abs(4 * v[n] - 2) + a) / (1 + a) for n, a in zip("abcd", weights, strict=True)], axis=0), base=2048)
    holds(found, own / variance, total, 0.02)
    assert found.ranking("f") == tuple("abcd")


@given(st.lists(st.floats(0.1, 5), min_size=4, max_size=4), st.integers(0, 10))
def test_an_additive_function_has_no_interaction(weights: list[float], seed: int) -> None:
    found = of(UNIT, lambda v: sum(w * v[n] for n, w in zip("abcd", weights, strict=True)), base=512, seed=seed)
    shares = np.array(weights) ** 2 / np.dot(weights, weights)
    np.testing.assert_allclose(found.first[0], shares, atol=0.04)
    np.testing.assert_allclose(found.total[0], shares, atol=0.04)


def test_an_interaction_only() -> None:
    holds(of(CENTRED, lambda v: v["a"] * v["b"], base=2048), [0, 0], [1, 1], 0.03)


def test_a_knob_that_does_nothing() -> None:
    found = of(CENTRED, lambda v: v["b"] ** 3)
    assert found.first[0, 0] == 0 == found.total[0, 0] == found.total_low[0, 0] == found.total_high[0, 0]
    assert found.total[0, 1] == pytest.approx(1, abs=0.02) and found.ranking("f") == ("b", "a")


def test_a_single_knob_explains_everything() -> None:
    holds(of([Knob("a", 2, 3)], lambda v: np.exp(v["a"])), [1], [1], 0.01)


def test_an_output_that_varies_as_the_logarithm_sees_it() -> None:
    """Over a logarithmic range ln a is even: both knobs then count the same."""
    even = of([Knob("a", 1e-6, 1e2, log=True), Knob("b", 0, 8)], lambda v: np.log10(v["a"]) + v["b"], base=1024)
    holds(even, [0.5, 0.5], [0.5, 0.5], 0.01)


def test_a_whole_knob() -> None:
    """A coin and a die: variances 1/4 and 35/12."""
    found = of([Knob("coin", 0, 1, whole=True), Knob("die", 1, 6, whole=True)], lambda v: v["coin"] + v["die"], base=1024)
    holds(found, [3 / 38, 35 / 38], [3 / 38, 35 / 38], 0.02)


def test_intervals_hold_the_truth_in_most_cases() -> None:
    found = [of(UNIT[:3], lambda v: v["a"] + v["b"] * v["c"], base=128, seed=seed) for seed in range(60)]
    alone, joint = 1 / 12, 1 / 144
    first = np.array([alone, alone / 4, alone / 4]) / (alone * 1.5 + joint)
    total = first + np.array([0, joint, joint]) / (alone * 1.5 + joint)
    assert np.mean([(k.first_low[0] <= first) & (first <= k.first_high[0]) for k in found]) >= 0.93
    assert np.mean([(k.total_low[0] <= total) & (total <= k.total_high[0]) for k in found]) >= 0.93


# -- the estimators and the bootstrap ----------------------------------------------------------------------------------


def several(v: Values) -> Array:
    return np.array([ishigami(v), v["y"] + 1e3, np.sign(v["x"]) * v["z"], ishigami(v) * 1e-200, ishigami(v) * 1e200])


def kept(store: list[Array], function: Callable[[Values], Array]) -> Callable[[Values], Array]:
    def evaluate(values: Values) -> Array:
        store.append(function(values))
        return store[-1]

    return evaluate


def test_the_estimates_are_those_of_scipy_from_one_call() -> None:
    store: list[Array] = []
    found = knobs(ANGLES, kept(store, several), outputs=list("12345"), base=256)
    assert len(store) == 1
    y = store[0].reshape(5, 5, 256)[:3]
    theirs = sobol_indices(func={"f_A": y[:, 0], "f_B": y[:, 1], "f_AB": np.moveaxis(y[:, 2:], 1, 0)}, n=256)
    np.testing.assert_allclose(found.first[:3], theirs.first_order, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.total[:3], theirs.total_order, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.first[3:], found.first[[0, 0]], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.total_high[3:], found.total_high[[0, 0]], rtol=1e-9)


def test_intervals_are_those_of_plain_resampling() -> None:
    store: list[Array] = []
    found = of(ANGLES, kept(store, ishigami), base=128, resamples=4000)
    y = store[0].reshape(5, 128)
    y = y - y[:2].mean()
    picked = np.random.default_rng(1).integers(128, size=(4000, 128))
    a, b, ab = y[0][picked], y[1][picked], y[2:][:, picked]
    variance = np.var(np.concatenate([a, b], axis=1), axis=1)
    first, total = (b * (ab - a)).mean(axis=2) / variance, ((a - ab) ** 2).mean(axis=2) / variance / 2
    for low, high, distribution in ((found.first_low, found.first_high, first), (found.total_low, found.total_high, total)):
        np.testing.assert_allclose((low[0], high[0]), np.quantile(distribution, (0.025, 0.975), axis=1), atol=0.012)


@pytest.mark.parametrize("per_block", [40, 50])
def test_blocks_of_resamples_make_no_difference(per_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = of(ANGLES, ishigami, base=64, resamples=250)
    monkeypatch.setattr("gdcore.knobs.AT_ONCE", 64 * per_block)
    pieces = of(ANGLES, ishigami, base=64, resamples=250)
    np.testing.assert_allclose(pieces.first_low, whole.first_low, rtol=1e-9)


def test_the_seed_alone_decides() -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    one, again, other = (of(ANGLES, ishigami, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.first_low, again.first_low)
    np.testing.assert_array_equal(one.total, again.total)
    assert (one.first != other.first).all() and (one.total_high != other.total_high).all()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_the_design_takes_one_knob_after_the_other_from_b() -> None:
    store: list[Values] = []
    knobs(CENTRED, lambda v: [store.append(v) or v["a"]], outputs=["f"], base=64)  # type: ignore[func-returns-value]
    pages = np.array([store[0][name].reshape(4, 64) for name in "ab"])
    a, b = pages[:, 0], pages[:, 1]
    assert (a != b).all() and np.abs(pages.mean(axis=(1, 2))).max() < 0.02
    np.testing.assert_array_equal(pages[:, 2], [b[0], a[1]])
    np.testing.assert_array_equal(pages[:, 3], [a[0], b[1]])


# -- outputs that do not vary ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 0.1, -1e300])
def test_a_constant_output_has_no_indices_and_says_why(value: float) -> None:
    found = knobs(CENTRED, lambda v: [np.full(v["a"].size, value), v["a"]], outputs=["constant", "a"])
    assert found.constant.tolist() == [True, False] and found.reasons == (SAME, "")
    for array in (found.first, found.first_low, found.first_high, found.total, found.total_low, found.total_high):
        assert np.isnan(array[0]).all() and np.isfinite(array[1]).all()
    assert found.ranking("constant") == ("a", "b") == found.ranking("a")


def test_what_only_the_mixed_points_show_is_too_rare() -> None:
    found = of(CENTRED, lambda v: np.arange(v["a"].size) == v["a"].size - 1)
    assert not found.constant[0] and found.reasons == (RARE,) and np.isnan(found.total).all()


def test_what_many_resamples_miss_may_be_anything() -> None:
    """One of 64 base points: 36 % of the resamples do not hold it, and say nothing of any knob."""
    found = of(CENTRED, lambda v: np.arange(v["a"].size) == 3, base=64)
    assert (found.total_low == 0).all() and (found.total_high >= 1).all() and np.isfinite(found.total).all()


# -- knobs -------------------------------------------------------------------------------------------------------------


@given(PLACES, st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_values_are_in_the_range_and_ascend(places: list[float], low: float, width: float) -> None:
    knob, u = Knob("a", low, low + width), np.sort([0.0, *places, 1.0])
    values = knob.at(u)
    assert values[0] == low and values[-1] == low + width and (np.diff(values) >= 0).all()
    np.testing.assert_allclose(values, low + u * width, rtol=1e-9, atol=1e-9)


@given(PLACES)
def test_a_logarithmic_knob_is_geometric(places: list[float]) -> None:
    values = Knob("a", 1e-4, 1e2, log=True).at(places)
    np.testing.assert_allclose(values, 10 ** (6 * np.array(places) - 4), rtol=1e-9)
    assert ((values >= 1e-4) & (values <= 1e2)).all()


def test_whole_numbers_have_the_same_part_of_the_range_each() -> None:
    u = (np.arange(60_000) + 0.5) / 60_000
    values, counts = np.unique(Knob("die", 1, 6, whole=True).at(u), return_counts=True)
    assert values.tolist() == [1, 2, 3, 4, 5, 6] and set(counts.tolist()) == {10_000}
    assert np.unique(Knob("a", 1, 100, log=True, whole=True).at(u)).tolist() == list(range(1, 101))
    assert Knob("a", 1, 100, log=True, whole=True).at([0, 1]).tolist() == [1, 100]
    assert spread(np.array(0.5), 1, 100, log=True) == pytest.approx(10)


def ones(v: Values) -> Array:
    return np.ones((1, v["a"].size))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Knob("a", 1, 1), "from 1 to 1 is not possible"),
        (lambda: Knob("a", 0, math.inf), "finite"),
        (lambda: Knob("a", math.nan, 1), "finite"),
        (lambda: Knob("a", -1e308, 1e308), "finite"),
        (lambda: Knob("a", 0, 1, log=True), "no logarithm"),
        (lambda: Knob("a" * 500, 0, 1, log=True), "no logarithm"),
        (lambda: Knob("a", 0.5, 3, whole=True), "whole numbers"),
        (lambda: knobs([], ones, outputs=["f"]), "0 knobs"),
        (lambda: knobs([UNIT[0], UNIT[0]], ones, outputs=["f"]), "2 knobs with 1 different"),
        (lambda: of(UNIT, ones, base=500), "500 base points"),
        (lambda: of(UNIT, ones, base=1), "1 base points"),
        (lambda: of(UNIT, ones, base=0), "0 base points"),
        (lambda: of(UNIT, ones, resamples=20), "20 resamples"),
        (lambda: knobs(UNIT, ones, outputs=[]), "shape"),
        (lambda: knobs(UNIT, ones, outputs=["f", "g"]), r"\(1, 3072\) in place of \(2, 3072\)"),
        (lambda: knobs(UNIT, lambda v: v["a"], outputs=["f"]), "shape"),
        (lambda: of(UNIT, lambda v: np.where(np.arange(v["a"].size) < 3, np.nan, 1.0)), "3 of 3072 outputs are not finite"),
        (lambda: of(UNIT, lambda v: np.where(np.arange(v["a"].size) < 2, np.inf, 1.0)), "2 of 3072 outputs are not finite"),
        (lambda: of(UNIT, ones, base=2).ranking("g"), "no output 'g'.*: f"),
    ],
)
def test_refused_at_the_door(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert len(str(error.value)) <= 160
