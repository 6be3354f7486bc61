"""What each function of a formula means: its sympy form with a derivative that has a value everywhere.

sympy's own Abs, sign, floor, Max and Mod differentiate to DiracDelta, re/im or unprintable derivatives, and simplify
at a cost that grows with the number of arguments. The classes below are opaque to simplification; at a kink or a jump
their derivative is the value of one side, which is what automatic differentiation gives too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Function, Integer, Rational

ZERO, ONE = Integer(0), Integer(1)


class RealFunction(Function):  # type: ignore[misc]
    """A real function that sympy neither simplifies nor evaluates."""

    is_real = True
    is_commutative = True
    partials: tuple[Callable[..., Expr], ...] = ()
    numeric: Callable[..., float] = lambda *_: math.nan

    def fdiff(self, argindex: int = 1) -> Expr:
        return self.partials[argindex - 1](*self.args)

    def _eval_evalf(self, prec: int) -> Expr | None:
        """The value at arguments that turned out to be constant, as in abs(x - x)."""
        if self.free_symbols:
            return None
        with np.errstate(all="ignore"):
            return sympy.Float(float(type(self).numeric(*map(float, self.args))))


class Signum(RealFunction):
    """Sign of u: -1, 0 or 1."""

    numeric = np.sign
    partials = (lambda u: ZERO,)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _called(printer, r"\operatorname{sign}", self.args, exp)


class Absolute(RealFunction):
    """|u|."""

    is_nonnegative = True
    numeric = np.abs
    partials = (lambda u: Signum(u),)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"\left|{printer._print(self.args[0])}\right|" + (f"^{{{exp}}}" if exp else "")


class AtLeast(RealFunction):
    """1 where a >= b, else 0."""

    is_nonnegative = True
    numeric = np.greater_equal
    partials = (lambda a, b: ZERO, lambda a, b: ZERO)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        a, b = (printer._print(argument) for argument in self.args)
        return rf"\left[{a} \ge {b}\right]" + (f"^{{{exp}}}" if exp else "")


class Above(RealFunction):
    """1 where a > b, else 0."""

    is_nonnegative = True
    numeric = np.greater
    partials = (lambda a, b: ZERO, lambda a, b: ZERO)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        a, b = (printer._print(argument) for argument in self.args)
        return rf"\left[{a} > {b}\right]" + (f"^{{{exp}}}" if exp else "")


class Maximum(RealFunction):
    """The larger of a and b; at a tie the derivative is a's."""

    numeric = np.maximum
    partials = (lambda a, b: AtLeast(a, b), lambda a, b: Above(b, a))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _called(printer, r"\max", self.args, exp)


class Minimum2(RealFunction):
    """The smaller of a and b; at a tie the derivative is a's."""

    numeric = np.minimum
    partials = (lambda a, b: AtLeast(b, a), lambda a, b: Above(a, b))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _called(printer, r"\min", self.args, exp)


class Select(RealFunction):
    """a where the condition is not 0, else b."""

    numeric = staticmethod(lambda c, a, b: a if c else b)

    def _eval_derivative(self, symbol: Expr) -> Expr:
        """That of the side taken: the other may have a pole there, which 0 times it would not silence."""
        condition, *sides = self.args
        slopes = [side.diff(symbol) for side in sides]
        return ZERO if slopes == [ZERO, ZERO] else Select(condition, *slopes)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _called(printer, r"\operatorname{where}", self.args, exp)


class Vanishing(RealFunction):
    """0 where u has a value, nan where it has none: what a simplification must not make us forget."""

    numeric = staticmethod(lambda u: 0.0 * u)
    partials = (lambda u: ZERO,)


class FloorOf(RealFunction):
    """The largest integer not above u."""

    numeric = np.floor
    partials = (lambda u: ZERO,)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"\left\lfloor{printer._print(self.args[0])}\right\rfloor" + (f"^{{{exp}}}" if exp else "")


class CeilingOf(RealFunction):
    """The smallest integer not below u."""

    numeric = np.ceil
    partials = (lambda u: ZERO,)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"\left\lceil{printer._print(self.args[0])}\right\rceil" + (f"^{{{exp}}}" if exp else "")


class Modulo(RealFunction):
    """a - b floor(a/b), as numpy.mod."""

    numeric = np.mod
    partials = (lambda a, b: ONE, lambda a, b: -FloorOf(a / b))

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return _called(printer, r"\operatorname{mod}", self.args, exp)


class CubeRoot(RealFunction):
    """The real cube root, also of negative numbers."""

    numeric = np.cbrt
    partials = (lambda u: Rational(1, 3) * CubeRoot(u) ** -2,)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"\sqrt[3]{{{printer._print(self.args[0])}}}" + (f"^{{{exp}}}" if exp else "")


def _called(printer: Any, head: str, arguments: tuple[Expr, ...], exp: str | None) -> str:
    inner = ", ".join(printer._print(argument) for argument in arguments)
    return head + (f"^{{{exp}}}" if exp else "") + rf"\left({inner}\right)"


def _fold(pair: type[RealFunction], arguments: tuple[Expr, ...]) -> Expr:
    """A balanced tree of two-argument calls, so that nesting grows with the logarithm of the count."""
    if len(arguments) == 1:
        return arguments[0]
    half = len(arguments) // 2
    return pair(_fold(pair, arguments[:half]), _fold(pair, arguments[half:]))


MEANINGS: dict[str, Callable[..., Expr]] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "log10": lambda u: sympy.log(u) / sympy.log(10),
    "log2": lambda u: sympy.log(u) / sympy.log(2),
    "sqrt": sympy.sqrt,
    "cbrt": CubeRoot,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "asin": sympy.asin,
    "acos": sympy.acos,
    "atan": sympy.atan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "asinh": sympy.asinh,
    "acosh": sympy.acosh,
    "atanh": sympy.atanh,
    "abs": Absolute,
    "sign": Signum,
    "min": lambda *arguments: _fold(Minimum2, arguments),
    "max": lambda *arguments: _fold(Maximum, arguments),
    "atan2": sympy.atan2,
    "floor": FloorOf,
    "ceil": CeilingOf,
    "mod": Modulo,
    "erf": sympy.erf,
    "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
    "sec": lambda u: 1 / sympy.cos(u),
    "csc": lambda u: 1 / sympy.sin(u),
    "cot": lambda u: sympy.cos(u) / sympy.sin(u),
    "where": Select,
}
