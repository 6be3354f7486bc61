"""Random sympy expressions over given symbols, and what they are worth, computed without the code under test."""

import math
from collections.abc import Mapping, Sequence

import sympy
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational

VECTORS = {"x": sympy.Dummy("v0", real=True), "y": sympy.Dummy("v1", real=True), "z": sympy.Dummy("v2", real=True)}
SCALARS = {"b": sympy.Dummy("p0", real=True), "a": sympy.Dummy("p1", real=True)}
SYMBOLS = {**VECTORS, **SCALARS}
SMOOTH = {sympy.sin: math.sin, sympy.cos: math.cos, sympy.tanh: math.tanh, sympy.atan: math.atan, sympy.erf: math.erf}


def _numbers() -> st.SearchStrategy[Expr]:
    small = st.integers(-6, 6).map(Integer)
    return st.one_of(small, st.builds(Rational, st.integers(-9, 9), st.integers(1, 7)), st.just(sympy.pi / 2))


def _grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: sympy.Add(*parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: sympy.Mul(*parts)),
        st.builds(lambda u, n: u**n, inner, st.integers(2, 9)),
        st.builds(lambda u, n: (1 + u**2) ** Integer(n), inner, st.integers(-3, -1)),
        st.builds(lambda u, n: (1 + u**2) ** Rational(n, 2), inner, st.sampled_from([-3, -1, 1, 3, 5])),
        st.builds(lambda f, u: f(u), st.sampled_from(list(SMOOTH)), inner),
        st.builds(lambda u: sympy.exp(-(u**2)), inner),
    )


def expressions(*, most: int = 12) -> st.SearchStrategy[Expr]:
    leaves = st.one_of(st.sampled_from(list(SYMBOLS.values())), _numbers())
    return st.recursive(leaves, _grow, max_leaves=most)


def evaluate(expression: Expr, values: Mapping[Expr, float]) -> tuple[float, float]:
    """The value in plain floats, and a majorant: the size of what was added up on the way, for tolerances."""
    if not expression.free_symbols:
        return float(expression), abs(float(expression))
    if expression in values:
        return values[expression], abs(values[expression])
    parts = [evaluate(argument, values) for argument in expression.args]
    numbers, sizes = [value for value, _ in parts], [size for _, size in parts]
    if expression.is_Add:
        return math.fsum(numbers), sum(sizes)
    if expression.is_Mul:
        return math.prod(numbers), math.prod(sizes)
    if expression.is_Pow:
        value, power = numbers[0] ** numbers[1], max(abs(numbers[1]), 1.0)
        spread = math.log(max(sizes[0], 1e-300)) - math.log(max(abs(numbers[0]), 1e-300))
        return value, math.inf if power * spread > 300 else max(abs(value), 1e-300) * 2 * power * math.exp(power * spread)
    if expression.func is sympy.exp:
        value = math.exp(numbers[0])
        return value, value * (1 + sizes[0])
    return SMOOTH[expression.func](numbers[0]), 1 + sizes[0]


def table(vectors: Sequence[float], scalars: Sequence[float]) -> dict[Expr, float]:
    """Values of the symbols; scalars in the order of their names."""
    named = dict(zip(sorted(SCALARS), scalars, strict=True))
    return dict(zip(VECTORS.values(), vectors, strict=True)) | {SCALARS[name]: value for name, value in named.items()}
