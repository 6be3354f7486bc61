"""Syntax tree → sympy, with constants folded first, plus the places where the function may fail to exist.

Text never reaches sympy: only trees that the parser built from its whitelist, and symbols with names of our own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import sympy
from sympy import Expr, Float, Rational

from gdcore.formula import (
    Binary,
    Call,
    Compare,
    Constant,
    FormulaError,
    Name,
    Negate,
    Node,
    Number,
    children,
    constant_value,
    names_in,
)
from gdcore.functions import MEANINGS, Above, Absolute, AtLeast, FloorOf, Signum

EXACT_LIMIT = 2**53  # beyond this a rational is no longer one exact float over another
GRADIENT_BUDGET = 5_000
HESSIAN_BUDGET = 40_000
CONSTANTS = {"pi": sympy.pi, "e": sympy.E}


def to_sympy(node: Node, symbols: Mapping[str, Expr]) -> Expr:
    """The tree as a sympy expression over `symbols` (name → expression).

    Raises FormulaError where a constant part has no finite value.
    """
    if isinstance(node, Name):
        return symbols[node.name]
    if not names_in(node):
        return _constant(node)
    parts = [to_sympy(child, symbols) for child in children(node)]
    return _combine(node, parts)


def _combine(node: Node, parts: list[Expr]) -> Expr:
    if isinstance(node, Negate):
        return -parts[0]
    if isinstance(node, Compare):
        left, right = parts if node.operator in (">", ">=") else parts[::-1]
        return AtLeast(left, right) if "=" in node.operator else Above(left, right)
    if isinstance(node, Call):
        return MEANINGS[node.function](*parts)
    assert isinstance(node, Binary)
    left, right = parts
    if node.operator == "+":
        return left + right
    if node.operator == "-":
        return left - right
    if node.operator == "*":
        return left * right
    if node.operator == "^":
        return left**right
    if right == 0:
        raise FormulaError(f"the divisor at {node.position + 1} is always 0: change it", node.position)
    return left / right


def _constant(node: Node) -> Expr:
    """A subtree without names: exact while the numbers stay small, a float otherwise."""
    value = constant_value(node)
    if not math.isfinite(value):
        raise FormulaError(
            f"the constant part at {node.position + 1} has no finite value: change it", max(node.position, 0)
        )
    exact = _exact(node)
    return Float(value) if exact is None else exact


def _exact(node: Node) -> Expr | None:
    """The exact value where it is short: rationals, and sums, products and small powers with pi and e."""
    if isinstance(node, Number):
        return _small(Rational(Fraction(repr(node.value))))
    if isinstance(node, Constant):
        return CONSTANTS[node.name]
    parts: list[Expr] = [_exact(child) for child in children(node)]
    if None in parts:
        return None
    left = parts[0]
    if isinstance(node, Negate):
        return -left
    if isinstance(node, Call):
        if node.function == "exp" and left.is_Rational and abs(left) <= 50:
            return sympy.exp(left)
        if node.function == "sqrt" and left.is_Integer and 0 <= left < 10_000:
            return sympy.sqrt(left)
        return None
    if not isinstance(node, Binary):
        return None
    right = parts[1]
    if node.operator == "^":
        return _small(left**right) if right.is_Integer and abs(right) <= 40 and left != 0 else None
    if node.operator == "/" and right == 0:
        return None
    return _small(_combine(node, [left, right]))


def _small(expression: Expr) -> Expr | None:
    """The expression, or None when it holds a rational too long to be exact in floats."""
    for number in expression.atoms(Rational):
        if abs(number.p) > EXACT_LIMIT or number.q > EXACT_LIMIT:
            return None
    return expression


def derivative(expression: Expr, symbol: Expr) -> Expr:
    """∂expression/∂symbol, with sympy's own |.| and sign replaced by ours, whose derivatives have values."""
    return tame(sympy.diff(tame(expression), symbol))


def tame(expression: Expr) -> Expr:
    """The expression without sympy's Abs and sign (they arise from sqrt(x^2))."""
    if not expression.has(sympy.Abs, sympy.sign):
        return expression
    return expression.replace(sympy.Abs, Absolute).replace(sympy.sign, Signum)


def gradient(expression: Expr, symbols: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """All first partial derivatives, one per symbol; FormulaError when they grow beyond the budget."""
    partials = tuple(derivative(expression, symbol) for symbol in symbols)
    return within_budget(partials, GRADIENT_BUDGET, "derivatives")


def hessian(partials: tuple[Expr, ...], symbols: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The upper triangle of second partial derivatives, row by row; FormulaError beyond the budget."""
    count = len(symbols)
    seconds = tuple(derivative(partials[i], symbols[j]) for i in range(count) for j in range(i, count))
    return within_budget(seconds, HESSIAN_BUDGET, "second derivatives")


def within_budget(expressions: tuple[Expr, ...], budget: int, what: str) -> tuple[Expr, ...]:
    operations = sum(_size(expression) for expression in expressions)
    if operations > budget:
        raise FormulaError(f"the {what} need {operations:,} operations (at most {budget:,}): shorten the formula", 0)
    for expression in expressions:
        require_finite(expression)
    return expressions


def _size(expression: Expr) -> int:
    return sum(1 for _ in sympy.preorder_traversal(expression))


def require_finite(expression: Expr) -> None:
    """FormulaError unless every number in the expression is a finite real double."""
    if expression.has(sympy.zoo, sympy.oo, -sympy.oo, sympy.nan, sympy.I):
        raise FormulaError("the formula has no finite real value: check its divisors, roots and logarithms", 0)
    for number in expression.atoms(sympy.Number):
        if math.isinf(_to_double(number)) or (number != 0 and _to_double(number) == 0):
            raise FormulaError("numbers in the formula or its derivatives leave the 64-bit range: scale it", 0)
    for part in expression.atoms(sympy.Function, sympy.Pow):
        if not part.free_symbols and not math.isfinite(_to_double(part)):  # asin(x - x + 2), mod(1, x - x)
            raise FormulaError("a constant part of the formula has no finite real value: change it", 0)


def _to_double(number: Expr) -> float:
    try:
        return float(number)
    except (OverflowError, TypeError):  # TypeError: no real number
        return math.inf


# -- where the function may fail to exist ------------------------------------------------------------------------------


def domain_conditions(node: Node, symbols: Mapping[str, Expr]) -> tuple[Expr, ...]:
    """Expressions that must all be >= 0 for the tree to have a value: arguments of roots, logarithms, asin and so on.

    Conditions that hold everywhere (by sympy's assumptions) are left out; FormulaError where one holds nowhere.
    """
    found: dict[Expr, None] = {}
    for part in _walk(node):
        for condition in _conditions(part, symbols):
            if not condition.free_symbols and not _to_double(condition) >= 0:
                place = max(part.position, 0)
                raise FormulaError(f"the part at {place + 1} has no real value anywhere: change it", place)
            if condition.free_symbols and not condition.is_nonnegative:
                found[condition] = None
    return tuple(found)


def _conditions(part: Node, symbols: Mapping[str, Expr]) -> list[Expr]:
    if isinstance(part, Call) and names_in(part):
        if part.function in ("log", "log2", "log10", "sqrt"):
            return [tame(to_sympy(part.arguments[0], symbols))]
        if part.function in ("asin", "acos", "atanh"):
            return [tame(1 - to_sympy(part.arguments[0], symbols) ** 2)]
        if part.function == "acosh":
            return [tame(to_sympy(part.arguments[0], symbols) - 1)]
    if isinstance(part, Binary) and part.operator == "^" and names_in(part.left) and not names_in(part.right):
        if not constant_value(part.right).is_integer():
            return [tame(to_sympy(part.left, symbols))]
    return []


def poles(node: Node, symbols: Mapping[str, Expr]) -> tuple[Expr, ...]:
    """Integer-valued expressions that change where the tree may be singular: signs of divisors, branches of tan.

    A run whose step changes one of them may have jumped a singularity; judge.py then looks closer.
    """
    found: dict[Expr, None] = {}
    for part in _walk(node):
        for cell in _cells(part, symbols):
            found[cell] = None
    return tuple(found)


def _cells(part: Node, symbols: Mapping[str, Expr]) -> list[Expr]:
    if isinstance(part, Binary) and part.operator == "/" and names_in(part.right):
        return [Signum(factor) for factor in _zero_factors(to_sympy(part.right, symbols))]
    if isinstance(part, Binary) and part.operator == "^" and names_in(part.left):
        if names_in(part.right) or constant_value(part.right) < 0:
            return [Signum(factor) for factor in _zero_factors(to_sympy(part.left, symbols))]
    if isinstance(part, Call) and names_in(part):
        argument = part.arguments[0]
        if part.function in ("log", "log2", "log10"):
            return [Signum(factor) for factor in _zero_factors(to_sympy(argument, symbols))]
        if part.function in ("tan", "sec"):
            return [FloorOf(to_sympy(argument, symbols) / sympy.pi + Rational(1, 2))]
        if part.function in ("csc", "cot"):
            return [FloorOf(to_sympy(argument, symbols) / sympy.pi)]
    return []


def _zero_factors(expression: Expr) -> list[Expr]:
    """The factors of an expression that can change sign: powers, |.| and roots stripped."""
    factors: list[Expr] = []
    for factor in sympy.Mul.make_args(tame(expression)):
        if not factor.free_symbols or factor.is_positive or factor.is_negative:
            continue
        if factor.is_Pow and not factor.exp.free_symbols:
            factors += _zero_factors(factor.base)
        elif isinstance(factor, Absolute):
            factors += _zero_factors(factor.args[0])
        else:
            factors.append(factor)
    return factors


def lost_guards(node: Node, symbols: Mapping[str, Expr], expression: Expr) -> tuple[Expr, ...]:
    """Expressions that have no value where the tree has none, for the parts that sympy simplified away.

    x/x, sqrt(x)^2, log(x) - log(x): their sympy forms exist everywhere, the formula as typed does not.
    """
    guards: dict[Expr, None] = {}
    for condition in domain_conditions(node, symbols):
        if not _still_guarded(condition, expression):
            guards[sympy.sqrt(condition, evaluate=False)] = None
    present = {power.base for power in expression.atoms(sympy.Pow) if power.exp.is_negative or power.exp.free_symbols}
    for part in _walk(node):
        if isinstance(part, Binary) and part.operator == "/" and names_in(part.right):
            for factor in _zero_factors(to_sympy(part.right, symbols)):
                if factor not in present and not expression.has(sympy.tan):
                    guards[sympy.Pow(factor, -1, evaluate=False)] = None
    return tuple(guards)


def _still_guarded(condition: Expr, expression: Expr) -> bool:
    inner = condition.as_coeff_Mul()[1] if condition.as_coeff_Mul()[0].is_positive else condition
    known = {condition, inner, 1 - condition, condition + 1}
    for part in expression.atoms(sympy.Pow, sympy.Function):
        if part.is_Pow and not part.exp.is_integer and part.base in known:
            return True
        if isinstance(part, (sympy.asin, sympy.acos, sympy.atanh)) and 1 - part.args[0] ** 2 == condition:
            return True
        if isinstance(part, (sympy.log, sympy.acosh)) and part.args[0] in known:
            return True
    return False


def _walk(node: Node) -> list[Node]:
    return [node] + [part for child in children(node) for part in _walk(child)]
