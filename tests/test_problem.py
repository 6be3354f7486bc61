"""Problem: values and derivatives against mpmath, the domain, boxes, names, LaTeX, JSON."""

import dataclasses
import json
import pickle
from typing import Any

import cases
import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from gdcore import FormulaError, Problem, Setting
from gdcore.formula import parse
from gdcore.problem import MOST_VARIABLES

MINIMA = {case["name"]: case for case in cases.load("minima.json")}
MINIMA_1D = {f"{case['name']} (1-D)": case for case in cases.load("minima_1d.json")}
BENCHMARK = {f"{case['name']} (scipy)": case for case in cases.load("scipy_go.json")}
SMOOTH = {**MINIMA, **MINIMA_1D, **{name: case for name, case in BENCHMARK.items() if case["smooth"]}}
PEAKS = MINIMA["peaks"]["formula"]


def problem_of(case: dict[str, Any]) -> Problem:
    return Problem.from_text(case["formula"], box=cases.box2(case["bounds"]))


def inner_points(problem: Problem, count: int, seed: int = 3) -> NDArray[np.float64]:
    unit = np.random.default_rng(seed).uniform(0.05, 0.95, (count, problem.dimension))
    return problem.lows + unit * (problem.highs - problem.lows)


# -- oracles -----------------------------------------------------------------------------------------------------------

MP_SCOPE: dict[str, Any] = {
    name: getattr(mpmath, name)
    for name in "exp log log10 sqrt sin cos tan asin acos atan sinh cosh tanh sec floor sign pi e cbrt".split()
} | {"abs": abs, "min": min, "max": max, "ln": mpmath.log}


def mp_function(formula: str, names: tuple[str, ...]) -> Any:
    """The reference formula as an mpmath function: Python reads it, not our parser."""
    code = compile(formula.replace("^", "**"), "<reference case>", "eval")
    return lambda *values: eval(code, {**MP_SCOPE, **dict(zip(names, values, strict=True))})


ILL_CONDITIONED = {"Weierstrass (scipy)": 1e-5}  # cos(2 pi 3^20 x) loses ten digits in its argument


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_agree_with_mpmath(name: str) -> None:
    problem = problem_of(SMOOTH[name])
    points = inner_points(problem, 4)
    loose = ILL_CONDITIONED.get(name, 0.0)
    value, gradient, hessian = problem.differentiate(points)
    usable = np.isfinite(value)
    assert usable.sum() >= 2
    d = problem.dimension
    with mpmath.workdps(60):
        f = mp_function(SMOOTH[name]["formula"], problem.variables)
        for point, v, g, h in zip(points[usable], value[usable], gradient[usable], hessian[usable], strict=True):
            at = tuple(mpmath.mpf(float(c)) for c in point)
            size = float(abs(f(*at))) + 1
            wanted = [mpmath.diff(f, at, tuple(int(k == i) for k in range(d))) for i in range(d)]
            second = [[mpmath.diff(f, at, tuple((k == i) + (k == j) for k in range(d))) for j in range(d)] for i in range(d)]
            assert v == pytest.approx(float(f(*at)), rel=1e-11 + loose, abs=1e-12 * size)
            scale = np.abs(np.array(wanted, float)).max() + 1
            np.testing.assert_allclose(g, np.array(wanted, float), rtol=1e-9 + loose, atol=1e-10 * scale)
            scale = np.abs(np.array(second, float)).max() + 1
            np.testing.assert_allclose(h, np.array(second, float), rtol=1e-8 + loose, atol=1e-9 * scale)


@pytest.mark.parametrize("name", BENCHMARK)
def test_benchmark_formula_has_its_known_optimum(name: str) -> None:
    case = BENCHMARK[name]
    problem = problem_of(case)
    assert problem.dimension == case["dim"]
    refined = case["fglob_refined"]
    found = float(problem.value(case["refined_at"]))
    assert found == pytest.approx(refined, rel=1e-9, abs=1e-7)
    sample = problem.value(inner_points(problem, 2000))
    assert np.nanmin(sample) >= refined - 1e-7 * max(1, abs(refined))


@pytest.mark.parametrize("name", MINIMA)
def test_known_minima_are_stationary_with_their_eigenvalues(name: str) -> None:
    problem = problem_of(MINIMA[name])
    for minimum in MINIMA[name]["minima"]:
        point = [minimum["x"], minimum["y"]]
        value, gradient, hessian = problem.differentiate(point)
        assert value == pytest.approx(minimum["f"], rel=1e-9, abs=1e-9)
        scale = np.abs(hessian).max() + 1
        assert np.abs(gradient).max() < 1e-8 * scale
        np.testing.assert_allclose(np.linalg.eigvalsh(hessian), minimum["hessian_eigs"], rtol=1e-6, atol=1e-8 * scale)


NONSMOOTH = [
    "abs(x) + abs(y)*x", "max(x, y, x*y)", "min(x, y^2)", "sign(x)*y^2", "mod(x, 0.7)*y", "floor(3*x)*y", "ceil(2*y)*x",
    "cbrt(x)*y", "atan2(y, x)", "hypot(x, y)", "sqrt(x^2)*y", "abs(x)^3", "erf(x*y)", "sec(x) + csc(y) + cot(x*y)",
    "log2(x^2 + 1) + log10(y^2 + 1)", "asinh(x) + acosh(2 + y^2) + atanh(x/4)", "asin(x/4) + acos(y/4) + atan(x*y)",
    "sinh(x)*cosh(y)*tanh(x)", "2^x*3^y", "(x^2 + 1)^(1/3)*abs(y)^1.5", "(1 + x^2)^y",
]  # fmt: skip


@pytest.mark.parametrize("formula", NONSMOOTH)
def test_derivatives_of_every_function_agree_with_finite_differences(formula: str) -> None:
    problem = Problem.from_text(formula)
    points = inner_points(problem, 40, seed=11)
    step = 1e-6
    gradient, hessian = problem.gradient(points), problem.hessian(points)
    assert np.isfinite(gradient).all() and np.isfinite(hessian).all()
    for i in range(2):
        shift = step * np.eye(2)[i]
        slope = (problem.value(points + shift) - problem.value(points - shift)) / (2 * step)
        np.testing.assert_allclose(gradient[:, i], slope, rtol=1e-6, atol=1e-6)
        bend = (problem.gradient(points + shift) - problem.gradient(points - shift)) / (2 * step)
        np.testing.assert_allclose(hessian[:, i], bend, rtol=1e-5, atol=1e-5)


def test_a_gradient_with_equal_powers_in_both_variables() -> None:
    """The literal 3.0 and line number 3 of a program were once taken for each other."""
    problem = Problem.from_text("sin(x)^3 + cos(x)^3", box={"x": (-3, 3)})
    x = np.linspace(-3, 3, 101)
    wanted = 3 * np.sin(x) ** 2 * np.cos(x) - 3 * np.cos(x) ** 2 * np.sin(x)
    np.testing.assert_allclose(problem.gradient(x[:, None])[:, 0], wanted, rtol=1e-13, atol=1e-14)


# -- shapes and the domain ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3), (0,), (4, 1, 5)])
@pytest.mark.parametrize("box", [{"x": (-1, 1)}, {"x": (-1, 1), "y": (0, 1)}, {"a": (0, 1), "b": (0, 1), "c": (0, 1)}])
def test_shapes(shape: tuple[int, ...], box: dict[str, tuple[float, float]]) -> None:
    d = len(box)
    problem = Problem.from_text(" + ".join(f"{name}^2" for name in box), box=box)
    points = np.random.default_rng(0).random((*shape, d))
    value, gradient, hessian = problem.differentiate(points)
    assert problem.value(points).shape == value.shape == shape
    assert problem.gradient(points).shape == gradient.shape == (*shape, d)
    assert problem.hessian(points).shape == hessian.shape == (*shape, d, d)
    np.testing.assert_allclose(value, (points**2).sum(axis=-1), rtol=1e-15)
    np.testing.assert_allclose(gradient, 2 * points, rtol=1e-15)
    np.testing.assert_allclose(hessian, np.broadcast_to(2 * np.eye(d), hessian.shape))


def test_points_with_the_wrong_last_axis_are_refused() -> None:
    with pytest.raises(ValueError, match="2 numbers in the last axis"):
        Problem.from_text("x + y").value([1, 2, 3])


def test_a_point_among_many_has_the_value_it_has_alone() -> None:
    problem = Problem.from_text(PEAKS)
    points = inner_points(problem, 20_001)  # three blocks of the generated function
    together = problem.differentiate(points)
    for k in (0, 8191, 8192, 16384, 20_000):
        for whole, alone in zip(together, problem.differentiate(points[k]), strict=True):
            np.testing.assert_array_equal(whole[k], alone)


UNDEFINED = [
    ("x/x", [0.0], [0.5, -2.0]),
    ("sqrt(x)^2", [-1.0], [2.0]),
    ("exp(log(x))", [-1.0], [2.0]),
    ("log(x) - log(x)", [-1.0], [1.0]),
    ("sqrt(x)*sqrt(x)", [-1.0], [1.0]),
    ("sqrt(x)^4", [-0.5], [0.5]),
    ("x^2/x", [0.0], [0.5]),
    ("0*log(x)", [-1.0], [1.0]),
    ("0/x", [0.0], [1.0]),
    ("log(x^2)/2 - log(x)", [-1.0], [1.0]),
    ("asin(x) - asin(x)", [1.5, -1.5], [0.5]),
    ("acosh(x)", [0.5], [1.5]),
    ("atanh(x)", [1.5], [0.5]),
    ("x^0.5", [-1.0], [1.0]),
    ("(x^(1/3))^3", [-1.0], [1.0]),
    ("sin(x)/sin(x)", [0.0], [1.0]),
    ("sqrt(-1 - x^2)*0 + 1", [0.3, -2.0], []),
]


@pytest.mark.parametrize(("formula", "outside", "inside"), UNDEFINED)
def test_nan_outside_the_domain_and_only_there(formula: str, outside: list[float], inside: list[float]) -> None:
    try:
        problem = Problem.from_text(formula, box={"x": (-3, 3)}).prepare()
    except FormulaError:
        assert not inside, "a formula with values must not be refused"
        return
    assert np.isnan(problem.value(np.array(outside)[:, None])).all()
    assert np.isfinite(problem.value(np.array(inside)[:, None])).all()


@pytest.mark.parametrize(
    ("formula", "point", "value"),
    [("x^0", [0.0], 1.0), ("exp(log(x))", [0.0], 0.0), ("x - x + 3", [2.0], 3.0), ("cbrt(x)", [-8.0], -2.0),
     ("abs(x)", [-2.0], 2.0),
     ("sqrt(x^2)", [-2.0], 2.0), ("x^2^0.5", [2.0], 2**2**0.5)],
)  # fmt: skip
def test_values_at_delicate_points(formula: str, point: list[float], value: float) -> None:
    assert Problem.from_text(formula, box={"x": (-3, 3)}).value(point) == pytest.approx(value, rel=1e-15)


CONSTANT_INSIDE = [
    ("max(x, 3, 3)", 3.0), ("max(0, 0, x)", 0.3), ("abs(x - x) + y", 0.4), ("floor(x - x + 0.5)*y + 1", 1.0),
    ("ceil(y - y + 0.3)*x", 0.3), ("cbrt(x - x + 8)", 2.0), ("mod(5, x - x + 3)", 2.0), ("abs(abs(x - x) - y)", 0.4),
    ("tan(x - x) + y", 0.4), ("sign(x - x) + y", 0.4), ("min(1, 2, x)", 0.3), ("erf(x - x)", 0.0), ("sec(x - x)", 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "value"), CONSTANT_INSIDE)
def test_parts_that_turn_out_to_be_constant(formula: str, value: float) -> None:
    problem = Problem.from_text(formula).prepare()
    found, gradient, hessian = problem.differentiate([0.3, 0.4])
    assert found == pytest.approx(value, rel=1e-15)
    assert np.isfinite(gradient).all() and not hessian.any()


@pytest.mark.parametrize(
    "formula", ["asin(x - x + 2)", "max(acos(x - x + 2), y)", "mod(1, x - x)", "0*log(x - x - 1)", "0*sqrt(x - x - 1) + y",
                "log(x - x - 1)/log(x - x - 1)", "1/abs(x - x)", "csc(x - x)", "(x - x)^-1", "sqrt(-1 - 0*y) + x"],
)  # fmt: skip
def test_parts_without_any_value_are_refused(formula: str) -> None:
    with pytest.raises(FormulaError, match="no finite real value|no real value anywhere|always 0|no finite value"):
        Problem.from_text(formula).prepare()


@pytest.mark.parametrize(
    ("formula", "inside", "outside"),
    [("log(x)", 1.0, -1.0), ("sqrt(1 - x^2)", 0.5, 2.0), ("asin(x)", 0.5, 1.5), ("acosh(x)", 2.0, 0.0), ("x^0.3", 1.0, -1.0)],
)
def test_in_domain(formula: str, inside: float, outside: float) -> None:
    problem = Problem.from_text(formula, box={"x": (-3, 3)})
    assert problem.in_domain([[inside], [outside]]).tolist() == [True, False]


@pytest.mark.parametrize("formula", ["x^2 + exp(y)", "sin(x)*y", "sqrt(x^2 + 1)", "log(2 + cos(x))"])
def test_a_function_defined_everywhere_is_in_its_domain_everywhere(formula: str) -> None:
    assert Problem.from_text(formula).in_domain(np.random.default_rng(0).normal(0, 100, (50, 2))).all()


# -- parameters, boxes, names ------------------------------------------------------------------------------------------


def test_parameters_are_numbers_that_do_not_recompile() -> None:
    problem = Problem.from_text("a*x^2 + b*y", parameters={"a": Setting(2.0, low=0, high=5), "b": 3})
    assert problem.parameters == {"a": 2.0, "b": 3.0}
    assert problem.value([2, 5]) == 23
    changed = problem.with_parameters(a=1.0)
    assert changed.value([2, 5]) == 19 and problem.value([2, 5]) == 23
    np.testing.assert_array_equal(changed.gradient([2, 5]), [4, 3])
    assert changed != problem and changed.symbols is problem.symbols
    with pytest.raises(ValueError, match="from 0 to 5"):
        problem.with_parameters(a=6)
    with pytest.raises(ValueError, match="no parameter 'c'; there are: a, b"):
        problem.with_parameters(c=1)


def test_parameters_in_any_order_go_to_their_own_places() -> None:
    problem = Problem.from_text("z*x + 10*a*y", parameters={"z": 2.0, "a": 3.0})
    assert problem.value([1, 1]) == 32
    np.testing.assert_array_equal(problem.with_parameters(a=5.0).gradient([1, 1]), [2, 50])


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ({"x": (1, 1)}, "the first number must be the smaller one"),
        ({"x": (2, 1)}, "runs from 2 to 1"),
        ({"x": (float("nan"), 1)}, "two finite numbers"),
        ({"x": (0, float("inf"))}, "two finite numbers"),
        ({"x": (-1e200, 1e200)}, "two finite numbers"),
        ({}, "0 variables"),
        ({f"x{k}": (0, 1) for k in range(MOST_VARIABLES + 1)}, "11 variables; 1 to 10"),
        ({"x1": (0, 1), "x_1": (0, 1)}, "same name"),
        ({"sin": (0, 1)}, "is a function"),
        ({"e": (0, 1)}, "is a constant"),
        ({"x+y": (0, 1)}, "is no name"),
    ],
)
def test_box_that_is_none(box: dict[str, tuple[float, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Problem.from_text("1 + 1", box=box)


def test_ten_variables_are_possible() -> None:
    names = [f"x{k}" for k in range(MOST_VARIABLES)]
    problem = Problem.from_text("+".join(f"{name}^2" for name in names), box={name: (-1, 1) for name in names})
    assert problem.value(np.ones(10)) == 10 and problem.hessian(np.ones(10)).shape == (10, 10)


def test_parameter_refusals() -> None:
    with pytest.raises(FormulaError, match="both a variable and a parameter"):
        Problem.from_text("x", parameters={"x": 1.0})
    with pytest.raises(ValueError, match="finite number"):
        Problem.from_text("a*x", parameters={"a": float("nan")})
    with pytest.raises(FormulaError, match="unknown name 'b'"):
        Problem.from_text("a*x + b", parameters={"a": 1.0})


def test_names_are_canonical_and_all_variables_stay() -> None:
    problem = Problem.from_text("x₁^2 + θ", box={"x_1": (-1, 1), r"\theta": (0, 1)})
    assert problem.variables == ("x1", "theta")
    lone = Problem.from_text("x^2")
    assert lone.variables == ("x", "y")
    np.testing.assert_array_equal(lone.gradient([3, 7]), [6, 0])
    np.testing.assert_array_equal(Problem.from_text("x - x + y - y").gradient([3, 7]), [0, 0])


def test_with_box() -> None:
    problem = Problem.from_text("x + y", start_box={"x": (0, 1), "y": (0, 1)})
    assert problem.start_box == {"x": (0, 1), "y": (0, 1)} and problem.box["x"] == (-3, 3)
    wider = problem.with_box({"y": (-9, 9), "x": (-5, 5)})
    assert wider.variables == ("x", "y") and wider.box == wider.start_box == {"x": (-5, 5), "y": (-9, 9)}
    with pytest.raises(ValueError, match="exactly the variables x, y"):
        problem.with_box({"x": (0, 1)})
    with pytest.raises(ValueError, match="same variables"):
        Problem.from_text("x + y", start_box={"x": (0, 1)})


# -- formulas to read --------------------------------------------------------------------------------------------------

READABLE = [PEAKS, "(1-x)^2 + 100*(y-x^2)^2", "exp(-x)*sin(3*y) + x/(1 + y^2)", "sqrt(1 + x^2*y^2)", "log(2 + x^2)*atan(y)",
            "abs(x)*y^2 + x", "cosh(x*y) - tanh(y)", "x^4*y - 2*x*y^3 + 1/3", "2^x + y^(3/2)", "cos(x)^2*sin(y)^3", "tan(x/3)*y",
            "cbrt(x + 4)*y", "max(x, y)*x", "asin(x/4) + acos(y/4)"]  # fmt: skip


@pytest.mark.parametrize("formula", READABLE, ids=lambda text: text[:30])
def test_printed_derivatives_mean_what_is_computed(formula: str) -> None:
    problem = Problem.from_text(formula)
    points = np.random.default_rng(5).uniform(0.3, 2.5, (20, 2))
    printed = [*problem.gradient_latex(), *problem.hessian_latex()[0], problem.hessian_latex()[1][1]]
    gradient, hessian = problem.gradient(points), problem.hessian(points)
    computed = [gradient[:, 0], gradient[:, 1], hessian[:, 0, 0], hessian[:, 0, 1], hessian[:, 1, 1]]
    for latex, numbers in zip(printed, computed, strict=True):
        if r"\left[" in latex:  # Iverson brackets of a kink are for people only
            assert "max" in formula
            continue
        np.testing.assert_allclose(Problem.from_text(latex).value(points), numbers, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(Problem.from_text(problem.latex()).value(points), problem.value(points), rtol=1e-14)
    np.testing.assert_allclose(Problem.from_text(problem.text()).value(points), problem.value(points), rtol=1e-14)


def test_latex_uses_the_users_names() -> None:
    problem = Problem.from_text("x1^2*theta + lr*x1", box={"x1": (0, 1), "theta": (0, 1)}, parameters={"lr": 1})
    assert problem.gradient_latex()[1] == "x_{1}^{2}"
    assert r"\theta" in problem.gradient_latex()[0] and r"\mathrm{lr}" in problem.gradient_latex()[0]
    assert problem.hessian_latex() == [[r"2 \theta", "2 x_{1}"], ["2 x_{1}", "0"]]


# -- values ------------------------------------------------------------------------------------------------------------


def test_json_round_trip() -> None:
    problem = Problem.from_text("a*x^2 + y", box={"x": (-1, 2), "y": (0, 5)}, parameters={"a": 2.5}, name="mine")
    again = Problem.from_dict(json.loads(json.dumps(problem.to_dict())))
    assert again == problem and hash(again) == hash(problem)
    assert again.value([2, 1]) == 11
    assert pickle.loads(pickle.dumps(problem)) == problem


def test_problems_are_frozen_and_equal_by_what_defines_them() -> None:
    problem = Problem.from_text("x + y")
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.formula = "x"  # type: ignore[misc]
    assert problem == Problem.from_text("x + y", about="something else")
    assert problem != Problem.from_text("x + y", box={"x": (-1, 1), "y": (-3, 3)})


def test_prepare_refuses_what_cannot_be_derived() -> None:
    assert parse("1e300*x*1e300*y", names=("x", "y"))
    with pytest.raises(FormulaError, match="64-bit range"):
        Problem.from_text("1e300*x*1e300*y").prepare()
