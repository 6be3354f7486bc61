"""An experiment and ranges → which of its quantities matters: Sobol' indices of what its starts come to."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.descent import Progress
from gdcore.entries import batches
from gdcore.experiment import Experiment
from gdcore.knobs import Knob, Knobs, knobs
from gdcore.quantities import Quantity, Range, quantity
from gdcore.success import deepest_labels

Array = NDArray[np.float64]
SHARE, EPOCHS = "share in the deepest minimum", "epochs until settled"
BASE = 512


@dataclass(frozen=True)
class Leverage:
    """Sobol' indices of two outputs, SHARE and EPOCHS, over the ranges of some quantities (their keys name the knobs).

    share, epochs (3,): smallest, mean and largest of each output over the points of the design. starts: at each of them.
    """

    experiment: Experiment
    knobs: Knobs
    quantities: tuple[Quantity, ...]
    share: tuple[float, float, float]
    epochs: tuple[float, float, float]
    starts: int


def leverage(
    experiment: Experiment,
    ranges: Sequence[Range],
    *,
    base: int = BASE,
    seed: int = 0,
    engine: str = "auto",
    on_progress: Progress | None = None,
    executor: Executor | None = None,
) -> Leverage:
    """How much each quantity matters to the share of starts that reach the deepest minimum, and to the epochs until settled.

    The share is of the deepest minimum known at each point of the design; the epochs are a mean over all starts in which one that never
    settles counts with the whole budget. All points use the same starts. ValueError for ranges that make no sense, and as for knobs().
    """
    known = [quantity(experiment, one.key) for one in ranges]
    for one, what in zip(ranges, known, strict=True):
        one.values(what)
    dials = [_knob(one, what) for one, what in zip(ranges, known, strict=True)]
    found, starts = list[Array](), list[int]()

    def evaluate(columns: dict[str, Array]) -> Array:
        out = np.empty((2, len(next(iter(columns.values())))))
        budgets = columns.get("epochs", np.full(out.shape[1], float(experiment.stopping.epochs)))
        for batch in batches(experiment, columns, engine=engine, on_progress=on_progress, executor=executor):
            epochs, settled = batch.settled()
            starts.append(settled.shape[1])
            deepest = np.isin(batch.findings.labels, deepest_labels(batch.findings)).reshape(settled.shape)
            out[0, batch.entries] = deepest.mean(axis=1)
            out[1, batch.entries] = np.where(settled, epochs, budgets[batch.entries, None]).mean(axis=1)
        found.append(out)
        return out

    indices = knobs(dials, evaluate, outputs=(SHARE, EPOCHS), base=base, seed=seed)
    spread = [(float(row.min()), float(row.mean()), float(row.max())) for row in found[0]]
    return Leverage(experiment, indices, tuple(known), spread[0], spread[1], starts[0])


def _knob(one: Range, what: Quantity) -> Knob:
    low, high = (round(one.low), round(one.high)) if what.whole else (one.low, one.high)
    return Knob(one.key, low, high, log=one.log, whole=what.whole)
