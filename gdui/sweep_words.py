"""Sweeps of one or two quantities → sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gdcore.quantities import Quantity
from gdcore.sensitivity import Sweep
from gdcore.shares import wilson
from gdcore.stable_rates import RATE_KEY, StableRate
from gdcore.stopping import ENDINGS
from gdcore.tracks import Change
from gdui.wording import estimate, figure, interval, percent, point

MOST_SAID = 12  # sentences about what happens along a sweep
LITTLE = 0.05  # of all starts: a share that changes by no more hardly changes
SAME = 1e-6  # relative: how closely limits are known
PERCENT = "\u00a0%"
VOWELS = "aeiou"
FACTOR = "factor of the "  # how the label of a schedule's factor begins
ENDS = {"from": ("lower", "begins"), "to": ("upper", "ends")}  # of a start region
HAPPENS = {  # what is said of one minimum, and of several
    "appears": ("appears", "appear"), "vanishes": ("vanishes", "vanish"), "merges": ("merges", "merge"),
    "enters the box": ("enters the box", "enter the box"), "leaves the box": ("leaves the box", "leave the box"),
    "undefined": ("comes to where f is undefined", "come to where f is undefined"),
}  # fmt: skip


def headline(sweep: Sweep, rates: Sequence[StableRate]) -> str:
    """The answer of the page Sensitivity, in one or two sentences."""
    if sweep.y is not None:
        return _of_two(sweep)
    if not sweep.deepest.any():
        return f"No minimum was found at any {_throughout(sweep)}."
    first = _collapse(sweep, rates) or _extremes(sweep)
    events = [c for c in together(sweep.changes) if not math.isnan(c.value)]
    return f"{first} {change(events[0], sweep)}" if len(events) == 1 else first


# -- how a quantity and a value of it are said -------------------------------------------------------------------------


def noun(quantity: Quantity) -> str:
    """What a sentence calls a quantity: the learning rate, the number of epochs, the lower end of the start region of x."""
    if quantity.kind == "epochs":
        return "number of epochs"
    variable, _, end = quantity.name.rpartition(" ")
    if quantity.kind == "start" and end in ENDS:
        return f"{ENDS[end][0]} end of the start region of {variable}"
    return quantity.label


def number(quantity: Quantity, value: float, digits: int = 4) -> str:
    """A value of a quantity; a whole one without decimals."""
    return f"{value:,.0f}" if quantity.whole else figure(value, digits)


def amount(quantity: Quantity, value: float, digits: int = 3) -> str:
    """A value with its quantity: "a learning rate of 0.0663", "167 epochs", "a = −0.207", "a start region that begins at x = −1.20"."""
    said = number(quantity, value, digits)
    if quantity.kind == "epochs":
        return f"{said} epoch{'' if said == '1' else 's'}"
    if quantity.kind == "parameter":
        return f"{quantity.name} = {said}"
    variable, _, end = quantity.name.rpartition(" ")
    if quantity.kind == "start" and end in ENDS:
        return f"a start region that {ENDS[end][1]} at {variable} = {said}"
    if quantity.label.startswith(FACTOR):
        return f"{said} times the scheduled {quantity.label.removeprefix(FACTOR)}"
    return f"{'an' if quantity.label[:1].lower() in VOWELS else 'a'} {quantity.label} of {said}"


def _throughout(sweep: Sweep) -> str:
    """learning rate from 0.001 to 0.1: after "any" or "no"."""
    quantity = sweep.x_quantity
    named = f"value of {quantity.name}" if quantity.kind == "parameter" else noun(quantity)
    return f"{named} from {number(quantity, sweep.x_values[0], 3)} to {number(quantity, sweep.x_values[-1], 3)}"


def starts(count: int) -> str:
    """1 start, 1,000 starts."""
    return f"{count:,} start{'' if count == 1 else 's'}"


# -- one quantity ------------------------------------------------------------------------------------------------------


def _collapse(sweep: Sweep, rates: Sequence[StableRate]) -> str:
    """Above, or below, a value the deepest minimum is never reached; "" where that is not so."""
    reached, k = np.flatnonzero(sweep.success), len(sweep.x_values)
    if not reached.size:
        return f"At no {_throughout(sweep)} does {'the one start' if sweep.count == 1 else f'any of {starts(sweep.count)}'} reach the deepest minimum."
    first, last = int(reached[0]), int(reached[-1])
    above = _beyond(sweep, rates, last, last + 1) if last < k - 1 else ""
    below = _beyond(sweep, rates, first, first - 1) if first > 0 else ""
    return f"{above} {below}".strip()


def _beyond(sweep: Sweep, rates: Sequence[StableRate], inside: int, outside: int) -> str:
    """Why the deepest minimum is reached at one value of the sweep and no longer at its neighbour, nor beyond."""
    quantity, up = sweep.x_quantity, outside > inside
    limit = _limit_between(sweep, rates, inside, outside)
    if not math.isnan(limit):
        return f"{'Above' if up else 'Below'} {amount(quantity, limit)} the deepest minimum is never reached: no run can settle there."
    at = f"{'From' if up else 'Up to'} {amount(quantity, sweep.x_values[outside])}{' up' if up else ''}"
    inner = f"at {number(quantity, sweep.x_values[inside], 3)}: {percent(sweep.success[inside] / sweep.count)}"
    if not (sweep.deepest[outside:] if up else sweep.deepest[: outside + 1]).any():
        return f"{at}, no minimum was found (the deepest is reached {inner})."
    none = "the one start does not reach" if sweep.count == 1 else f"none of {starts(sweep.count)} reaches"
    return f"{at}, {none} the deepest minimum ({inner}).{_slow(sweep, rates, outside) if up else ''}"


def _limit_between(sweep: Sweep, rates: Sequence[StableRate], inside: int, outside: int) -> float:
    """Where the minimum that is deepest inside stops being stable, if that is before the neighbouring value; else nan."""
    low, high = sorted(sweep.x_values[[inside, outside]].tolist())
    if sweep.x.key == RATE_KEY and outside < inside:
        return math.nan  # a rate is never too small
    deepest = {int(one) for one in np.flatnonzero(sweep.deepest[inside])}
    limits = [value for curve in rates if curve.number in deepest for value in lost_at(sweep, curve)]
    found = [value for value in limits if low <= value <= high or math.isclose(value, high, rel_tol=SAME)]
    return found[0] if found else math.nan


def _slow(sweep: Sweep, rates: Sequence[StableRate], outside: int) -> str:
    """Why runs do not settle although the rate is still a stable one: they come too slowly near its limit."""
    if sweep.x.key != RATE_KEY:
        return ""
    deepest = {int(one) for one in np.flatnonzero(sweep.deepest[outside - 1])}
    beyond = [value for curve in rates if curve.number in deepest for value in lost_at(sweep, curve) if value > sweep.x_values[outside]]
    if not beyond:
        return ""
    return f" Its stable limit is {figure(min(beyond), 4)}: below that runs do come near, too slowly for {sweep.experiment.stopping.epochs:,} epochs."


def lost_at(sweep: Sweep, curve: StableRate) -> tuple[float, ...]:
    """The values of a sweep of one quantity at which a minimum stops, or begins, to be stable; none for a scheduled rate."""
    if sweep.y is not None or isinstance(sweep.experiment.settings.get("lr"), str):
        return ()
    if sweep.x.key == RATE_KEY:
        return tuple(float(rate) for rate in curve.rates if math.isfinite(rate))
    return curve.crossings


def _extremes(sweep: Sweep) -> str:
    """Where the deepest minimum is reached most and least often."""
    most, least = int(sweep.success.argmax()), int(sweep.success.argmin())
    high, low = (wilson(int(sweep.success[i]), sweep.count) for i in (most, least))
    quantity = sweep.x_quantity
    if high[0] <= low[1]:
        return _level(sweep, percent(sweep.success[least] / sweep.count), percent(sweep.success[most] / sweep.count))
    top = f"{estimate(sweep.success[most] / sweep.count, high)} ({interval(high)}) at {number(quantity, sweep.x_values[most], 3)}"
    low_text = f"{estimate(sweep.success[least] / sweep.count, low)} ({interval(low)}) at {number(quantity, sweep.x_values[least], 3)}"
    return f"The share of starts that reach the deepest minimum changes with the {noun(quantity)} from {low_text} to {top}."


def _level(sweep: Sweep, low: str, high: str) -> str:
    """That the share changes little, or not clearly, along the sweep."""
    share = low if low == high else f"{low.removesuffix(PERCENT)} to {high}"
    if sweep.count == 1:
        return f"One start shows no change with the {noun(sweep.x_quantity)} that could not be chance: ask for more starts."
    if np.ptp(sweep.success) <= LITTLE * sweep.count:
        return f"The {noun(sweep.x_quantity)} hardly matters to which minimum is reached: {share} of {starts(sweep.count)} reach the deepest one, throughout."
    return f"No clear change with the {noun(sweep.x_quantity)}: {share} of {starts(sweep.count)} reach the deepest minimum, depending on the value; more starts would tell."


def _of_two(sweep: Sweep) -> str:
    assert sweep.y_quantity is not None
    best = int(sweep.success.argmax())
    share, limits = sweep.success[best] / sweep.count, wilson(int(sweep.success[best]), sweep.count)
    where = sweep.at(best)
    values = [amount(quantity, where[quantity.key]) for quantity in (sweep.x_quantity, sweep.y_quantity)]
    if not sweep.deepest.any():
        return f"No minimum was found at any of {len(sweep.success):,} pairs of values."
    if not share:
        return f"At none of {len(sweep.success):,} pairs of values does {'the one start' if sweep.count == 1 else f'any of {starts(sweep.count)}'} reach the deepest minimum."
    if (sweep.success == sweep.success[0]).all():
        return f"At each of {len(sweep.success):,} pairs of values {estimate(share, limits)} of {starts(sweep.count)} reach the deepest minimum ({interval(limits)})."
    never = int((sweep.success == 0).sum())
    tail = f" At {percent(never / len(sweep.success))} of the pairs no start does." if never else ""
    equals = int((sweep.success == sweep.success[best]).sum())
    place = f"at {values[0]} and {values[1]}" if equals == 1 else f"at {equals:,} pairs of values, such as {values[0]} and {values[1]}"
    return f"The deepest minimum is reached most often, by {estimate(share, limits)} of {starts(sweep.count)} ({interval(limits)}), {place}.{tail}"


def change(event: Change, sweep: Sweep) -> str:
    """What happens to minima at one value."""
    names = [str(number + 1) for number in event.tracks]
    label, place = _moving(sweep), f" at {point(event.point)}" if len(event.point) <= 3 and len(names) < 3 else ""
    if event.kind == "lost":
        on = place.replace(" at ", " on from ", 1)
        return f"Between {label} = {figure(event.between[0])} and {figure(event.between[1])} minimum {names[0]} could not be followed{on}."
    at = f"At {label} = {figure(event.value, 6)}"
    if event.kind == "splits":
        return f"{at} minimum {names[0]} splits{place}: {listed(names[1:])} {'is' if len(names) == 2 else 'are'} new."
    if len(names) == 1:
        return f"{at} minimum {names[0]} {HAPPENS[event.kind][0]}{place}."
    return f"{at} minima {listed(names)} {HAPPENS[event.kind][1]}{place}."


def _moving(sweep: Sweep) -> str:
    """The parameter along which minima are followed, which need not be the one across."""
    return next((one.key.partition(" ")[2] for one in (sweep.x, sweep.y) if one is not None and one.key.startswith("parameter ")), sweep.x_quantity.label)


def listed(names: Sequence[str]) -> str:
    """1; 1 and 2; 1, 2 and 3."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def together(changes: Sequence[Change]) -> list[Change]:
    """Changes of one kind at one value said as one."""
    found: list[Change] = []
    for one in changes:
        last = found[-1] if found else None
        if last and one.kind == last.kind and one.kind not in ("merges", "splits", "lost") and math.isclose(one.value, last.value, rel_tol=1e-7):
            found[-1] = replace(last, tracks=(*last.tracks, *one.tracks))
        else:
            found.append(one)
    return found


def limits(sweep: Sweep, rates: Sequence[StableRate]) -> list[str]:
    """Where minima lose stability: one sentence for each value, with all the minima that it holds for."""
    places = sorted((value, curve.number) for curve in rates for value in lost_at(sweep, curve))
    groups: list[tuple[float, list[str]]] = []
    for value, which in places:
        if groups and math.isclose(value, groups[-1][0], rel_tol=SAME):
            groups[-1][1].append(str(which + 1))
        else:
            groups.append((value, [str(which + 1)]))
    return [_limit(sweep, value, names) for value, names in groups]


def _limit(sweep: Sweep, value: float, names: Sequence[str]) -> str:
    """What one value is the limit of."""
    minima = f"{'Minimum' if len(names) == 1 else 'Minima'} {listed(names)}"
    if sweep.x.key == RATE_KEY:
        low, high = sweep.x_values[0] * (1 - SAME), sweep.x_values[-1] * (1 + SAME)
        where = ", beyond the range" if value > high else ", below the range" if value < low else ""
        return f"{minima} can be settled in up to a rate of {figure(value, 5)}{where}."
    quantity, own = sweep.x_quantity, sweep.experiment.settings["lr"]
    assert not isinstance(own, str)
    at = f"{quantity.name if quantity.kind == 'parameter' else quantity.label} = {figure(value, 5)}"
    return f"At {at} the rate {figure(own, 3)} is the largest stable one of m{minima[1:]}."


def basis(sweep: Sweep, *, coarse: bool) -> str:
    """On how many values and starts the answer rests."""
    values = f"{len(sweep.x_values):,} values" if sweep.y is None else f"{len(sweep.x_values):,} × {len(sweep.y_values):,} pairs of values"
    first = "A first, coarse answer. " if coarse else ""
    return f"{first}{values}, each from the same {starts(sweep.count)}. Minima keep their number and colour from value to value."


def click_hint(sweep: Sweep) -> str:
    """What a click on the chart does; nothing where a schedule's factor is varied, which no widget holds."""
    given = sweep.experiment.settings.get(sweep.x_quantity.name) if sweep.x_quantity.kind == "setting" else None
    return "" if isinstance(given, str) else " (click a value to make it the current one)"


def events(sweep: Sweep, rates: Sequence[StableRate]) -> list[str]:
    """Where minima come, go and lose stability, one sentence each."""
    return [*(change(one, sweep) for one in together(sweep.changes)), *limits(sweep, rates)][:MOST_SAID]


def heat_caption(sweep: Sweep, rates: Sequence[StableRate]) -> str:
    """What the lines and the ring on a heat map are."""
    drawn = rates and not isinstance(sweep.experiment.settings.get("lr"), str)
    curves = " Dashed: beyond it the learning rate is too large for the minimum of that colour." if drawn else ""
    return f"Ring: the values in force. Click a pair of values to make it the current one.{curves}"


def plane(labels: NDArray[np.int64], codes: NDArray[np.int8], start: tuple[float, ...]) -> str:
    """What becomes of the run from one start, over all pairs of two settings."""
    total, parts = labels.size, []
    for number in np.unique(labels[labels >= 0]).tolist():
        parts.append((int((labels == number).sum()), f"in minimum {number + 1}"))
    settled = f"settles {listed([f'{text} at {percent(count / total)}' for count, text in parts])} of the pairs" if parts else "settles in no minimum at any pair"
    others = codes[labels < 0]
    if not others.size:
        return f"From {point(start)} the run {settled}."
    counts = np.bincount(others, minlength=len(ENDINGS))
    most = int(counts.argmax())
    return f"From {point(start)} the run {settled}; at {percent(others.size / total)} it ends otherwise, mostly: {ENDINGS[most].label}."


def plane_caption(bounded: bool) -> str:
    """What the lines on the plane of two settings are."""
    lines = "Dashed: the exact stability boundary of the minimum of that colour; beyond it no run settles there. " if bounded else "There is no linear rate at these minima, so there is no stability boundary. "
    return f"{lines}Darker: more epochs; greys: every other ending. Click a pair to make it the current one."
