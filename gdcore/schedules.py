"""Settings that change with the step: formulas in t (the step, from 1) and T (the number of epochs)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdcore.formula import Node, array_value, constant_value, parse
from gdcore.setting import Setting

Array = NDArray[np.float64]
NAMES = ("t", "T")


@dataclass(frozen=True)
class Schedule:
    """A named template: a formula in t and T in which `a` stands for the setting's own value."""

    name: str
    formula: str
    help: str

    def at(self, value: float) -> str:
        """The schedule's formula with the value in place of a."""
        return re.sub(r"\ba\b", repr(float(value)), self.formula)


@dataclass(frozen=True)
class Scaled:
    """One schedule for many starts, each with its own factor, (n,)."""

    text: str
    factors: Array


def scaled(text: str, factor: float) -> str:
    """The schedule times a factor, as a schedule."""
    return text if factor == 1 else f"{float(factor)!r}*({text})"


def parse_schedule(text: str) -> Node:
    """The tree of a formula in t and T; FormulaError where it is none."""
    return parse(text, names=NAMES)


def values(text: str, epochs: int) -> Array:
    """The schedule's value at steps 1 to `epochs`, (epochs,); nan where it has none."""
    clock = {"t": np.arange(1.0, epochs + 1), "T": float(epochs)}
    return np.broadcast_to(np.asarray(array_value(parse_schedule(text), clock), dtype=float), epochs)


def first_values(settings: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Settings as they are at the first step: schedules evaluated at t = 1, numbers as they are."""
    clock = {"t": 1.0, "T": float(epochs)}
    found = dict(settings)
    for name, value in settings.items():
        if isinstance(value, Scaled):
            found[name] = value.factors * constant_value(parse_schedule(value.text), clock)
        elif isinstance(value, str):
            found[name] = constant_value(parse_schedule(value), clock)
    return found


def check_schedule(setting: Setting, name: str, text: str, epochs: int) -> str:
    """The text, or a ValueError that names the first step at which the schedule leaves the setting's range.

    A setting whose lower limit is above 0 may shrink as far as 0 in a schedule.
    """
    fault = _first_fault(text, epochs, min(setting.low, 0.0) if setting.low > 0 else setting.low, setting.high)
    if fault is None:
        return text
    step, value, low, high = fault
    shown = "has no value" if np.isnan(value) else f"is {value:g}"
    raise ValueError(
        f"the schedule of the {setting.label or name}, {text.strip()[:60]}, {shown} at step {step:,} of {epochs:,}: "
        f"keep it between {low:g} and {high:g} at every step"
    )


@lru_cache(maxsize=256)
def _first_fault(text: str, epochs: int, low: float, high: float) -> tuple[int, float, float, float] | None:
    found = values(text, epochs)
    wrong = np.flatnonzero(~((found >= low) & (found <= high)))
    return (int(wrong[0]) + 1, float(found[wrong[0]]), low, high) if wrong.size else None


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule("Constant", "a", "The same at every step."),
    "step": Schedule("Step", "a*0.5^floor(4*(t - 1)/T)", "Halved after each quarter of the epochs."),
    "exponential": Schedule("Exponential", "a*0.01^((t - 1)/T)", "Shrinks by the same factor each step, to a hundredth."),
    "cosine": Schedule(
        "Cosine", "a*(1 + cos(pi*(t - 1)/T))/2", "Half a cosine wave down to 0 (I. Loshchilov, F. Hutter 2017, SGDR)."
    ),
    "warm-up": Schedule("Warm-up", "a*min(1, t/(0.1*T))", "Rises over the first tenth of the epochs, then stays."),
    "1/t": Schedule("1/t", "a/(1 + 9*(t - 1)/T)", "Falls like 1/t, to a tenth (H. Robbins, S. Monro 1951)."),
}
