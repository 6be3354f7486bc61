"""Interval operations hold every value, by mpmath at 50 digits: at ends and between, near poles, cuts, crests and overflow."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from gdcore.intervals import JUMPS, KINKS, OPERATIONS, SIDES, interval

BOXES, INSIDE = 500, 2
NEAR_PI = [float(mpf(k) * mpmath.pi / 2) for k in (1, 2, 3, 4, 7, 8, 100, 355, 1000, 63_000, 63_661, 63_662, 12345678)]
COMMON = [0.0, 5e-324, 1e-310, 2.0**-1022, 1e-160, 1e-20, 0.1, 0.5, 1.0, 2.0, 3.0, 10.0, 710.0, 1e5, 1e154, 1e300, 1.7e308, math.inf]
HUGE = 1.75e308


def _divide(a, b):
    return None if b == 0 else a / b


def _power(a, b):
    if a == 0:
        return None if b < 0 else mpf(b == 0)
    if a < 0:
        return a ** int(b) if b == int(b) and abs(b) < 1000 else None
    return mpmath.power(a, b)


def _mod(a, b):
    if b == 0:
        return None
    a, b = (Fraction(float(c)) for c in (a, b))
    rest = a - b * math.floor(a / b)
    return mpf(rest.numerator) / rest.denominator


def _where(c, a, b):
    return a if c else b


def _inside(low, high, function):
    return lambda x: function(x) if low <= x <= high else None


def _finite(function, place):
    return lambda *x: None if x == place else function(*x)


TRUTH = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "divide": _divide,
    "negative": lambda a: -a, "power": _power, "integer_power": lambda a, n: a ** int(n),
    "sqrt": _inside(0, math.inf, mpmath.sqrt), "exp": mpmath.exp, "log": lambda x: mpmath.log(x) if x > 0 else None,
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "arcsin": _inside(-1, 1, mpmath.asin),
    "arccos": _inside(-1, 1, mpmath.acos), "arctan": mpmath.atan, "sinh": mpmath.sinh, "cosh": mpmath.cosh,
    "tanh": mpmath.tanh, "arcsinh": mpmath.asinh, "arccosh": _inside(1, math.inf, mpmath.acosh),
    "arctanh": lambda x: mpmath.atanh(x) if abs(x) < 1 else None, "abs": abs, "sign": mpmath.sign, "floor": mpmath.floor,
    "ceil": mpmath.ceil, "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), "arctan2": _finite(mpmath.atan2, (0, 0)),
    "maximum": max, "minimum": min, "greater_equal": lambda a, b: mpf(a >= b), "greater": lambda a, b: mpf(a > b),
    "mod": _mod, "erf": mpmath.erf, "where": _where,
}  # fmt: skip
TWO = {"add", "subtract", "multiply", "divide", "power", "arctan2", "maximum", "minimum", "greater_equal", "greater", "mod"}
ARGUMENTS = {name: 2 if name in TWO else 3 if name == "where" else 1 for name in TRUTH}
LARGEST = {"erf": 1e6, "tanh": 1e6, "sinh": 1e20, "cosh": 1e20, "exp": 1e20}  # beyond, mpmath computes for minutes


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(50), np.errstate(all="ignore"):
        yield


def ends(rng, count, largest=math.inf):
    """Bounds (2, count) of all sorts: special numbers and their neighbours, wide and thin, of all sizes."""
    special = np.array([c for c in COMMON + NEAR_PI if c <= largest] + [largest])
    special = np.concatenate([special, np.nextafter(special, np.inf), np.nextafter(special, -np.inf)])
    pools = [
        rng.choice(special, (2, count)) * rng.choice([-1, 1], (2, count)),
        rng.uniform(-4, 4, (2, count)),
        rng.choice([-1, 1], (2, count)) * 10 ** rng.uniform(-12, math.log10(min(largest, 1e17)), (2, count)),
        rng.integers(-3, 4, (2, count)).astype(float),
    ]
    out = np.choose(rng.integers(0, 4, (2, count)), pools)
    close = rng.random(count) < 0.3
    out[1, close] = out[0, close] + np.abs(out[0, close]) * 10 ** rng.uniform(-16, -1, close.sum())
    thin = rng.random(count) < 0.2
    out[1, thin] = out[0, thin]
    return np.clip(np.sort(out, axis=0), -largest, largest)


def places(rng, bounds):
    """Finite points of each interval, (count, k): its ends and some between, by value and by order of size; nan where none."""
    low, high = np.clip(bounds, -HUGE, HUGE)
    share = rng.random((INSIDE, len(low)))
    between = low * (1 - share) + high * share
    small = np.sign(between) * np.minimum(np.abs(between), 10 ** rng.uniform(-15, 3, between.shape))
    found = np.clip(np.concatenate([[low, high], between, small]), low, high)
    return np.where((found >= bounds[0]) & (found <= bounds[1]), found, np.nan).T


def contradicted(bounds, value):
    """Whether bounds (2,) claim what is false of a value; nan claims nothing."""
    low, high = (float(end) for end in bounds)
    return (low == low and value < mpf(low)) or (high == high and value > mpf(high))


def check(name, arguments, points):
    """No point of the arguments has a value outside the bounds; returns how many bounds are finite, and the values seen."""
    bounds = np.broadcast_to(OPERATIONS[name](*arguments), (2, points[0].shape[0]))
    seen = 0
    for k in range(points[0].shape[0]):
        for choice in zip(*(p[k] for p in points), strict=True):
            value = None if any(map(math.isnan, choice)) else TRUTH[name](*map(mpf, choice))
            if value is None:
                continue
            seen += 1
            assert not contradicted(bounds[:, k], value), f"{name} of {[a[:, min(k, a.shape[1] - 1)] for a in arguments]} at {choice}: {value} is not in {bounds[:, k]}"
    return np.isfinite(bounds).all(axis=0).mean(), seen


def drawn(name, rng, count=BOXES):
    """Arguments for an operation, and points in them in random combinations."""
    largest = LARGEST.get(name, math.inf)
    arguments = [ends(rng, count, largest) for _ in range(ARGUMENTS[name])]
    if name == "where":
        arguments[0] = np.sort(rng.integers(0, 2, (2, count)).astype(float), axis=0)
    points = [rng.permuted(places(rng, a), axis=1) for a in arguments]
    if name == "where":
        points[0] = np.round(np.clip(points[0], 0, 1))
    return arguments, points


def test_every_operation_is_tested():
    assert set(TRUTH) == set(OPERATIONS)
    assert set(JUMPS) | set(KINKS) | set(SIDES) <= set(OPERATIONS)


@pytest.mark.parametrize("name", [name for name in TRUTH if name != "integer_power"])
def test_every_value_is_within_the_bounds(name):
    rng = np.random.default_rng(list(TRUTH).index(name))
    finite, seen = check(name, *drawn(name, rng))
    assert finite > 0.1 and seen > 0.25 * BOXES * (2 + 2 * INSIDE), "bounds that claim nothing pass every test"


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 10, 13, 64, 199])
def test_whole_powers_hold_every_value(n):
    bounds = ends(np.random.default_rng(n), 250)
    points = places(np.random.default_rng(n + 1), bounds)
    exponents = np.full_like(points, n)
    check("integer_power", [bounds, interval(n, n)], [points, exponents])
    check("power", [bounds, interval(n, n)], [points, exponents])
    check("power", [bounds, interval(-n, -n)], [points, -exponents])


@pytest.mark.parametrize("b", [0.0, 0.5, -0.5, 1 / 3, 2.5, -7.0, 1e10, -0.0])
def test_powers_with_one_exponent(b):
    bounds = ends(np.random.default_rng(3), 600)
    points = places(np.random.default_rng(4), bounds)
    check("power", [bounds, interval(b, b)], [points, np.full_like(points, b)])


def test_a_whole_exponent_of_one_box_among_many_keeps_the_negative_bases():
    bounds = OPERATIONS["power"](np.array([[-3.0, -3.0, 2.0], [-2.0, 4.0, 3.0]]), np.array([[2.0, 3.0, 2.0], [2.0, 3.0, 2.0]]))
    for k, value in ((0, 6.25), (1, -27.0), (1, 64.0), (2, 6.25)):
        assert not contradicted(bounds[:, k], mpf(value))


@pytest.mark.parametrize("name", [name for name in TRUTH if name not in ("where", "integer_power")])
def test_where_nothing_is_known_of_an_argument_nothing_false_is_claimed(name):
    rng = np.random.default_rng(11)
    arguments, points = drawn(name, rng, 250)
    for a in arguments:
        a[rng.random(a.shape) < 0.4] = np.nan
    largest = LARGEST.get(name, HUGE)
    low, high = (np.where(np.isnan(end), far, end) for end, far in zip(arguments[0], (-largest, largest), strict=True))
    points[0] = rng.permuted(places(rng, np.stack([low, high])), axis=1)
    assert check(name, arguments, points)[1] > 150


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "exp", "log", "arctan", "sinh", "cosh", "tanh", "cbrt", "sqrt", "erf", "arcsinh"])
def test_bounds_of_a_number_are_narrow(name):
    thin = np.tile(np.random.default_rng(0).uniform(0.1, 1.5, 500), (2, 1))
    low, high = OPERATIONS[name](thin)
    assert (high - low <= 1e-13 * np.maximum(np.abs(low), 1.0)).all() and (high > low).all()


@pytest.mark.parametrize("multiple", [1, 2, 22, 355, 31_830, 31_831])
def test_sines_next_to_multiples_of_pi(multiple):
    """There sin is far smaller than the rounding of its argument."""
    number = float(mpf(multiple) * mpmath.pi)
    close = number + np.spacing(number) * np.arange(-3, 4)
    thin = np.stack([close, close])
    for name in ("sin", "cos", "tan"):
        check(name, [thin], [thin.T])
        check(name, [np.stack([close - 1e-9, close + 1e-9])], [np.stack([close - 1e-9, close, close + 1e-9]).T])


def test_the_crest_of_a_wave_is_held():
    crests = np.arange(-40, 40) * 2 * math.pi
    for share in (1e-12, 1e-6, 0.1, 3.0):
        assert (OPERATIONS["cos"](np.stack([crests - share, crests + share]))[1] == 1).all()
        assert (OPERATIONS["sin"](np.stack([crests - share, crests + share]) + math.pi / 2)[1] == 1).all()
        assert (OPERATIONS["cos"](np.stack([crests - share, crests + share]) + math.pi)[0] == -1).all()


def test_division_is_everything_about_a_pole_and_a_half_line_beside_it():
    one = interval(1.0, 1.0)
    divide = OPERATIONS["divide"]
    assert divide(one, interval(-1.0, 2.0)).ravel().tolist() == [-math.inf, math.inf]
    low, high = divide(one, interval(0.0, 2.0)).ravel()
    assert 0.49 < low < 0.5 and high == math.inf
    low, high = divide(one, interval(-2.0, 0.0)).ravel()
    assert low == -math.inf and -0.5 < high < -0.49


def test_overflow_claims_no_lower_bound():
    exp, multiply = OPERATIONS["exp"], OPERATIONS["multiply"]
    for bounds in (exp(interval(800.0, 900.0)), multiply(interval(1e200, 1e201), interval(1e200, 1e201))):
        assert not bounds[0, 0] > 1.797e308 and bounds[1, 0] == math.inf


@pytest.mark.parametrize("name", JUMPS | KINKS)
def test_places_where_an_operation_breaks_are_flagged(name):
    """Where nothing is flagged, values at the ends and between differ as little as the operation's slope allows."""
    flag = (JUMPS | KINKS)[name]
    exact = {"sign": 0.0, "floor": 2.0, "ceil": 2.0, "abs": 0.0, "cbrt": 0.0}
    if name in exact:
        at = exact[name]
        for low, high in ((at, at), (at, at + 1e-300), (at - 1e-9, at), (at - 1, at + 1e-9), (math.nan, at + 1), (at, math.nan)):
            assert flag(interval(low, high)).all()
        assert not flag(interval(at + 0.25, at + 0.75)).any()
    else:
        places = {"arctan2": (0.0, -2.0), "mod": (3.0, 1.5)}.get(name, (0.7, 0.7))
        a, b = (interval(c, c) for c in places)
        assert flag(a, b).all() and flag(a, interval(math.nan, math.nan)).all() and flag(a, interval(-9.0, 9.0)).all()
        assert not flag(a + 0.1, b - 0.01 if name != "arctan2" else -b).any()
