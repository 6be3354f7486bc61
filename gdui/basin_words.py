"""Basin maps and what is measured on them → sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gdcore.basin_measures import BasinEntropy, Uncertainty
from gdcore.basins import BasinMap, Change, Reached, shares
from gdcore.experiment import Minimum
from gdcore.pushes import Push
from gdcore.quantities import Quantity
from gdcore.stopping import Ending
from gdui.basin_charts import Point
from gdui.sweep_words import amount, listed, number
from gdui.wording import figure, percent, point

NAMED = 3  # minima that the headline names
NEAR = 1e-5
AGAINST_FLOW = "against small steps"


def headline(found: BasinMap, *, whole: bool) -> str:
    """The answer of the page Basins: what part of the box, or of the window, belongs to which minimum."""
    where = "this window" if not whole else "this slice of the box" if len(found.window.held) > len(found.window.axes) else "the box"
    areas = shares(found)
    minima = sorted((one for one in areas if one.label >= 0 and one.share > 0), key=lambda one: one.label)
    rest = sum(one.share for one in areas if one.label < 0)
    if not minima:
        most = max(areas, key=lambda one: one.share)
        return f"No place of {where} belongs to a minimum: the commonest ending is “{most.ending.label}”, from {percent(most.share)} of it."
    named = [f"{percent(one.share)} of {where} belongs to minimum {one.label + 1}" if k == 0 else f"{percent(one.share)} to minimum {one.label + 1}" for k, one in enumerate(minima[:NAMED])]
    if len(minima) > NAMED + 1:
        named.append(f"{percent(sum(one.share for one in minima[NAMED:]))} to {len(minima) - NAMED} others")
    elif len(minima) > NAMED:
        named.append(f"{percent(minima[NAMED].share)} to minimum {minima[NAMED].label + 1}")
    tail = f"; from {percent(rest)} no minimum is reached" if rest else ""
    return f"{listed(named)}{tail}."


def basis(found: BasinMap, *, coarse: bool) -> str:
    """On how many runs the map rests, and what its colours say."""
    size = f"{found.columns:,} × {found.rows:,}" if found.rows > 1 else f"{found.columns:,}"
    first = "A first, coarse map. " if coarse else ""
    return f"{first}One run from each of {size} places{_held(found)}. Colour: the minimum it reaches; darker: the more epochs it takes; greys: every other ending."


def _held(found: BasinMap) -> str:
    """At what the variables that are not drawn are held; "" where all are."""
    window = found.window
    others = [f"{name} = {figure(value)}" for i, (name, value) in enumerate(zip(found.experiment.problem.variables, window.held, strict=True)) if i not in window.axes]
    return f", with {listed(others)}" if others else ""


def mixed(entropy: BasinEntropy | None, border: Uncertainty, *, strip: bool = False) -> list[str]:
    """Basin entropy and the border's exponent, in words."""
    said = []
    if not math.isnan(border.exponent):
        low, high = (figure(limit, 3) for limit in border.interval)
        kind = "look fractal: sharper aim hardly helps" if border.fractal else "are smooth: half the error of a start, half the uncertain starts"
        kind = "are smooth, or nearly: slivers and cusps leave some doubt" if not border.fractal and border.interval[1] < 1 else kind
        said.append(f"The borders {kind} (uncertainty exponent {figure(border.exponent, 3)}, 95 %: {low} to {high}; dimension {figure(border.dimension, 3)}).")
    else:
        said.append(f"No uncertainty exponent: {border.reason}.")
    if entropy is not None:
        if math.isnan(entropy.boundary):
            said.append("Basin entropy 0: within every box of pixels all runs end alike.")
        else:
            size = f"{entropy.box} × {entropy.box}" if not strip else f"{entropy.box}"
            said.append(f"Basin entropy {figure(entropy.entropy, 3)}; on the border alone {figure(entropy.boundary, 3)}, {_over(entropy, border)} (boxes of {size} pixels).")
    return said


def _over(entropy: BasinEntropy, border: Uncertainty) -> str:
    """What the boundary's entropy says: above ln 2 alone proves nothing, since boxes in which three basins meet are above it too."""
    if not entropy.fractal:
        return "not above ln 2 = 0.693, which proves nothing fractal"
    return "above ln 2 = 0.693, as on a fractal border" if border.fractal else "above ln 2 = 0.693, as on a fractal border or where three basins meet within a box"


def pushed(label: int, minimum: Minimum, push: Push | None, minima: Sequence[Minimum]) -> str:
    """How far a run must be pushed out of a minimum to end elsewhere."""
    name = f"Minimum {label + 1}"
    if push is None:
        return f"{name}: runs that start in it do not stay, so there is no push to measure."
    if math.isinf(push.distance):
        return f"{name}: no push up to {figure(push.reach, 3)}, the far corner of the box, changes where the run ends."
    where = _into(push, minima)
    direction = tuple((b - a) / push.distance for a, b in zip(minimum.point, push.point, strict=True))
    along = f" along {point(direction)}" if 1 < len(direction) <= 3 else ""
    if len(direction) == 1:
        along = " to the right" if direction[0] > 0 else " to the left"
    return f"{name}: a push of {figure(push.distance, 4)}{along} suffices; the run then {where}."


def _into(push: Push, minima: Sequence[Minimum]) -> str:
    if push.minimum is not None:
        same = _same(push.minimum.point, minima)
        return f"settles in a minimum at {point(push.minimum.point)}" if same is None else f"settles in minimum {same + 1}"
    assert push.ending is not None
    return f"ends otherwise ({push.ending.label})"


def changed(change: Change, other: str, before: Sequence[Minimum], after: Sequence[Minimum]) -> str:
    """How much of the map differs, and what most of it went from and to."""
    if not change.share:
        return f"No pixel changes {other}."
    first = change.transitions[0]
    part = "All of it" if len(change.transitions) == 1 else f"The largest part, {percent(first.share)} of the map,"
    most = f" {part} goes from {_name(first.before, before, before)} to {_name(first.after, after, before)}."
    low, high = percent(change.low), percent(change.high)
    left = "" if low == high else f" (between {low} and {high} at this resolution)"
    due = " So much is due to the optimizer and its settings, not to the landscape." if other == AGAINST_FLOW else ""
    return f"{percent(change.share)} of the map changes {other}{left}.{most}{due}"


def against(quantity: Quantity, value: float) -> str:
    """What the other map differs by: "with a learning rate of 0.0200 instead of 0.0100"."""
    return f"with {amount(quantity, value)} instead of {number(quantity, quantity.value, 3)}"


def _name(reached: Reached, own: Sequence[Minimum], numbered: Sequence[Minimum]) -> str:
    """An outcome by the numbers of `numbered`."""
    if reached.ending is not Ending.MINIMUM:
        return f"“{reached.ending.label}”"
    place = own[reached.label].point
    same = _same(place, numbered)
    return f"a minimum at {point(place)}" if same is None else f"minimum {same + 1}"


def _same(place: tuple[float, ...], minima: Sequence[Minimum]) -> int | None:
    """Which of the minima is at this place, to five digits of its size, or None."""
    near = min(range(len(minima)), key=lambda k: math.dist(minima[k].point, place), default=None)
    return near if near is not None and math.dist(minima[near].point, place) < NEAR * (1 + math.hypot(*place)) else None


def share_caption() -> str:
    """What the table of areas holds."""
    return "Share of the area; between: what the pixels leave open, from those wholly inside to those that touch it."


def map_caption(points: Sequence[Point]) -> str:
    """How the map is used, and what its marks are."""
    lost = " Crossed out: runs are driven away from it at these settings." if any(point.unstable for point in points) else ""
    saddles = " Diamonds: saddles." if any(not point.number for point in points) else ""
    return f"Drag a rectangle to zoom, which maps it anew; click a place for its run.{saddles}{lost}"
