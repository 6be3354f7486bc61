"""Problem: a differentiable function of named variables and parameters, on a box."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray
from sympy import Expr

from gdcore import symbolic
from gdcore.codegen import ArrayFunction, generate
from gdcore.formula import FormulaError, Node, canonical_name, parse
from gdcore.functions import RealFunction, Vanishing
from gdcore.notation import name_latex, to_latex, to_text
from gdcore.program import lower
from gdcore.setting import Setting

Array = NDArray[np.float64]
MOST_VARIABLES = 10
LARGEST = 1e150  # box limits beyond this overflow when squared


@dataclass(frozen=True)
class Problem:
    """A function to minimise. Make one with Problem.from_text; values are immutable and hashable.

    variables: names in order; box: name → (low, high), the region of interest (runs may leave it);
    parameters: name → value; parameter_settings: name → Setting (range and help for a slider).
    Known facts a gallery entry may carry: source, about, start_box (where starts are drawn from by default),
    rate (a learning rate that suits plain descent), minima (known interior minima, deepest first).
    """

    formula: str
    tree: Node = field(repr=False, compare=False)
    variables: tuple[str, ...]
    limits: tuple[tuple[float, float], ...]
    parameter_values: tuple[tuple[str, float], ...] = ()
    parameter_ranges: tuple[tuple[str, Setting], ...] = field(default=(), repr=False, compare=False)
    name: str = ""
    source: str = field(default="", compare=False)
    about: str = field(default="", compare=False)
    start_limits: tuple[tuple[float, float], ...] | None = field(default=None, compare=False)
    rate: float = field(default=0.01, compare=False)
    minima: tuple[tuple[float, ...], ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def from_text(
        cls,
        formula: str,
        *,
        box: Mapping[str, tuple[float, float]] | None = None,
        parameters: Mapping[str, float | Setting] | None = None,
        name: str = "",
        source: str = "",
        about: str = "",
        start_box: Mapping[str, tuple[float, float]] | None = None,
        rate: float = 0.01,
        minima: Sequence[Sequence[float]] = (),
    ) -> Problem:
        """The problem that a formula states, in plain text or LaTeX.

        box: variable → (low, high); its names are the variables (1 to 10), by default x and y on (-3, 3).
        parameters: name → value, or a Setting with a range.
        Raises FormulaError for the formula and the names, ValueError for the box.
        """
        region = _checked_box({"x": (-3.0, 3.0), "y": (-3.0, 3.0)} if box is None else box)
        ranges = {canonical_name(key): _as_setting(value) for key, value in (parameters or {}).items()}
        shared = set(region) & set(ranges)
        if shared:
            raise FormulaError(f"'{min(shared)}' is both a variable and a parameter: rename one of them")
        tree = parse(formula, names=(*region, *ranges))
        starts = None if start_box is None else _checked_box(start_box)
        if starts is not None and set(starts) != set(region):
            raise ValueError("the start region must name the same variables as the box")
        return cls(
            formula=formula,
            tree=tree,
            variables=tuple(region),
            limits=tuple(region.values()),
            parameter_values=tuple((key, setting.default) for key, setting in ranges.items()),
            parameter_ranges=tuple(ranges.items()),
            name=name,
            source=source,
            about=about,
            start_limits=None if starts is None else tuple(starts[key] for key in region),
            rate=rate,
            minima=tuple(tuple(float(c) for c in point) for point in minima),
        )

    # -- what it consists of -------------------------------------------------------------------------------------------

    @property
    def dimension(self) -> int:
        return len(self.variables)

    @property
    def box(self) -> dict[str, tuple[float, float]]:
        return dict(zip(self.variables, self.limits, strict=True))

    @property
    def start_box(self) -> dict[str, tuple[float, float]]:
        """Where starts are drawn from unless told otherwise."""
        return dict(zip(self.variables, self.start_limits or self.limits, strict=True))

    @property
    def parameters(self) -> dict[str, float]:
        return dict(self.parameter_values)

    @property
    def parameter_settings(self) -> dict[str, Setting]:
        return dict(self.parameter_ranges)

    @property
    def lows(self) -> Array:
        return np.array([low for low, _ in self.limits])

    @property
    def highs(self) -> Array:
        return np.array([high for _, high in self.limits])

    def with_parameters(self, **values: float) -> Problem:
        """The same function at other parameter values; ValueError outside a parameter's range."""
        unknown = set(values) - set(self.parameters)
        if unknown:
            raise ValueError(f"there is no parameter '{min(unknown)}'; there are: {', '.join(self.parameters) or 'none'}")
        ranges = self.parameter_settings
        new = {**self.parameters, **{key: ranges[key].check(value, key) for key, value in values.items()}}
        return replace(self, parameter_values=tuple(new.items()))

    def with_box(self, box: Mapping[str, tuple[float, float]]) -> Problem:
        """The same function on another box over the same variables; starts come from the whole new box."""
        region = _checked_box(box)
        if set(region) != set(self.variables):
            raise ValueError(f"the box must name exactly the variables {', '.join(self.variables)}")
        return replace(self, limits=tuple(region[key] for key in self.variables), start_limits=None)

    # -- formulas to read ----------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The formula as understood, in plain notation."""
        return to_text(self.tree)

    def latex(self) -> str:
        """The formula as understood, in LaTeX."""
        return to_latex(self.tree)

    def gradient_latex(self) -> list[str]:
        """The partial derivatives in LaTeX, one per variable."""
        return [self.print_latex(partial) for partial in self.symbols.gradient]

    def hessian_latex(self) -> list[list[str]]:
        """The Hessian in LaTeX, row by row."""
        upper = iter(self.symbols.hessian)
        rows = [["" for _ in self.variables] for _ in self.variables]
        for i, j in _upper_triangle(self.dimension):
            rows[i][j] = rows[j][i] = self.print_latex(next(upper))
        return rows

    def print_latex(self, expression: Expr) -> str:
        """An expression over `symbols` in LaTeX, under the names of the formula."""
        names = {symbol: name_latex(name) for name, symbol in self.symbols.all.items()}
        return str(sympy.latex(expression, symbol_names=names))

    # -- numbers -------------------------------------------------------------------------------------------------------

    def value(self, points: ArrayLike) -> Array:
        """f at points (..., d) → (...); nan outside the domain."""
        return self._evaluate(self._compiled.value, points)[..., 0]

    def gradient(self, points: ArrayLike) -> Array:
        """∇f at points (..., d) → (..., d); nan where f or a derivative does not exist."""
        return self._evaluate(self._compiled.gradient, points)[..., 1:]

    def hessian(self, points: ArrayLike) -> Array:
        """The matrix of second derivatives at points (..., d) → (..., d, d)."""
        return self._unpack(self._evaluate(self._compiled.hessian, points)[..., 1:])

    def differentiate(self, points: ArrayLike) -> tuple[Array, Array, Array]:
        """f, ∇f and the Hessian at points (..., d), in one pass."""
        out = self._evaluate(self._compiled.everything, points)
        d = self.dimension
        return out[..., 0], out[..., 1 : 1 + d], self._unpack(out[..., 1 + d :])

    def in_domain(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Whether every root, logarithm and the like in the formula has an argument it allows, at points (..., d)."""
        conditions = self._evaluate(self._compiled.conditions, points)
        inside: NDArray[np.bool_] = ~np.asarray((conditions < 0).any(axis=-1))
        return inside

    def cells(self, points: ArrayLike) -> Array:
        """Numbers that change across every pole of the formula and only there or at harmless places, (..., d) → (..., k)."""
        return self._evaluate(self._compiled.cells, points)

    @property
    def has_poles(self) -> bool:
        return self._compiled.cells.outputs > 0

    @property
    def has_kinks(self) -> bool:
        """Whether the formula holds something whose derivative may jump: |.|, max, roots, rounding and the like."""
        return bool(self.symbols.value.has(RealFunction) or self.symbols.conditions)

    @property
    def parameter_numbers(self) -> tuple[np.float64, ...]:
        """Parameter values in the order compiled functions expect (by name)."""
        return tuple(np.float64(value) for _, value in sorted(self.parameter_values))

    def _evaluate(self, function: ArrayFunction, points: ArrayLike) -> Array:
        array = np.asarray(points, dtype=float)
        if array.shape[-1:] != (self.dimension,):
            raise ValueError(f"points must have {self.dimension} numbers in the last axis, not shape {array.shape}")
        rows = np.ascontiguousarray(array.reshape(-1, self.dimension).T)
        out = function(rows, self.parameter_numbers)
        return np.ascontiguousarray(out.T).reshape(*array.shape[:-1], function.outputs)

    def _unpack(self, upper: Array) -> Array:
        d = self.dimension
        matrix = np.empty((*upper.shape[:-1], d, d))
        for k, (i, j) in enumerate(_upper_triangle(d)):
            matrix[..., i, j] = matrix[..., j, i] = upper[..., k]
        return matrix

    @property
    def symbols(self) -> Symbols:
        """The symbolic form, derived once per formula; kernel.py composes it with an optimizer."""
        return symbols_of(self.formula, self.variables, tuple(self.parameters))

    @property
    def _compiled(self) -> Compiled:
        return _compile(self.formula, self.variables, tuple(self.parameters))

    def prepare(self) -> Problem:
        """This problem, derived and compiled now; FormulaError where that is impossible or beyond the budget."""
        self._compiled  # noqa: B018
        return self

    # -- JSON ----------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """What defines the problem, as plain values."""
        return {
            "formula": self.formula,
            "box": {key: list(limits) for key, limits in self.box.items()},
            "parameters": self.parameters,
            "name": self.name,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Problem:
        """The inverse of to_dict, through the same checks as typed text."""
        box = {key: (limits[0], limits[1]) for key, limits in data["box"].items()}
        return cls.from_text(data["formula"], box=box, parameters=data["parameters"], name=data["name"])


@dataclass(frozen=True)
class Symbols:
    """The symbolic form: internal symbols by name, f, its derivatives, and where it may fail to exist."""

    variables: tuple[Expr, ...]
    all: dict[str, Expr]
    value: Expr
    gradient: tuple[Expr, ...]
    hessian: tuple[Expr, ...]
    guards: tuple[Expr, ...]
    conditions: tuple[Expr, ...]
    cells: tuple[Expr, ...]

    @property
    def guarded_value(self) -> Expr:
        """f, with a term that is 0 inside the domain and nan outside where sympy simplified the reason away."""
        return self.value + sum((Vanishing(guard) for guard in self.guards), sympy.Integer(0))


@dataclass(frozen=True)
class Compiled:
    """Array functions of the problem; the second and later ones also return f first."""

    value: ArrayFunction
    gradient: ArrayFunction
    hessian: ArrayFunction
    everything: ArrayFunction
    conditions: ArrayFunction
    cells: ArrayFunction


@lru_cache(maxsize=64)
def symbols_of(formula: str, variables: tuple[str, ...], parameters: tuple[str, ...]) -> Symbols:
    """The formula, differentiated twice. Internal names only: a symbol's name is printed into generated code."""
    tree = parse(formula, names=(*variables, *parameters))
    table: dict[str, Expr] = {}
    for prefix, names in (("v", variables), ("p", parameters)):
        table |= {name: sympy.Dummy(f"{prefix}{k}", real=True) for k, name in enumerate(names)}
    value = symbolic.tame(symbolic.to_sympy(tree, table))
    symbolic.require_finite(value)
    own = tuple(table[name] for name in variables)
    partials = symbolic.gradient(value, own)
    return Symbols(
        variables=own,
        all=table,
        value=value,
        gradient=partials,
        hessian=symbolic.hessian(partials, own),
        guards=symbolic.lost_guards(tree, table, value),
        conditions=symbolic.domain_conditions(tree, table),
        cells=symbolic.poles(tree, table),
    )


@lru_cache(maxsize=64)
def _compile(formula: str, variables: tuple[str, ...], parameters: tuple[str, ...]) -> Compiled:
    symbols = symbols_of(formula, variables, parameters)
    vectors = {name: symbols.all[name] for name in variables}
    scalars = {name: symbols.all[name] for name in parameters}
    value = symbols.guarded_value

    def function(*expressions: Expr) -> ArrayFunction:
        return generate(lower(expressions, vectors, scalars))

    return Compiled(
        value=function(value),
        gradient=function(value, *symbols.gradient),
        hessian=function(value, *symbols.hessian),
        everything=function(value, *symbols.gradient, *symbols.hessian),
        conditions=function(*symbols.conditions),
        cells=function(*symbols.cells),
    )


def _upper_triangle(d: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(d) for j in range(i, d)]


def _as_setting(value: float | Setting) -> Setting:
    if isinstance(value, Setting):
        return value
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"a parameter must be a finite number, not {number}")
    return Setting(number)


def _checked_box(box: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """The box with canonical names, or the reason why it is none."""
    if not 1 <= len(box) <= MOST_VARIABLES:
        raise ValueError(f"there are {len(box)} variables; 1 to {MOST_VARIABLES} are possible")
    checked: dict[str, tuple[float, float]] = {}
    for key, limits in box.items():
        low, high = (float(limit) for limit in limits)
        if not (abs(low) <= LARGEST and abs(high) <= LARGEST):
            raise ValueError(f"the box of {key} needs two finite numbers, not {low:g} and {high:g}")
        if not low < high:
            raise ValueError(f"the box of {key} runs from {low:g} to {high:g}: the first number must be the smaller one")
        checked[canonical_name(key)] = (low, high)
    if len(checked) != len(box):
        raise ValueError("two variables have the same name: rename one of them")
    return checked
