"""What can be varied in an experiment, one number at a time: settings, parameters, stopping, and where runs start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    numbers make sense. A setting that is a schedule is varied by a factor of it, which is 1 at present.
    """

    key: str
    value: float
    setting: Setting
    whole: bool = False

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

    ValueError where that is reversed, empty, not finite, or logarithmic from 0 or less; count: 2 to 500.
    """

    key: str
    low: float
    high: float
    count: int = 60
    log: bool = False

    def __post_init__(self) -> None:
        name = self.key.split(" ", 1)[-1]
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"the range of {name} needs two finite numbers, not {self.low:g} and {self.high:g}")
        if self.low > self.high:
            raise ValueError(f"the range of {name} runs from {self.low:g} to {self.high:g}: give the smaller number first")
        if self.low == self.high:
            raise ValueError(f"the range of {name} from {self.low:g} to {self.high:g} is empty: give two different numbers")
        if not (type(self.count) is int and FEWEST <= self.count <= MOST):
            raise ValueError(f"{self.count!r} values are not possible; give a whole number from {FEWEST} to {MOST}")
        if self.log and self.low <= 0:
            raise ValueError(f"the range of {name} starts at {self.low:g}: a logarithmic one starts above 0")

    def values(self, quantity: Quantity) -> Array:
        """The values, ascending, (k,); fewer than `count` where only whole numbers count. ValueError outside the quantity's limits."""
        for end in (self.low, self.high):
            quantity.setting.check(end, quantity.name or quantity.key)
        spread = np.geomspace if self.log else np.linspace
        values = np.clip(spread(self.low, self.high, self.count), self.low, self.high)
        if quantity.whole:
            values = np.unique(np.round(values))
        if values.size < FEWEST:
            raise ValueError(f"the range of {quantity.label} from {self.low:g} to {self.high:g} holds {values.size} whole number: widen it")
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
                found.append(Quantity(f"start {name} {end}", value, Setting(value, label=words, help="Starts are drawn between the two ends.")))
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
    """The experiment with quantities (key → value) changed; ValueError for values that make no sense."""
    settings, parameters = dict(experiment.settings), {}
    stopping, starts = experiment.stopping, experiment.starts
    for key, value in values.items():
        own = quantity(experiment, key)
        number = own.setting.check(value, own.name or own.key)
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
            starts = _moved(replace(starts, box=starts.region(experiment.problem)), own.name, number)
    problem = experiment.problem.with_parameters(**parameters) if parameters else experiment.problem
    return replace(experiment, problem=problem, settings=settings, starts=starts, stopping=stopping)


def _moved(starts: Starts, name: str, value: float) -> Starts:
    """The same starts in another region: of another size, or with one end moved."""
    assert starts.box is not None
    if name == "size":
        centred = {key: ((low + high) / 2, (high - low) / 2 * value) for key, (low, high) in starts.box.items()}
        return replace(starts, box={key: (centre - half, centre + half) for key, (centre, half) in centred.items()})
    variable, _, end = name.rpartition(" ")
    low, high = starts.box[variable]
    return replace(starts, box={**starts.box, variable: (value, high) if end == "from" else (low, value)})


def default_range(quantity: Quantity, count: int = 60) -> Range:
    """A range around the present value that most people would look at first."""
    setting, value = quantity.setting, quantity.value
    if quantity.key in USUAL:
        return Range(quantity.key, *USUAL[quantity.key], count, log=True)
    if setting.log and value > 0:
        low, high = max(setting.low, value / REACH), min(setting.high, value * REACH)
        return Range(quantity.key, low, high, count, log=True)
    if math.isfinite(setting.low) and math.isfinite(setting.high):
        return Range(quantity.key, setting.low, setting.high, count)
    half = max(abs(value), 1.0)
    return Range(quantity.key, max(setting.low, value - half), min(setting.high, value + half), count)
