"""A sweep → the largest stable learning rate of each minimum over it, and where a minimum is lost because of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.experiment import Experiment
from gdcore.quantities import applied
from gdcore.sensitivity import Sweep
from gdcore.stability import RATE, stability

Array = NDArray[np.float64]
RATE_KEY = f"setting {RATE}"
MOST_VALUES = 25  # of the other quantity at which a curve is evaluated
MOST_MINIMA = 6
DIGITS = 1e-6  # how closely a crossing is bracketed, in distances of neighbouring values


@dataclass(frozen=True)
class StableRate:
    """The largest stable learning rate of minimum `number`: rates (k,) at values (k,) of the quantity beside the rate.

    Where nothing but the rate is swept, k = 1 and the value is nan. crossings: the values, each bracketed, at which the rate of the
    experiment is the largest stable one: beyond, runs cannot settle there, or no longer fail to. number: counted from 0.
    """

    number: int
    values: Array
    rates: Array
    crossings: tuple[float, ...] = ()


def stable_rates(sweep: Sweep) -> tuple[StableRate, ...]:
    """The curves of at most six minima; none where the optimizer has no learning rate, or no linear rate at a minimum.

    Of two quantities beside the rate there is no curve, nor where factors of a schedule of the rate are swept.
    """
    experiment = sweep.experiment
    keys = [one.key for one in (sweep.x, sweep.y) if one is not None]
    if RATE not in experiment.optimizer.settings or RATE_KEY in keys and isinstance(experiment.settings[RATE], str):
        return ()
    others = [key for key in keys if key != RATE_KEY]
    if len(others) > 1 or others and others[0].partition(" ")[0] not in ("setting", "parameter"):
        return ()
    found = [_curve(sweep, number, others) for number in range(min(len(sweep.points), MOST_MINIMA))]
    return tuple(curve for curve in found if curve is not None)


def _curve(sweep: Sweep, number: int, others: list[str]) -> StableRate | None:
    heights, k = sweep.heights[number], len(sweep.x_values)
    if not others:
        here = np.flatnonzero(~np.isnan(heights))
        rate = _largest(sweep.experiment, sweep.points[number, here[0]]) if here.size else np.nan
        return None if np.isnan(rate) else StableRate(number, np.array([np.nan]), np.array([rate]))
    along_x = sweep.x.key == others[0]
    values = sweep.x_values if along_x else sweep.y_values
    entries = np.arange(len(values)) if along_x else np.arange(len(values)) * k
    picked = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_VALUES)).round().astype(int))
    rates = np.array([_at(sweep, number, entries[i], others[0], values[i]) for i in picked])
    if np.isnan(rates).all():
        return None
    return StableRate(number, values[picked], rates, _crossings(sweep, number, others[0], values[picked], rates, entries[picked]))


def _at(sweep: Sweep, number: int, entry: int, key: str, value: float) -> float:
    if np.isnan(sweep.heights[number, entry]):
        return float("nan")
    return _largest(applied(sweep.experiment, {key: float(value)}), sweep.points[number, entry])


def _largest(experiment: Experiment, point: Array) -> float:
    return stability(experiment.problem, experiment.optimizer, experiment.settings, point).largest_rate


def _crossings(
    sweep: Sweep, number: int, key: str, values: Array, rates: Array, entries: NDArray[np.intp]
) -> tuple[float, ...]:
    """Where the experiment's own rate is the largest stable one, while no rate is swept."""
    own = sweep.experiment.settings[RATE]
    if isinstance(own, str) or sweep.y is not None:
        return ()
    found = []
    for i in np.flatnonzero(np.diff(rates < own)):
        if not np.isnan(rates[i : i + 2]).any():
            found.append(_crossing(sweep, number, key, values[i : i + 2], rates[i : i + 2], entries[i], own))
    return tuple(value for value in found if value is not None)


def _crossing(
    sweep: Sweep, number: int, key: str, ends: Array, rates: Array, entry: int, own: float
) -> float | None:
    """The value between two neighbouring ones at which the largest rate is `own`; None where it is not known all the way."""
    from scipy.optimize import brentq

    known = dict(zip(ends.tolist(), rates.tolist(), strict=True))

    def excess(value: float) -> float:
        rate = known[value] if value in known else _between(sweep, number, key, value, entry)
        return min(rate, 2 * own) - own if rate == rate else float("nan")  # where there is no limit it is infinite

    try:
        return float(brentq(excess, *known, xtol=DIGITS * (ends[1] - ends[0])))
    except ValueError:  # a value on the way is nan
        return None


def _between(sweep: Sweep, number: int, key: str, value: float, entry: int) -> float:
    """The largest stable rate at a value between two of the sweep's; the minimum is followed there from that of an entry."""
    point = sweep.points[number, entry]
    if key.startswith("parameter "):
        from gdcore.continuation import follow

        there = applied(sweep.experiment, {key: sweep.at(int(entry))[key]})
        branch = follow(there.problem, key.partition(" ")[2], point, value)
        if not branch.arrived:
            return float("nan")
        point = branch.points[-1]
    return _largest(applied(sweep.experiment, {key: value}), point)
