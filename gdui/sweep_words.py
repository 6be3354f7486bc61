"""Sweeps and exact sensitivities → sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gdcore.implicit import Response
from gdcore.leverage import Leverage
from gdcore.merging import Stationary
from gdcore.sensitivity import Sweep
from gdcore.shares import wilson
from gdcore.stable_rates import RATE_KEY, StableRate
from gdcore.stopping import ENDINGS
from gdcore.tracks import Change
from gdui.wording import estimate, figure, interval, percent, point

MOST_SAID = 12  # sentences about what happens along a sweep
HAPPENS = {  # what is said of one minimum, and of several
    "appears": ("appears", "appear"), "vanishes": ("vanishes", "vanish"), "merges": ("merges", "merge"),
    "enters the box": ("enters the box", "enter the box"), "leaves the box": ("leaves the box", "leave the box"),
    "undefined": ("comes to where f is undefined", "come to where f is undefined"),
}  # fmt: skip


def headline(sweep: Sweep, rates: Sequence[StableRate]) -> str:
    """The answer of the page Sensitivity, in one or two sentences."""
    if sweep.y is not None:
        return _of_two(sweep)
    label = named(sweep)
    if not sweep.deepest.any():
        return f"No minimum was found at any {label} from {figure(sweep.x_values[0])} to {figure(sweep.x_values[-1])}."
    first = _collapse(sweep, rates) or _extremes(sweep)
    events = [c for c in together(sweep.changes) if not math.isnan(c.value)]
    return f"{first} {change(events[0], sweep)}" if len(events) == 1 else first


def named(sweep: Sweep) -> str:
    return sweep.x_quantity.label


def _collapse(sweep: Sweep, rates: Sequence[StableRate]) -> str:
    """Above, or below, a value the deepest minimum is never reached; "" where that is not so."""
    reached = np.flatnonzero(sweep.success)
    k, values, starts = len(sweep.x_values), sweep.x_values, f"none of {sweep.count:,} starts"
    if not reached.size:
        return f"At no {named(sweep)} from {figure(values[0])} to {figure(values[-1])} does any of {sweep.count:,} starts reach the deepest minimum."
    first, last = int(reached[0]), int(reached[-1])
    parts = []
    if last < k - 1:
        limit = _limit_between(sweep, rates, values[last], values[last + 1])
        if not math.isnan(limit):
            parts.append(f"Above a {named(sweep)} of {figure(limit, 3)} the deepest minimum is never reached: no run can settle there.")
        else:
            slow = _slow(sweep, rates, values[last + 1])
            parts.append(f"From a {named(sweep)} of {figure(values[last + 1], 3)} up, {starts} reaches the deepest minimum (at {figure(values[last], 3)}: {_share(sweep, last)}).{slow}")
    if first > 0:
        limit = _limit_between(sweep, rates, values[first - 1], values[first])
        if not math.isnan(limit):
            parts.append(f"Below a {named(sweep)} of {figure(limit, 3)} the deepest minimum is never reached: no run can settle there.")
        else:
            parts.append(f"Up to a {named(sweep)} of {figure(values[first - 1], 3)}, {starts} reaches the deepest minimum (at {figure(values[first], 3)}: {_share(sweep, first)}).")
    return " ".join(parts)


def _limit_between(sweep: Sweep, rates: Sequence[StableRate], low: float, high: float) -> float:
    """Where the deepest minimum stops being stable, if that is between two neighbouring values; else nan."""
    deepest = {int(number) for number in np.flatnonzero(sweep.deepest.any(axis=0))}
    found = [value for curve in rates if curve.number in deepest for value in lost_at(sweep, curve) if low <= value <= high]
    return found[0] if found else math.nan


def _slow(sweep: Sweep, rates: Sequence[StableRate], value: float) -> str:
    """Why runs do not settle although the rate is still a stable one: they come too slowly near its limit."""
    if sweep.x.key != RATE_KEY:
        return ""
    deepest = {int(number) for number in np.flatnonzero(sweep.deepest.any(axis=0))}
    limit = next((float(curve.rates[0]) for curve in rates if curve.number in deepest and curve.rates[0] > value), math.inf)
    return f" Its stable limit is {figure(limit, 4)}: below that runs do come near, too slowly for {sweep.experiment.stopping.epochs:,} epochs." if math.isfinite(limit) else ""


def lost_at(sweep: Sweep, curve: StableRate) -> tuple[float, ...]:
    """The values of the sweep at which a minimum stops, or begins, to be stable."""
    if sweep.x.key == RATE_KEY:
        return tuple(float(rate) for rate in curve.rates if math.isfinite(rate))
    return curve.crossings


def _share(sweep: Sweep, entry: int) -> str:
    count = int(sweep.success[entry])
    return percent(count / sweep.count)


def _extremes(sweep: Sweep) -> str:
    """Where the deepest minimum is reached most and least often."""
    most, least = int(sweep.success.argmax()), int(sweep.success.argmin())
    high, low = (wilson(int(sweep.success[i]), sweep.count) for i in (most, least))
    label = named(sweep)
    if high[0] <= low[1]:
        share = f"{percent(sweep.success[least] / sweep.count)} to {percent(sweep.success[most] / sweep.count)}"
        return f"The {label} hardly matters to which minimum is reached: {share} of {sweep.count:,} starts reach the deepest one, throughout."
    top = f"{estimate(sweep.success[most] / sweep.count, high)} ({interval(high)}) at {figure(sweep.x_values[most], 3)}"
    low_text = f"{estimate(sweep.success[least] / sweep.count, low)} ({interval(low)}) at {figure(sweep.x_values[least], 3)}"
    return f"The share of starts that reach the deepest minimum changes with the {label} from {low_text} to {top}."


def _of_two(sweep: Sweep) -> str:
    assert sweep.y_quantity is not None
    best = int(sweep.success.argmax())
    share, limits = sweep.success[best] / sweep.count, wilson(int(sweep.success[best]), sweep.count)
    where = sweep.at(best)
    values = [f"{quantity.label} {figure(where[quantity.key], 3)}" for quantity in (sweep.x_quantity, sweep.y_quantity)]
    if not share:
        return f"At none of {len(sweep.success):,} pairs of values does any of {sweep.count:,} starts reach the deepest minimum."
    never = int((sweep.success == 0).sum())
    tail = f" At {percent(never / len(sweep.success))} of the pairs no start does." if never else ""
    return f"The deepest minimum is reached most often, by {estimate(share, limits)} of {sweep.count:,} starts ({interval(limits)}), at {values[0]} and {values[1]}.{tail}"


def change(event: Change, sweep: Sweep) -> str:
    """What happens to minima at one value."""
    names = [str(number + 1) for number in event.tracks]
    label, place = sweep.x_quantity.label, f" at {point(event.point)}" if len(event.point) <= 3 and len(names) < 3 else ""
    if event.kind == "lost":
        return f"Between {label} {figure(event.between[0])} and {figure(event.between[1])} minimum {names[0]} could not be followed{place}."
    at = f"At {label} = {figure(event.value, 6)}"
    if event.kind == "splits":
        return f"{at} minimum {names[0]} splits{place}: {listed(names[1:])} {'is' if len(names) == 2 else 'are'} new."
    if len(names) == 1:
        return f"{at} minimum {names[0]} {HAPPENS[event.kind][0]}{place}."
    return f"{at} minima {listed(names)} {HAPPENS[event.kind][1]}{place}."


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
    """Where minima lose stability, one sentence each."""
    found = []
    for curve in rates:
        if np.isnan(curve.values).all():
            if sweep.x.key == RATE_KEY and math.isfinite(curve.rates[0]):
                where = "beyond the range" if curve.rates[0] > sweep.x_values[-1] else "below the range" if curve.rates[0] < sweep.x_values[0] else ""
                found.append((float(curve.rates[0]), f"Minimum {curve.number + 1} can be settled in up to a rate of {figure(curve.rates[0], 5)}{f', {where}' if where else ''}."))
        elif curve.crossings:
            own = sweep.experiment.settings["lr"]
            assert not isinstance(own, str)  # a schedule crosses nothing
            found += [(value, f"At {sweep.x_quantity.label} = {figure(value, 5)} the rate {figure(own, 3)} is the largest stable one of minimum {curve.number + 1}.") for value in curve.crossings]
    return [text for _, text in sorted(found)]


def basis(sweep: Sweep, *, coarse: bool) -> str:
    """On how many values and starts the answer rests."""
    values = f"{len(sweep.x_values):,} values" if sweep.y is None else f"{len(sweep.x_values):,} × {len(sweep.y_values):,} pairs of values"
    first = "A first, coarse answer. " if coarse else ""
    return f"{first}{values}, each from the same {sweep.count:,} starts. Minima keep their number and colour from value to value."


def events(sweep: Sweep, rates: Sequence[StableRate]) -> list[str]:
    """Where minima come, go and lose stability, one sentence each."""
    return [*(change(one, sweep) for one in together(sweep.changes)), *limits(sweep, rates)][:MOST_SAID]


def heat_caption(sweep: Sweep, rates: Sequence[StableRate]) -> str:
    """What the lines and the ring on a heat map are."""
    curves = " Dashed: beyond it the learning rate is too large for the minimum of that colour." if rates else ""
    return f"Ring: the values in force. Click a pair of values to make it the current one.{curves}"


def moved(parameter: str, change: float, number: int, response: Response, there: Stationary | None) -> str:
    """Raise a by 0.1: minimum 2 moves to (…), predicted; re-solved: (…)."""
    verb = "Raise" if change > 0 else "Lower"
    said = f"{verb} {parameter} by {figure(abs(change), 3)}: minimum {number + 1} moves to {point(tuple(response.place(change)))}, predicted; "
    if there is None:
        return said + "re-solved: it vanishes on the way."
    kind = "" if there.kind == "minimum" else f", as a {there.kind}"
    return said + f"re-solved: {point(there.point)}{kind}. f moves to {figure(response.value(change), 6)}, predicted; re-solved: {figure(there.value, 6)}."


def between(low: float, high: float) -> str:
    """From where to where something exists; an end that is infinite was not met."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    if math.isinf(low) and math.isinf(high):
        return "all values"
    if math.isinf(high):
        return f"> {figure(low, 4)}"
    return f"< {figure(high, 4)}" if math.isinf(low) else f"{figure(low, 4)} to {figure(high, 4)}"


def response_caption(parameter: str, found: Sequence[Response], total: int) -> str:
    """What the table's columns are, and which minima are near their end."""
    some = f"The {len(found)} deepest of {total} minima. " if total > len(found) else ""
    near = [str(k + 1) for k, one in enumerate(found) if one.near_vanishing]
    warned = f" {'Minimum' if len(near) == 1 else 'Minima'} {listed(near)} {'is' if len(near) == 1 else 'are'} near vanishing: predictions reach less far." if near else ""
    return (
        f"{some}Condition: of the Hessian, x in box widths. Exists: until it meets another stationary point, "
        f"at a root of det H found by following it through the range of {parameter}.{warned}"
    )


def ranking(found: Leverage) -> str:
    """Which knob matters most to each output."""
    labels, parts = {quantity.key: quantity.label for quantity in found.quantities}, []
    for k, (output, reason) in enumerate(zip(found.knobs.outputs, found.knobs.reasons, strict=True)):
        if reason:
            parts.append(f"The {output}: {reason}")
            continue
        first = found.knobs.ranking(output)[0]
        n = [one.name for one in found.knobs.ranges].index(first)
        low, high = found.knobs.total_low[k, n], found.knobs.total_high[k, n]
        parts.append(f"The {output} depends most on the {labels[first]}: total index {figure(found.knobs.total[k, n], 2)} (95 %: {figure(low, 2)} to {figure(high, 2)}).")
    return " ".join(parts)


def ranking_caption(found: Leverage) -> str:
    """On what the indices rest, and what the outputs are."""
    low, mean, high = found.epochs
    shares = [percent(share) for share in found.share]
    return (
        f"{found.knobs.evaluations:,} sets of values, each from the same {found.starts:,} starts. The share is {shares[1]} on average ({shares[0]} to {shares[2]}); "
        f"the epochs are {mean:,.0f} ({low:,.0f} to {high:,.0f}), a start that never settles counting with the whole budget. "
        "Alone: by its own effect; total: with all interactions. Intervals by bootstrap."
    )


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
