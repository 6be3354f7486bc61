"""What an expression is worth at a point, to 50 digits: read off its tree by mpmath, apart from the code under test."""

from collections.abc import Mapping

import mpmath
import sympy
from mpmath import mp, mpf
from sympy import Expr

from gdcore import functions as fn


class Undefined(Exception):
    """There is no real value."""


def _power(base, exponent):
    if base == 0 and exponent <= 0 or base < 0 and exponent != int(exponent):
        raise Undefined
    return base ** int(exponent) if exponent == int(exponent) else mpmath.power(base, exponent)


def _real(function):
    def real(*numbers):
        value = function(*numbers)
        if not mpmath.isfinite(value) or mpmath.im(value) != 0:
            raise Undefined
        return mpmath.re(value)

    return real


MEANING = {
    sympy.Pow: _power, sympy.exp: mpmath.exp, sympy.log: _real(mpmath.log), sympy.sin: mpmath.sin, sympy.cos: mpmath.cos,
    sympy.tan: mpmath.tan, sympy.asin: _real(mpmath.asin), sympy.acos: _real(mpmath.acos), sympy.atan: mpmath.atan,
    sympy.sinh: mpmath.sinh, sympy.cosh: mpmath.cosh, sympy.tanh: mpmath.tanh, sympy.asinh: mpmath.asinh,
    sympy.acosh: _real(mpmath.acosh), sympy.atanh: _real(mpmath.atanh), sympy.erf: mpmath.erf, sympy.atan2: mpmath.atan2,
    fn.Absolute: abs, fn.Signum: mpmath.sign, fn.FloorOf: mpmath.floor, fn.CeilingOf: mpmath.ceil, fn.Maximum: max,
    fn.Minimum2: min, fn.AtLeast: lambda a, b: mpf(a >= b), fn.Above: lambda a, b: mpf(a > b),
    fn.CubeRoot: lambda u: mpmath.sign(u) * mpmath.cbrt(abs(u)), fn.Modulo: lambda a, b: a - b * mpmath.floor(a / b),
}  # fmt: skip


def exact(expression: Expr, values: Mapping[Expr, float]) -> mpf:
    """The value where the symbols have these values; Undefined where there is none."""
    with mp.workdps(50):
        return _exact(expression, {symbol: mpf(value) for symbol, value in values.items()})


def _exact(expression, known):
    if expression not in known:
        known[expression] = _computed(expression, known)
    return known[expression]


def _computed(expression, known):
    if expression.is_Rational:
        return mpf(int(expression.p)) / int(expression.q)
    if expression.is_Number or expression.is_NumberSymbol:
        return mpf(expression._to_mpmath(mp.prec))
    parts = [_exact(part, known) for part in expression.args]
    if expression.is_Add:
        return mpmath.fsum(parts)
    if expression.is_Mul:
        return mpmath.fprod(parts)
    return MEANING[expression.func](*parts)
