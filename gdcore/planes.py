"""A sweep of two settings → where a minimum is stable: what one step does near it at each pair of values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore.sensitivity import Sweep
from gdcore.stability import radii

Array = NDArray[np.float64]
ROUNDS = 45  # bisections


def offered(sweep: Sweep) -> bool:
    """Whether two quantities are swept, both of them settings with a number and no schedule."""
    return sweep.y is not None and all(key.startswith("setting ") and _is_number(sweep, key) for key in (sweep.x.key, sweep.y.key))


def boundary(sweep: Sweep, point: ArrayLike) -> Array:
    """The spectral radius of a step at a minimum (d,) at each pair of values, (l, k); the line radius = 1 bounds where it is stable.

    nan where the step has no linear rate; stability() says why. ValueError unless two settings with numbers are swept, and
    where another setting is a schedule.
    """
    if not offered(sweep):
        raise ValueError("a stability boundary needs a sweep of two settings that are numbers: choose two of the optimizer's")
    x, y = (axis.ravel() for axis in np.meshgrid(sweep.x_values, sweep.y_values))
    return _radii(sweep, point, x, y).reshape(len(sweep.y_values), len(sweep.x_values))


def on_boundary(sweep: Sweep, point: ArrayLike, places: Array) -> Array:
    """Places (m, 2) on lines between neighbouring pairs, as a contour of boundary() has them, moved along to where the radius is 1.

    Each is bracketed between the two pairs, to the last digits; one without a radius on the way stays where it is.
    """
    axes = sweep.x_values, sweep.y_values
    across = np.isclose(places[:, 1:], axes[1], rtol=1e-12, atol=0).any(axis=1)  # on a row of pairs: only x is between two values
    ends = np.stack([places, places])
    for i, (values, own) in enumerate(zip(axes, (across, ~across), strict=True)):
        upper = np.clip(np.searchsorted(values, places[own, i]), 1, len(values) - 1)
        ends[0, own, i], ends[1, own, i] = values[upper - 1], values[upper]
    stable = _radii(sweep, point, *ends[0].T) < 1
    low, high = np.zeros(len(places)), np.ones(len(places))
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        here = _radii(sweep, point, *(ends[0] + middle[:, None] * (ends[1] - ends[0])).T)
        as_low = (here < 1) == stable
        low, high = np.where(as_low, middle, low), np.where(as_low, high, middle)
    found = ends[0] + ((low + high) / 2)[:, None] * (ends[1] - ends[0])
    known = np.isfinite(_radii(sweep, point, *found.T))
    return np.where(known[:, None], found, places)


def _radii(sweep: Sweep, point: ArrayLike, x: Array, y: Array) -> Array:
    """The radius at pairs of values (m,)."""
    assert sweep.y is not None
    experiment, names = sweep.experiment, [one.key.partition(" ")[2] for one in (sweep.x, sweep.y)]
    return radii(experiment.problem, experiment.optimizer, {**experiment.settings, names[0]: x, names[1]: y}, point)


def _is_number(sweep: Sweep, key: str) -> bool:
    return not isinstance(sweep.experiment.settings[key.partition(" ")[2]], str)
