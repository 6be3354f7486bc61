"""Bounds of f, its gradient and Hessian hold their exact values, for every gallery problem and the formulas of the case files."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from cases import lines
from exact import Undefined, exact
from mpmath import mpf

from gdcore import GALLERY, FormulaError, Problem
from gdcore.bounded import bounded

BOXES, POINTS = 5, 2


def _two_variables():
    found = {}
    for line in lines("valid_formulas.txt"):
        formula = line.split("\t")[0]
        try:
            found[formula] = Problem.from_text(formula, box={"x": (-2, 2.5), "y": (-2.5, 2)}).prepare()
        except FormulaError:
            continue
    return found


PROBLEMS = {**GALLERY, **_two_variables()}


def boxes_and_points(problem, rng):
    """Boxes (d, 2, n) of all sizes in the problem's box, and points (n, POINTS, d) in them: some at corners."""
    d, lows, highs = problem.dimension, problem.lows[:, None], problem.highs[:, None]
    size = 10 ** rng.uniform(-9, -0.3, BOXES) * (highs - lows) * rng.uniform(0.1, 1, (d, BOXES))
    low = lows + rng.random((d, BOXES)) * (highs - lows - size)
    high = low + size
    share = rng.choice([0.0, 1.0, 0.3, 0.7, 0.5], (POINTS, d, BOXES))
    points = np.clip(low + share * size, low, high)
    return np.stack([low, high], axis=1), np.moveaxis(points, (0, 1, 2), (1, 2, 0))


def outside(bounds, value):
    low, high = map(float, bounds)
    return low == low and mpf(low) > value or high == high and mpf(high) < value


@pytest.mark.parametrize("name", PROBLEMS)
def test_exact_values_are_held(name):
    problem = PROBLEMS[name]
    rng, d, symbols, functions = np.random.default_rng(len(name)), problem.dimension, problem.symbols, bounded(problem)
    boxes, points = boxes_and_points(problem, rng)
    value, gradient, hessian = functions.value(boxes), functions.gradient(boxes), functions.hessian(boxes)
    surely, maybe = functions.defined(boxes)
    pairs = list(combinations_with_replacement(range(d), 2))
    parameters = {symbols.all[key]: number for key, number in problem.parameters.items()}
    for k in range(BOXES):
        for point in points[k]:
            values = parameters | dict(zip(symbols.variables, point, strict=True))
            try:
                assert not outside(value[:, k], exact(symbols.value, values))
            except Undefined:
                assert not surely[k]
                continue
            conditions = [exact(condition, values) for condition in symbols.conditions]
            assert maybe[k] or any(condition < 0 for condition in conditions)
            try:
                slopes = [exact(partial, values) for partial in symbols.gradient]
                seconds = [exact(second, values) for second in symbols.hessian]
            except (Undefined, ZeroDivisionError):
                continue
            assert not any(outside(gradient[i, :, k], slope) for i, slope in enumerate(slopes))
            for (i, j), second in zip(pairs, seconds, strict=True):
                assert not outside(hessian[i, j, :, k], second) and not outside(hessian[j, i, :, k], second)


@pytest.mark.parametrize("name", ["needle", "gramacy_lee", "log_barrier", "muller_brown", "easom", "ackley", "hartmann_3", "damped_wave"])
def test_slopes_have_the_signs_and_zeros_of_the_gradient(name):
    problem, rng = GALLERY[name], np.random.default_rng(1)
    points = rng.uniform(problem.lows, problem.highs, (200, problem.dimension))
    points = points[problem.in_domain(points)]
    gradients, thin = problem.gradient(points).T, np.repeat(points.T[:, None], 2, axis=1)
    low, high = np.moveaxis(bounded(problem).slopes(thin), 1, 0)
    size = np.abs(problem.hessian(points)).sum(axis=(1, 2)) * 1e-12 + 1e-300
    assert not (low[gradients < -size] > 0).any() and not (high[gradients > size] < 0).any()
    clear = np.abs(gradients) > 1e6 * size
    assert (np.sign(low[clear]) == np.sign(high[clear])).mean() > 0.99


@pytest.mark.parametrize("name", ["peaks", "six_hump_camel", "hartmann_3", "rippled_bowl", "log_barrier"])
def test_bounds_at_a_point_are_narrow_and_near_the_numbers(name):
    problem, rng = GALLERY[name], np.random.default_rng(2)
    points = problem.lows + (problem.highs - problem.lows) * rng.uniform(0.1, 0.4, (100, problem.dimension))
    thin, functions = np.repeat(points.T[:, None], 2, axis=1), bounded(problem)
    values, gradients, hessians = problem.differentiate(points)
    for bounds, numbers in (
        (functions.value(thin), values),
        (np.moveaxis(functions.gradient(thin), 1, 0), gradients.T),
        (np.moveaxis(functions.hessian(thin), 2, 0), np.moveaxis(hessians, 0, -1)),
    ):
        size = np.abs(numbers).max()
        assert (bounds[1] - bounds[0] <= 1e-11 * size).all()
        assert (bounds[0] <= numbers + 1e-13 * size).all() and (bounds[1] >= numbers - 1e-13 * size).all()


@pytest.mark.parametrize(
    ("formula", "low", "high", "surely", "maybe"),
    [
        ("log(x)", 1, 2, True, True), ("log(x)", -1, 2, False, True), ("log(x)", -2, -1, False, False),
        ("sqrt(1 - x^2)", 0.9, 1.1, False, True), ("sqrt(1 - x^2)", 1.1, 1.2, False, False), ("acosh(x)", 0, 0.5, False, False),
        ("1/x", -1, 1, False, True), ("1/x", 0, 1, False, True), ("1/x", 0.5, 1, True, True), ("x/x", -1, 1, False, True),
        ("tan(x)", 1, 2, False, True), ("tan(x)", 0, 1, True, True), ("atan(1/x)", -1, 1, False, True),
        ("exp(-1/x^2)", -1, 1, False, True), ("x^x", -2, -1, False, True), ("x^2 + 1/(2 + sin(x))", -1, 1, True, True),
        ("exp(exp(x))", 1, 2, True, True), ("sqrt(x)^2", -2, -1, False, False), ("1/(x^3 - 3*x + 2)", 0.9, 1.1, False, True),
    ],
)  # fmt: skip
def test_where_f_has_a_value(formula, low, high, surely, maybe):
    found = bounded(Problem.from_text(formula, box={"x": (-3, 3)})).defined(np.array([[[low], [high]]], dtype=float))
    assert (bool(found[0][0]), bool(found[1][0])) == (surely, maybe)


def test_parameters_are_honoured():
    problem = GALLERY["tilted_double_well"]
    box = np.array([[[0.3], [0.4]], [[0.1], [0.2]]])
    for a, b in ((0.5, 0.1), (1.5, 0.3)):
        other = problem.with_parameters(a=a, b=b)
        low, high = bounded(other).value(box)[:, 0]
        assert low <= other.value([0.35, 0.15]) <= high
        assert high - low < 0.5
