"""Problem + optimizer → one fused step over many starts: value, gradient and update in a single program.

Every engine lives behind Kernel: rows of arrays in, rows of arrays out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from gdcore import symbolic
from gdcore.codegen import ArrayFunction, generate
from gdcore.composition import compose
from gdcore.formula import array_value
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.program import Lowering, Operand, Program
from gdcore.schedules import Scaled, first_values, parse_schedule
from gdcore.setting import FrozenDict

Array = NDArray[np.float64]
Value = float | str | Array | Scaled  # a setting: a number, a schedule, one number per start, or a schedule with factors


@dataclass(frozen=True)
class Recipe:
    """What a step is made of, all text: equal recipes give equal code, whatever the numbers.

    schedules: setting → formula in t and T; rowwise: settings given start by start. A name in both is a schedule times its row.
    """

    formula: str
    variables: tuple[str, ...]
    parameters: tuple[str, ...]
    optimizer: Optimizer
    schedules: tuple[tuple[str, str], ...] = ()
    rowwise: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """A compiled step with its numbers filled in.

    step(t, state, out, workspace): state (rows, m) holds position, optimizer states, and settings given start by start;
    out (rows + 1 + d, m) receives the state after step t, then f and ∇f at the position *before* it. `workspace` has at
    least `workspace_rows` rows. initial: the start value of each further row, a number or one per start. recipe, numbers:
    what other engines compile the same step from, and the value of each of the program's scalars but t.
    """

    problem: Problem
    rows: int
    workspace_rows: int
    step: Callable[[int, Array, Array, Array], None]
    initial: tuple[float | Array, ...]
    recipe: Recipe
    numbers: Mapping[str, float]

    @property
    def dimension(self) -> int:
        return self.problem.dimension

    def part(self, low: int, high: int) -> Kernel:
        """The kernel for starts low to high - 1 of those it was made for."""
        return replace(self, initial=tuple(v[low:high] if isinstance(v, np.ndarray) else v for v in self.initial))

    def start(self, points: Array) -> Array:
        """State rows (rows, n) at start points (n, d)."""
        n, d = points.shape
        state = np.empty((self.rows, n))
        state[:d] = points.T
        for row, value in enumerate(self.initial, start=d):
            state[row] = value
        return state


def kernel(problem: Problem, optimizer: Optimizer, settings: Mapping[str, Value], epochs: int) -> Kernel:
    """The fused step of an optimizer on a problem at given settings.

    Each setting is a number, a schedule in t and T, an array (n,) with one number per start, or a Scaled schedule.
    """
    texts = {name: value.text if isinstance(value, Scaled) else value for name, value in sorted(settings.items())}
    schedules = tuple((name, text) for name, text in texts.items() if isinstance(text, str))
    rows = {name: _row(value) for name, value in settings.items() if isinstance(value, (np.ndarray, Scaled))}
    rowwise = tuple(rows)
    recipe = Recipe(problem.formula, problem.variables, tuple(problem.parameters), optimizer, schedules, rowwise)
    program, function = program_of(recipe), _function(recipe)
    numbers: dict[str, float] = {f"p:{name}": value for name, value in problem.parameters.items()}
    numbers |= {f"s:{name}": float(value) for name, value in settings.items() if isinstance(value, (int, float))}
    numbers |= {"T": float(epochs), "t": 0.0}
    scalars = [np.float64(numbers[name]) for name in program.scalars]
    clock = program.scalars.index("t")

    def step(t: int, state: Array, out: Array, workspace: Array) -> None:
        values = (*scalars[:clock], np.float64(t), *scalars[clock + 1 :])
        function.run(state, values, out, workspace)

    starting = _initial_states(optimizer, settings, epochs)
    initial = [value for value in starting for _ in range(problem.dimension)]
    height = len(program.vectors)
    return Kernel(problem, height, function.rows, step, (*initial, *rows.values()), recipe, FrozenDict(numbers))


def _row(value: Array | Scaled) -> Array:
    return np.asarray(value.factors if isinstance(value, Scaled) else value, dtype=float)


def _initial_states(optimizer: Optimizer, settings: Mapping[str, Value], epochs: int) -> list[float | Array]:
    """The value each state starts with; a scheduled setting counts with its value at the first step."""
    names = first_values(settings, epochs)
    return [0.0 if tree is None else array_value(tree, names) for _, tree in optimizer.initial]


@lru_cache(maxsize=128)
def _function(recipe: Recipe) -> ArrayFunction:
    return generate(program_of(recipe))


@lru_cache(maxsize=128)
def program_of(recipe: Recipe, *, cells: bool = False) -> Program:
    """One step as a program: the state after it, then f and ∇f before it and, when asked for, Problem.cells before it.

    Vectors are the rows of the state in order.
    """
    from gdcore.problem import symbols_of

    if cells and not symbols_of(recipe.formula, recipe.variables, recipe.parameters).cells:
        return program_of(recipe)
    formula, variables, parameters, optimizer = recipe.formula, recipe.variables, recipe.parameters, recipe.optimizer
    schedules, rowwise = recipe.schedules, recipe.rowwise
    symbols, step = symbols_of(formula, variables, parameters), compose(optimizer, len(variables))
    given = {**dict(schedules), **dict.fromkeys(rowwise)}
    vectors = {f"x{i}": symbol for i, symbol in enumerate(symbols.variables)}
    vectors |= {f"h:{name}{i}": s for name in optimizer.states for i, s in enumerate(step.entry[name])}
    factors = {name: sympy.Dummy("r", real=True) if name in dict(schedules) else step.settings[name] for name in rowwise}
    vectors |= {f"r:{name}": symbol for name, symbol in factors.items()}
    scalars = {f"p:{name}": symbols.all[name] for name in parameters} | {"t": step.t, "T": step.epochs}
    scalars |= {f"s:{name}": symbol for name, symbol in step.settings.items() if name not in given}
    inputs: dict[Expr, Operand] = {symbol: name for name, symbol in {**vectors, **scalars}.items()}
    inputs |= {symbol: f"x{i}" for i, symbol in enumerate(step.entry["x"])}
    lowering = Lowering(inputs, scalars=frozenset(scalars))
    objective = lowering.add([symbols.guarded_value, *symbols.gradient])
    _bind(lowering, [step.entry["f"][0], *step.entry["g"]], objective)
    for name, text in schedules:
        value = symbolic.to_sympy(parse_schedule(text), {"t": step.t, "T": step.epochs})
        _bind(lowering, [step.settings[name]], lowering.add([factors[name] * value if name in factors else value]))
    for line in step.lines:
        _bind(lowering, line.symbols, lowering.add(line.expressions))
    after = [lowering.inputs[symbol] for group in step.exit.values() for symbol in group]
    kept: list[Operand] = [f"r:{name}" for name in rowwise]
    extra = lowering.add(symbols.cells) if cells else []
    return lowering.program(tuple(vectors), [*after, *kept, *objective, *extra])


def _bind(lowering: Lowering, symbols: Sequence[Expr], operands: Sequence[Operand]) -> None:
    for symbol, operand in zip(symbols, operands, strict=True):
        lowering.bind(symbol, operand)
