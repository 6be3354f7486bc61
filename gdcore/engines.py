"""Which engine takes the steps: NumPy, or compiled code where compiling it is won back."""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from gdcore.descent import Progress, descend
from gdcore.kernel import Kernel, Recipe, program_of
from gdcore.outcomes import Outcomes, outcomes_of
from gdcore.stopping import Stopping

Array = NDArray[np.float64]
ENGINES = ("auto", "numpy", "compiled")
# What things cost in seconds, measured on two cores of 2024: only ratios matter, and only near the border between engines.
NUMPY, COMPILED = 0.3e-9, 0.04e-9  # an operation on one start
HEAVY = 10  # operations that exp, sin and their like count for
FIRST = 0.8  # numba imported, and the code that all steps share
COMPILE, COMPILE_LINE, COMPILE_HEAVY = 0.15, 1e-3, 0.04  # a step, each line of it, each heavy one
PERCEPTIBLE = 0.03  # runs that would save less are always NumPy's: the same digits, whatever was run before
LONGEST = 5.0  # nobody is made to wait longer for a compiler, which cannot be stopped
USED = 0.4  # share of the epochs that runs need on average
LIGHT = frozenset("add subtract multiply divide negative abs sign floor ceil maximum minimum greater_equal greater where sqrt".split())
MOST_REMEMBERED = 256
MOST_COMPILED = 300  # steps that one process compiles unasked: their memory, 0.4 GB for so many, is never given back


class EngineError(RuntimeError):
    """The compiled engine was asked for and cannot do it; the message says why."""


@dataclass
class _Ledger:
    """What is known of steps that were run: seconds that compiled code would have saved, and steps that do not compile."""

    missed: OrderedDict[Recipe, float] = field(default_factory=OrderedDict)
    broken: set[Recipe] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    def pays(self, recipe: Recipe, saved: float, cost: float) -> bool:
        """Whether compiling is won back by this run and those before it, which are remembered."""
        with self.lock:
            self.missed[recipe] = total = self.missed.pop(recipe, 0.0) + saved
            while len(self.missed) > MOST_REMEMBERED:
                self.missed.popitem(last=False)
            return total > cost


LEDGER = _Ledger()


def require(engine: str) -> None:
    """ValueError for an engine that does not exist."""
    if engine not in ENGINES:
        raise ValueError(f"there is no engine '{engine}'; there are: {', '.join(ENGINES)}")


def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def chosen(kernel: Kernel, count: int, epochs: int) -> str:
    """What "auto" means for so many starts: "numpy" or "compiled".

    A step is compiled once the time that this would have saved, in this run and the ones before, exceeds what compiling
    costs; never without numba, nor where it failed before, nor beyond MOST_COMPILED steps.
    """
    return "compiled" if _worth_it(kernel.recipe, count * epochs) else "numpy"


def ready(kernel: Kernel, engine: str, *, fall_back: bool = False) -> str:
    """The engine, "numpy" or "compiled", with the step compiled by now.

    Where it cannot be compiled: "numpy" if it may fall back to that, else EngineError.
    """
    if engine == "numpy":
        return engine
    try:
        _compile(kernel)
    except EngineError:
        if not fall_back:
            raise
        return "numpy"
    return engine


def _worth_it(recipe: Recipe, steps: int) -> bool:
    if not available() or recipe in LEDGER.broken:
        return False
    lines, heavy = _size(recipe)
    saved = steps * USED * (lines + (HEAVY - 1) * heavy) * (NUMPY - COMPILED)
    cost = COMPILE + COMPILE_LINE * lines + COMPILE_HEAVY * heavy
    if saved < PERCEPTIBLE or cost > LONGEST:
        return False
    if "gdcore.segments" in sys.modules:
        from gdcore.compiled import count_compiled, is_compiled

        if is_compiled(recipe):
            return True
        if count_compiled() >= MOST_COMPILED:
            return False
    else:
        cost += FIRST
    return LEDGER.pays(recipe, saved, cost)


@lru_cache(maxsize=256)
def _size(recipe: Recipe) -> tuple[int, int]:
    """Lines of a step, and how many of them are heavy."""
    lines = [line for line in program_of(recipe).lines if not line.scalar]
    return len(lines), sum(line.operation not in LIGHT for line in lines)


def _compile(kernel: Kernel) -> None:
    """Compile the step and try it on one start, so that whatever fails on this machine fails here; EngineError then."""
    recipe = kernel.recipe
    if recipe in LEDGER.broken:
        raise EngineError("the step could not be compiled when it was tried before")
    if not available():
        raise EngineError("the compiled engine needs numba, which is not installed; use engine='numpy'")
    try:
        from gdcore.compiled import is_compiled
        from gdcore.segments import outcomes_compiled

        if not is_compiled(recipe):
            outcomes_compiled(kernel.part(0, 1), kernel.problem.lows[None], Stopping(1), threads=1)
    except Exception as error:  # whatever numba, LLVM or a damaged cache on disk raise: there is no compiled form here
        LEDGER.broken.add(recipe)
        reason = (str(error).strip().splitlines() or [""])[0][:80]
        raise EngineError(f"the step could not be compiled ({type(error).__name__}: {reason})") from error


def outcomes_by(
    engine: str,
    kernel: Kernel,
    points: Array,
    stopping: Stopping,
    *,
    on_progress: Progress | None = None,
    threads: int | None = None,
    target: float | None = None,
) -> Outcomes:
    """How the runs from points (n, d) end, by an engine that is ready()."""
    if engine == "compiled":
        from gdcore.segments import outcomes_compiled

        return outcomes_compiled(kernel, points, stopping, on_progress=on_progress, threads=threads, target=target)
    descent = descend(kernel, points, stopping, on_progress=on_progress, threads=threads, target=target)
    return outcomes_of(kernel.problem, stopping, descent)
