"""sympy expressions → a straight-line program: one operation a line, nothing computed twice.

The program is what every engine translates, codegen.py for NumPy and lanes.py for a compiler. Operands are integers (indices
of earlier lines), strings (names of inputs) or floats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr

from gdcore import functions as fn

Operand = int | str | float

UNARY = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.asin: "arcsin",
    sympy.acos: "arccos", sympy.atan: "arctan", sympy.sinh: "sinh", sympy.cosh: "cosh", sympy.tanh: "tanh",
    sympy.asinh: "arcsinh", sympy.acosh: "arccosh", sympy.atanh: "arctanh", sympy.erf: "erf", sympy.Abs: "abs",
    sympy.sign: "sign", fn.Signum: "sign", fn.Absolute: "abs", fn.FloorOf: "floor", fn.CeilingOf: "ceil",
    fn.CubeRoot: "cbrt",
}  # fmt: skip
BINARY = {
    sympy.atan2: "arctan2", fn.Maximum: "maximum", fn.Minimum2: "minimum", fn.AtLeast: "greater_equal",
    fn.Above: "greater", fn.Modulo: "mod",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One operation: the numpy name of what is done, its operands, and whether every operand is a scalar."""

    operation: str
    operands: tuple[Operand, ...]
    scalar: bool


@dataclass(frozen=True)
class Program:
    """Lines in order, and which operand each output is."""

    vectors: tuple[str, ...]
    scalars: tuple[str, ...]
    lines: tuple[Line, ...]
    outputs: tuple[Operand, ...]


@dataclass
class Lowering:
    """Expressions turned into lines; equal expressions and equal lines are shared.

    inputs: symbol → operand. Names in `scalars` are numbers, all others arrays of one number per start.
    """

    inputs: dict[Expr, Operand]
    scalars: frozenset[str] = frozenset()
    lines: list[Line] = field(default_factory=list)
    values: dict[Expr, Operand] = field(default_factory=dict)
    numbered: dict[tuple[object, ...], int] = field(default_factory=dict)

    def add(self, expressions: Sequence[Expr]) -> list[Operand]:
        """Operands holding the values of the expressions."""
        replacements, reduced = sympy.cse(list(expressions), order="none", symbols=sympy.numbered_symbols(cls=sympy.Dummy))
        for symbol, expression in replacements:
            self.inputs[symbol] = self._lower(expression)
        return [self._lower(expression) for expression in reduced]

    def bind(self, symbol: Expr, operand: Operand) -> None:
        """Let the symbol stand for an operand computed before."""
        self.inputs[symbol] = operand

    def program(self, vectors: Sequence[str], outputs: Sequence[Operand]) -> Program:
        return Program(tuple(vectors), tuple(sorted(self.scalars)), tuple(self.lines), tuple(outputs))

    def _line(self, operation: str, *operands: Operand) -> Operand:
        scalar = all(self._is_scalar(operand) for operand in operands)
        key = (operation, operands, *map(type, operands))  # line 3 and the number 3.0 are equal, but not the same
        if key not in self.numbered:
            self.numbered[key] = len(self.lines)
            self.lines.append(Line(operation, operands, scalar))
        return self.numbered[key]

    def _is_scalar(self, operand: Operand) -> bool:
        if isinstance(operand, float):
            return True
        return operand in self.scalars if isinstance(operand, str) else self.lines[operand].scalar

    def _lower(self, expression: Expr) -> Operand:
        if expression in self.inputs:
            return self.inputs[expression]
        if expression not in self.values:
            self.values[expression] = self._compute(expression)
        return self.values[expression]

    def _compute(self, expression: Expr) -> Operand:
        if not expression.free_symbols:
            return self._total([expression])
        if expression.is_Add:
            return self._sum(expression.args)
        if expression.is_Mul:
            return self._product(expression.args)
        if expression.is_Pow:
            return self._power(expression.base, expression.exp)
        kind = expression.func
        if kind in UNARY:
            return self._line(UNARY[kind], self._lower(expression.args[0]))
        if kind in BINARY:
            return self._line(BINARY[kind], *(self._lower(argument) for argument in expression.args))
        if kind is fn.Vanishing:
            return self._line("multiply", 0.0, self._lower(expression.args[0]))
        if kind is fn.Select:
            return self._line("where", *(self._lower(argument) for argument in expression.args))
        raise TypeError(f"no array form for {kind}")

    def _sum(self, terms: Iterable[Expr]) -> Operand:
        plus: list[Operand] = []
        minus: list[Operand] = []
        constants: list[Expr] = []
        for term in terms:
            coefficient = term.as_coeff_Mul()[0]
            if not term.free_symbols:
                constants.append(term)
            elif coefficient.is_negative:
                minus.append(self._lower(-term))
            else:
                plus.append(self._lower(term))
        plus, constant = self._scalars_first(plus), self._total(constants)
        if constant != 0.0:
            plus.insert(0, constant)
        total = self._chain("add", plus) if plus else None
        subtract = self._chain("add", minus) if minus and total is None else None
        if subtract is not None:
            return self._line("negative", subtract)
        assert total is not None
        for operand in minus:
            total = self._line("subtract", total, operand)
        return total

    def _product(self, factors: Iterable[Expr]) -> Operand:
        above: list[Operand] = []
        below: list[Operand] = []
        constants: list[Expr] = []
        for factor in factors:
            if not factor.free_symbols:
                constants.append(factor)
            elif factor.is_Pow and factor.exp.is_Number and factor.exp.is_negative:
                below.append(self._power(factor.base, -factor.exp))
            else:
                above.append(self._lower(factor))
        above, constant = self._scalars_first(above), self._multiple(constants)
        negate = constant == -1.0 and bool(above)
        if not above or constant not in (1.0, -1.0):
            above.insert(0, constant)
        top = self._chain("multiply", above)
        if below:
            top = self._line("divide", top, self._chain("multiply", self._scalars_first(below)))
        return self._line("negative", top) if negate else top

    def _total(self, constants: list[Expr]) -> Operand:
        """What constants add up to; 0.0 for none."""
        return sum(map(_number, constants), 0.0)

    def _multiple(self, constants: list[Expr]) -> Operand:
        """What constants multiply to; 1.0 for none."""
        return math.prod(map(_number, constants), start=1.0)

    def _scalars_first(self, operands: list[Operand]) -> list[Operand]:
        """Numbers before arrays: a chain then costs one array operation for all of its numbers together."""
        return sorted(operands, key=lambda operand: not self._is_scalar(operand))

    def _chain(self, operation: str, operands: list[Operand]) -> Operand:
        total = operands[0]
        for operand in operands[1:]:
            total = self._line(operation, total, operand)
        return total

    def _power(self, base: Expr, exponent: Expr) -> Operand:
        if exponent == sympy.Rational(1, 2):
            return self._line("sqrt", self._lower(base))
        if exponent.is_Number and exponent.is_negative:
            return self._line("divide", 1.0, self._power(base, -exponent))
        if exponent.is_Integer:
            return self._integer_power(self._lower(base), int(exponent))
        if exponent.is_Rational and exponent.q == 2:
            root = self._line("sqrt", self._lower(base))
            return self._line("multiply", self._integer_power(self._lower(base), int(exponent.p) // 2), root)
        return self._line("power", self._lower(base), self._lower(exponent))

    def _integer_power(self, base: Operand, exponent: int) -> Operand:
        """Repeated squaring: numpy's own power costs as much as ten products."""
        if exponent == 1:
            return base
        half = self._integer_power(base, exponent // 2)
        square = self._line("multiply", half, half)
        return self._line("multiply", square, base) if exponent % 2 else square


def _number(constant: Expr) -> float:
    """The constant as a float; nan where it is no real number, as a derivative may have it: (-2)^u holds log(-2)."""
    try:
        return float(constant)
    except TypeError:
        return math.nan


def lower(
    expressions: Sequence[Expr], vectors: Mapping[str, Expr], scalars: Mapping[str, Expr] | None = None
) -> Program:
    """One program for the expressions; `vectors` and `scalars` map input names to the symbols they stand for."""
    numbers = scalars or {}
    lowering = Lowering(
        {symbol: name for name, symbol in {**vectors, **numbers}.items()}, scalars=frozenset(numbers)
    )
    return lowering.program(tuple(vectors), lowering.add(expressions))
