"""Explanation of one run → three to seven short sentences, each with its numbers and epochs."""

from __future__ import annotations

import math

from gdcore.arcs import Fate
from gdcore.explain import Basin, BorderStep, Explanation, Named, Place
from gdcore.stopping import Ending
from gdui.verdict import plural
from gdui.wording import figure, point

MOST_COORDINATES = 3  # a longer point is not written out
FLOWS = {
    Fate.LEFT: "where the gradient flow leaves the box",
    Fate.DOMAIN: "where the gradient flow comes to the end of the function's domain",
}


def sentences(run: Explanation) -> list[str]:
    """What the run did, in the order in which it did it."""
    told = [_beginning(run), *_borders(run), _steepest(run), _rises(run), _end(run), _own_basin(run)]
    return [sentence for sentence in told if sentence]


def _short(value: float) -> str:
    """A number that people chose: without the zeros behind it."""
    return f"{value:.3g}".replace("-", "−")


def _beginning(run: Explanation) -> str:
    place = f"at {point(run.start.point)}, " if len(run.start.point) <= MOST_COORDINATES else ""
    facts = f"It began {place}where f = {figure(run.start.value)} and |∇f| = {figure(run.start.gradient_norm, 3)}"
    if run.basin is None or run.ending is Ending.UNDEFINED:
        return f"{facts}."
    if run.basin.minimum is None and run.basin.fate not in FLOWS:
        return f"{facts}; where the gradient flow leads from there is undecided."
    return f"{facts}, {'in ' if run.basin.minimum else ''}{_basin(run.basin)}."


def _basin(basin: Basin) -> str:
    return f"the basin of {_minimum(basin.minimum)}" if basin.minimum else FLOWS.get(basin.fate, "undecided land")


def _minimum(minimum: Named) -> str:
    """minimum 1, or where it is if it has no number."""
    if minimum.number is not None:
        return f"minimum {minimum.number + 1:,}"
    return f"the minimum at {point(minimum.point)}" if len(minimum.point) <= MOST_COORDINATES else "a minimum without a number"


def _borders(run: Explanation) -> list[str]:
    if run.end.epoch == 0:
        return ["It took no step."]
    if run.first is None or run.last is None:
        return [_no_border(run)]
    start = run.basin and run.basin.fate is not Fate.UNDECIDED
    told = [f"At epoch {run.first.epoch:,} it crossed the border {_way(run.first, bool(start))}: {_step(run.first)}."]
    if len(run.borders) > 1:
        many, last = f"{len(run.borders):,} times", f"at epoch {run.last.epoch:,}"
        every = run.looked_at > run.end.epoch
        count = f"It crossed a border {many}, the last time {last}" if every else f"It crossed a border at least {many}, the last time seen {last}"
        told.append(f"{count} {_way(run.last, False)}: {_step(run.last)}.")
    return told


def _no_border(run: Explanation) -> str:
    if run.basin is None or run.basin.fate is Fate.UNDECIDED:
        return ""
    if run.looked_at > run.end.epoch:
        return "At no epoch was it found in another basin."
    return f"It was found in no other basin at the {run.looked_at:,} of its {run.end.epoch + 1:,} positions that were looked at."


def _way(step: BorderStep, from_start: bool) -> str:
    return f"to {_basin(step.goal)}" if from_start else f"from {_basin(step.origin)} to {_basin(step.goal)}"


def _step(step: BorderStep) -> str:
    """How long the step was, and what made it so."""
    length = f"the step was {figure(step.length, 3)} long"
    if step.plain and step.rate is not None:
        return f"{length}{_limit(step, step.rate)}"
    uphill = ", uphill at first" if step.uphill else ""
    if step.relative_length is None or step.rate is None:
        return f"{length}{uphill}, where |∇f| was {figure(step.gradient_norm, 3)}"
    times = f"{figure(step.relative_length, 3)} times plain descent's at the rate {_short(step.rate)}"
    return f"the optimizer's own rule made the step {figure(step.length, 3)} long{uphill}, {times}"


def _limit(step: BorderStep, rate: float) -> str:
    """How the rate of a step of plain descent compares with what the curvature along the step allows."""
    if math.isnan(step.curvature):
        return f" at the rate {_short(rate)}"
    curvature = f"λ = {figure(step.curvature, 3)}"
    if step.curvature <= 0:
        return f" at the rate {_short(rate)}; the curvature along it, {curvature}, sets no limit 2/λ"
    compared = "above" if step.overshoots else "not above"
    return f"; the rate {_short(rate)} is {compared} 2/λ = {figure(step.limit, 3)} for the curvature {curvature} along it"


def _steepest(run: Explanation) -> str:
    place: Place | None = run.steepest
    if place is None or run.end.epoch == 0:
        return ""
    return f"|∇f| was largest, {figure(place.gradient_norm, 3)}, at epoch {place.epoch:,}."


def _rises(run: Explanation) -> str:
    if run.end.epoch == 0:
        return ""
    steps = plural(run.end.epoch, "step")
    if run.first_rise is None:
        return f"f rose at none of its {steps} by more than rounding."
    return f"f rose at {run.rises:,} of its {steps}, first at epoch {run.first_rise:,}."


def _end(run: Explanation) -> str:
    epochs, norm = plural(run.end.epoch, "epoch"), f"|∇f| = {figure(run.end.gradient_norm, 3)}"
    outside = f"{figure(run.outside, 3)} box widths outside the box" if 0 < run.outside < math.inf else ""
    if run.by_tolerance:
        test = f"{norm} is at most the tolerance {_short(run.tolerance)}"
        if run.minimum:
            return f"It settled {f'after {epochs}' if run.end.epoch else 'at once'}: {test}, and Newton's method confirms {_minimum(run.minimum)}."
        return f"It ended {f'after {epochs}' if run.end.epoch else 'at once'}: {test}; it {run.ending.value}."
    if run.ending is Ending.UNDEFINED:
        return f"{run.ending.value[:1].upper()}{run.ending.value[1:]}."
    if run.ending in (Ending.DIVERGED, Ending.JUMPED, Ending.LEFT_DOMAIN):
        return f"It ended after {epochs}{f', {outside}' if outside else ''}: it {run.ending.value}."
    if run.minimum:
        return f"It settled within all of its {epochs}: {norm} at the end, and Newton's method confirms {_minimum(run.minimum)}."
    if run.ending is Ending.LEFT_BOX:
        return f"Its {epochs} ran out when it was {outside}, with {norm}."
    return f"It ended after all of its {epochs} with {norm}, {run.ending.value}."


def _own_basin(run: Explanation) -> str:
    if run.carried is None or run.basin is None or run.basin.minimum is None:
        return ""
    if run.carried:
        return f"The gradient flow from its start ends at {_minimum(run.basin.minimum)}: the run was carried elsewhere."
    return "The gradient flow from its start ends there too."
