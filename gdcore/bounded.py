"""Problem → bounds of f, of its gradient and of its second derivatives over many boxes at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from gdcore.enclosures import Enclosure, enclosing
from gdcore.intervals import Bounds
from gdcore.problem import Problem, symbols_of
from gdcore.symbolic import derivative

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Bounded:
    """Functions over boxes (d, 2, n) at the problem's parameters.

    `slopes` has the zeros and signs of ∇f: each partial derivative without the factors that are positive everywhere, as exp(u)
    and u⁻², which would underflow far out. `jacobian` holds its derivatives, row by row.
    """

    dimension: int
    numbers: tuple[float, ...]
    values: Enclosure
    gradients: Enclosure
    hessians: Enclosure
    reduced: Enclosure
    jacobians: Enclosure
    conditions: Enclosure
    guards: Enclosure
    poles: Enclosure

    def value(self, box: Bounds) -> Bounds:
        """f, (2, n)."""
        out: Bounds = self.values(box, self.numbers)[0]
        return out

    def gradient(self, box: Bounds) -> Bounds:
        """∇f, (d, 2, n)."""
        return self.gradients(box, self.numbers)

    def hessian(self, box: Bounds) -> Bounds:
        """The second derivatives, (d, d, 2, n)."""
        d, upper = self.dimension, self.hessians(box, self.numbers)
        full = np.empty((d, d, *upper.shape[1:]))
        for k, (i, j) in enumerate(combinations_with_replacement(range(d), 2)):
            full[i, j] = full[j, i] = upper[k]
        return full

    def slopes(self, box: Bounds) -> Bounds:
        """What has the zeros and signs of ∇f, (d, 2, n)."""
        return self.reduced(box, self.numbers)

    def slopes_beside(self, box: Bounds) -> Bounds:
        """The slopes on all sides of the kinks in boxes, (d, 2, n)."""
        return self.reduced.sided(box, self.numbers)

    def jacobian(self, box: Bounds) -> Bounds:
        """The derivatives of the slopes, (d, d, 2, n)."""
        if self.reduced is self.gradients:
            return self.hessian(box)
        return self.jacobians(box, self.numbers).reshape(self.dimension, self.dimension, *box.shape[1:])

    def defined(self, box: Bounds) -> tuple[Flags, Flags]:
        """Whether f has a value everywhere in a box, and whether it may have one somewhere; (n,) each."""
        surely, maybe = np.ones(box.shape[2], bool), np.ones(box.shape[2], bool)
        for low, high in self.conditions(box, self.numbers):
            surely &= low > 0
            maybe &= ~(high < 0)
        for low, high in self.guards(box, self.numbers):
            surely &= np.isfinite(low) & np.isfinite(high)
        if self.poles.program.outputs:
            low, high = self.value(box)
            surely &= np.isfinite(low) & np.isfinite(high) & ~self.poles.breaks(box, self.numbers)[0]
        return surely, maybe

    def breaks(self, box: Bounds) -> tuple[Flags, Flags]:
        """Whether f may jump inside a box, and whether its gradient may; (n,) each."""
        return self.values.breaks(box, self.numbers)


def bounded(problem: Problem) -> Bounded:
    """The bounds of a problem; FormulaError where it cannot be differentiated."""
    made = _bounded(problem.formula, problem.variables, tuple(problem.parameters))
    return Bounded(problem.dimension, tuple(map(float, problem.parameter_numbers)), *made)


@lru_cache(maxsize=64)
def _bounded(formula: str, variables: tuple[str, ...], parameters: tuple[str, ...]) -> tuple[Enclosure, ...]:
    symbols = symbols_of(formula, variables, parameters)
    vectors, scalars = ({name: symbols.all[name] for name in names} for names in (variables, parameters))

    def of(*expressions: Expr) -> Enclosure:
        return enclosing(expressions, vectors, scalars, symbols.conditions)

    gradients, hessians = of(*symbols.gradient), of(*symbols.hessian)
    slopes = [_without_positive_factors(partial) for partial in symbols.gradient]
    reduced, jacobians = gradients, hessians
    if any(slope is not partial for slope, partial in zip(slopes, symbols.gradient, strict=True)):
        reduced, jacobians = of(*slopes), of(*(derivative(slope, own) for slope in slopes for own in symbols.variables))
    places = [enclosing(parts, vectors, scalars) for parts in (symbols.conditions, symbols.guards, symbols.cells)]
    return of(symbols.value), gradients, hessians, reduced, jacobians, *places


def _without_positive_factors(expression: Expr) -> Expr:
    """A product, or a sum of products, without factors common to all that are positive everywhere; else as it is."""
    terms = [sympy.Mul.make_args(term) for term in sympy.Add.make_args(expression)]
    positive = [{factor for factor in factors if _is_positive(factor)} for factors in terms]
    common = set.intersection(*positive)
    if not common:
        return expression
    return sympy.Add(*(sympy.Mul(*(factor for factor in factors if factor not in common)) for factors in terms))


def _is_positive(factor: Expr) -> bool:
    """Whether a factor with variables in it is positive wherever it has a value, by its form."""
    if not factor.free_symbols:
        return False
    if isinstance(factor, sympy.exp) or factor.is_Pow and (factor.base == sympy.E or factor.base.is_positive):
        return True
    return bool(factor.is_Pow and factor.exp.is_Integer and factor.exp.is_negative and factor.exp.is_even)
