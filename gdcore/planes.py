"""Planes: one start, two settings of the optimizer → how its run ends for each pair, and where a minimum is stable."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore.descent import Progress
from gdcore.experiment import Experiment, Minimum, run_each
from gdcore.knobs import Knob
from gdcore.stability import radii
from gdcore.starts import Starts

Array = NDArray[np.float64]
SIDE = 64  # pairs to a row


@dataclass(frozen=True)
class Plane:
    """How the runs from one start (d,) end over the plane of two settings: arrays (rows, columns), x along the columns.

    x_values (columns,) and y_values (rows,), ascending; labels index minima (deepest first; -1: no minimum), codes index
    ENDINGS, epochs each run took. minima: of all runs together, with their shares of the pairs.
    """

    x: Knob
    y: Knob
    start: tuple[float, ...]
    x_values: Array
    y_values: Array
    labels: NDArray[np.int64]
    codes: NDArray[np.int8]
    epochs: NDArray[np.int64]
    minima: tuple[Minimum, ...]


def plane(
    experiment: Experiment,
    x: Knob,
    y: Knob,
    start: ArrayLike,
    *,
    columns: int = SIDE,
    rows: int = SIDE,
    engine: str = "auto",
    on_progress: Progress | None = None,
) -> Plane:
    """How the run from one start (d,) ends at each pair of values of two settings, all runs in lockstep.

    The knobs are named as the settings; all others, and the stopping, are the experiment's. engine, on_progress: as for
    run(). ValueError for knobs that are no two different settings with numbers, or reach beyond what these allow.
    """
    point = np.asarray(start, dtype=float)
    if point.ndim != 1:
        raise ValueError(f"a plane has one start of shape (d,), not {point.shape}")
    x_values, y_values = _sides(experiment, x, y, columns, rows)
    pairs = _pairs(x, y, x_values, y_values)
    found = run_each(replace(experiment, starts=Starts.at(point)), pairs, engine=engine, on_progress=on_progress)
    shape = (rows, columns)
    return Plane(
        x, y, tuple(point.tolist()), x_values, y_values, found.labels.reshape(shape), found.ending_codes.reshape(shape),
        found.epochs.reshape(shape), found.minima,
    )  # fmt: skip


def boundary(experiment: Experiment, x: Knob, y: Knob, point: ArrayLike, *, columns: int = SIDE, rows: int = SIDE) -> Array:
    """The spectral radius (rows, columns) of a step at a minimum (d,) over the same pairs: the line radius = 1 bounds where it is stable.

    nan where the step has no linear rate; stability() says why. ValueError as for plane(), and for a scheduled setting.
    """
    pairs = _pairs(x, y, *_sides(experiment, x, y, columns, rows))
    return radii(experiment.problem, experiment.optimizer, {**experiment.settings, **pairs}, point).reshape(rows, columns)


def _sides(experiment: Experiment, x: Knob, y: Knob, columns: int, rows: int) -> tuple[Array, Array]:
    """The values along both sides, from end to end of their ranges."""
    if min(columns, rows) < 2:
        raise ValueError(f"a plane of {columns} by {rows} pairs has no extent: give at least 2 columns and 2 rows")
    if x.name == y.name:
        raise ValueError(f"both sides of the plane are '{x.name[:40]}': choose two different settings")
    for knob in (x, y):
        setting = experiment.optimizer.settings.get(knob.name)
        if setting is None:
            raise ValueError(f"{experiment.optimizer.name[:40]} has no setting '{knob.name[:40]}': choose one of its settings")
        if isinstance(experiment.settings[knob.name], str):
            raise ValueError(f"{setting.label or knob.name} changes with t: give a number in place of the schedule")
        for end in (knob.low, knob.high):
            setting.check(end, knob.name)
    return x.at(np.linspace(0, 1, columns)), y.at(np.linspace(0, 1, rows))


def _pairs(x: Knob, y: Knob, x_values: Array, y_values: Array) -> dict[str, Array]:
    """Setting → its value at each pair, row by row."""
    return {x.name: np.tile(x_values, len(y_values)), y.name: np.repeat(y_values, len(x_values))}
