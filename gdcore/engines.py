"""Which engine takes the steps: NumPy, or compiled code where compiling it is won back."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from gdcore.descent import Descent, Progress, descend
from gdcore.kernel import Kernel, Recipe, program_of
from gdcore.stopping import Stopping

Array = NDArray[np.float64]
ENGINES = ("auto", "numpy", "compiled")
# What things cost, in seconds on one core of 2024; only their ratios matter, and those only near the border.
NUMPY = 0.3e-9  # an operation on one start
COMPILED = 0.04e-9
HEAVY = 10  # operations that exp, sin and their like count for
FIRST = 1.5  # numba imported, and the code that all steps share
COMPILE, COMPILE_LINE = 0.15, 3e-3  # a step, and each line of it
USED = 0.4  # share of the epochs that runs need on average


class EngineError(RuntimeError):
    """The compiled engine was asked for and cannot do it; the message says why."""


def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def engine_for(kernel: Kernel, count: int, epochs: int, wanted: str = "auto") -> str:
    """The engine that is used, "numpy" or "compiled"; ValueError for one that does not exist.

    "auto" compares the time that compiled code saves with the time it takes to compile it, if it is not there already.
    """
    if wanted not in ENGINES:
        raise ValueError(f"there is no engine '{wanted}'; there are: {', '.join(ENGINES)}")
    if wanted != "auto":
        return wanted
    if not available() or kernel.recipe in FAILED:
        return "numpy"
    lines = [line for line in program_of(kernel.recipe).lines if not line.scalar]
    weight = sum(1 if line.operation in LIGHT else HEAVY for line in lines)
    saved = count * epochs * USED * weight * (NUMPY - COMPILED)
    return "compiled" if saved > _compile_seconds(kernel.recipe, len(lines)) else "numpy"


LIGHT = frozenset("add subtract multiply divide negative abs sign floor ceil maximum minimum greater_equal greater where sqrt".split())
FAILED: dict[Recipe, str] = {}  # steps that did not compile, and why: not tried again


def _compile_seconds(recipe: Recipe, lines: int) -> float:
    if "gdcore.segments" in sys.modules:
        from gdcore.compiled import is_compiled

        return 0.0 if is_compiled(recipe) else COMPILE + COMPILE_LINE * lines
    return FIRST + COMPILE + COMPILE_LINE * lines


def descend_by(
    engine: str,
    kernel: Kernel,
    points: Array,
    stopping: Stopping,
    *,
    fall_back: bool,
    on_progress: Progress | None = None,
    threads: int | None = None,
    target: float | None = None,
) -> tuple[Descent, str]:
    """The descent by "numpy" or "compiled", and the engine that did it.

    Where numba is missing or cannot compile the step: NumPy if it may fall back to it, else EngineError.
    """
    if engine == "compiled":
        try:
            return _compiled(kernel, points, stopping, on_progress, threads, target), engine
        except EngineError:
            if not fall_back:
                raise
    return descend(kernel, points, stopping, on_progress=on_progress, threads=threads, target=target), "numpy"


def _compiled(
    kernel: Kernel, points: Array, stopping: Stopping, on_progress: Progress | None, threads: int | None, target: float | None
) -> Descent:
    if not available():
        raise EngineError("the compiled engine needs numba, which is not installed; use engine='numpy'")
    try:
        from gdcore.compiled import step_of
        from gdcore.segments import descend_compiled

        step_of(kernel.recipe)
    except Exception as error:  # whatever numba or LLVM raise: the step has no compiled form on this machine
        FAILED[kernel.recipe] = type(error).__name__
        reason = str(error).strip().splitlines()
        raise EngineError(f"the step could not be compiled ({type(error).__name__}: {reason[0][:80] if reason else ''})") from error
    return descend_compiled(kernel, points, stopping, on_progress=on_progress, threads=threads, target=target)
