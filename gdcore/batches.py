"""Ranges of starts, descended one after the other: what bounds the memory of a run, and what travels to other machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gdcore.descent import Progress
from gdcore.engines import chosen, outcomes_by, ready, require
from gdcore.kernel import Kernel, Value, kernel
from gdcore.outcomes import Outcomes, joined
from gdcore.schedules import Scaled

if TYPE_CHECKING:
    from gdcore.experiment import Experiment

Array = NDArray[np.float64]
BATCH = 65_536  # starts descended together: their tails and states are all that is held beside the outcomes


@dataclass(frozen=True, eq=False)
class Work:
    """An experiment to be descended: from its starts (n, d), once, or once for every entry of columns (setting → (k,)).

    engine: "numpy", "compiled" or "auto"; ValueError for any other. fall_back: NumPy may do what the engine cannot. target: a value of f whose first crossing is noted.
    """

    experiment: Experiment
    columns: Mapping[str, Array] = field(default_factory=dict)
    engine: str = "auto"
    target: float | None = None
    fall_back: bool = False

    def __post_init__(self) -> None:
        require(self.engine)

    def points(self) -> Array:
        """The start of every run, (k·n, d): all starts for the first entry, then for the next."""
        points = self.experiment.starts.points(self.experiment.problem)
        return np.tile(points, (self._entries(), 1)) if self.columns else points

    def kernel(self, count: int) -> Kernel:
        """The step that so many runs take, with the settings of each."""
        settings: dict[str, Value] = dict(self.experiment.settings)
        for name, column in self.columns.items():
            each, text = np.repeat(column, count // self._entries()), settings[name]
            settings[name] = Scaled(text, each) if isinstance(text, str) else each
        return kernel(self.experiment.problem, self.experiment.optimizer, settings, self.experiment.stopping.epochs)

    def settled(self, step: Kernel, count: int) -> Work:
        """The same with its engine chosen for so many runs, where that was left open."""
        if self.engine != "auto":
            return self
        return replace(self, engine=chosen(step, count, self.experiment.stopping.epochs), fall_back=True)

    def _entries(self) -> int:
        return len(next(iter(self.columns.values()), (0,)))


def outcomes(
    work: Work, points: Array, *, on_progress: Progress | None = None, threads: int | None = None
) -> Outcomes:
    """How the runs from points, those of the work, end; on this machine.

    NumPy goes from batch to batch, which bounds its memory; the compiled engine has smaller portions of its own.
    """
    step, parts = work.kernel(len(points)), []
    work = work.settled(step, len(points))
    size = len(points) if ready(step, work.engine, fall_back=work.fall_back) == "compiled" else BATCH
    for low in range(0, len(points), size):
        high = min(low + size, len(points))
        report = None if on_progress is None else _share(on_progress, low, high, len(points))
        parts.append(outcomes_between(work, step, points, low, high, on_progress=report, threads=threads))
    return joined(parts)


def outcomes_between(
    work: Work, step: Kernel, points: Array, low: int, high: int,
    *, on_progress: Progress | None = None, threads: int | None = None,
) -> Outcomes:  # fmt: skip
    """How runs low to high - 1 of the work, with its engine settled, end; step: the kernel of the whole work."""
    stopping = work.experiment.stopping
    engine = ready(step, work.engine, fall_back=work.fall_back)
    part = step.part(low, high), points[low:high], stopping
    return outcomes_by(engine, *part, on_progress=on_progress, threads=threads, target=work.target)


def _share(on_progress: Progress, low: int, high: int, count: int) -> Progress:
    """The progress of one batch as that of the whole: epochs of all starts, on average."""

    def report(done: int, total: int, running: int) -> None:
        on_progress((low * total + (high - low) * done) // count, total, running + count - high)

    return report
