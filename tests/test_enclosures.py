"""Enclosures hold the exact constants and values of expressions; names, kinks and jumps."""

import numpy as np
import pytest
from exact import exact
from expressions import SCALARS, VECTORS, expressions, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mpmath import mpf

from gdcore import Problem
from gdcore.bounded import bounded
from gdcore.enclosures import around, enclosing

BOX = {"x": (-2.0, 2.0)}


def thin(*point):
    return np.repeat(np.array(point, dtype=float)[:, None, None], 2, axis=1)


def claims(bounds, value):
    """Whether bounds (2,) hold a value, or claim nothing."""
    low, high = map(float, bounds)
    return not (low == low and mpf(low) > value or high == high and mpf(high) < value)


@pytest.mark.parametrize("text", ["1/3", "pi", "0.1", "sin(2)", "sqrt(2)", "e", "exp(1/7)", "pi/3 - 1", "2^0.5", "0.1 + 0.2", "log(10)", "1e-300/3", "22/7*e^2", "tan(1.5)"])
def test_constants_are_held_exactly(text):
    from mpmath import mp

    plain = {"1/3": "mpf(1)/3", "0.1": "mpf('0.1')", "exp(1/7)": "exp(mpf(1)/7)", "2^0.5": "sqrt(mpf(2))", "0.1 + 0.2": "mpf('0.3')"}
    plain |= {"1e-300/3": "mpf('1e-300')/3", "22/7*e^2": "mpf(22)/7*e**2"}
    with mp.workdps(40):
        names = {name: getattr(mp, name) for name in ("sin", "sqrt", "exp", "log", "tan", "pi", "e", "mpf")}
        true = +mpf(eval(plain.get(text, text.replace("sqrt(2)", "sqrt(mpf(2))")), names))
        for x in (1.0, 0.75, -1.9):
            low, high = bounded(Problem.from_text(f"({text})*x", box=BOX)).value(thin(x))[:, 0]
            assert mpf(low) <= true * mpf(x) <= mpf(high)
            assert high - low <= 1e-14 * abs(low) + 1e-300


def test_doubles_are_exact_and_what_is_no_number_says_nothing():
    import sympy

    assert around(sympy.Rational(3, 4)) == (0.75, 0.75)
    low, high = around(sympy.Rational(1, 10))
    assert low < high and low <= 0.1 <= high and high - low < 1e-16
    assert np.isnan(around(sympy.log(-2))).all() and np.isnan(around(sympy.zoo)).all()


@pytest.mark.parametrize("name", ["k0", "k1", "constant", "x"])
def test_a_name_is_not_taken_for_a_constant(name):
    as_variable = bounded(Problem.from_text(f"{name}^2/3 + {name}/7", box={name: (-2, 3)}))
    as_parameter = bounded(Problem.from_text(f"t^2 + t*{name}/3 + pi", box={"t": (-2, 3)}, parameters={name: 2.5}))
    assert abs(as_variable.value(thin(2.0))[0, 0] - (4 / 3 + 2 / 7)) < 1e-14
    assert abs(as_parameter.value(thin(2.0))[0, 0] - (4 + 5 / 3 + np.pi)) < 1e-14


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions(), st.integers(0, 10_000), st.floats(1e-12, 2.0))
def test_values_of_random_expressions_are_held(expression, seed, width):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-2, 2, (3, 1, 4))
    box = np.concatenate([low, low + width * rng.random((3, 1, 4))], axis=1)
    scalars = rng.uniform(-2, 2, 2)
    bounds = enclosing([expression], VECTORS, SCALARS)(box, scalars)[0]
    share = rng.random((3, 4))
    for points in (box[:, 0], box[:, 1], np.clip(box[:, 0] + share * (box[:, 1] - box[:, 0]), box[:, 0], box[:, 1])):
        for k in range(4):
            assert claims(bounds[:, k], exact(expression, table(points[:, k], scalars)))


def bounds_of(formula, low, high, method="value"):
    problem = Problem.from_text(formula, box=BOX)
    return getattr(bounded(problem), method)(np.array([[[low], [high]]]))


@pytest.mark.parametrize(
    ("formula", "low", "high", "jump", "kink"),
    [
        ("abs(x)", -1, 1, False, True), ("abs(x)", 0, 1, False, True), ("abs(x)", 0.1, 1, False, False),
        ("floor(x)", 0.5, 1, True, False), ("floor(x)", 0.2, 0.8, False, False), ("sign(x - 1)", 0.9, 1, True, False),
        ("max(x, x^2)", 0.9, 1.1, False, True), ("max(x, x^2)", 1.1, 1.2, False, False), ("mod(x, 0.5)", 0.4, 0.6, True, False),
        ("atan2(x, -1)", -1, 1, True, False), ("cbrt(x)", -1, 1, False, True), ("sqrt(x^2)", -1, 1, False, True),
        ("x^2 + sin(x)", -1, 1, False, False),
    ],
)  # fmt: skip
def test_jumps_and_kinks_are_seen(formula, low, high, jump, kink):
    found = bounds_of(formula, low, high, "breaks")
    assert (bool(found[0][0]), bool(found[1][0])) == (jump, kink)


@pytest.mark.parametrize(
    ("formula", "low", "high"),
    [("abs(x)", -1, 1), ("max(x, -2*x)", -2, 1), ("min(x, 3*x)", 1, 3), ("abs(x) + 0.5*x", -0.5, 1.5), ("max(min(x, 1), -x)", -1, 1)],
)
def test_both_sides_of_a_kink_are_held_and_no_more(formula, low, high):
    found = bounds_of(formula, -0.001, 0.001, "slopes_beside")[0, :, 0]
    assert found[0] <= low and found[1] >= high
    if formula != "max(min(x, 1), -x)":  # its second kink, elsewhere, is no comparison that is undecided here
        assert found[0] > low - 1e-9 and found[1] < high + 1e-9


def test_sides_of_one_comparison_are_the_same_wherever_it_occurs():
    """Beside the kink |x| - |x| · 1 is constant: its slopes cancel on both sides."""
    found = bounds_of("abs(x)*3 - abs(x)*(3 + x^2)", -0.001, 0.001, "slopes_beside")[0, :, 0]
    assert np.abs(found).max() < 1e-5
