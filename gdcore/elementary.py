"""Elementary functions → straight-line code that LLVM vectorises when a loop calls them on many starts.

A loop runs on packed doubles only if nothing in it is a call and nothing branches. So these are polynomials, bit operations
and selects of values already computed. Multiplications that must be exact have few enough bits in each factor, so that
fusing a product with a sum (which the flag "contract" allows and some machines cannot do) changes nothing that matters.

Errors in docstrings are the largest seen against 64-bit significands on two million arguments of every size, in ulp
(spacings of doubles at the result), with and without fused operations; the tests hold them to 2 ulp (4 for power and tan) of
300-bit arithmetic. The coefficients are our own: interpolation in 150 digits at Chebyshev nodes of the interval named beside
each. The arrangement of sin, cos, log, arcsin and power follows fdlibm (Sun Microsystems, 1993).

Inside a block use constant indices or a row of a 2-D array: an index like low + i, which might be negative, ends packing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import float64, int64, njit, types
from numba.extending import intrinsic

_MAGIC = 1.5 * 2.0**52  # adding it rounds to an integer, which then stands in the low bits
_ONE = 1023 << 52  # the bits of 1.0
_EXPONENT = 0x7FF << 52
_TINY = 2.0**-1022  # the smallest normal number
_LOG2E = 1.4426950408889634
_LN2 = 0.6931471805599453
_LN2_HIGH = 0.6931471805598903  # 42 bits: exact times an exponent
_LN2_LOW = 5.497923018708371e-14
_LN2_HEAD = 0.6931471675634384  # 26 bits: exact times a _head
_LN2_TAIL = 1.2996506893889889e-08
_RATIO = 0.9617966939259756  # 2/(3 ln 2), and in two parts
_RATIO_HEAD = 0.9617966860532761
_RATIO_TAIL = 7.872699542894897e-09
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI_1 = 1.5707963267923333  # 36 bits: exact times 2**17
_HALF_PI_2 = 2.5633441515839558e-12  # the next 36 bits
_HALF_PI_3 = 1.0562999066987428e-23
_PI, _PI_LOW = math.pi, 1.2246467991473532e-16
TRIG_LIMIT = 200_000.0  # below 2**17 pi/2; the double nearest to any multiple of pi/2 keeps 56 bits when reduced

# (exp(r) - 1 - r)/r^2 on |r| < 0.347
_EXP = (
    0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326087, 0.0013888888888883713, 0.0001984126987499051,
    2.4801587325669058e-05, 2.755725518490137e-06, 2.755727348935914e-07, 2.5105306538858238e-08, 2.0914750905027345e-09,
)  # fmt: skip
# (log((1 + s)/(1 - s)) - 2s)/s^3 in s^2, s < 0.1716
_LOG = (
    0.6666666666666734, 0.3999999999941567, 0.2857142874225674, 0.22222198577602917, 0.18183564550223197,
    0.15314033616536257, 0.14796227181012261,
)  # fmt: skip
# (3/2 log((1 + s)/(1 - s))/s - 3 - s^2)/s^4 in s^2, s < 0.1716
_LOG_TAIL = (
    0.6000000000000482, 0.428571428545802, 0.33333333867476245, 0.2727266976687079, 0.2308041778279839,
    0.1987922684455825, 0.19845955773018606,
)  # fmt: skip
# (sin(r) - r)/r^3 and (cos(r) - 1 + r^2/2)/r^4 in r^2, r < pi/4
_SIN = (
    -0.16666666666666632, 0.008333333333322309, -0.00019841269829720302, 2.755731366046665e-06, -2.505075303015156e-08,
    1.5896492099846266e-10,
)  # fmt: skip
_COS = (
    0.041666666666666574, -0.0013888888888870263, 2.4801587287390718e-05, -2.755731381454456e-07, 2.087565698294463e-09,
    -1.135649167327311e-11,
)  # fmt: skip
# (arctan(t) - t)/t^3 in t^2, t < 1/2
_ARCTAN = (
    -0.3333333333333331, 0.19999999999992946, -0.14285714284930437, 0.11111111067116404, -0.09090907629514532,
    0.07692276367729511, -0.0666621059677313, 0.05877703663355368, -0.0522944643270089, 0.04587360100899322,
    -0.03706916715572134, 0.02358655501608924, -0.00832387842252206,
)  # fmt: skip
# (arcsin(t) - t)/t^3 in t^2, t < 1/2
_ARCSIN = (
    0.16666666666666752, 0.0749999999997315, 0.04464285717236861, 0.030381942815076998, 0.022372211982030567,
    0.0173516655888634, 0.013980184093834582, 0.011404068082388074, 0.010751656079494408, 0.003813270416705725,
    0.021450242779625966, -0.020638983964698716, 0.032405832749597234,
)  # fmt: skip
# m^(-1/3) on 0.7071..1.4143, to 14 bits
_CBRT = (1.8703181530987938, -1.845121811259774, 1.5368872650826357, -0.6868349195182569, 0.12472299301851399)
_CBRT_2 = 1.2599210498948732
_HALF_CBRT_4 = 0.7937005259840998


def _compiled(function: Callable[..., Any]) -> Any:
    return njit(forceinline=True, fastmath={"contract"}, error_model="numpy")(function)


def _instructions(build: Callable[..., Any]) -> Any:
    return intrinsic(build)


def _float_operation(build: Callable[..., Any], *arguments: Any) -> tuple[Any, Callable[..., Any]]:
    """Signature and code of a few instructions that give a float64."""
    return float64(*arguments), lambda context, builder, signature, values: build(builder, *values)


@_instructions
def _select(_: Any, condition: Any, a: Any, b: Any) -> Any:
    """a if condition else b, with no branch."""
    return _float_operation(lambda builder, *values: builder.select(*values), types.boolean, float64, float64)


@_instructions
def _bits(_: Any, x: Any) -> Any:
    """The 64 bits of x as an integer."""
    return int64(float64), lambda context, builder, signature, values: builder.bitcast(values[0], ir.IntType(64))


@_instructions
def _value(_: Any, bits: Any) -> Any:
    """The double of these 64 bits."""
    return _float_operation(lambda builder, bits: builder.bitcast(bits, ir.DoubleType()), int64)


@_instructions
def _horner(_: Any, x: Any, coefficients: Any) -> Any:
    """The polynomial at x; the lowest coefficient comes first."""

    def build(builder: Any, x: Any, row: Any) -> Any:
        total = builder.extract_value(row, coefficients.count - 1)
        for k in reversed(range(coefficients.count - 1)):
            total = builder.fadd(builder.fmul(total, x), builder.extract_value(row, k))
        return total

    return _float_operation(build, float64, coefficients)


def _calls(name: str) -> Callable[..., Any]:
    return lambda builder, x: builder.call(builder.module.declare_intrinsic(name, [ir.DoubleType()]), [x])


@_instructions
def _floor(_: Any, x: Any) -> Any:
    """The largest integer not above x."""
    return _float_operation(_calls("llvm.floor"), float64)


@_instructions
def _ceil(_: Any, x: Any) -> Any:
    """The smallest integer not below x."""
    return _float_operation(_calls("llvm.ceil"), float64)


@_instructions
def _remainder(_: Any, a: Any, b: Any) -> Any:
    """a less the whole multiples of b, with the sign of a: C's fmod, and a call of it."""
    return _float_operation(lambda builder, *values: builder.frem(*values), float64, float64)


@_instructions
def _head(_: Any, x: Any) -> Any:
    """The leading 26 bits of x: the product of two heads is exact."""

    def build(builder: Any, x: Any) -> Any:
        bits = builder.bitcast(x, ir.IntType(64))
        return builder.bitcast(builder.and_(bits, ir.Constant(ir.IntType(64), -(1 << 27))), ir.DoubleType())

    return _float_operation(build, float64)


@_instructions
def _two_to(_: Any, n: Any) -> Any:
    """2**n for an integer n from -1022 to 1023."""

    def build(builder: Any, n: Any) -> Any:
        whole = ir.IntType(64)
        bits = builder.bitcast(builder.fadd(n, ir.Constant(ir.DoubleType(), _MAGIC)), whole)
        shifted = builder.shl(bits, ir.Constant(whole, 52))
        return builder.bitcast(builder.add(shifted, ir.Constant(whole, _ONE)), ir.DoubleType())

    return _float_operation(build, float64)


@_compiled
def _scaled(x: float, n: float) -> float:
    """x * 2**n, in two steps of which only the last can round."""
    half = (n * 0.5 + _MAGIC) - _MAGIC
    return x * _two_to(half) * _two_to(n - half)


@_compiled
def _exponential(x: float) -> tuple[float, float, float]:
    """(n, p, q) with exp(x) = 2**n (1 + p + q), q below the last bit of p."""
    n = (x * _LOG2E + _MAGIC) - _MAGIC
    high = x - n * _LN2_HIGH
    r = high - n * _LN2_LOW
    low = (high - r) - n * _LN2_LOW
    rest = r * r * _horner(r, _EXP) + low
    p = r + rest
    return n, p, rest - (p - r)


@_compiled
def exp(x: float) -> float:
    """e**x; 0.85 ulp."""
    n, p, _ = _exponential(_select(x > 710.0, 710.0, _select(x < -746.0, -746.0, x)))
    return _scaled(1.0 + p, n)


@_compiled
def sinh(x: float) -> float:
    """(exp(x) - exp(-x))/2; 1.7 ulp."""
    a = abs(x)
    n, p, q = _exponential(_select(a > 710.5, 710.5, a))
    quarter = _two_to(n - 2.0)
    whole = quarter - 0.25
    half = quarter * p + whole  # (exp(a) - 1)/4, and what the sum lost
    lost = quarter * q + (quarter * p - (half - whole))
    half = 2.0 * half
    bounded = _select(half > 1e300, 1e300, half)
    result = half + (bounded / (2.0 * bounded + 1.0) + 2.0 * lost)
    return math.copysign(_select(a < 2.0**-28, a, result), x)


@_compiled
def cosh(x: float) -> float:
    """(exp(x) + exp(-x))/2; 1.3 ulp."""
    a = abs(x)
    n, p, _ = _exponential(_select(a > 710.5, 710.5, a))
    quarter = _two_to(n - 2.0)
    quarter = quarter * p + quarter
    return 2.0 * quarter + 0.125 / quarter


@_compiled
def tanh(x: float) -> float:
    """Hyperbolic tangent; 1.5 ulp."""
    a = abs(x)
    n, p, q = _exponential(-2.0 * _select(a > 22.0, 22.0, a))
    power_of_two = _two_to(n)
    whole = power_of_two - 1.0
    t = power_of_two * p + whole  # exp(-2a) - 1, and what the sum lost
    lost = power_of_two * q + (power_of_two * p - (t - whole))
    divisor = 2.0 + t
    all_lost = lost + (t - (divisor - 2.0))
    return math.copysign((t + (lost - t * (0.5 - 0.5 * t) * all_lost)) / divisor, x)  # 0.5 - 0.5 t is near 1/divisor


@_compiled
def _split(a: float) -> tuple[float, float]:
    """(k, m) with a = 2**k m and m from sqrt(1/2) to sqrt(2), for finite a > 0."""
    subnormal = a < _TINY
    bits = _bits(_select(subnormal, a * 2.0**54, a))
    moved = bits + 0x0095F619980C433  # from sqrt(1/2) to the exponent of 1
    k = _value(((moved >> 52) & 0x7FF) + 0x4338000000000000) - (_MAGIC + 1023.0)
    return k - _select(subnormal, 54.0, 0.0), _value(bits - (moved & _EXPONENT) + _ONE)


@_compiled
def log(x: float) -> float:
    """The natural logarithm, nan below 0; 0.87 ulp."""
    k, m = _split(x)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    half_square = 0.5 * f * f
    r = s * (half_square + z * _horner(z, _LOG)) + k * _LN2_LOW
    result = k * _LN2_HIGH - ((half_square - r) - f)
    return _select(x > 0.0, _select(x < math.inf, result, x), _select(x == 0.0, -math.inf, math.nan))


@_compiled
def power(x: float, y: float) -> float:
    """x**y as C's pow gives it; 1.1 ulp."""
    a = abs(x)
    k, m = _split(a)
    # s = (m - 1)/(m + 1) as head and tail
    f, g = m - 1.0, _head(m + 1.0)
    v = 1.0 / (m + 1.0)
    s = f * v
    s_head = _head(s)
    s_tail = v * ((f - s_head * g) - s_head * (m - (g - 1.0)))
    # log2(a) = k + 2/(3 ln 2) s (3 + s^2 + tail) as head and tail
    square, rest = s_head * s_head, s_tail * (s_head + s)
    z = square + rest
    tail = z * z * _horner(z, _LOG_TAIL) + rest
    t_head = _head(3.0 + square + tail)
    t_tail = tail - ((t_head - 3.0) - square)
    u, w = s_head * t_head, s_tail * t_head + t_tail * s
    p = _head(u + w)
    high, low = _RATIO_HEAD * p, _RATIO_TAIL * p + (w - (p - u)) * _RATIO
    log_head = _head((high + low) + k)
    log_tail = low - ((log_head - k) - high)
    # y log2(a) = high + low; beyond 2**70 y decides alone, and infinities would give nan
    exponent = _select(y > 2.0**70, 2.0**70, _select(y < -(2.0**70), -(2.0**70), y))
    e_head = _head(exponent)
    high, low = e_head * log_head, (exponent - e_head) * log_head + exponent * log_tail
    total = high + low
    low = _select(abs(total) < 1100.0, low, 0.0)
    high = _select(total > 1100.0, 1100.0, _select(total < -1100.0, -1100.0, high))
    # 2**(high + low)
    n = (high + low + _MAGIC) - _MAGIC
    f = high - n
    t = _head(f + low)
    r_tail = (low - (t - f)) * _LN2 + t * _LN2_TAIL
    r = t * _LN2_HEAD + r_tail
    result = _scaled(1.0 + (t * _LN2_HEAD + (r_tail + r * r * _horner(r, _EXP))), n)
    return _power_ends(x, y, result)


@_compiled
def _power_ends(x: float, y: float, result: float) -> float:
    """x**y from |x|**y: signs, zeros, infinities and nan."""
    a = abs(x)
    whole = _floor(y) == y
    odd = whole & (_floor(0.5 * y) != 0.5 * y)
    extreme = (a == 0.0) | (a == math.inf)
    result = _select(extreme, _select((a < 1.0) ^ (y > 0.0), math.inf, 0.0), result)
    result = _select(odd & (_bits(x) < 0), -result, result)
    undefined = ((x < 0.0) & (a < math.inf) & (not whole)) | (x != x) | (y != y)
    return _select((x == 1.0) | (y == 0.0), 1.0, _select(undefined, math.nan, result))


@_compiled
def cbrt(x: float) -> float:
    """The real cube root; 0.51 ulp."""
    a = abs(x)
    k, m = _split(a)
    third = (k * (1.0 / 3.0) + _MAGIC) - _MAGIC
    j = k - 3.0 * third
    b = m * _two_to(j)
    r = _horner(m, _CBRT) * _select(j > 0.0, _HALF_CBRT_4, _select(j < 0.0, _CBRT_2, 1.0))  # b**(-1/3)
    h = 1.0 - b * r * r * r
    r += r * h * (1.0 / 3.0 + h * (2.0 / 9.0))
    t = _head(b * r * r)
    square = t * t
    head = _head(square)
    error = ((b - head * t) - (square - head) * t) * (r * r * r)  # 1 - t^3/b: the products are exact
    result = (t + t * error * (1.0 / 3.0 + error * (2.0 / 9.0))) * _two_to(third)
    return _select((a > 0.0) & (a < math.inf), math.copysign(result, x), x)


@_compiled
def _turn(x: float) -> tuple[bool, bool, float, float]:
    """(odd, half, sin r, cos r) with r = x - n pi/2 in -pi/4..pi/4; n odd, n mod 4 at least 2."""
    shifted = x * _TWO_OVER_PI + _MAGIC
    bits = _bits(shifted)
    n = shifted - _MAGIC
    first = x - n * _HALF_PI_1
    second = n * _HALF_PI_2
    high = first - second
    back = high - first
    lost = (first - (high - back)) - (second + back)
    low = n * _HALF_PI_3 - lost
    r = high - low
    low = (high - r) - low
    z = r * r
    half = 0.5 * z
    rest = 1.0 - half
    sine = r + (z * r * _horner(z, _SIN) + low * rest)
    cosine = rest + (((1.0 - rest) - half) + (z * z * _horner(z, _COS) - r * low))
    return (bits & 1) != 0, (bits & 2) != 0, _select(r == 0.0, r, sine), cosine


@_compiled
def sin(x: float) -> float:
    """Sine for |x| up to TRIG_LIMIT; 0.8 ulp."""
    odd, half, sine, cosine = _turn(x)
    result = _select(odd, cosine, sine)
    return _select(half, -result, result)


@_compiled
def cos(x: float) -> float:
    """Cosine for |x| up to TRIG_LIMIT; 0.8 ulp."""
    odd, half, sine, cosine = _turn(x)
    result = _select(odd, sine, cosine)
    return _select(odd ^ half, -result, result)


@_compiled
def tan(x: float) -> float:
    """Tangent for |x| up to TRIG_LIMIT; 2.1 ulp."""
    odd, _, sine, cosine = _turn(x)
    return _select(odd, -cosine, sine) / _select(odd, sine, cosine)


@_compiled
def _angle(a: float, b: float) -> float:
    """arctan(a/b) for a, b >= 0."""
    steep, flat = a > 2.0 * b, 2.0 * a < b
    t = _select(steep, -b, _select(flat, a, a - b)) / _select(steep, a, _select(flat, b, a + b))
    centre = _select(steep, 0.5 * _PI, _select(flat, 0.0, 0.25 * _PI))
    rest = _select(steep, 0.5 * _PI_LOW, _select(flat, 0.0, 0.25 * _PI_LOW))
    z = t * t
    return centre + (t + (t * z * _horner(z, _ARCTAN) + rest))


@_compiled
def arctan(x: float) -> float:
    """The angle from -pi/2 to pi/2; 1.4 ulp."""
    return math.copysign(_angle(abs(x), 1.0), x)


@_compiled
def arctan2(y: float, x: float) -> float:
    """The angle of the point (x, y), from -pi to pi; 1.5 ulp."""
    a, b = abs(y), abs(x)
    scale = _select((a > 1e300) | (b > 1e300), 0.25, 1.0)
    same = a == b  # 0/0 and inf/inf are an angle of 0 and of pi/4
    zero = same & (a == 0.0)
    angle = _angle(_select(same, 1.0, a * scale), _select(same, 1.0, b * scale))
    angle = _select(zero, 0.0, angle)
    return math.copysign(_select(_bits(x) < 0, _PI - (angle - _PI_LOW), angle), y)


@_compiled
def _arcs(x: float) -> tuple[float, float, float]:
    """(r, root, rest): arcsin(t) = t + t r at t = |x| if that is below 1/2, else root + rest at t = sqrt((1 - |x|)/2)."""
    a = abs(x)
    z = _select(a < 0.5, a * a, (1.0 - a) * 0.5)
    r = z * _horner(z, _ARCSIN)
    s = math.sqrt(z)
    root = _head(s)
    return r, root, s * r + (z - root * root) / (s + root + _TINY)


@_compiled
def arcsin(x: float) -> float:
    """The angle from -pi/2 to pi/2, nan beyond 1; 0.83 ulp."""
    a = abs(x)
    r, root, rest = _arcs(x)
    large = (0.25 * _PI - 2.0 * root) - (2.0 * rest - 0.5 * _PI_LOW) + 0.25 * _PI
    return math.copysign(_select(a < 0.5, a + a * r, large), x)


@_compiled
def arccos(x: float) -> float:
    """The angle from 0 to pi, nan beyond 1; 0.77 ulp."""
    r, root, rest = _arcs(x)
    middle = 0.5 * _PI - (x - (0.5 * _PI_LOW - x * r))
    left = _PI - (2.0 * root + (2.0 * rest - _PI_LOW))
    return _select(abs(x) < 0.5, middle, _select(x < 0.0, left, 2.0 * (root + rest)))


@_compiled
def sqrt(x: float) -> float:
    """The square root, correctly rounded."""
    return math.sqrt(x)


@_compiled
def absolute(x: float) -> float:
    """|x|, exact."""
    return abs(x)


@_compiled
def sign(x: float) -> float:
    """-1, 0 or 1, exact; nan stays nan."""
    return _select(x > 0.0, 1.0, _select(x < 0.0, -1.0, _select(x == 0.0, 0.0, x)))


@_compiled
def floor(x: float) -> float:
    """The largest integer not above x, exact."""
    return _floor(x)


@_compiled
def ceil(x: float) -> float:
    """The smallest integer not below x, exact."""
    return _ceil(x)


@_compiled
def maximum(a: float, b: float) -> float:
    """The larger, exact; nan if either is."""
    return _select((a >= b) | (a != a), a, b)


@_compiled
def minimum(a: float, b: float) -> float:
    """The smaller, exact; nan if either is."""
    return _select((a <= b) | (a != a), a, b)


@_compiled
def greater(a: float, b: float) -> float:
    """1 where a > b, else 0."""
    return _select(a > b, 1.0, 0.0)


@_compiled
def greater_equal(a: float, b: float) -> float:
    """1 where a >= b, else 0."""
    return _select(a >= b, 1.0, 0.0)


@_compiled
def where(condition: float, a: float, b: float) -> float:
    """a where the condition is not 0 (nan is not), else b."""
    return _select(condition != 0.0, a, b)


@_compiled
def mod(a: float, b: float) -> float:
    """The remainder with the sign of b, as numpy's; exact but for one rounding."""
    rest = _remainder(a, b)
    if b == 0.0 or rest != rest:
        return math.nan
    if rest == 0.0:
        return math.copysign(0.0, b)
    return rest + b if (rest < 0.0) != (b < 0.0) else rest


def _from_math(function: Callable[[float], float]) -> Any:
    """The same function of module math, compiled: for every argument, not packed; as exact as the C library."""
    return _compiled(lambda x: function(x))


VECTOR = {
    "exp": exp,
    "log": log,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "arcsin": arcsin,
    "arccos": arccos,
    "arctan": arctan,
    "arctan2": arctan2,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "sqrt": sqrt,
    "cbrt": cbrt,
    "power": power,
    "abs": absolute,
    "sign": sign,
    "floor": floor,
    "ceil": ceil,
    "maximum": maximum,
    "minimum": minimum,
    "greater": greater,
    "greater_equal": greater_equal,
    "where": where,
}
LIMITED = {"sin": TRIG_LIMIT, "cos": TRIG_LIMIT, "tan": TRIG_LIMIT}
SCALAR = VECTOR | {
    "sin": _from_math(math.sin),
    "cos": _from_math(math.cos),
    "tan": _from_math(math.tan),
    "arcsinh": _from_math(math.asinh),
    "arccosh": _from_math(math.acosh),
    "arctanh": _from_math(math.atanh),
    "erf": _from_math(math.erf),
    "mod": mod,
}
