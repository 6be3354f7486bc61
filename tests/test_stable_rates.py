"""The largest stable rate over a sweep against closed forms: 2/λ of plain descent, 2(1 + β)/λ of the heavy ball."""

from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Starts, Stopping
from gdcore.quantities import Range
from gdcore.schedules import SCHEDULES
from gdcore.sensitivity import Sweep, sweep
from gdcore.stability import stability
from gdcore.stable_rates import MOST_VALUES, stable_rates

STARTS, STOPPING = Starts(count=20), Stopping(100)
PEAKS = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, STARTS, STOPPING)
HEAVY = Experiment(GALLERY["narrow_valley"], OPTIMIZERS["momentum"], {"lr": 0.17, "momentum": 0.5}, STARTS, STOPPING)
VALLEY = Experiment(GALLERY["narrow_valley"], OPTIMIZERS["gd"], {"lr": 0.05}, STARTS, STOPPING)
CUSP = Experiment(GALLERY["tilted_double_well"], OPTIMIZERS["gd"], {"lr": 0.17}, STARTS, STOPPING)


def swept(experiment: Experiment, *ranges: Range) -> Sweep:
    return sweep(experiment, *ranges, engine="numpy")


def test_of_the_rate_alone_it_is_two_over_the_largest_eigenvalue() -> None:
    found = swept(PEAKS, Range("setting lr", 0.001, 0.1, 5, log=True))
    curves = stable_rates(found)
    assert [curve.number for curve in curves] == [0, 1, 2]
    for curve in curves:
        assert curve.rates == pytest.approx([found.minima[curve.number].stable_rate], rel=1e-12)
        assert np.isnan(curve.values).all() and curve.crossings == ()


def test_the_heavy_ball_over_its_momentum_and_where_the_present_rate_becomes_stable() -> None:
    found = swept(HEAVY, Range("setting momentum", 0, 0.9, 30))
    (curve,) = stable_rates(found)
    assert len(curve.values) == MOST_VALUES and set(curve.values) <= set(found.x_values)
    np.testing.assert_allclose(curve.rates, 2 * (1 + curve.values) / 20, rtol=1e-9)
    assert curve.crossings == pytest.approx([0.17 * 20 / 2 - 1], abs=1e-6)


def test_the_valley_over_its_narrowness() -> None:
    (curve,) = stable_rates(swept(VALLEY, Range("parameter k", 5, 100, 12, log=True)))
    np.testing.assert_allclose(curve.rates, 2 / curve.values, rtol=1e-9)
    assert curve.crossings == pytest.approx([2 / 0.05], rel=1e-6)


def test_a_minimum_that_moves_is_followed_between_the_values() -> None:
    """Of the right well f'' = 12 x² - 4 = 2/0.17 at x = 1.146, where b = 4 x (1 - x²)."""
    x = ((2 / 0.17 + 4) / 12) ** 0.5
    left, right = stable_rates(swept(CUSP, Range("parameter b", -2, 2, 9)))
    assert right.crossings == pytest.approx([4 * x * (1 - x * x)], abs=1e-6)
    assert left.crossings == pytest.approx([-4 * x * (1 - x * x)], abs=1e-6)
    assert np.isnan(left.rates[0]) and np.isnan(right.rates[-1]) and np.isfinite(left.rates[2:]).all()


@pytest.mark.parametrize("count", [4, 7], ids=["between values", "at a value"])
def test_a_crossing_at_zero_is_found_and_found_once(count: int) -> None:
    """f'' = 1 + c and the rate is 2, to the last digit as computed at c = 0: exactly stable there."""
    bowl = Problem.from_text("(1+c)*x^2/2", box={"x": (-1, 1)}, parameters={"c": 0.5})
    exactly = stability(bowl.with_parameters(c=0.0), OPTIMIZERS["gd"], {}, [0.0]).largest_rate
    experiment = Experiment(bowl, OPTIMIZERS["gd"], {"lr": exactly}, STARTS, STOPPING)
    (curve,) = stable_rates(swept(experiment, Range("parameter c", -0.5, 1, count)))
    assert curve.crossings == pytest.approx([0], abs=1e-6)


def test_beside_the_rate_the_curve_runs_along_the_other_quantity() -> None:
    rate, tilt = Range("setting lr", 0.01, 0.1, 3), Range("parameter b", -1, 1, 4)
    for ranges in ((rate, tilt), (tilt, rate)):
        for curve, side in zip(stable_rates(swept(CUSP, *ranges)), (-1, 1), strict=True):
            np.testing.assert_allclose(curve.values, np.linspace(-1, 1, 4))
            roots = [np.roots([4, 0, -4, b]).real for b in curve.values]
            x = np.array([side * max(side * own) for own in roots])
            np.testing.assert_allclose(curve.rates, 2 / np.maximum(2, 12 * x * x - 4), rtol=1e-9)
            assert curve.crossings == ()


def test_where_there_is_no_curve() -> None:
    decaying = replace(PEAKS, settings={"lr": SCHEDULES["cosine"].at(0.01)})
    assert stable_rates(swept(decaying, Range("setting lr", 0.5, 2, 3))) == ()
    assert stable_rates(swept(PEAKS, Range("epochs", 10, 20, 3))) == ()
    assert stable_rates(swept(CUSP, Range("parameter a", 0.5, 1, 2), Range("parameter b", 0, 1, 2))) == ()
    adam = replace(PEAKS, optimizer=OPTIMIZERS["adam"], settings={})  # no linear rate at a minimum
    assert stable_rates(swept(adam, Range("setting lr", 0.01, 0.1, 2))) == () == stable_rates(swept(adam, Range("setting beta1", 0.1, 0.9, 3)))
    rateless = Optimizer.from_text("halving", "x = x - g/8", settings={})
    assert stable_rates(swept(replace(PEAKS, optimizer=rateless, settings={}), Range("epochs", 10, 20, 2))) == ()
