"""Interval arithmetic over arrays: bounds (2, n), lower over upper, that hold every value a real function takes.

Rounding is outward (R. E. Moore, R. B. Kearfott, M. J. Cloud, Introduction to Interval Analysis, 2009). A function that is
undefined on a part of its argument is bounded on the rest; where nothing is known, a bound is infinite or nan. So a claim
may only be made of what compares as true: nan < 0 is no claim.

How wide: a sum, product, quotient or root, which IEEE 754 rounds correctly, is moved by |r|·2⁻⁵² + 2⁻¹⁰²², that is by one or
two units in the last place, as nextafter does at three times the cost. NumPy documents at most 4 units for its elementary
functions; they get 32 (and sin, cos as much of 1, for the neighbourhood of their zeros, beyond 10⁵ the whole of [-1, 1]).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Bounds = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNIT = 2.0**-52
ELEMENTARY = 32 * UNIT
SMALLEST = 2.0**-1022
LARGE_ANGLE = 1e5
OUT = np.array([[-1.0], [1.0]])
REAL = np.array([[-np.inf], [np.inf]])


def widened(bounds: Bounds, relative: float = UNIT, absolute: float = SMALLEST) -> Bounds:
    """The bounds moved outward, in place."""
    move = np.abs(bounds)
    move *= relative * OUT
    move += absolute * OUT
    bounds += move
    return bounds


def interval(low: float, high: float) -> Bounds:
    """One interval as bounds (2, 1)."""
    return np.array([[low], [high]])


def hull(a: Bounds, b: Bounds) -> Bounds:
    """The smallest bounds that hold both."""
    return np.stack([np.minimum(a[0], b[0]), np.maximum(a[1], b[1])])


def chosen(condition: Flags, a: Bounds, b: Bounds) -> Bounds:
    """a where the condition holds, else b."""
    return np.where(condition, a, b)


def add(a: Bounds, b: Bounds) -> Bounds:
    return widened(a + b)


def subtract(a: Bounds, b: Bounds) -> Bounds:
    return widened(a - b[::-1])


def negative(a: Bounds) -> Bounds:
    return -a[::-1]


def multiply(a: Bounds, b: Bounds) -> Bounds:
    return _extremes(a[:, None] * b[None, :])


def divide(a: Bounds, b: Bounds) -> Bounds:
    """a/b; everything where 0 is inside b, a half-line where it is at b's end."""
    ends = np.stack([b[0] + 0.0, -(0.0 - b[1])])  # a zero gets the sign of the side that it ends
    with_zero = ~((ends[0] >= 0) | (ends[1] <= 0))
    return chosen(with_zero, REAL, _extremes(a[:, None] / ends[None, :]))


def _extremes(products: Bounds) -> Bounds:
    """Outward bounds of four combinations (2, 2, n) of ends; nan where one of them has no value."""
    four = products.reshape(4, -1)
    return widened(np.stack([np.minimum.reduce(four), np.maximum.reduce(four)]))


def integer_power(a: Bounds, b: Bounds) -> Bounds:
    """a^n for one whole n >= 1, given as the bounds (n, n)."""
    n = int(b[0, 0])
    even = n % 2 == 0
    power, square, left = None, magnitudes(a) if even else a, n
    while left:
        if left % 2:
            power = square if power is None else power * square
        left //= 2
        square = square * square if left else square
    assert power is not None
    bounds = widened(power.copy() if n == 1 else power, n * UNIT)
    return _at_least(bounds, 0.0) if even else bounds


def magnitudes(a: Bounds) -> Bounds:
    """Bounds of |a|."""
    size = np.abs(a)
    return np.stack([np.where((a[0] <= 0) & (a[1] >= 0), 0.0, np.minimum(size[0], size[1])), np.maximum(size[0], size[1])])


def _at_least(bounds: Bounds, floor: float) -> Bounds:
    np.maximum(bounds[0], floor, out=bounds[0])
    return bounds


def _within(bounds: Bounds, low: float, high: float) -> Bounds:
    return np.clip(bounds, low, high, out=bounds)


def _increasing(function: Callable[[Bounds], Bounds]) -> Callable[[Bounds], Bounds]:
    """The interval form of an increasing elementary function."""
    return lambda a: widened(function(a), ELEMENTARY)


def exp(a: Bounds) -> Bounds:
    return _at_least(widened(np.exp(a), ELEMENTARY), 0.0)


def log(a: Bounds) -> Bounds:
    return widened(np.log(_at_least(a.copy(), 0.0)), ELEMENTARY)


def sqrt(a: Bounds) -> Bounds:
    return _at_least(widened(np.sqrt(_at_least(a.copy(), 0.0))), 0.0)


def arcsin(a: Bounds) -> Bounds:
    return widened(np.arcsin(_within(a.copy(), -1.0, 1.0)), ELEMENTARY)


def arccos(a: Bounds) -> Bounds:
    return widened(np.arccos(_within(a[::-1].copy(), -1.0, 1.0)), ELEMENTARY)


def arccosh(a: Bounds) -> Bounds:
    return _at_least(widened(np.arccosh(_at_least(a.copy(), 1.0)), ELEMENTARY), 0.0)


def arctanh(a: Bounds) -> Bounds:
    return widened(np.arctanh(_within(a.copy(), -1.0, 1.0)), ELEMENTARY)


def cosh(a: Bounds) -> Bounds:
    return _at_least(widened(np.cosh(magnitudes(a)), ELEMENTARY), 1.0)


def sin(a: Bounds) -> Bounds:
    return _wave(np.sin(a), a, math.pi / 2)


def cos(a: Bounds) -> Bounds:
    return _wave(np.cos(a), a, 0.0)


def _wave(ends: Bounds, a: Bounds, crest: float) -> Bounds:
    """Bounds of a wave of period 2π that is 1 at `crest`, from its values at both ends."""
    bounds = widened(np.stack([np.minimum(ends[0], ends[1]), np.maximum(ends[0], ends[1])]), ELEMENTARY, ELEMENTARY)
    large = ~(np.maximum(np.abs(a[0]), np.abs(a[1])) <= LARGE_ANGLE)
    bounds[0][_passes(a, crest + math.pi, 2 * math.pi) | large] = -1.0
    bounds[1][_passes(a, crest, 2 * math.pi) | large] = 1.0
    return _within(bounds, -1.0, 1.0)


def _passes(a: Bounds, place: float, period: float) -> Flags:
    """Whether the argument may hold place + k·period for a whole k; True where that is not clear."""
    turns = (a - place) / period
    turns += (np.abs(turns) + 1) * (8 * UNIT) * OUT
    return np.asarray(~(np.floor(turns[0]) == np.floor(turns[1])), dtype=bool)


def tan(a: Bounds) -> Bounds:
    unclear = _passes(a, math.pi / 2, math.pi) | ~(np.abs(a).max(axis=0) <= LARGE_ANGLE)
    return chosen(unclear, REAL, widened(np.tan(a), ELEMENTARY, ELEMENTARY))


def sign(a: Bounds) -> Bounds:
    return np.sign(a)


def power(a: Bounds, b: Bounds) -> Bounds:
    """a^b on the part where a > 0, as exp(b log a); all of the line where a may be negative and b whole or not fixed.

    One whole b for all boxes is the power of a negative a too, as numpy's is.
    """
    if b.shape[1] == 1 and b[0, 0] == b[1, 0] and float(b[0, 0]).is_integer():
        return _whole_power(a, int(b[0, 0]))
    base = _at_least(a.copy(), 0.0)
    four = np.power(base[:, None], b[None, :]).reshape(4, -1)
    bounds = widened(np.stack([np.minimum.reduce(four), np.maximum.reduce(four)]), ELEMENTARY)
    unclear = ((a[0] < 0) & ((b[0] != b[1]) | (np.floor(b[0]) == b[0]))) | ((base[0] == 0) & (b[0] <= 0))
    return chosen(unclear, REAL, _at_least(bounds, 0.0))


def _whole_power(a: Bounds, n: int) -> Bounds:
    if n == 0:
        return np.ones_like(a)
    size = interval(abs(n), abs(n))
    return integer_power(a, size) if n > 0 else divide(interval(1.0, 1.0), integer_power(a, size))


def arctan2(y: Bounds, x: Bounds) -> Bounds:
    """The angle: extreme at corners of a rectangle off the cut, anything in [-π, π] on it."""
    four = np.arctan2(y[:, None], x[None, :]).reshape(4, -1)
    bounds = widened(np.stack([np.minimum.reduce(four), np.maximum.reduce(four)]), ELEMENTARY)
    return chosen(~on_cut(y, x), bounds, interval(-3.1415926535897936, 3.1415926535897936))


def on_cut(y: Bounds, x: Bounds) -> Flags:
    """Whether a rectangle may meet the half-line on which the angle jumps, or the origin."""
    return np.asarray(~((x[0] > 0) | (y[0] > 0) | (y[1] < 0)), dtype=bool)


def maximum(a: Bounds, b: Bounds) -> Bounds:
    return np.maximum(a, b)


def minimum(a: Bounds, b: Bounds) -> Bounds:
    return np.minimum(a, b)


def greater_equal(a: Bounds, b: Bounds) -> Bounds:
    return _truth(a[0] >= b[1], a[1] < b[0])


def greater(a: Bounds, b: Bounds) -> Bounds:
    return _truth(a[0] > b[1], a[1] <= b[0])


def _truth(surely: Flags, never: Flags) -> Bounds:
    return np.stack([surely.astype(float), (~never).astype(float)])


def where(condition: Bounds, a: Bounds, b: Bounds) -> Bounds:
    first, second = (condition[0] > 0) | (condition[1] < 0), (condition[0] == 0) & (condition[1] == 0)
    return chosen(first, a, chosen(second, b, hull(a, b)))


def mod(a: Bounds, b: Bounds) -> Bounds:
    """a - b floor(a/b), which lies between 0 and b."""
    wraps = subtract(a, multiply(b, np.floor(divide(a, b))))
    low, high = np.minimum(b[0], 0.0), np.maximum(b[1], 0.0)
    return np.stack([np.maximum(wraps[0], low), np.minimum(wraps[1], high)])


def erf(a: Bounds) -> Bounds:
    from scipy.special import erf as of_numbers  # a heavy import that few formulas need

    return widened(of_numbers(a), ELEMENTARY)


OPERATIONS: dict[str, Callable[..., Bounds]] = {
    "add": add, "subtract": subtract, "multiply": multiply, "divide": divide, "negative": negative, "power": power,
    "integer_power": integer_power, "sqrt": sqrt, "exp": exp, "log": log, "sin": sin, "cos": cos, "tan": tan,
    "arcsin": arcsin, "arccos": arccos, "arctan": _increasing(np.arctan), "sinh": _increasing(np.sinh), "cosh": cosh,
    "tanh": _increasing(np.tanh), "arcsinh": _increasing(np.arcsinh), "arccosh": arccosh, "arctanh": arctanh,
    "abs": magnitudes, "sign": sign, "floor": np.floor, "ceil": np.ceil, "cbrt": _increasing(np.cbrt),
    "arctan2": arctan2, "maximum": maximum, "minimum": minimum, "greater_equal": greater_equal, "greater": greater,
    "mod": mod, "erf": erf, "where": where,
}  # fmt: skip


def straddles(a: Bounds) -> Flags:
    """Whether an interval holds 0, or may."""
    return np.asarray(~((a[0] > 0) | (a[1] < 0)), dtype=bool)


def _holds_whole(a: Bounds) -> Flags:
    whole = np.floor(a[0])
    return np.asarray(~((whole == np.floor(a[1])) & (whole < a[0])), dtype=bool)


def splits(a: Bounds, b: Bounds) -> Flags:
    """Whether either of two intervals may hold the larger number."""
    return straddles(subtract(a, b))


# Where an operation jumps, and where its derivative does: flags of arguments that may hold such a place.
JUMPS: dict[str, Callable[..., Flags]] = {
    "sign": straddles, "floor": _holds_whole, "ceil": _holds_whole, "greater": splits, "greater_equal": splits,
    "arctan2": on_cut, "mod": lambda a, b: _holds_whole(divide(a, b)),
}  # fmt: skip
KINKS: dict[str, Callable[..., Flags]] = {"abs": straddles, "cbrt": straddles, "maximum": splits, "minimum": splits}

# What an operation that compares a with b is where a > b, and where a < b; those of one argument compare it with 0.
SIDES: dict[str, tuple[Callable[[Bounds, Bounds], Bounds], Callable[[Bounds, Bounds], Bounds]]] = {
    "sign": (lambda a, b: np.ones_like(a), lambda a, b: -np.ones_like(a)),
    "abs": (lambda a, b: np.maximum(a, 0.0), lambda a, b: np.maximum(negative(a), 0.0)),
    "maximum": (lambda a, b: a, lambda a, b: b), "minimum": (lambda a, b: b, lambda a, b: a),
    "greater": (lambda a, b: np.ones_like(a), lambda a, b: np.zeros_like(a)),
    "greater_equal": (lambda a, b: np.ones_like(a), lambda a, b: np.zeros_like(a)),
}  # fmt: skip
