"""One step as machine code, by numba; kept, so that only a new formula or optimizer is compiled.

Nothing is ever dropped: LLVM holds on to what it compiled, some 1.4 MB a step, and would take as much again for the next time.

numba is an optional part: nothing imports this module unless the engine is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numba import carray, cfunc, njit  # type: ignore[attr-defined]
from numpy.typing import NDArray

from gdcore import elementary
from gdcore.codegen import NAMESPACE as ARRAY_OPERATIONS
from gdcore.kernel import Kernel, Recipe, program_of
from gdcore.lanes import Layout, write
from gdcore.program import Program

Array = NDArray[np.float64]
OPTIONS: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}


@njit(forceinline=True, error_model="numpy")
def difference(a, b):  # type: ignore[no-untyped-def]
    """a - b, never fused with the product that made a: checks must see the numbers that are stored."""
    return a - b


@dataclass(frozen=True)
class LaneStep:
    """One step over a block of lanes in machine code, its layout, and the program it came from."""

    function: Any
    layout: Layout
    program: Program

    def table(self, kernel: Kernel, fixed: Array, steps: range, looks: NDArray[np.bool_]) -> Array:
        """The numbers of each step, (len(steps), columns); fixed: those after the first, looks (len(steps),)."""
        t = np.asarray(steps, dtype=float)
        values = {name: np.float64(number) for name, number in kernel.numbers.items()} | {"t": t}
        made: dict[int, Any] = {}

        def value(operand: Any) -> Any:
            if isinstance(operand, float):
                return np.float64(operand)
            return values[operand] if isinstance(operand, str) else made[operand]

        with np.errstate(all="ignore"):
            for n, line in enumerate(self.program.lines):
                if line.scalar:
                    made[n] = ARRAY_OPERATIONS[line.operation](*map(value, line.operands))
        table = np.empty((len(t), self.layout.columns))
        table[:, 0], table[:, 1 : 1 + len(fixed)] = looks, fixed
        for k, operand in enumerate(self.layout.constants, start=1 + len(fixed)):
            table[:, k] = value(operand)
        return table


class _Kept:
    """The compiled steps of this process."""

    def __init__(self) -> None:
        self.steps: dict[Recipe, LaneStep] = {}
        self.lock = Lock()

    def step(self, recipe: Recipe) -> LaneStep:
        if recipe not in self.steps:  # what is there is had at once, whatever another thread compiles
            with self.lock:  # one thread compiles, the others wait and find it done
                if recipe not in self.steps:
                    self.steps[recipe] = _compile(recipe)
        return self.steps[recipe]


KEPT = _Kept()
step_of: Callable[[Recipe], LaneStep] = KEPT.step


def is_compiled(recipe: Recipe) -> bool:
    """Whether the step is there already."""
    return recipe in KEPT.steps


def count_compiled() -> int:
    """How many steps this process has compiled."""
    return len(KEPT.steps)


def _compile(recipe: Recipe) -> LaneStep:
    program = program_of(recipe, cells=True)
    code = write(program, len(recipe.variables), elementary.VECTOR, elementary.LIMITED)
    scope: dict[str, Any] = {**elementary.VECTOR, **{f"scalar_{name}": f for name, f in elementary.SCALAR.items()}}
    scope |= {"carray": carray, "int64": np.int64, "absolute": elementary.VECTOR["abs"], "difference": difference}
    scope |= {"inf": np.inf, "nan": np.nan}
    exec(compile(code.source, "<gdcore lanes>", "exec"), scope)
    function = cfunc("int64(CPointer(float64), CPointer(float64))", **OPTIONS)(scope["step"])
    return LaneStep(function, code.layout, program)
