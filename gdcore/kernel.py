"""Problem + optimizer → one fused step over many starts: value, gradient and update in a single program.

Every engine lives behind Kernel: rows of arrays in, rows of arrays out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from gdcore import symbolic
from gdcore.codegen import ArrayFunction, generate
from gdcore.formula import Call, Node, children, constant_value
from gdcore.optimizers import Optimizer, parse_schedule
from gdcore.problem import Problem
from gdcore.program import Lowering, Operand

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A compiled step with its numbers filled in.

    step(t, state, out, workspace): state (rows, m) holds position then optimizer states; out (rows + 1 + d, m) receives
    the state after step t, then f and ∇f at the position *before* it. `workspace` has at least `workspace_rows` rows.
    """

    problem: Problem
    rows: int
    workspace_rows: int
    step: Callable[[int, Array, Array, Array], None]
    initial: tuple[float, ...]

    @property
    def dimension(self) -> int:
        return self.problem.dimension

    def start(self, points: Array) -> Array:
        """State rows (rows, n) at start points (n, d)."""
        n, d = points.shape
        state = np.empty((self.rows, n))
        state[:d] = points.T
        for k, value in enumerate(self.initial):
            state[d + k * d : d + (k + 1) * d] = value
        return state


def kernel(
    problem: Problem, optimizer: Optimizer, settings: Mapping[str, float | str], epochs: int
) -> Kernel:
    """The fused step of an optimizer on a problem at given settings (numbers, or schedules in t and T)."""
    schedules = tuple((name, value) for name, value in sorted(settings.items()) if isinstance(value, str))
    compiled = _compile(problem.formula, problem.variables, tuple(problem.parameters), optimizer, schedules)
    numbers: dict[str, float] = {f"p:{name}": value for name, value in problem.parameters.items()}
    numbers |= {f"s:{name}": float(value) for name, value in settings.items() if not isinstance(value, str)}
    numbers |= {"T": float(epochs), "t": 0.0}
    scalars = [np.float64(numbers[name]) for name in compiled.scalars]
    clock = compiled.scalars.index("t")

    def step(t: int, state: Array, out: Array, workspace: Array) -> None:
        values = (*scalars[:clock], np.float64(t), *scalars[clock + 1 :])
        compiled.function.run(state, values, out, workspace)

    starting = _initial_states(optimizer, settings, epochs)
    return Kernel(problem, compiled.rows, compiled.function.rows, step, starting)


def _initial_states(optimizer: Optimizer, settings: Mapping[str, float | str], epochs: int) -> tuple[float, ...]:
    """The value each state starts with; a scheduled setting counts with its value at the first step."""
    clock = {"t": 1.0, "T": float(epochs)}
    numbers = {
        name: constant_value(parse_schedule(value), clock) if isinstance(value, str) else float(value)
        for name, value in settings.items()
    }
    return tuple(0.0 if tree is None else constant_value(tree, numbers) for _, tree in optimizer.initial)


@dataclass(frozen=True)
class _Compiled:
    function: ArrayFunction
    scalars: tuple[str, ...]
    rows: int


@lru_cache(maxsize=64)
def _compile(
    formula: str,
    variables: tuple[str, ...],
    parameters: tuple[str, ...],
    optimizer: Optimizer,
    schedules: tuple[tuple[str, str], ...],
) -> _Compiled:
    """Keyed by everything that is text: changed numbers never recompile."""
    from gdcore.problem import symbols_of

    symbols = symbols_of(formula, variables, parameters)
    writer = _Composer(len(variables), optimizer, dict(schedules))
    vectors = {f"x{i}": symbol for i, symbol in enumerate(symbols.variables)} | writer.state_symbols()
    scalars = {f"p:{name}": symbols.all[name] for name in parameters} | writer.scalar_symbols()
    inputs: dict[Expr, Operand] = {symbol: name for name, symbol in {**vectors, **scalars}.items()}
    lowering = Lowering(inputs, scalars=frozenset(scalars))
    objective = lowering.add([symbols.guarded_value, *symbols.gradient])
    for symbol, operand in zip([writer.f, *writer.g], objective, strict=True):
        lowering.bind(symbol, operand)
    updated = lowering.add(writer.compose(symbols.variables))
    program = lowering.program(tuple(vectors), [*updated, *objective])
    return _Compiled(generate(program), program.scalars, len(vectors))


class _Composer:
    """The update equations written out for every coordinate, over symbols for f, ∇f, states and settings."""

    def __init__(self, dimension: int, optimizer: Optimizer, schedules: Mapping[str, str]) -> None:
        self.dimension = dimension
        self.optimizer = optimizer
        self.f = sympy.Dummy("f", real=True)
        self.g = [sympy.Dummy(f"g{i}", real=True) for i in range(dimension)]
        self.t = sympy.Dummy("t", positive=True)
        self.epochs = sympy.Dummy("T", positive=True)
        self.states = {
            name: [sympy.Dummy(f"h{k}_{i}", real=True) for i in range(dimension)]
            for k, name in enumerate(optimizer.states)
        }
        self.settings = {name: sympy.Dummy(f"s{k}", real=True) for k, name in enumerate(optimizer.settings)}
        clock = {"t": self.t, "T": self.epochs}
        self.values: dict[str, Expr] = {
            name: symbolic.to_sympy(parse_schedule(schedules[name]), clock) if name in schedules else symbol
            for name, symbol in self.settings.items()
        }

    def state_symbols(self) -> dict[str, Expr]:
        return {f"h{k}_{i}": s for k, group in enumerate(self.states.values()) for i, s in enumerate(group)}

    def scalar_symbols(self) -> dict[str, Expr]:
        numbers = {f"s:{name}": self.settings[name] for name in self.settings if self.values[name] is self.settings[name]}
        return {**numbers, "t": self.t, "T": self.epochs}

    def compose(self, position: tuple[Expr, ...]) -> list[Expr]:
        """The new position and the new states, coordinate by coordinate, after all lines."""
        now: dict[str, list[Expr]] = {"x": list(position), "g": list(self.g), "f": [self.f] * self.dimension}
        now |= {name: list(group) for name, group in self.states.items()}
        for update in self.optimizer.updates:
            now[update.target] = [self._build(update.tree, now, i) for i in range(self.dimension)]
        return now["x"] + [entry for name in self.states for entry in now[name]]

    def _build(self, tree: Node, now: Mapping[str, list[Expr]], i: int) -> Expr:
        """The tree for coordinate i. norm and dot reduce over coordinates, so they are built here, not in symbolic.py."""
        names: dict[str, Expr] = {**self.values, "t": self.t, "T": self.epochs}
        names |= {name: group[i] for name, group in now.items()}
        reductions: dict[Node, Expr] = {call: self._reduce(call, now) for call in _reductions(tree)}
        return symbolic.to_sympy(tree, names, reductions)

    def _reduce(self, call: Call, now: Mapping[str, list[Expr]]) -> Expr:
        products = []
        for i in range(self.dimension):
            parts = [self._build(argument, now, i) for argument in call.arguments]
            products.append(parts[0] * parts[-1])
        total = sympy.Add(*products)
        return sympy.sqrt(total) if call.function == "norm" else total


def _reductions(tree: Node) -> list[Call]:
    """The outermost norm and dot calls in a tree."""
    if isinstance(tree, Call) and tree.function in ("norm", "dot"):
        return [tree]
    return [call for child in children(tree) for call in _reductions(child)]
