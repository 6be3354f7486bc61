"""A stationary point of f → how it and its value move when a parameter of f changes, exactly, by implicit differentiation.

∇f(x, p) = 0 along x(p) gives H x' = -m with m = ∂∇f/∂p. Once more, with φ the second derivative of f in the direction (x', 1)
held constant, H x'' = -∇φ: third derivatives are needed in given directions only, and there is no tensor of them. The value
has the slope ∂f/∂p and the bend ∂²f/∂p² + m·x'. A. V. Fiacco, Introduction to Sensitivity and Stability Analysis in
Nonlinear Programming (1983), chapters 2 and 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray
from sympy import Expr

from gdcore import symbolic
from gdcore.codegen import ArrayFunction, generate
from gdcore.formula import FormulaError
from gdcore.newton import SINGULAR
from gdcore.problem import Problem, symbols_of
from gdcore.program import lower
from gdcore.setting import Setting

Array = NDArray[np.float64]

AT_REST = 1e-6  # box widths: Newton's step from a stationary point is shorter
NEAR = 0.05  # of the parameter's range: a point that vanishes within it is near its vanishing
SQUARE_ROOT = (0.5, 4.0)  # extrapolated distances to a singular Hessian over those to infinite speed: 2 at a fold, 1 at a pitchfork


@dataclass(frozen=True)
class Response:
    """What one parameter does to a stationary point at `point` (d,), where f is `height` and the parameter `at`.

    motion, curvature (d,): first and second derivative of its place; slope, bend: of its value. smallest: the least eigenvalue
    of H; condition: that of H with x in box widths. vanishing_at: where, by an estimate from these derivatives, the point
    meets another and H becomes singular; nan where nothing points to that within one range of the parameter. near_vanishing:
    whether that is inside the range and nearer than 5 % of it (of its logarithm, for a logarithmic one; of the value itself
    without a range). A narrow valley alone is not near: its H is ill-conditioned, but does not change. reason: why numbers
    are nan.
    """

    parameter: str
    at: float
    point: Array
    height: float
    motion: Array
    curvature: Array
    slope: float
    bend: float
    condition: float
    smallest: float
    vanishing_at: float
    near_vanishing: bool
    reason: str = ""

    def place(self, change: float) -> Array:
        """Where the point is once the parameter has changed by so much (d,), to second order."""
        return self.point + change * (self.motion + change / 2 * self.curvature)

    def value(self, change: float) -> float:
        """The value there, to second order."""
        return self.height + change * (self.slope + change / 2 * self.bend)


def responses(problem: Problem, point: ArrayLike) -> dict[str, Response]:
    """The response of the stationary point (d,) to each parameter, in their order; empty without parameters."""
    return {parameter: response(problem, parameter, point) for parameter in problem.parameters}


def response(problem: Problem, parameter: str, point: ArrayLike) -> Response:
    """The response of the stationary point (d,) to one parameter; ValueError for an unknown one."""
    require(problem, parameter)
    place = np.array(point, dtype=float)
    try:
        here = local(problem, parameter, place)
        value, slope, second = _evaluate(problem, parameter, place)[:3].tolist()
    except FormulaError as error:
        return _unmoved(problem, parameter, place, f"no derivative by {parameter}: {error}")
    reason = here.obstacle(problem)
    if reason:
        return _unmoved(problem, parameter, place, reason)
    motion = _solved(here.hessian, -here.mixed)
    try:
        curvature, change = _second(problem, parameter, place, here.hessian, motion)
    except FormulaError as error:
        curvature, change, reason = np.full_like(motion, np.nan), np.full_like(here.hessian, np.nan), str(error)
    distance = _distance(problem, here.hessian, change, motion, curvature)
    vanishing_at, near = _vanishing(problem, parameter, distance)
    bend, smallest = second + float(here.mixed @ motion), float(np.linalg.eigvalsh(here.hessian)[0])
    return Response(
        parameter, problem.parameters[parameter], place, value, motion, curvature, slope, bend, here.condition(problem), smallest,
        vanishing_at, near, reason,
    )  # fmt: skip


def mixed(problem: Problem, parameter: str, points: ArrayLike) -> Array:
    """∂²f/∂x∂p at points (..., d) → (..., d); nan outside the domain. FormulaError where it cannot be derived."""
    return _evaluate(problem, parameter, points)[..., 3:]


def slope(problem: Problem, parameter: str, points: ArrayLike) -> Array:
    """∂f/∂p at points (..., d) → (...); nan outside the domain. FormulaError where it cannot be derived."""
    return _evaluate(problem, parameter, points)[..., 1]


def mixed_latex(problem: Problem, parameter: str) -> list[str]:
    """∂²f/∂x∂p in LaTeX, one per variable."""
    require(problem, parameter)
    symbol = problem.symbols.all[parameter]
    return [problem.print_latex(symbolic.derivative(partial, symbol)) for partial in problem.symbols.gradient]


def require(problem: Problem, parameter: str) -> None:
    """ValueError, with the names there are, unless the problem has the parameter."""
    if parameter not in problem.parameters:
        problem.with_parameters(**{parameter: 0.0})


def span(setting: Setting, *values: float) -> float:
    """The length of a parameter's range in its own scale (logarithms, if it is logarithmic); the largest |value| without one."""
    if not math.isfinite(setting.high - setting.low):
        return max(map(abs, values)) or 1.0
    return (math.log(setting.high / setting.low) if setting.log else setting.high - setting.low) or 1.0


# -- derivatives at one point ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Local:
    """f, ∇f (d,), H (d, d) and ∂∇f/∂p (d,) at one point."""

    value: float
    gradient: Array
    hessian: Array
    mixed: Array

    def obstacle(self, problem: Problem) -> str:
        """Why the point is no regular stationary point, or nothing."""
        if not self.finite:
            return "f or one of its derivatives has no finite value here"
        if not self.condition(problem) < 1 / SINGULAR:
            return "the Hessian is singular here: the point has no speed"
        step = np.linalg.solve(self.hessian, self.gradient) / (problem.highs - problem.lows)
        return "" if np.abs(step).max() <= AT_REST else "the point is not stationary: polish it first"

    @property
    def finite(self) -> bool:
        numbers = (self.gradient.sum(), self.hessian.sum(), self.mixed.sum())
        return all(map(math.isfinite, (self.value, *numbers)))

    def condition(self, problem: Problem) -> float:
        """Largest over smallest |eigenvalue| of H in box widths."""
        width = problem.highs - problem.lows
        sizes = np.abs(np.linalg.eigvalsh(self.hessian * np.outer(width, width)))
        return float(sizes.max() / sizes.min()) if sizes.min() else math.inf


def local(problem: Problem, parameter: str, point: Array, at: float | None = None) -> Local:
    """The derivatives at a point (d,), where the parameter is `at` instead of the problem's own value."""
    function, d = _curve(problem.formula, problem.variables, tuple(problem.parameters), parameter), problem.dimension
    out = function(point.reshape(d, 1), _numbers(problem, parameter, at))[:, 0]
    rows, columns = _upper(d)
    hessian = np.empty((d, d))
    hessian[rows, columns] = hessian[columns, rows] = out[1 + d : -d]
    return Local(float(out[0]), out[1 : 1 + d], hessian, out[-d:])


def turning(problem: Problem, parameter: str, point: Array, first: Array, second: Array, at: float | None = None) -> Array:
    """∇ of the second derivative of f in two directions (k, d+1) of (x, p) each, held constant, at a point (d,) → (k, d)."""
    function = _turning(problem.formula, problem.variables, tuple(problem.parameters), parameter)
    columns = np.concatenate([np.tile(point, (len(first), 1)), first, second], axis=1).T
    return function(np.ascontiguousarray(columns), _numbers(problem, parameter, at)).T


def hessian_change(problem: Problem, parameter: str, point: Array, motion: Array, at: float | None = None) -> Array:
    """dH/dp (d, d) along a branch that moves with `motion` (d,)."""
    d = len(motion)
    along = np.tile(np.append(motion, 1.0), (d, 1))
    return turning(problem, parameter, point, along, np.eye(d, d + 1), at)


def _second(problem: Problem, parameter: str, place: Array, hessian: Array, motion: Array) -> tuple[Array, Array]:
    """x'' (d,) and dH/dp (d, d)."""
    along = np.append(motion, 1.0)[None]
    bend = turning(problem, parameter, place, along, along)[0]
    return _solved(hessian, -bend), hessian_change(problem, parameter, place, motion)


def _solved(matrix: Array, right: Array) -> Array:
    return np.asarray(np.linalg.solve(matrix, right) + 0.0, dtype=np.float64)  # no -0


# -- an estimate of where it ends --------------------------------------------------------------------------------------


def _distance(problem: Problem, hessian: Array, change: Array, motion: Array, curvature: Array) -> float:
    """The change of the parameter after which H is singular, extrapolated; nan where nothing points to one.

    H + s dH/dp is singular for 1/s an eigenvalue of -H⁻¹ dH/dp: right to first order where H vanishes linearly, twice too far
    at a fold. There x' is like 1/(2 sqrt(s)), so that x'/(2 x'') is s: preferred where it is of the same order.
    """
    width = problem.highs - problem.lows
    rates = np.linalg.eigvals(-np.linalg.solve(hessian, change)) if np.isfinite(change).all() else np.zeros(1)
    rate = rates[np.argmax(np.abs(rates))]
    if rate == 0 or abs(rate.imag) > 1e-6 * abs(rate):
        return math.nan
    linear, speed, bend = 1 / float(rate.real), motion / width, curvature / width
    along = float(speed @ bend)
    root = float(speed @ speed) / (2 * along) if along else math.inf
    return root if SQUARE_ROOT[0] <= linear / root <= SQUARE_ROOT[1] else linear


def _vanishing(problem: Problem, parameter: str, distance: float) -> tuple[float, bool]:
    """Where the parameter is after that change, if within one range, and whether that is near."""
    setting, own = problem.parameter_settings[parameter], problem.parameters[parameter]
    there = own + distance
    if setting.log:
        distance = math.log(there / own) if there > 0 else math.inf
    ranges = abs(distance) / span(setting, own)
    if not ranges <= 1:
        return math.nan, False
    return there, ranges <= NEAR and setting.low <= there <= setting.high


def _unmoved(problem: Problem, parameter: str, place: Array, reason: str) -> Response:
    """The response of a point that has none."""
    none, height = np.full_like(place, np.nan), float(problem.value(place))
    numbers = (math.nan,) * 5
    return Response(parameter, problem.parameters[parameter], place, height, none, none, *numbers, False, reason)


# -- compiled once per formula and parameter ---------------------------------------------------------------------------


def _numbers(problem: Problem, parameter: str, at: float | None) -> tuple[np.float64, ...]:
    """Parameter values in the order that compiled functions expect."""
    if at is None:
        return problem.parameter_numbers
    return tuple(np.float64(at if name == parameter else value) for name, value in sorted(problem.parameter_values))


def _evaluate(problem: Problem, parameter: str, points: ArrayLike) -> Array:
    """f, ∂f/∂p, ∂²f/∂p² and ∂²f/∂x∂p at points (..., d) → (..., 3 + d); nan where f has no value."""
    require(problem, parameter)
    array, d = np.asarray(points, dtype=float), problem.dimension
    if array.shape[-1:] != (d,):
        raise ValueError(f"points must have {d} numbers in the last axis, not shape {array.shape}")
    function = _slopes(problem.formula, problem.variables, tuple(problem.parameters), parameter)
    out = function(np.ascontiguousarray(array.reshape(-1, d).T), problem.parameter_numbers).T
    return np.where(np.isfinite(out[:, :1]), out, np.nan).reshape(*array.shape[:-1], 3 + d)


@lru_cache(maxsize=16)
def _upper(d: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(d)


@lru_cache(maxsize=128)
def _curve(formula: str, variables: tuple[str, ...], parameters: tuple[str, ...], parameter: str) -> ArrayFunction:
    """f, ∇f, the upper triangle of H, ∂∇f/∂p."""
    symbols = symbols_of(formula, variables, parameters)
    _, partials = _partials(formula, variables, parameters, parameter)
    expressions = (symbols.guarded_value, *symbols.gradient, *symbols.hessian, *partials)
    vectors = {name: symbols.all[name] for name in variables}
    return generate(lower(expressions, vectors, {name: symbols.all[name] for name in parameters}))


@lru_cache(maxsize=128)
def _slopes(formula: str, variables: tuple[str, ...], parameters: tuple[str, ...], parameter: str) -> ArrayFunction:
    """f, ∂f/∂p, ∂²f/∂p², ∂∇f/∂p."""
    symbols = symbols_of(formula, variables, parameters)
    pure, partials = _partials(formula, variables, parameters, parameter)
    vectors = {name: symbols.all[name] for name in variables}
    scalars = {name: symbols.all[name] for name in parameters}
    return generate(lower((symbols.guarded_value, *pure, *partials), vectors, scalars))


@lru_cache(maxsize=128)
def _turning(formula: str, variables: tuple[str, ...], parameters: tuple[str, ...], parameter: str) -> ArrayFunction:
    """∇ of the second derivative in two directions; they are vectors like x, under names that no formula can hold."""
    symbols = symbols_of(formula, variables, parameters)
    d = len(variables)
    (_, pure), partials = _partials(formula, variables, parameters, parameter)
    u, w = ([sympy.Dummy(f"{letter}{k}", real=True) for k in range(d + 1)] for letter in "uw")
    form = u[d] * w[d] * pure + sum(m * (u[i] * w[d] + w[i] * u[d]) for i, m in enumerate(partials))
    rows, columns = _upper(d)
    for i, j, entry in zip(rows.tolist(), columns.tolist(), symbols.hessian, strict=True):
        form += entry * (u[i] * w[i] if i == j else u[i] * w[j] + u[j] * w[i])
    thirds = tuple(symbolic.derivative(form, symbol) for symbol in symbols.variables)
    symbolic.within_budget(thirds, symbolic.HESSIAN_BUDGET, "third derivatives")
    vectors = {name: symbols.all[name] for name in variables} | {f" {s.name}": s for s in (*u, *w)}
    return generate(lower(thirds, vectors, {name: symbols.all[name] for name in parameters}))


def _partials(
    formula: str, variables: tuple[str, ...], parameters: tuple[str, ...], parameter: str
) -> tuple[tuple[Expr, Expr], tuple[Expr, ...]]:
    """(∂f/∂p, ∂²f/∂p²) and ∂∇f/∂p as expressions; FormulaError beyond the budget.

    Never kept: symbols_of() may forget the formula's symbols and make others, in which these would mean nothing.
    """
    symbols = symbols_of(formula, variables, parameters)
    symbol = symbols.all[parameter]
    first = symbolic.derivative(symbols.value, symbol)
    pure = (first, symbolic.derivative(first, symbol))
    partials = tuple(symbolic.derivative(partial, symbol) for partial in symbols.gradient)
    symbolic.within_budget((*pure, *partials), symbolic.HESSIAN_BUDGET, "derivatives by a parameter")
    return pure, partials
