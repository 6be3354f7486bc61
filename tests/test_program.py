"""Expressions → programs: each line means what it says, and shared parts are computed once."""

import math
from typing import Any

import numpy as np
import pytest
import sympy
from expressions import SCALARS, VECTORS, evaluate, expressions, table
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr

from gdcore.program import Lowering, Operand, Program, lower

X, Y, Z = VECTORS.values()
A = SCALARS["a"]
POINT, NUMBERS = (0.7, -1.3, 0.4), (1.7, -0.6)


def interpret(program: Program, vectors: tuple[float, ...], scalars: tuple[float, ...]) -> list[float]:
    """A program run line by line in plain floats: the meaning that every engine must give it."""
    inputs = dict(zip(program.vectors, vectors, strict=True)) | dict(zip(program.scalars, scalars, strict=True))
    done: list[Any] = []

    def get(operand: Operand) -> Any:
        if isinstance(operand, str):
            return inputs[operand]
        return operand if isinstance(operand, float) else done[operand]

    with np.errstate(all="ignore"):
        for line in program.lines:
            operation = math.erf if line.operation == "erf" else getattr(np, line.operation)
            done.append(operation(*map(get, line.operands)))
    return [float(get(operand)) for operand in program.outputs]


@given(st.lists(expressions(), min_size=1, max_size=4))
def test_a_program_computes_its_expressions(found: list[Expr]) -> None:
    program = lower(found, VECTORS, SCALARS)
    values = table(POINT, NUMBERS)
    for number, expression in zip(interpret(program, POINT, NUMBERS), found, strict=True):
        wanted, size = evaluate(expression, values)
        if math.isfinite(size) and size < 1e200:
            assert number == pytest.approx(wanted, rel=1e-11, abs=1e-13 * size)


@given(st.lists(expressions(), min_size=1, max_size=3))
def test_lines_are_well_formed(found: list[Expr]) -> None:
    program = lower(found, VECTORS, SCALARS)
    names = {*program.vectors, *program.scalars}
    keys = [(line.operation, line.operands, tuple(map(type, line.operands))) for line in program.lines]
    assert len(set(keys)) == len(keys), "no operation is done twice"
    for number, line in enumerate(program.lines):
        for operand in line.operands:
            assert isinstance(operand, float) or operand in names or isinstance(operand, int) and operand < number
        scalars = [
            isinstance(o, float) or o in program.scalars or isinstance(o, int) and program.lines[o].scalar for o in line.operands
        ]
        assert line.scalar == all(scalars)


def test_the_number_three_is_not_line_three() -> None:
    """3.0 == 3 in Python: a table of lines keyed by operands alone took one for the other."""
    expression = sympy.sin(X) ** 3 + sympy.cos(X) ** 3
    program = lower([expression, sympy.diff(expression, X)], VECTORS, SCALARS)
    x = POINT[0]
    value, slope = interpret(program, POINT, NUMBERS)
    assert value == pytest.approx(math.sin(x) ** 3 + math.cos(x) ** 3, rel=1e-14)
    assert slope == pytest.approx(3 * math.sin(x) ** 2 * math.cos(x) - 3 * math.cos(x) ** 2 * math.sin(x), rel=1e-14)


@pytest.mark.parametrize("number", range(8))
def test_no_small_number_is_mistaken_for_a_line(number: int) -> None:
    parts = [sympy.sin(X), sympy.cos(Y), sympy.tanh(Z), sympy.atan(X * Y), sympy.sin(Y), sympy.cos(Z), sympy.sin(X * Z)]
    found = [number * part for part in parts] + [part + number for part in parts] + [part * parts[0] for part in parts]
    program = lower(found, VECTORS, SCALARS)
    values = table(POINT, NUMBERS)
    wanted = [evaluate(expression, values)[0] for expression in found]
    np.testing.assert_allclose(interpret(program, POINT, NUMBERS), wanted, rtol=1e-13)


def test_common_parts_are_computed_once() -> None:
    program = lower([sympy.exp(X * Y) + X, sympy.exp(X * Y) * Y], VECTORS, SCALARS)
    assert [line.operation for line in program.lines].count("exp") == 1


@pytest.mark.parametrize("power", [2, 3, 7, 16, 100, 200])
def test_integer_powers_are_products(power: int) -> None:
    program = lower([X**power], VECTORS, SCALARS)
    assert {line.operation for line in program.lines} == {"multiply"}
    assert len(program.lines) <= 2 * math.log2(power)
    assert interpret(program, POINT, NUMBERS)[0] == pytest.approx(0.7**power, rel=1e-13)


@pytest.mark.parametrize(
    ("expression", "operations"),
    [
        (sympy.sqrt(X), ["sqrt"]),
        (X ** sympy.Rational(3, 2), ["sqrt", "multiply"]),
        (1 / X, ["divide"]),
        (-X, ["negative"]),
        (X - Y, ["subtract"]),
        (X**A, ["power"]),
        (A * 2 * X, ["multiply", "multiply"]),
    ],
)
def test_operations(expression: Expr, operations: list[str]) -> None:
    assert sorted(line.operation for line in lower([expression], VECTORS, SCALARS).lines) == sorted(operations)


def test_numbers_are_multiplied_before_arrays_are_touched() -> None:
    program = lower([2 * A * X * SCALARS["b"]], VECTORS, SCALARS)
    assert [line.scalar for line in program.lines] == [True, True, False]


def test_bound_symbols_stand_for_what_was_computed() -> None:
    lowering = Lowering({X: "x"})
    (f,) = lowering.add([sympy.sin(X)])
    symbol = sympy.Dummy("f")
    lowering.bind(symbol, f)
    (out,) = lowering.add([symbol**2 + symbol])
    program = lowering.program(("x",), [out])
    assert [line.operation for line in program.lines].count("sin") == 1
    assert interpret(program, (0.7,), ())[0] == pytest.approx(math.sin(0.7) ** 2 + math.sin(0.7), rel=1e-14)


def test_what_has_no_array_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no array form"):
        lower([sympy.gamma(X)], VECTORS, SCALARS)
