"""Programs → numpy functions: right values in every row and block, nothing foreign in the source."""

import ast
import math

import numpy as np
import pytest
import sympy
from expressions import SCALARS, VECTORS, evaluate, expressions, table
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr
from trees import trees

from gdcore import OPTIMIZERS, Problem
from gdcore.codegen import BLOCK, NAMESPACE, generate
from gdcore.formula import FormulaError
from gdcore.kernel import kernel, program_of
from gdcore.nodes import Node
from gdcore.notation import to_text
from gdcore.problem import _compile
from gdcore.program import lower

X, Y, Z = VECTORS.values()
NUMBERS = (1.7, -0.6)
POINTS = np.array([[0.7, -1.3, 0.4], [-0.2, 0.9, 1.1], [1.5, 0.3, -0.8], [0.01, -0.5, 2.0]])
SCALAR_NUMBERS = tuple(map(np.float64, NUMBERS))
NAMES = {"run", "vectors", "scalars", "outputs", "workspace", "out"}


@given(st.lists(expressions(), min_size=1, max_size=4))
def test_generated_functions_compute_their_expressions(found: list[Expr]) -> None:
    out = generate(lower(found, VECTORS, SCALARS))(POINTS.T.copy(), SCALAR_NUMBERS)
    assert out.shape == (len(found), len(POINTS))
    for column, point in zip(out.T, POINTS, strict=True):
        values = table(tuple(point), NUMBERS)
        for number, expression in zip(column, found, strict=True):
            wanted, size = evaluate(expression, values)
            if math.isfinite(size) and size < 1e200:
                assert number == pytest.approx(wanted, rel=1e-11, abs=1e-13 * size)


@given(expressions(most=8))
def test_generated_gradients_are_right(expression: Expr) -> None:
    partials = [sympy.diff(expression, symbol) for symbol in VECTORS.values()]
    out = generate(lower([expression, *partials], VECTORS, SCALARS))(POINTS.T.copy(), SCALAR_NUMBERS)
    for column, point in zip(out.T, POINTS, strict=True):
        values = table(tuple(point), NUMBERS)
        for number, partial in zip(column[1:], partials, strict=True):
            wanted, size = evaluate(partial, values)
            if math.isfinite(size) and size < 1e200:
                assert number == pytest.approx(wanted, rel=1e-11, abs=1e-13 * size)


@given(st.lists(expressions(), min_size=1, max_size=3))
def test_source_holds_only_our_names_and_numbers(found: list[Expr]) -> None:
    check_source(generate(lower(found, VECTORS, SCALARS)).source)


@given(trees(("x", "y", "weight_decay", "a_b")))
def test_no_name_of_a_user_reaches_the_source(tree: Node) -> None:
    box = {"x": (-1.0, 1.0), "weight_decay": (-1.0, 1.0)}
    try:
        problem = Problem.from_text(to_text(tree), box=box, parameters={"y": 1.0, "a_b": 2.0}).prepare()
    except FormulaError:
        return
    compiled = _compile(problem.formula, problem.variables, tuple(problem.parameters))
    for function in (compiled.value, compiled.everything, compiled.conditions, compiled.cells):
        check_source(function.source)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_name_of_an_optimizer_reaches_the_source(name: str) -> None:
    problem = Problem.from_text("a*x^2 + y^4", parameters={"a": 1.0})
    recipe = kernel(problem, OPTIMIZERS[name], OPTIMIZERS[name].defaults, 10).recipe
    check_source(generate(program_of(recipe)).source)


def check_source(source: str) -> None:
    """Only calls of listed numpy functions on names such as v0, s1, c2, o3, r4 and on numbers."""
    for node in ast.walk(ast.parse(source)):
        assert not isinstance(node, (ast.Attribute, ast.Import, ast.ImportFrom, ast.Lambda, ast.JoinedStr)), source
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name) and node.func.id in NAMESPACE, source
        elif isinstance(node, ast.Name):
            own = node.id[0] in "vscor" and node.id[1:].isdigit()
            assert own or node.id in NAMESPACE or node.id in NAMES, node.id
        elif isinstance(node, ast.Constant):
            assert isinstance(node.value, float) or node.value is Ellipsis, node.value


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 17])
def test_every_block_is_filled(count: int) -> None:
    points = np.random.default_rng(0).normal(size=(3, count))
    function = generate(lower([X * Y + sympy.sin(Z), X, sympy.Integer(2), X * Y + sympy.sin(Z)], VECTORS, SCALARS))
    out = function(points, SCALAR_NUMBERS)
    wanted = points[0] * points[1] + np.sin(points[2])
    np.testing.assert_allclose(out, [wanted, points[0], np.full(count, 2.0), wanted], rtol=1e-15, atol=1e-16)


def test_outputs_that_are_inputs_numbers_or_each_other() -> None:
    a, b = SCALARS["a"], SCALARS["b"]
    function = generate(lower([X, X, sympy.Integer(5), a + b, X + 1, 2 * (X + 1), X + 1], VECTORS, SCALARS))
    out = function(POINTS.T.copy(), SCALAR_NUMBERS)
    x = POINTS[:, 0]
    np.testing.assert_allclose(out, [x, x, 0 * x + 5, 0 * x + 1.1, x + 1, 2 * x + 2, x + 1], rtol=1e-15)


def test_inputs_are_left_alone() -> None:
    points = POINTS.T.copy()
    generate(lower([sympy.sin(X) * Y**5 + Z**3], VECTORS, SCALARS))(points, SCALAR_NUMBERS)
    np.testing.assert_array_equal(points, POINTS.T)


def test_rows_are_used_again() -> None:
    long_sum = sum((sympy.sin(k * X) * sympy.cos(k * Y) for k in range(1, 40)), sympy.Integer(0))
    assert generate(lower([long_sum], VECTORS, SCALARS)).rows < 60


def test_no_numpy_warning_escapes() -> None:
    out = generate(lower([sympy.log(X), 1 / Y, sympy.exp(1000 * Z)], VECTORS, SCALARS))(
        np.array([[-1.0], [0.0], [5.0]]), SCALAR_NUMBERS
    )
    assert np.isnan(out[0, 0]) and np.isinf(out[1, 0]) and np.isinf(out[2, 0])
