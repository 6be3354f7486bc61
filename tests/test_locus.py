"""The curve of stationary points: on it, along it, and never across to another one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, Problem, Setting
from gdcore.locus import Locus, _roots

FOLD = Problem.from_text("x^3/3 - p*x + (y - p)^2", box={"x": (-2, 2), "y": (-3, 1)}, parameters={"p": Setting(1.0, -2, 2)})


def parabola(problem=FOLD, until=-1.0):
    locus = Locus(problem, "p", until)
    spot = locus.start(np.array([1.0, 1.0]), 1e-4)
    assert spot is not None
    return locus, spot


def test_steps_stay_on_the_curve_and_pass_where_it_turns_back():
    locus, spot = parabola()
    signs = []
    for _ in range(60):
        spot = locus.advance(spot, 0.01)
        x, y = spot.point
        assert abs(x * x - spot.at) < 1e-13 and abs(y - spot.at) < 1e-13
        along = np.array([1 / 4, 2 * x / 4, -2 * x / 4])  # in box widths and ranges, of which p falls by 4
        assert abs(abs(spot.tangent @ along) - np.linalg.norm(along)) < 1e-10
        signs.append(spot.tangent[-1] > 0)
    assert signs[0] and not signs[-1] and np.diff(signs).sum() == 1 and spot.point[0] < 0


def test_where_it_turns_back_is_found_between_two_steps():
    locus, spot = parabola()
    while (there := locus.advance(spot, 0.013)).tangent[-1] > 0:
        spot = there
    vertex = locus.where(spot, there, lambda s: float(s.tangent[-1]))
    np.testing.assert_allclose([*vertex.point, vertex.at], 0, atol=1e-14)
    assert locus.is_fold(vertex, spot.steepness) and locus.where(spot, there, lambda s: 1.0 if s.at > 1e-3 or s.point[0] > 0 else -1.0) is None


def test_a_point_too_far_from_the_stationary_one_is_no_start():
    locus, _ = parabola()
    assert locus.start(np.array([1.01, 1.0]), 1e-4) is None
    assert Locus(FOLD.with_parameters(p=0.0), "p", 1.0).start(np.zeros(2), 1e-4) is None, "H is singular"


def test_the_end_is_reached_exactly_or_not_in_one_step():
    locus, spot = parabola(until=0.9)
    end = locus.land(spot)
    assert end.at == 0.9 and end.point == pytest.approx([np.sqrt(0.9), 0.9], abs=1e-14)
    locus, spot = parabola(until=-1.0)
    assert locus.land(spot) is None


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("until", [0.2, 5.0])
def test_the_parameter_runs_from_end_to_end_on_its_own_scale(log, until):
    locus = Locus(Problem.from_text("p*x", box={"x": (0, 1)}, parameters={"p": Setting(1.3, 0.01, 7, log=log)}), "p", until)
    assert locus.end > 0 and locus.parameter_at(0.0) == 1.3 and locus.parameter_at(locus.end) == until
    h, middle = 1e-6, locus.end / 2
    assert locus.rate(locus.parameter_at(middle)) == pytest.approx((locus.parameter_at(middle + h) - locus.parameter_at(middle - h)) / (2 * h), rel=1e-8)
    assert locus.parameter_at(middle) == pytest.approx(np.sqrt(1.3 * until) if log else (1.3 + until) / 2)


@pytest.mark.parametrize("width", [1.0, 10.0, 100.0])
def test_no_step_leaps_from_a_sharp_curve_to_the_straight_one_that_it_meets(width):
    """x = sqrt(-p/2) and x = 0 meet at p = 0, to be told apart though the curve is very sharp in box widths."""
    problem = Problem.from_text("p*x^2 + x^4", box={"x": (-width, width)}, parameters={"p": Setting(-1.0, -1, 1)})
    for p in -np.logspace(-6, 0, 40):
        locus = Locus(problem.with_parameters(p=p), "p", 1.0)
        spot = locus.start(np.array([np.sqrt(-p / 2)]), 1e-6)
        for size in 2.0 ** -np.arange(3, 20):
            there = spot and locus.advance(spot, size)
            assert there is None or there.at < -0 or abs(there.point[0]) > 1e-6 * width * size, (p, size, there.point)


def test_branches_meet_where_they_should_and_the_one_that_goes_on_is_found():
    locus = Locus(GALLERY["pitchfork"].with_parameters(c=0.0), "c", -1.0)
    spot = locus.uncorrected(np.zeros(3), np.array([0.0, 0.0, 1.0]))
    assert spot.is_singular and not locus.is_fold(spot, 1.0)
    there = locus.through(spot, 0.1)
    assert there.at == pytest.approx(-0.4) and there.kind == "minimum" and not there.point.any()


@given(*[st.one_of(st.just(0.0), st.floats(1e-6, 3), st.floats(-3, -1e-6))] * 3)
def test_roots_solve_their_equation(a, b, c):
    for root in _roots(a, b, c):
        terms = (a * root * root, 2 * b * root, c)
        assert abs(sum(terms)) <= 1e-9 * max(1e-300, *map(abs, terms))


def test_roots_of_lower_degree_and_none():
    assert _roots(0, 0, 1) == [] and _roots(0, 0, 0) == [] and _roots(1, 0, 1) == []
    assert _roots(0, 2, 1) == [-0.25] and sorted(_roots(1, 0, -4)) == [-2, 2]


def test_values_outside_the_range_and_unknown_parameters_are_refused():
    with pytest.raises(ValueError, match="p is 3; give a number from -2 to 2"):
        Locus(FOLD, "p", 3.0)
    with pytest.raises(ValueError, match="there is no parameter 'q'"):
        Locus(FOLD, "q", 1.0)
