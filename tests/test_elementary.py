"""Elementary functions: within 2 ulp of high precision everywhere, numpy's answers at the ends, and packed machine code."""

import math
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

pytest.importorskip("numba")

from numba import njit

from gdcore.elementary import LIMITED, SCALAR, VECTOR

Array = Any
BLOCK = 256
FORMS = {"vector": VECTOR, "scalar": SCALAR}
EACH = [(name, form) for name in SCALAR for form in FORMS if name in FORMS[form] and (form == "vector" or SCALAR[name] is not VECTOR.get(name))]
SPECIALS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 2.0**53 - 1, 2.0**53, 1e300, 1.7976931348623157e308, math.inf, 5e-324, 2.0**-1022]
SPECIALS = [*SPECIALS, *(-x for x in SPECIALS), math.nan]
OPERATIONS = {"abs": np.abs, "erf": np.vectorize(math.erf, otypes=[float]), "where": np.where}
OPERATIONS |= {name: getattr(np, name) for name in SCALAR if name not in OPERATIONS}


@cache
def arity(name: str) -> int:
    return int(SCALAR[name].py_func.__code__.co_argcount)


@cache
def loop(name: str, form: str) -> Callable[[Array], None]:
    """A compiled loop over one block: rows of arguments first, then the row of results."""
    function, options = FORMS[form][name], {"fastmath": {"contract"}, "error_model": "numpy", "nogil": True}
    if arity(name) == 1:

        def run(w: Array) -> None:
            for i in range(256):
                w[256 + i] = function(w[i])
    elif arity(name) == 2:

        def run(w: Array) -> None:
            for i in range(256):
                w[512 + i] = function(w[i], w[256 + i])
    else:

        def run(w: Array) -> None:
            for i in range(256):
                w[768 + i] = function(w[i], w[256 + i], w[512 + i])

    compiled: Callable[[Array], None] = njit(**options)(run)
    return compiled


def evaluated(name: str, form: str, *arguments: Array) -> Array:
    size = len(arguments[0])
    padded = np.ones((len(arguments), -(-size // BLOCK) * BLOCK))
    padded[:, :size] = arguments
    out = np.empty(padded.shape[1])
    for low in range(0, size, BLOCK):
        row = np.append(padded[:, low : low + BLOCK].ravel(), np.zeros(BLOCK))
        loop(name, form)(row)
        out[low : low + BLOCK] = row[-BLOCK:]
    return out[:size]


def within(name: str, form: str, x: Array) -> Array:
    """The arguments for which this form of the function holds."""
    return x[~(np.abs(x) > LIMITED[name])] if form == "vector" and name in LIMITED else x


# Arguments -----------------------------------------------------------------------------------------------------------


def everywhere(rng: np.random.Generator, count: int) -> Array:
    """Every exponent alike, subnormal numbers among them, both signs."""
    return rng.integers(0, 0x7FF << 52, count).view(np.float64) * rng.choice([-1.0, 1.0], count)


def subnormal(rng: np.random.Generator, count: int) -> Array:
    return (2.0 ** rng.uniform(0, 52, count)).astype(np.int64).view(np.float64) * rng.choice([-1.0, 1.0], count)


def close_to(points: Any, rng: np.random.Generator, count: int) -> Array:
    """A few doubles to either side of each point, and distances of every size up to 1/2."""
    x = rng.choice(np.asarray(points, float), count)
    by_spacing = x + np.spacing(x) * rng.integers(-3, 4, count)
    by_distance = x * (1 + 2.0 ** rng.uniform(-53, -1, count) * rng.choice([-1.0, 1.0], count))
    return np.where(rng.random(count) < 0.5, by_spacing, by_distance)


def quarter_turns(rng: np.random.Generator, count: int) -> Array:
    """The doubles closest to k pi/2 and their neighbours, the worst below 2**17 pi/2 among them."""
    k = np.concatenate([rng.integers(1, 2**17, count), np.arange(1, 400), [14479, 29327, 58285]])
    with mpmath.workprec(200):
        x = np.array([float(int(n) * mpmath.pi / 2) for n in k])
    x = np.concatenate([x, np.nextafter(x, 0), np.nextafter(x, np.inf)])
    return x * rng.choice([-1.0, 1.0], len(x))


def spread(low: float, high: float, rng: np.random.Generator, count: int) -> Array:
    return rng.uniform(low, high, count)


@dataclass(frozen=True)
class Case:
    """What a function is compared with, where, and how closely."""

    reference: Callable[..., Any]
    ranges: tuple[tuple[float, float], ...] = ((-3, 3),)
    near: tuple[float, ...] = (1.0,)
    ulp: float = 2.0
    domain: tuple[float, float] = (-math.inf, math.inf)

    def arguments(self, name: str, form: str) -> tuple[Array, ...]:
        rng, points = np.random.default_rng(list(name.encode())), [*self.near, *(-x for x in self.near)]
        if arity(name) == 1:
            x = [everywhere(rng, 3000), subnormal(rng, 400), close_to(points, rng, 2000)]
            x += [spread(low, high, rng, 2000) for low, high in self.ranges]
            if name in LIMITED:
                x.append(quarter_turns(rng, 500))
            one = within(name, form, np.concatenate(x))
            return (one[(one >= self.domain[0]) & (one <= self.domain[1])],)
        x = [everywhere(rng, 3000), subnormal(rng, 400), close_to(points, rng, 1000)] + [spread(*r, rng, 2000) for r in self.ranges]
        first = np.concatenate(x)
        with np.errstate(over="ignore"):
            similar = np.clip(first * 2.0 ** rng.uniform(-60, 60, len(first)), -1.7e308, 1.7e308)
        return first, np.where(rng.random(len(first)) < 0.5, similar, rng.permutation(first))


TRIG = {"ranges": ((-4, 4), (-200, 200), (-1.5e5, 1.5e5))}
CASES = {
    "exp": Case(mpmath.exp, ((-746, 710), (-1, 1), (-745.2, -708)), (0.34657359, 709.782712893384, 708.3964185322641, 745.1332191019412)),
    "log": Case(mpmath.log, ((0, 3), (0.99, 1.01)), (1.0, 2**0.5, 0.5**0.5), domain=(5e-324, math.inf)),
    "sin": Case(mpmath.sin, near=(0.785398,), **TRIG),
    "cos": Case(mpmath.cos, near=(0.785398,), **TRIG),
    "tan": Case(mpmath.tan, near=(0.785398,), ulp=4.0, **TRIG),
    "arcsin": Case(mpmath.asin, ((-1, 1),), (0.5, 1.0), domain=(-1, 1)),
    "arccos": Case(mpmath.acos, ((-1, 1),), (0.5, 1.0), domain=(-1, 1)),
    "arctan": Case(mpmath.atan, ((-3, 3), (-100, 100)), (0.5, 1.0, 2.0)),
    "arctan2": Case(mpmath.atan2, ((-3, 3),)),
    "sinh": Case(mpmath.sinh, ((-711, 711), (-2, 2)), (2.0**-28, 0.34657359, 22.0, 710.4758600739439)),
    "cosh": Case(mpmath.cosh, ((-711, 711), (-2, 2)), (2.0**-28, 0.34657359, 22.0, 710.4758600739439)),
    "tanh": Case(mpmath.tanh, ((-25, 25), (-2, 2), (-0.4, 0.4)), (0.1732868, 0.5198604, 19.06, 22.0)),
    "arcsinh": Case(mpmath.asinh),
    "arccosh": Case(mpmath.acosh, ((1, 4),), (1.0, 2.0), domain=(1, math.inf)),
    "arctanh": Case(mpmath.atanh, ((-1, 1),), (0.5, 1.0), domain=(-1 + 2**-53, 1 - 2**-53)),
    "sqrt": Case(mpmath.sqrt, ((0, 3),), (1.0, 2.0), ulp=0.5, domain=(0, math.inf)),
    "cbrt": Case(lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), ((-9, 9),), (1.0, 8.0, 27.0, 2**0.5, 0.5**0.5)),
    "erf": Case(mpmath.erf, ((-6, 6),)),
    "power": Case(mpmath.power, ulp=4.0),
}
EXACT = ("abs", "sign", "floor", "ceil", "maximum", "minimum", "greater", "greater_equal", "where", "mod")


def powers(rng: np.random.Generator) -> tuple[Array, Array]:
    """Bases and exponents whose power is anything from underflow to overflow; whole exponents for negative bases."""
    bases = [np.abs(everywhere(rng, 3000)), spread(0, 10, rng, 2000), close_to((1.0, 2**0.5, 0.5**0.5), rng, 2000), np.abs(subnormal(rng, 500))]
    x = np.concatenate(bases)
    x = x[(x > 0) & (x != 1)]
    logarithm = np.log(x.astype(np.longdouble)).astype(float) / math.log(2)
    y = np.clip(rng.uniform(-1080, 1026, len(x)) / logarithm, -1e300, 1e300)
    some = np.array([0.3, 0.5, 1 / 3, 2.0, 3.0, -1.0, -2.5, 1.0, 7.0, -0.1])
    y = np.where(rng.random(len(x)) < 0.4, np.where(np.abs(logarithm * 7) < 1000, rng.choice(some, len(x)), y), y)
    whole = (rng.random(len(x)) < 0.3) & (np.abs(y) > 0.5)
    y = np.where(whole, np.round(y), y)
    return np.where(whole & (rng.random(len(x)) < 0.5), -x, x), y


def ulps(result: float, exact: Any) -> float:
    """|result - exact| in spacings of doubles at the exact value; overflow counts from 2**1024."""
    if exact == 0:
        return 0.0 if result == 0 else math.inf
    limit = mpf(2) ** 1024
    value = mpf(result) if math.isfinite(result) else math.copysign(1, result) * limit
    spacing = mpf(2) ** max(mpmath.frexp(exact)[1] - 53, -1074)
    return float(abs(value - min(max(exact, -limit), limit)) / spacing)


def test_every_operation_is_tested() -> None:
    assert set(CASES) | set(EXACT) == set(SCALAR) and set(VECTOR) <= set(SCALAR) and set(LIMITED) <= set(VECTOR)
    assert not set(EXACT) - {"mod"} - set(VECTOR)


@pytest.mark.parametrize("name, form", [each for each in EACH if each[0] in CASES])
def test_results_are_within_a_few_spacings_of_the_exact_value(name: str, form: str) -> None:
    case = CASES[name]
    arguments = powers(np.random.default_rng(3)) if name == "power" else case.arguments(name, form)
    results = evaluated(name, form, *arguments)
    assert not np.isnan(results).any()
    with mpmath.workprec(300):
        errors = [ulps(r, case.reference(*map(mpf, xs))) for *xs, r in zip(*(x.tolist() for x in (*arguments, results)), strict=True)]
    worst = int(np.argmax(errors))
    assert errors[worst] <= case.ulp, f"{errors[worst]:.2f} ulp at {[float(x[worst]) for x in arguments]}: {results[worst]!r}"
    assert len(errors) > 3000 and (max(errors) > 0.4)


@pytest.mark.parametrize("name, form", EACH)
def test_zeros_infinities_and_nan_are_numpys(name: str, form: str) -> None:
    grids = np.meshgrid(*[SPECIALS if name != "where" else SPECIALS[::3]] * arity(name))
    arguments = [grid.ravel() for grid in grids]
    if arity(name) == 1:
        arguments = [within(name, form, arguments[0])]
    with np.errstate(all="ignore"):
        expected = np.asarray(OPERATIONS[name](*arguments), dtype=float)
    results = evaluated(name, form, *arguments)
    for *xs, result, answer in zip(*arguments, results, expected, strict=True):
        if answer == 0 or not math.isfinite(answer) or name in EXACT:
            assert np.array_equal(result, answer, equal_nan=True), (xs, result, answer)
            ambiguous = name in ("maximum", "minimum") and xs[0] == xs[1]  # of +0 and -0 either is right
            assert ambiguous or math.isnan(answer) or np.signbit(result) == np.signbit(answer), (xs, result, answer)
        else:
            assert result == pytest.approx(answer, rel=1e-15, abs=5e-324), xs


@pytest.mark.parametrize("name", EXACT)
def test_simple_operations_equal_numpys(name: str) -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([everywhere(rng, 1000), spread(-5, 5, rng, 1000), np.round(spread(-5, 5, rng, 1000)), [0.0, -0.0, np.nan]])
    arguments = [x, rng.permutation(x), rng.permutation(x)][: arity(name)]
    form = "vector" if name in VECTOR else "scalar"
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(evaluated(name, form, *arguments), OPERATIONS[name](*arguments))


@pytest.mark.parametrize("name, form", EACH)
def test_one_call_gives_what_the_loop_gives(name: str, form: str) -> None:
    rng = np.random.default_rng(4)
    arguments = [np.concatenate([spread(0.01, 0.99, rng, 100), everywhere(rng, 100)]) for _ in range(arity(name))]
    if arity(name) == 1:
        arguments = [within(name, form, arguments[0])]
    one_by_one = [FORMS[form][name](*map(float, xs)) for xs in zip(*arguments, strict=True)]
    np.testing.assert_array_equal(evaluated(name, form, *arguments), one_by_one)


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="reads x86 instructions")
@pytest.mark.parametrize("name", VECTOR)
def test_the_loop_runs_on_packed_doubles_without_a_call(name: str) -> None:
    assert not scalar_instructions(name, "vector")
    assert re.search(r"v?mov(?:[au]p[sd]|dq[au]\w*)\s+%[xyz]mm\d+, [^%]*\(", code(name, "vector")), "no packed store"


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="reads x86 instructions")
def test_a_loop_with_a_call_would_be_noticed() -> None:
    assert scalar_instructions("sin", "scalar") and scalar_instructions("mod", "scalar")


def code(name: str, form: str) -> str:
    """The instructions of the loop itself, without the wrapper that unpacks Python's arguments."""
    run: Any = loop(name, form)
    run(np.ones(BLOCK * (arity(name) + 1)))
    (whole,) = run.inspect_asm().values()
    return str(whole).partition(".Lfunc_end0")[0]


def scalar_instructions(name: str, form: str) -> list[str]:
    return re.findall(r"\bcallq?\b.*|\bv?(?:add|sub|mul|div|sqrt|max|min|u?comi|cmp\w*|cvt\w*|fn?m(?:add|sub)\w*)sd\b.*", code(name, form))
