"""sympy expressions → functions that bound them over many boxes at once, from the program that every engine translates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from gdcore.intervals import JUMPS, KINKS, OPERATIONS, SIDES, SMALLEST, UNIT, Bounds, chosen, interval, splits
from gdcore.program import Line, Lowering, Operand, Program

Flags = NDArray[np.bool_]
Place = tuple[Operand, Operand]
DIGITS = 30  # to which a constant is known before it is rounded outward
MOST_PLACES = 4  # kinks whose sides are told apart; every one more doubles the work
FOLDED = 8  # units in the last place of a constant that the parser had to compute in doubles, sin(2)


@dataclass(frozen=True)
class Enclosure:
    """A program over boxes. constants: name → the two doubles around a number that is no double, 1/3 or pi.

    nonnegative: lines and inputs that are at least 0 wherever the function is defined; only these values of theirs are looked at.
    """

    program: Program
    constants: Mapping[str, tuple[float, float]]
    nonnegative: frozenset[int | str] = frozenset()

    def __call__(self, box: Bounds, numbers: Sequence[float]) -> Bounds:
        """Bounds (k, 2, n) of the k expressions over boxes (d, 2, n), at the values of the scalars in their order."""
        return self._outputs(box, numbers, {})

    def breaks(self, box: Bounds, numbers: Sequence[float]) -> tuple[Flags, Flags]:
        """Whether something in the expressions may jump inside a box, and whether its derivative may; (n,) each."""
        jump, kink = np.zeros(box.shape[2], bool), np.zeros(box.shape[2], bool)
        if not self.is_smooth:
            values, scope = self._values(box, numbers)
            for line in self.program.lines:
                for table, flags in ((JUMPS, jump), (KINKS, kink)):
                    if line.operation in table:
                        flags |= table[line.operation](*(_read(operand, values, scope) for operand in line.operands))
        return jump, kink

    @property
    def is_smooth(self) -> bool:
        """Whether no operation has a kink or a jump anywhere it is defined."""
        return not any(line.operation in JUMPS or line.operation in KINKS for line in self.program.lines)

    def sided(self, box: Bounds, numbers: Sequence[float]) -> Bounds:
        """Bounds (k, 2, n) of all values taken beside the kinks in a box: one evaluation for each choice of their sides.

        Their hull holds the generalized gradient where the expressions are a gradient (F. H. Clarke 1983, Optimization and
        Nonsmooth Analysis, section 2.5). Tighter than a call, in which every comparison is undecided for itself.
        """
        places = list(dict.fromkeys(_compared(line)[0] for line in self.program.lines if line.operation in SIDES))
        if not 1 <= len(places) <= MOST_PLACES:
            return self(box, numbers)
        found = [self._outputs(box, numbers, dict(zip(places, sides, strict=True))) for sides in product((True, False), repeat=len(places))]
        return np.stack([np.min([f[:, 0] for f in found], axis=0), np.max([f[:, 1] for f in found], axis=0)], axis=1)

    def _outputs(self, box: Bounds, numbers: Sequence[float], sides: Mapping[Place, bool]) -> Bounds:
        values, scope = self._values(box, numbers, sides)
        out = np.empty((len(self.program.outputs), 2, box.shape[2]))
        for k, operand in enumerate(self.program.outputs):
            out[k] = _read(operand, values, scope)
        return out

    def _values(
        self, box: Bounds, numbers: Sequence[float], sides: Mapping[Place, bool] | None = None
    ) -> tuple[list[Bounds], dict[str, Bounds]]:
        """The bounds of every line, and those of the inputs. sides: what a comparison is said to be where it is undecided."""
        scope = {name: self._floored(name, bounds) for name, bounds in zip(self.program.vectors, box, strict=True)}
        scope |= {name: interval(*self.constants[name]) for name in self.constants}
        given = [name for name in self.program.scalars if name not in self.constants]
        scope |= {name: interval(value, value) for name, value in zip(given, map(float, numbers), strict=True)}
        values: list[Bounds] = []
        with np.errstate(all="ignore"):
            for number, line in enumerate(self.program.lines):
                operands = [_read(operand, values, scope) for operand in line.operands]
                bounds = OPERATIONS[line.operation](*operands)
                if sides and line.operation in SIDES:
                    bounds = _on_a_side(line, operands, bounds, sides)
                values.append(self._floored(number, bounds))
        return values, scope

    def _floored(self, operand: int | str, bounds: Bounds) -> Bounds:
        return np.maximum(bounds, 0.0) if operand in self.nonnegative else bounds


def _read(operand: Operand, values: list[Bounds], scope: Mapping[str, Bounds]) -> Bounds:
    if isinstance(operand, int):
        return values[operand]
    return scope[operand] if isinstance(operand, str) else interval(operand, operand)


def _compared(line: Line) -> tuple[Place, bool]:
    """What a line compares, in an order of its own, and whether the first of its operands is first in it."""
    first, second = (*line.operands, 0.0)[:2]
    swapped = repr(first) > repr(second)
    return ((second, first) if swapped else (first, second)), not swapped


def _on_a_side(line: Line, operands: list[Bounds], bounds: Bounds, sides: Mapping[Place, bool]) -> Bounds:
    place, first = _compared(line)
    a, b = (*operands, interval(0.0, 0.0))[:2]
    above, below = SIDES[line.operation]
    return chosen(splits(a, b), (above if sides[place] == first else below)(a, b), bounds)


def enclosing(
    expressions: Sequence[Expr], vectors: Mapping[str, Expr], scalars: Mapping[str, Expr], nonnegative: Sequence[Expr] = ()
) -> Enclosure:
    """What bounds the expressions; `vectors` and `scalars` map input names to the symbols they stand for.

    nonnegative: what is at least 0 wherever the values of the expressions are of interest.
    """
    symbols: dict[Expr, Operand] = {symbol: name for name, symbol in {**vectors, **scalars}.items()}
    lowering = IntervalLowering(symbols, scalars=frozenset(scalars))
    outputs = lowering.add(expressions)
    program, floors = lowering.program(tuple(vectors), outputs), lowering.add(nonnegative)
    known = frozenset(o for o in floors if isinstance(o, str) or isinstance(o, int) and o < len(program.lines))
    return Enclosure(program, lowering.constants, known)


@dataclass
class IntervalLowering(Lowering):
    """Lowering that keeps what intervals need: whole powers as one operation, and how exactly a constant is known."""

    constants: dict[str, tuple[float, float]] = field(default_factory=dict)

    def _integer_power(self, base: Operand, exponent: int) -> Operand:
        return base if exponent == 1 else self._line("integer_power", base, float(exponent))

    def _total(self, constants: list[Expr]) -> Operand:
        return self._enclosed(sympy.Add(*constants))

    def _multiple(self, constants: list[Expr]) -> Operand:
        return self._enclosed(sympy.Mul(*constants))

    def _enclosed(self, constant: Expr) -> Operand:
        """A float where that is exact, else the name of an interval."""
        limits = around(constant)
        if limits[0] == limits[1]:
            return limits[0]
        name = f"constant {len(self.constants)}"  # a blank is in no name of a formula
        known = next((key for key, value in self.constants.items() if value == limits), name)
        self.constants.setdefault(known, limits)
        self.scalars |= {known}
        return known


def around(constant: Expr) -> tuple[float, float]:
    """Doubles below and above a real constant, equal where it is a double; nan where it is no real number."""
    exact = constant if constant.is_Rational else constant.evalf(DIGITS)
    if not exact.is_real or not exact.is_finite:
        return math.nan, math.nan
    double = float(exact)
    if constant.is_Rational and sympy.Rational(double) == constant:
        return double, double
    move = (FOLDED if constant.has(sympy.Float) else 1) * UNIT * abs(double) + SMALLEST
    return double - move, double + move
