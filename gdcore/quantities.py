"""What can be varied in an experiment, one number at a time: settings, parameters, stopping, and where runs start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gdcore.schedules import scaled
from gdcore.setting import Setting
from gdcore.stopping import MOST_EPOCHS, MOST_TOLERANCE

if TYPE_CHECKING:
    from gdcore.experiment import Experiment
    from gdcore.starts import Starts

Array = NDArray[np.float64]
FEWEST, MOST = 2, 500  # values of a range
USUAL = {"tolerance": (1e-10, 1e-1), "start size": (0.01, 1.0)}  # ranges that do not depend on the present value
REACH = 10.0  # how far, as a factor, a range goes by default where the scale is logarithmic
SIZE = Setting(1.0, low=1e-6, high=100.0, log=True, label="size of the start region", help="Its width, as a multiple of the present one, about the same centre.")
EPOCHS = Setting(1000, low=1, high=MOST_EPOCHS, log=True, label="epochs", help="The most steps a run may take.")
TOLERANCE = Setting(1e-6, low=0.0, high=MOST_TOLERANCE, label="gradient tolerance", help="A run stops where the gradient's length is at most this.")


@dataclass(frozen=True)
class Quantity:
    """One number of an experiment: key, what it is called, its present value, and the Setting that says what it may be.

    key: "setting lr", "parameter a", "epochs", "tolerance", "start size", "start x from", "start x to". whole: whether only whole
    numbers make sense. A setting that is a schedule is varied by a factor of it, which is 1 at present. reach: how far a default
    range goes to either side, where its limits do not say.
    """

    key: str
    value: float
    setting: Setting
    whole: bool = False
    reach: float | None = None

    @property
    def label(self) -> str:
        return self.setting.label

    @property
    def kind(self) -> str:
        """setting, parameter, epochs, tolerance or start."""
        return self.key.partition(" ")[0]

    @property
    def name(self) -> str:
        """What the key says after the kind."""
        return self.key.partition(" ")[2]


@dataclass(frozen=True)
class Range:
    """So many values of a quantity, by its key, from low to high: evenly spaced, or evenly spaced logarithms.

    ValueError where that is reversed, empty, not finite, or logarithmic from 0 or less; count: 2 to 500. label: what messages call
    the quantity, where its key will not do.
    """

    key: str
    low: float
    high: float
    count: int = 60
    log: bool = False
    label: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        span = f"the range of the {(self.label or self.key)[:50]}"
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"{span} has an end that is no finite number: give two finite ones")
        if self.low > self.high:
            raise ValueError(f"{span} runs from {self.low:g} to {self.high:g}: give the smaller number first")
        if self.low == self.high:
            raise ValueError(f"{span} from {self.low:g} to {self.high:g} is empty: give two different numbers")
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"{span} from {self.low:g} to {self.high:g} is too wide: give numbers nearer to each other")
        if not (type(self.count) is int and FEWEST <= self.count <= MOST):
            raise ValueError(f"{span} cannot have {self.count} values: give a whole number from {FEWEST} to {MOST}")
        if self.log and self.low <= 0:
            raise ValueError(f"{span} starts at {self.low:g}: a logarithmic one starts above 0")

    def values(self, quantity: Quantity) -> Array:
        """The values, ascending and distinct, (k,); fewer than `count` where there are no more, as with whole numbers.

        ValueError outside the quantity's limits.
        """
        for end in (self.low, self.high):
            quantity.setting.check(end, quantity.name or quantity.key)
        spread = np.geomspace if self.log else np.linspace
        values = np.clip(spread(self.low, self.high, self.count), self.low, self.high)
        if quantity.whole:
            values = np.round(values)
        values = np.unique(values[(values >= self.low) & (values <= self.high)])
        if values.size < FEWEST:
            what = "whole numbers" if quantity.whole else "numbers"
            raise ValueError(f"the range of the {quantity.label[:50]} from {self.low:g} to {self.high:g} does not hold two {what}: widen it")
        return np.asarray(values, dtype=np.float64)


def quantities(experiment: Experiment) -> dict[str, Quantity]:
    """All that can be varied, by key: settings, parameters, the budget, the start region."""
    found: list[Quantity] = []
    for name, setting in experiment.optimizer.settings.items():
        given, label = experiment.settings[name], setting.label or name
        if isinstance(given, str):
            factor = Setting(1.0, low=0.0, label=f"factor of the {label}", help=f"What the scheduled {label} is multiplied by.")
            found.append(Quantity(f"setting {name}", 1.0, factor))
        else:
            found.append(Quantity(f"setting {name}", float(given), replace(setting, label=label)))
    for name, setting in experiment.problem.parameter_settings.items():
        described = replace(setting, label=setting.label or f"parameter {name}")
        found.append(Quantity(f"parameter {name}", experiment.problem.parameters[name], described))
    found.append(Quantity("epochs", float(experiment.stopping.epochs), EPOCHS, whole=True))
    found.append(Quantity("tolerance", experiment.stopping.gradient_tolerance, TOLERANCE))
    if experiment.starts.design != "given":
        found.append(Quantity("start size", 1.0, SIZE))
        for name, limits in experiment.starts.region(experiment.problem).items():
            for end, value in zip(("from", "to"), limits, strict=True):
                words = f"start region of {name}, {'lower' if end == 'from' else 'upper'} end"
                edge = Setting(value, label=words, help="Starts are drawn between the two ends.")
                found.append(Quantity(f"start {name} {end}", value, edge, reach=(limits[1] - limits[0]) / 2))
    return {quantity.key: quantity for quantity in found}


def quantity(experiment: Experiment, key: str) -> Quantity:
    """The quantity of that key; ValueError, with what there is instead, where the experiment has none."""
    known = quantities(experiment)
    if key in known:
        return known[key]
    kind, _, name = key.partition(" ")
    if kind == "parameter":
        has = ", ".join(experiment.problem.parameters) or "none"
        raise ValueError(f"the function has no parameter '{name[:20]}'; it has: {has[:80]}")
    if kind == "setting":
        raise ValueError(f"{experiment.optimizer.name[:40]} has no setting '{name[:20]}'; it has: {', '.join(experiment.optimizer.settings)[:60]}")
    raise ValueError(f"there is nothing called '{key[:30]}' to vary; there are settings, parameters, epochs, tolerance and the start region")


def applied(experiment: Experiment, values: Mapping[str, float]) -> Experiment:
    """The experiment with quantities (key → value) changed; the ends of the start region before its size.

    What has its present value already stays as it is. ValueError for values that make no sense.
    """
    settings, parameters = dict(experiment.settings), {}
    stopping, region = experiment.stopping, dict[str, float]()
    for key, value in values.items():
        own = quantity(experiment, key)
        number = own.setting.check(value, own.name or own.key)
        if number == own.value:
            continue
        if own.kind == "setting":
            given = settings[own.name]
            settings[own.name] = scaled(given, number) if isinstance(given, str) else number
        elif own.kind == "parameter":
            parameters[own.name] = number
        elif own.kind == "epochs":
            stopping = replace(stopping, epochs=round(number))
        elif own.kind == "tolerance":
            stopping = replace(stopping, gradient_tolerance=number)
        else:
            region[own.name] = number
    starts = _moved(experiment, region) if region else experiment.starts
    problem = experiment.problem.with_parameters(**parameters) if parameters else experiment.problem
    return replace(experiment, problem=problem, settings=settings, starts=starts, stopping=stopping)


def _moved(experiment: Experiment, region: Mapping[str, float]) -> Starts:
    """The same starts in another region: with ends moved ("x from", "x to"), then of another "size"."""
    half, box = region.get("size", 1.0) / 2, dict[str, tuple[float, float]]()
    for name, (low, high) in experiment.starts.region(experiment.problem).items():
        low, high = region.get(f"{name} from", low), region.get(f"{name} to", high)
        middle, width = low + (high - low) / 2, high - low
        box[name] = (middle - half * width, middle + half * width) if "size" in region and low < high else (low, high)
    return replace(experiment.starts, box=box)


def default_range(quantity: Quantity, count: int = 60) -> Range:
    """A range around the present value that most people would look at first."""
    setting, value = quantity.setting, quantity.value
    if quantity.key in USUAL:
        return Range(quantity.key, *USUAL[quantity.key], count, True, quantity.label)
    if setting.log and value > 0:
        low, high = max(setting.low, value / REACH), min(setting.high, value * REACH)
        return Range(quantity.key, low, high, count, True, quantity.label)
    if math.isfinite(setting.low) and math.isfinite(setting.high):
        return Range(quantity.key, setting.low, setting.high, count, False, quantity.label)
    half = quantity.reach or max(abs(value), 1.0)
    return Range(quantity.key, max(setting.low, value - half), min(setting.high, value + half), count, False, quantity.label)
