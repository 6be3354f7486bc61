"""How minima move with a parameter: closed forms, differences of minima solved again, and estimates of where they vanish."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdcore import GALLERY, Problem, Setting
from gdcore.implicit import mixed, mixed_latex, response, responses, slope
from gdcore.newton import MINIMUM, polish
from gdcore.survey import survey

TURNED = {name: problem for name, problem in GALLERY.items() if problem.parameters}
EVERY = [(name, parameter) for name, problem in TURNED.items() for parameter in problem.parameters]
CUSP, PITCHFORK = GALLERY["tilted_double_well"], GALLERY["pitchfork"]


def solved(problem, parameter, change, guess):
    """The minimum and its value at another value of the parameter, by Newton's method from a guess."""
    there = problem.with_parameters(**{parameter: problem.parameters[parameter] + change})
    found = polish(there, np.array([guess]))
    assert found.kinds[0] == MINIMUM
    return found.points[0], found.values[0]


@pytest.mark.parametrize(("name", "parameter"), EVERY)
def test_predictions_of_second_order_err_by_the_third_power_of_the_change(name, parameter):
    problem = TURNED[name]
    minima = survey(problem)
    assert len(minima) >= 1
    for minimum in minima:
        r = response(problem, parameter, minimum.point)
        h = 0.02 * (1 + abs(r.at)) * 0.5
        for sign in (1, -1):
            errors = []
            for change in (sign * h, sign * h / 2, sign * h / 4):
                point, value = solved(problem, parameter, change, r.place(change))
                errors.append([np.abs(r.place(change) - point).max(), abs(r.value(change) - value)])
            for first, second, third in np.transpose(errors):
                assert first < 1e-11 or (second < first / 5 and third < second / 6), "the error is not of third order"


@pytest.mark.parametrize(("name", "parameter"), EVERY)
def test_derivatives_are_those_of_minima_solved_again(name, parameter):
    problem, h = TURNED[name], 1e-4
    for minimum in survey(problem):
        r = response(problem, parameter, minimum.point)
        (above, high), (below, low) = (solved(problem, parameter, c, minimum.point) for c in (h, -h))
        assert r.reason == "" and r.height == pytest.approx(minimum.value, abs=1e-14)
        np.testing.assert_allclose(r.motion, (above - below) / (2 * h), atol=1e-6)
        np.testing.assert_allclose(r.curvature, (above + below - 2 * r.point) / h**2, atol=1e-5)
        assert r.slope == pytest.approx((high - low) / (2 * h), abs=1e-6)
        assert r.bend == pytest.approx((high + low - 2 * r.height) / h**2, abs=1e-5)
        assert r.smallest == pytest.approx(minimum.eigenvalues[0])


@pytest.mark.parametrize("c", [0.02, 0.5, 3.0])
def test_the_pitchfork_has_its_closed_form(c):
    problem = PITCHFORK.with_parameters(c=c)
    y = np.sqrt(2 * c)
    for sign in (1, -1):
        r = response(problem, "c", (0, sign * y))
        np.testing.assert_allclose(r.motion, [0, sign / y], rtol=1e-12)
        np.testing.assert_allclose(r.curvature, [0, -sign / y**3], rtol=1e-12)
        assert (r.slope, r.bend, r.height) == pytest.approx((-2 * c, -2, -(c**2)))
        assert r.condition == pytest.approx(max(2 * c, 1 / (2 * c)))
        assert r.vanishing_at == pytest.approx(0, abs=1e-12)


def test_the_cusp_agrees_with_complex_steps():
    """4x³ - 4ax + b = 0 solved in complex arithmetic: the imaginary part of a tiny imaginary step is the derivative."""

    def root(a, b):
        x = 0.96 + 0j
        for _ in range(60):
            x -= (4 * x**3 - 4 * a * x + b) / (12 * x**2 - 4 * a)
        return x

    x, tiny, h = root(1.0, 0.3).real, 1e-30j, 1e-4
    for name, speed in (("a", lambda d: root(1 + d + tiny, 0.3).imag / 1e-30), ("b", lambda d: root(1, 0.3 + d + tiny).imag / 1e-30)):
        r = responses(CUSP, (x, 0.0))[name]
        assert r.motion[0] == pytest.approx(speed(0), rel=1e-13)
        assert r.curvature[0] == pytest.approx((speed(h) - speed(-h)) / (2 * h), rel=1e-6)


def test_two_parameters_with_a_closed_form_and_names_like_internal_ones():
    problem = Problem.from_text(
        "(v0 - p^2*w0)^2 + (u0 - v0*w0)^2", box={"u0": (-3, 3), "v0": (-2, 5)}, parameters={"w0": 0.7, "p": 1.3}
    )
    p, q = 1.3, 0.7
    r = responses(problem, (p**2 * q**2, p**2 * q))
    assert list(r) == ["w0", "p"]
    np.testing.assert_allclose(r["w0"].motion, [2 * p**2 * q, p**2], rtol=1e-12)
    np.testing.assert_allclose(r["w0"].curvature, [2 * p**2, 0], atol=1e-11)
    np.testing.assert_allclose(r["p"].motion, [2 * p * q**2, 2 * p * q], rtol=1e-12)
    np.testing.assert_allclose(r["p"].curvature, [2 * q**2, 2 * q], rtol=1e-11)
    assert all(abs(part) < 1e-12 for one in r.values() for part in (one.slope, one.bend, one.height))


@given(seed=st.integers(0, 10**6), d=st.integers(1, 4))
@settings(max_examples=12, deadline=None)
def test_a_pulled_bowl_moves_in_proportion(seed, d):
    """½ xᵀAx - p² b·x has its minimum at p² A⁻¹b."""
    rng = np.random.default_rng(seed)
    root, b = rng.normal(size=(d, d)).round(3), rng.normal(size=d).round(3)
    a = root @ root.T + np.eye(d)
    names = [f"x{k}" for k in range(d)]
    bowl = " + ".join(f"({float(a[i, j]) / 2!r})*{names[i]}*{names[j]}" for i in range(d) for j in range(d))
    pull = " - p^2*(" + " + ".join(f"({float(b[i])!r})*{names[i]}" for i in range(d)) + ")"
    problem = Problem.from_text(bowl + pull, box={n: (-3, 2 + k) for k, n in enumerate(names)}, parameters={"p": 0.8})
    base = np.linalg.solve(a, b)
    r = response(problem, "p", 0.64 * base)
    np.testing.assert_allclose(r.motion, 1.6 * base, atol=1e-10)
    np.testing.assert_allclose(r.curvature, 2 * base, atol=1e-10)
    assert r.bend == pytest.approx(-6 * 0.64 * (b @ base), abs=1e-9)
    widths = np.array([5.0 + k for k in range(d)])
    assert r.condition == pytest.approx(np.linalg.cond(a * np.outer(widths, widths)))


def test_partial_derivatives_are_those_of_finite_differences_at_all_points_at_once():
    points, h = np.random.default_rng(1).uniform(0.2, 1.3, (2, 5, 2)), 1e-5
    for name, parameter in EVERY:
        problem = TURNED[name]
        own = problem.parameters[parameter]
        above, below = (problem.with_parameters(**{parameter: own + c}) for c in (h, -h))
        np.testing.assert_allclose(mixed(problem, parameter, points), (above.gradient(points) - below.gradient(points)) / (2 * h), atol=1e-8)
        np.testing.assert_allclose(slope(problem, parameter, points), (above.value(points) - below.value(points)) / (2 * h), atol=1e-8)


def test_outside_the_domain_there_are_no_derivatives():
    barrier = GALLERY["log_barrier"]
    assert np.isnan(slope(barrier, "m", (-1.0, 1.0))) and np.isnan(mixed(barrier, "m", [(-1.0, 1.0)])).all()
    assert "no finite value" in response(barrier, "m", (-1.0, 1.0)).reason


def test_formulas_are_printed_under_their_own_names():
    assert mixed_latex(PITCHFORK, "c") == ["0", "- 2 y"]
    problem = Problem.from_text("theta1*x^2 + alpha^2*x", box={"x": (-1, 1)}, parameters={"alpha": 1, "theta1": 2})
    assert mixed_latex(problem, "theta1") == ["2 x"] and mixed_latex(problem, "alpha") == [r"2 \alpha"]


@pytest.mark.parametrize(
    "formula",
    [
        "x^2 + y^2 + abs(p - x)", "x^2 + y^2 + max(p, x, y)", "(x - floor(p))^2 + y^2", "x^2 + y^2 + mod(x, p)", "x^2 + y^2 + sqrt(p^2)*x",
        "x^2 + y^2 + sign(p*x)", "x^2 + y^2 + min(p, 2)*x", "x^2 + y^2 + ceil(p*x)", "abs(x)^p + y^2",
    ],
)  # fmt: skip
@pytest.mark.parametrize("p", [1.0, 1.5])
def test_parameters_in_places_that_are_not_smooth_are_survived(formula, p):
    problem = Problem.from_text(formula, parameters={"p": p})
    for point in [(0.0, 0.0), (p, 0.0), *(m.point for m in survey(problem))]:
        r = response(problem, "p", point)
        assert r.reason or np.isfinite([*r.motion, *r.curvature, r.slope, r.bend, r.condition]).all()


def test_a_step_of_the_parameter_does_not_move_the_minimum_until_it_jumps():
    r = response(Problem.from_text("(x - floor(p))^2 + y^2", parameters={"p": 1.5}), "p", (1.0, 0.0))
    assert r.reason == "" and not r.motion.any() and not r.curvature.any() and r.slope == 0


@pytest.mark.parametrize(
    ("formula", "point", "says"),
    [
        ("x^4 + p*y^2", (0, 0), "singular"),
        ("x^2 + p*y^2", (0.1, 0), "not stationary"),
        ("log(x) + p*y^2", (-1, 0), "no finite value"),
        ("(-2)^p*x^2 + y^2", (0, 0), "no derivative by p"),
        ("(x*y - p)^2", (1, 2), "singular"),
    ],
)
def test_where_there_is_no_response_it_says_why(formula, point, says):
    r = response(Problem.from_text(formula, parameters={"p": 2.0}), "p", point)
    assert says in r.reason and np.isnan(r.motion).all() and np.isnan([r.slope, r.bend, r.vanishing_at]).all() and not r.near_vanishing
    assert np.isnan(r.place(0.1)).all() and np.isnan(r.value(0.1))


def test_unknown_parameters_and_wrong_points_are_refused():
    assert responses(GALLERY["peaks"], (0, 0)) == {}
    for call in (lambda: response(CUSP, "q", (0, 0)), lambda: mixed(CUSP, "q", (0, 0)), lambda: mixed_latex(CUSP, "q")):
        with pytest.raises(ValueError, match="there is no parameter 'q'; there are: a, b"):
            call()
    with pytest.raises(ValueError, match="points must have 2 numbers"):
        slope(CUSP, "a", (1, 2, 3))


# -- near its vanishing ------------------------------------------------------------------------------------------------


def right_minimum(problem):
    return max(survey(problem), key=lambda m: m.point[0]).point


@pytest.mark.parametrize(("b", "error", "near"), [(0.3, 0.2, False), (1.2, 0.04, False), (1.5, 2e-3, True), (1.539, 1e-5, True)])
def test_the_distance_to_a_fold_is_the_better_known_the_nearer_it_is(b, error, near):
    problem = CUSP.with_parameters(b=b)
    r = response(problem, "b", right_minimum(problem))
    assert r.vanishing_at == pytest.approx(8 / (3 * np.sqrt(3)), abs=error) and r.near_vanishing == near


def test_a_minimum_may_be_near_its_vanishing_in_one_parameter_and_from_either_side():
    problem = CUSP.with_parameters(a=0.35)
    assert responses(problem, right_minimum(problem))["a"].vanishing_at == pytest.approx(0.3361, abs=2e-3)
    for c, y in ((0.02, 0.2), (-0.02, 0.0)):
        r = response(PITCHFORK.with_parameters(c=c), "c", (0, y))
        assert r.near_vanishing and r.vanishing_at == pytest.approx(0, abs=1e-12)


def test_a_narrow_valley_and_an_accelerating_minimum_are_not_near_their_vanishing():
    valley = response(GALLERY["narrow_valley"].with_parameters(k=1000), "k", (0, 0))
    assert valley.condition == pytest.approx(1000) and not valley.near_vanishing and np.isnan(valley.vanishing_at)
    moving = response(Problem.from_text("(x - p^3)^2 + y^2", parameters={"p": Setting(0.01, -1, 1)}), "p", (1e-6, 0))
    assert moving.curvature[0] == pytest.approx(0.06) and not moving.near_vanishing and np.isnan(moving.vanishing_at)


def test_beyond_the_range_or_far_on_a_logarithmic_one_nothing_vanishes():
    def near(setting):
        r = response(Problem.from_text("p*x^2 + y^2", parameters={"p": setting}), "p", (0, 0))
        return r.near_vanishing, r.vanishing_at

    assert near(Setting(0.02, -1, 1)) == (True, pytest.approx(0))
    assert near(Setting(0.02, 0.01, 1)) == (False, pytest.approx(0))
    assert near(Setting(0.02, 0.01, 1, log=True)) == (False, pytest.approx(np.nan, nan_ok=True))
