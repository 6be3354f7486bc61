"""Last positions of runs → orbits and bounces."""

import numpy as np
import pytest

from gdcore import Problem
from gdcore.tails import bounces, clouds, orbits

BOX = Problem.from_text("x^2 + y^2", box={"x": (-1, 1), "y": (-10, 10)})


@pytest.mark.parametrize("period", range(2, 9))
def test_an_orbit_has_its_smallest_period(period: int) -> None:
    cycle = np.random.default_rng(period).uniform(-1, 1, (period, 3, 2))
    tails = np.resize(cycle, (33, 3, 2))
    assert orbits(BOX, tails).tolist() == [period] * 3


@pytest.mark.parametrize("period", [9, 12])
def test_longer_periods_are_no_orbits(period: int) -> None:
    cycle = np.random.default_rng(period).uniform(-1, 1, (period, 3, 2))
    assert orbits(BOX, np.resize(cycle, (33, 3, 2))).tolist() == [0] * 3


def test_rest_drift_and_a_slow_approach_are_no_orbits() -> None:
    k = np.arange(33)[:, None, None] * np.ones((1, 1, 2))
    rest, drift, approach = np.full((33, 1, 2), 0.3), 0.01 * k, (-0.99) ** k
    assert orbits(BOX, np.concatenate([rest, drift, approach], axis=1)).tolist() == [0, 0, 0]


def test_an_amplitude_below_rounding_is_rest() -> None:
    tiny = 0.3 + 1e-12 * (-1.0) ** np.arange(33)[:, None, None] * np.ones((1, 1, 2))
    assert orbits(BOX, tiny).tolist() == [0]


@pytest.mark.parametrize(
    ("formula", "bouncing"),
    [
        ("abs(x)", True),
        ("max(x, -2*x)", True),
        ("sqrt(x^2)", True),
        ("x^2", False),
        ("abs(x)^3", False),
        ("x^4 + abs(x - 5)", False),
    ],
)
def test_a_bounce_passes_a_jump_of_the_slope(formula: str, bouncing: bool) -> None:
    problem = Problem.from_text(formula, box={"x": (-10, 10)})
    tail = 0.07 * (-1.0) ** np.arange(33)[:, None, None]
    assert bounces(problem, tail).tolist() == [bouncing]


def test_clouds_are_measured_in_box_widths() -> None:
    tails = np.array([[[0.0, 0.0]], [[0.2, 4.0]]])
    centre, radius = clouds(BOX, tails)
    np.testing.assert_allclose(centre, [[0.1, 2.0]])
    np.testing.assert_allclose(radius, [0.1])
